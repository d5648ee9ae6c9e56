"""Searches and their candidate lists, as they were."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from lineament.core.cases import Part
from lineament.core.edits import Edit, EditKind
from lineament.core.faces import DetectedFace
from lineament.core.policy import Reason
from lineament.core.times import iso
from lineament.records.images import face_document, face_from_document
from lineament.records.schema import (
    candidate,
    case_member,
    face,
    image,
    kept_probe,
    search,
    shown_list,
)


class Outcome(StrEnum):
    """How a search stands."""

    REFUSED = "refused"
    FAILED = "failed"
    AWAITING_FACE = "awaiting-face"
    CANDIDATES = "candidates"
    EMPTY = "empty"


@dataclass(frozen=True)
class PinnedCollection:
    """A collection at the revision that a search saw."""

    id: str
    name: str
    revision: int


@dataclass(frozen=True)
class CandidateRow:
    """One returned face. ``rank`` counts photographs from 1; copies of one photograph share a rank.

    ``strangers`` is the expected number of strangers at this score, None where it was not measured.
    """

    rank: int
    face_id: str
    score: float
    strangers: float | None
    strangers_at_most: bool


@dataclass(frozen=True, eq=False)
class Probe:
    """One photograph that is searched.

    ``sha256`` names its bytes. ``size`` is the width and height of the upright photograph, px; None where it
    was not read, and then it was not kept either. ``faces`` were found in it or drawn by hand; ``face`` is
    the number of the one that is searched, counted from 1, None until it is chosen. ``edits`` were made to it
    before anything was looked for in it; then ``size`` and ``faces`` are those of the edited photograph.
    ``erased`` says that its bytes are gone since, as the policy says.
    """

    sha256: str
    size: tuple[int, int] | None = None
    faces: tuple[DetectedFace, ...] = ()
    face: int | None = None
    edits: tuple[Edit, ...] = ()
    erased: bool = False

    @property
    def chosen(self) -> DetectedFace | None:
        """The face that is searched."""
        return None if self.face is None else self.faces[self.face - 1]


@dataclass(frozen=True, eq=False)
class Search:
    """One search: what was asked, under which terms, and what came of it. Times are ISO 8601 UTC.

    ``probes`` are photographs of one person. ``case_id`` is the case that it was made in, if any,
    ``obtained`` how the searcher says that the photographs were obtained, and ``edited_from`` the search of
    the same photographs without the edits.
    """

    id: str
    person_id: str
    started_at: str
    ended_at: str | None
    outcome: Outcome
    reasons: tuple[Reason, ...]
    purpose: str
    case_reference: str | None
    case_id: str | None
    obtained: str | None
    edited_from: str | None
    collections: tuple[PinnedCollection, ...]
    policy: str
    contract: str | None
    mode: str | None
    threshold: float | None
    limit: int | None
    salt: bytes
    probes: tuple[Probe, ...]
    searched_faces: int | None
    truncated: bool
    candidates: tuple[CandidateRow, ...]


def add_search(tx: Connection, new: Search) -> None:
    """Record a new search with its candidates; what was read of its photographs is kept for it."""
    tx.execute(insert(search).values(_columns(new)))
    _add_candidates(tx, new)
    kept = [{"search_id": new.id, "sha256": probe.sha256} for probe in new.probes if probe.size]
    if kept:
        tx.execute(insert(kept_probe), kept)


def finish_search(tx: Connection, done: Search) -> bool:
    """Record what became of a search that waited for a face. Returns False when it no longer waits."""
    waiting = (search.c.id == done.id) & (search.c.outcome == Outcome.AWAITING_FACE)
    if tx.execute(update(search).where(waiting).values(_columns(done))).rowcount == 0:
        return False
    _add_candidates(tx, done)
    return True


def get_search(tx: Connection, search_id: str) -> Search | None:
    """Return one search with its candidates in order, or None."""
    found = _searches(tx, select(search).where(search.c.id == search_id))
    if not found:
        return None
    rows = tx.execute(
        select(candidate).where(candidate.c.search_id == search_id).order_by(candidate.c.position)
    )
    candidates = tuple(
        CandidateRow(one.rank, one.face_id, one.score, one.strangers, bool(one.strangers_at_most))
        for one in rows
    )
    return replace(found[0], candidates=candidates)


def list_searches(tx: Connection, person_id: str, limit: int) -> list[Search]:
    """Return a person's newest searches, without their candidates."""
    mine = select(search).where(search.c.person_id == person_id)
    return _searches(tx, mine.order_by(search.c.started_at.desc(), search.c.id).limit(limit))


def searches_of_case(tx: Connection, case_id: str) -> list[Search]:
    """Return every search of a case, oldest first, without the candidates."""
    query = select(search).where(search.c.case_id == case_id).order_by(search.c.started_at, search.c.id)
    return _searches(tx, query)


def edited_searches(tx: Connection, search_id: str) -> list[Search]:
    """Return the searches of the same photographs with edits, oldest first, without the candidates."""
    query = select(search).where(search.c.edited_from == search_id).order_by(search.c.started_at, search.c.id)
    return _searches(tx, query)


def count_searches(tx: Connection, person_id: str, purpose: str, since: str, but: str) -> int:
    """Return how many searches a person made for a purpose after a time (ISO 8601 UTC).

    Refused ones do not count, nor does ``but``, the one that is asked for.
    """
    mine = (search.c.person_id == person_id) & (search.c.purpose == purpose) & (search.c.id != but)
    mine &= search.c.started_at > since
    query = select(func.count()).select_from(search).where(mine, search.c.outcome != Outcome.REFUSED)
    return int(tx.scalars(query).one())


def add_shown_list(tx: Connection, search_id: str, person_id: str, shown: str) -> None:
    """Record that a person was shown this list of a search; ``shown`` is the commitment to it."""
    tx.execute(insert(shown_list).values(search_id=search_id, person_id=person_id, list=shown))


def was_shown(tx: Connection, search_id: str, person_id: str, shown: str) -> bool:
    """Say whether a person was shown this very list of a search before."""
    this = (
        (shown_list.c.search_id == search_id)
        & (shown_list.c.person_id == person_id)
        & (shown_list.c.list == shown)
    )
    return tx.scalar(select(shown_list.c.list).where(this)) is not None


def people_who_saw(tx: Connection, case_id: str) -> set[str]:
    """Return the ids of everybody who made a search in a case or was shown the list of one.

    A search elsewhere counts as one of the case while a photograph is kept that both were made with.
    """
    of_case = select(kept_probe.c.sha256).join(search).where(search.c.case_id == case_id)
    alike = select(kept_probe.c.search_id).where(kept_probe.c.sha256.in_(of_case))
    these = (search.c.case_id == case_id) | search.c.id.in_(alike)
    made = select(search.c.person_id).where(these)
    shown = select(shown_list.c.person_id).join(search).where(these)
    return {*tx.scalars(made), *tx.scalars(shown)}


def purposes_that_found(
    tx: Connection, person_id: str, parts: Sequence[Part], image_id: str, now: datetime
) -> set[str]:
    """Return the purposes of the searches that returned an image and that this person may read at ``now``.

    Those are their own, and those of the cases in which they have one of these parts.
    """
    of_cases = select(case_member.c.case_id).where(
        case_member.c.person_id == person_id,
        case_member.c.part.in_(parts),
        or_(case_member.c.until.is_(None), case_member.c.until > iso(now)),
    )
    query = (
        select(search.c.purpose)
        .join_from(candidate, search)
        .join(face, face.c.id == candidate.c.face_id)
        .join(image, image.c.id == face.c.image_id)
        .where(or_(search.c.person_id == person_id, search.c.case_id.in_(of_cases)), image.c.id == image_id)
        .distinct()
    )
    return set(tx.scalars(query))


def _add_candidates(tx: Connection, done: Search) -> None:
    rows = [{"search_id": done.id, "position": at, **vars(one)} for at, one in enumerate(done.candidates, 1)]
    if rows:
        tx.execute(insert(candidate), rows)


def _columns(new: Search) -> dict[str, Any]:
    row = dict(vars(new))
    del row["candidates"]
    row["reasons"] = [vars(reason) for reason in new.reasons]
    row["collections"] = [vars(pinned) for pinned in new.collections]
    row["probes"] = [probe_document(probe) for probe in new.probes]
    return row


def probe_document(probe: Probe) -> dict[str, Any]:
    """Return a photograph that is searched as JSON values; whether it is kept stands elsewhere."""
    values = {name: value for name, value in vars(probe).items() if name != "erased"}
    return values | {
        "faces": [face_document(face) for face in probe.faces],
        "edits": [vars(edit) for edit in probe.edits],
    }


def probe_from_document(document: dict[str, Any], is_kept: bool) -> Probe:
    """Return the photograph that ``probe_document`` wrote."""
    size = document["size"]
    faces = tuple(face_from_document(face) for face in document["faces"])
    edits = tuple(
        Edit(EditKind(one["kind"]), tuple(one["values"]), one["pixels"]) for one in document["edits"]
    )
    shape = (size[0], size[1]) if size else None
    erased = shape is not None and not is_kept
    return Probe(document["sha256"], shape, faces, document["face"], edits, erased)


def _searches(tx: Connection, query: Select[Any]) -> list[Search]:
    """Return the searches that a query selects, without their candidates."""
    rows = [dict(row) for row in tx.execute(query).mappings()]
    ids = [row["id"] for row in rows]
    kept: dict[str, set[str]] = {}
    for one in tx.execute(select(kept_probe).where(kept_probe.c.search_id.in_(ids))):
        kept.setdefault(one.search_id, set()).add(one.sha256)
    return [_search(row, kept.get(row["id"], set())) for row in rows]


def _search(row: dict[str, Any], kept: Container[str]) -> Search:
    return Search(
        **row
        | {
            "outcome": Outcome(row["outcome"]),
            "reasons": tuple(Reason(**one) for one in row["reasons"]),
            "collections": tuple(PinnedCollection(**one) for one in row["collections"]),
            "probes": tuple(probe_from_document(one, one["sha256"] in kept) for one in row["probes"]),
            "truncated": bool(row["truncated"]),
        },
        candidates=(),
    )
