"""What a bundle tells in plain files, held against the entries: ``search.json`` and the photographs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from .bundle import Opening
from .errors import BundleInvalid

SEARCH, PROBES = "search.json", "probes/"
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
}


def check_probes(photographs: Mapping[str, bytes], openings: Sequence[Opening]) -> None:
    """Raise ``BundleInvalid`` unless the commitments to probes are opened to exactly these photographs.

    Each is named as the field that commits to it, such as ``probes/0``.
    """
    opened = {(one.field, one.value.partition(" ")[0]) for one in openings if one.field.startswith(PROBES)}
    if opened != {(name, sha256(data).hexdigest()) for name, data in photographs.items()}:
        raise BundleInvalid(f"The photographs in {PROBES} are not those that the entries speak of.")


def check_search(
    data: bytes, entries: Mapping[int, Mapping[str, object]], openings: Sequence[Opening]
) -> None:
    """Hold ``search.json`` against the newest entry of the search. Raises ``BundleInvalid``.

    Compared are who, when, terms, outcome, threshold and collections; the case; each photograph's digest with
    the face that was searched; and rank, face and score of every candidate that is opened.
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
            ("probes", [_probe(one) for one in said["probes"]], _opened_probes(entry, opened)),
            ("case_reference", said["case_reference"], opened.get("case")),
            ("candidates", _candidates(said["candidates"]), _opened_candidates(opened)),
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid(f"{SEARCH} cannot be read.") from error
    wrong += [name for name, one, other in pairs if one != other]
    if wrong:
        raise BundleInvalid(
            f"{SEARCH} and the entry of the search do not say the same of: {', '.join(wrong)}."
        )


def _probe(said: Any) -> str:
    """Return a photograph's digest and the face that was searched, as the entries commit to them."""
    if said["face"] is None:
        return str(said["sha256"])
    face = said["faces"][said["face"] - 1]
    box = " ".join(f"{value:.1f}" for value in face["box"])
    return f"{said['sha256']} {said['face']} {'drawn' if face['drawn'] else 'found'} {box}"


def _opened_probes(entry: Mapping[str, Any], opened: Mapping[str, str]) -> list[str | None]:
    return [opened.get(f"{PROBES}{place}") for place in range(len(entry["probes"]))]


def _candidates(listed: Sequence[Any]) -> set[str]:
    """Return 'rank face score' of every candidate that is shown, as the entries commit to it."""
    return {
        f"{one['rank']} {source['face']} {one['score']:.6f}" for one in listed for source in one["sources"]
    }


def _opened_candidates(opened: Mapping[str, str]) -> set[str]:
    return {value for field, value in opened.items() if field.startswith("candidates/")}
