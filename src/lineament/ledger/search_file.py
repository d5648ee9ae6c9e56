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
    "obtained": "obtained",
    "edited_from": "edited_from",
}


def check_probes(photographs: Mapping[str, bytes], openings: Sequence[Opening]) -> int:
    """Return how many photographs are missing that the commitments to probes are opened to.

    They were erased by then: each is kept for as long as a search of it is. Each that is here is named as the
    field that commits to it, such as ``probes/0``. Raises ``BundleInvalid`` for any other.
    """
    opened = {(one.field, one.value.partition(" ")[0]) for one in openings if one.field.startswith(PROBES)}
    held = {(name, sha256(data).hexdigest()) for name, data in photographs.items()}
    if not held <= opened:
        raise BundleInvalid(f"The photographs in {PROBES} are not those that the entries speak of.")
    return len(opened - held)


def check_search(
    data: bytes,
    entries: Mapping[int, Mapping[str, object]],
    openings: Sequence[Opening],
    file: str = SEARCH,
) -> None:
    """Hold a ``file`` of a search against its newest entry. Raises ``BundleInvalid``.

    Compared are who, when, terms, outcome, threshold, collections and case; each photograph's digest with
    the face that was searched; rank, face and score of every candidate that is opened; and how many are not.
    """
    number = max((index for index, entry in entries.items() if entry["kind"] == "search"), default=None)
    if number is None:
        raise BundleInvalid("No entry of the search itself is in the bundle.")
    entry: Mapping[str, Any] = entries[number]
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
            ("case_id", said["case_id"], entry["case"]["id"] if entry["case"] else None),
            ("candidates", _candidates(said["candidates"]), _opened_candidates(opened)),
            (
                "withdrawn",
                sum(one["withdrawn"] for one in said["candidates"]),
                len(entry["candidates"]) - len(_opened_candidates(opened)),
            ),
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid(f"{file} cannot be read.") from error
    wrong += [name for name, one, other in pairs if one != other]
    if wrong:
        raise BundleInvalid(f"{file} and the entry of the search do not say the same of: {', '.join(wrong)}.")


def _probe(said: Any) -> str:
    """Return a photograph's digest, the face that was searched, and the digest of the edits.

    They are written as the entries commit to them.
    """
    parts = [str(said["sha256"])]
    if said["face"] is not None:
        face = said["faces"][said["face"] - 1]
        box = " ".join(f"{value:.1f}" for value in face["box"])
        parts.append(f"{said['face']} {'drawn' if face['drawn'] else 'found'} {box}")
    if said["edits"]:
        edits = json.dumps(said["edits"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        parts.append(f"edits {sha256(edits.encode()).hexdigest()}")
    return " ".join(parts)


def _opened_probes(entry: Mapping[str, Any], opened: Mapping[str, str]) -> list[str | None]:
    return [opened.get(f"{PROBES}{place}") for place in range(len(entry["probes"]))]


def _candidates(listed: Sequence[Any]) -> set[str]:
    """Return 'rank face score' of every candidate that is shown, as the entries commit to it."""
    return {
        f"{one['rank']} {source['face']} {one['score']:.6f}" for one in listed for source in one["sources"]
    }


def _opened_candidates(opened: Mapping[str, str]) -> set[str]:
    return {value for field, value in opened.items() if field.startswith("candidates/")}
