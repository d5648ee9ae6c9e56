"""Repeating the searches of a disclosure bundle, against the collections as they were then.

1. The bundle is checked, as an outsider would check it, against the ledger here.
2. The photographs in it are edited as they were, and the recorded faces compared again with those that were
   there at the recorded revisions: what was added later is left out.
3. Faces and order are held against the record; what was withdrawn since is counted.

A rerun shows nothing that the bundle does not show, and so is no search.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from lineament import ledger
from lineament.app import eligibility
from lineament.app.casework.cases import readable
from lineament.app.installation import Installation
from lineament.app.probes import again
from lineament.app.ranking import best
from lineament.app.search import CANDIDATE_ROWS_MAX, LOWEST_SCORE
from lineament.core.faces import Photograph
from lineament.core.policy import Person
from lineament.core.words import counted
from lineament.errors import Broken, InvalidRequest
from lineament.records import images
from lineament.records.searches import probe_from_document

SAME_SCORE = 0.001  # the arithmetic of two machines, and of two ways to read a large file, is not the same


@dataclass(frozen=True)
class Rerun:
    """What repeating one search gave: whether it is the same but for ``withdrawn`` faces, in a sentence.

    A search that cannot be repeated is not the same.
    """

    search: str
    same: bool
    sentence: str
    withdrawn: int = 0


@dataclass(frozen=True)
class _Listed:
    """One face of a list: its rank, and its score."""

    rank: int
    face: str
    score: float


@dataclass(frozen=True)
class _Recorded:
    """One finished search as the bundle has it: its file, what is open of its list, and how many are not."""

    document: Mapping[str, Any]
    listed: list[_Listed]
    closed: int


def rerun(installation: Installation, who: Person, data: bytes) -> list[Rerun]:
    """Repeat each finished search of a case's bundle, oldest first.

    Raises InvalidRequest for another file, CaseNotFound for who may not read the case, and the LedgerError
    of the first step of the check that fails.
    """
    bundle = _checked(installation, who, data)
    return [_repeat(installation, bundle, one) for one in _recorded(bundle)]


def _checked(installation: Installation, who: Person, data: bytes) -> ledger.Bundle:
    """Step 1. Return the bundle of a case that this person may read."""
    key = installation.signer.verifier
    trusted = ledger.WitnessPolicy.of_log_alone(key)
    ledger.verify(data, trusted, installation.ledger_folder, ledger.Steps(lambda _step: None))
    made: dict[str, Any] = {}
    if data.startswith(ledger.ZIP):
        bundle = ledger.Bundle.parse(data)
        made = ledger.decode(ledger.Receipt.parse(bundle.receipt).entry)
    if made.get("kind") != "case.disclosed":
        raise InvalidRequest("The file is not the disclosure bundle of a case.")
    with installation.records.read() as tx:
        readable(tx, who, made["case"]["id"], installation.clock())
    return bundle


def _recorded(bundle: ledger.Bundle) -> list[_Recorded]:
    """Return the finished searches of a bundle, oldest first; what they listed is read from the entries."""
    acts = {index: ledger.decode(entry) for index, entry in bundle.entries().items()}
    newest: dict[str, int] = {}
    for index in sorted(acts):
        if acts[index]["kind"] == "search":
            newest[str(acts[index]["search"])] = index
    opened = {(one.entry, one.field): one.value for one in bundle.openings()}
    found = []
    for search_id, index in newest.items():
        act: dict[str, Any] = acts[index]
        places = [(index, f"candidates/{place}") for place in range(len(act["candidates"]))]
        listed = [_listed(opened[place]) for place in places if place in opened]
        document = json.loads(bundle.files[f"searches/{search_id}.json"])
        if act["outcome"] in {"candidates", "empty"}:
            found.append(_Recorded(document, listed, len(places) - len(listed)))
    return found


def _listed(value: str) -> _Listed:
    rank, face, score = value.split(" ")
    return _Listed(int(rank), face, float(score))


def _repeat(installation: Installation, bundle: ledger.Bundle, recorded: _Recorded) -> Rerun:
    """Steps 2 and 3 for one search."""
    said = recorded.document
    if said["contract"] != installation.vision.contract:
        return Rerun(said["id"], False, "It cannot be repeated: it was made with a model no longer in use.")
    if any(f"probes/{probe['sha256']}" not in bundle.files for probe in said["probes"]):
        return Rerun(said["id"], False, "It cannot be repeated: its photographs were erased.")
    with installation.records.read() as tx:
        faces = [one.face for one in recorded.listed]
        there = eligibility.faces_for(tx, faces, said["purpose"], installation.clock())
    left = [one for one in recorded.listed if one.face in there]
    withdrawn = recorded.closed + len(recorded.listed) - len(left)
    try:
        found = _search(installation, bundle, said)
    except Broken as error:
        return Rerun(said["id"], False, f"It cannot be repeated: {error}", withdrawn)
    different = _difference(said, left, found) if withdrawn else _first_difference(left, found)
    if different:
        return Rerun(said["id"], False, f"Different: {different}", withdrawn)
    if withdrawn:
        return Rerun(
            said["id"], True, f"The same but for {counted(withdrawn, 'face')} withdrawn since.", withdrawn
        )
    return Rerun(said["id"], True, f"The same: {counted(len(left), 'face')} in the same order.")


def _search(installation: Installation, bundle: ledger.Bundle, said: Mapping[str, Any]) -> list[_Listed]:
    """Step 2. Return what the search finds now among the faces that were there then."""
    probes = [probe_from_document(one, True) for one in said["probes"]]

    def photograph_of(place: int) -> Photograph:
        probe = probes[place]
        return again(installation, probe, bundle.files[f"probes/{probe.sha256}"])

    then = {one["id"]: one["revision"] for one in said["collections"]}
    with installation.records.read() as tx:
        permitted = eligibility.permitted(tx, said["purpose"], installation.clock())
    names = [one.name for one in permitted if one.id in then]
    if not names:
        return []

    def were_there(face_ids: list[str]) -> list[str]:
        with installation.records.read() as tx:
            added = images.revisions_of(tx, installation.vision.contract, face_ids)
        return [one for one in face_ids if one in added and added[one][1] <= then[added[one][0]]]

    chosen = [probe.chosen for probe in probes if probe.chosen]
    template = installation.vision.probe(chosen, photograph_of)
    floor = LOWEST_SCORE if said["threshold"] is None else said["threshold"]
    _, rows = best(installation, template, names, lambda _faces: floor, said["limit"], were_there)
    kept = [row for row in rows if row.rank <= said["limit"]][:CANDIDATE_ROWS_MAX]
    return [_Listed(row.rank, row.face_id, row.score) for row in kept]


def _difference(said: Mapping[str, Any], left: Sequence[_Listed], found: Sequence[_Listed]) -> str | None:
    """Step 3 where something was withdrawn: others may have come up in its place, below what was listed.

    Ranks are those of photographs, of which one copy may be gone: what is left is compared by score.
    """
    recorded = {one.face for one in left}
    lowest = min(one["score"] for one in said["candidates"]) + SAME_SCORE
    for one in found:
        if one.face not in recorded and (not said["truncated"] or one.score > lowest):
            return "the search returned a face that the record does not have."
    by_score = [
        sorted(faces, key=lambda one: (-round(one.score, 6), one.face))
        for faces in (left, [one for one in found if one.face in recorded])
    ]
    return _first_difference(*by_score)


def _first_difference(recorded: Sequence[_Listed], found: Sequence[_Listed]) -> str | None:
    """Step 3. Say where two lists differ first, and nothing of a face that the record does not have."""
    for place, (then, now) in enumerate(zip_longest(recorded, found), start=1):
        if then is None:
            return f"the record has {counted(place - 1, 'face')}, and the search returned more."
        if now is None:
            return f"the search returned {counted(place - 1, 'face')}, and the record has more."
        if then.face != now.face:
            return f"face {place} of the record, {then.face}, is another one now."
        if abs(then.score - now.score) > SAME_SCORE:
            return f"face {place} of the record scored {then.score:.3f} and scores {now.score:.3f} now."
    return None
