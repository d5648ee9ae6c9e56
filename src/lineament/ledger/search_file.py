"""What a bundle of a search tells in plain files, held against the entries: ``search.json`` and ``probe``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from .bundle import Opening
from .errors import BundleInvalid

SEARCH, PROBE = "search.json", "probe"
SAME = {  # fields of search.json and of the entry that say the same thing
    "id": "search",
    "person_id": "who",
    "started_at": "started",
    "ended_at": "ended",
    "outcome": "outcome",
    "purpose": "purpose",
    "policy": "policy",
    "contract": "contract",
    "mode": "mode",
    "limit": "limit",
    "face": "face",
}


def check_probe(photograph: bytes, openings: Sequence[Opening]) -> None:
    """Raise ``BundleInvalid`` unless each entry's commitment to a probe is opened to this photograph."""
    opened = {one.value for one in openings if one.field == "probe"}
    if opened != {sha256(photograph).hexdigest()}:
        raise BundleInvalid(f"The photograph '{PROBE}' is not the one that the entries speak of.")


def check_search(
    data: bytes, entries: Mapping[int, Mapping[str, object]], openings: Sequence[Opening]
) -> None:
    """Hold ``search.json`` against the newest entry of the search. Raises ``BundleInvalid``.

    Compared are who, when, terms, outcome, threshold and collections; the photograph's digest and the case;
    and rank, face and score of every candidate that is opened.
    """
    number = max((index for index, entry in entries.items() if entry["kind"] == "search"), default=None)
    if number is None:
        raise BundleInvalid("No entry of the search itself is in the bundle.")
    entry = entries[number]
    opened = {one.field: one.value for one in openings if one.entry == number}
    try:
        said: Any = json.loads(data)
        wrong = [name for name, field in SAME.items() if said[name] != entry[field]]
        pinned = [{"id": one["id"], "revision": one["revision"]} for one in said["collections"]]
        threshold = None if said["threshold"] is None else f"{said['threshold']:.6f}"
        pairs = [
            ("collections", pinned, entry["collections"]),
            ("threshold", threshold, entry["threshold"]),
            ("probe_sha256", said["probe_sha256"], opened.get("probe")),
            ("case_reference", said["case_reference"], opened.get("case")),
            ("candidates", _candidates(said["candidates"]), _opened_candidates(opened)),
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid(f"{SEARCH} cannot be read.") from error
    wrong += [name for name, one, other in pairs if one != other]
    if wrong:
        raise BundleInvalid(
            f"{SEARCH} and the entry of the search do not say the same of: {', '.join(wrong)}."
        )


def _candidates(listed: Sequence[Any]) -> set[str]:
    """Return 'rank face score' of every candidate that is shown, as the entries commit to it."""
    return {
        f"{one['rank']} {source['face']} {one['score']:.6f}" for one in listed for source in one["sources"]
    }


def _opened_candidates(opened: Mapping[str, str]) -> set[str]:
    return {value for field, value in opened.items() if field.startswith("candidates/")}
