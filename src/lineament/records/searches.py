"""Searches and their candidate lists, as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from lineament.core.faces import DetectedFace
from lineament.core.policy import Reason
from lineament.records.images import face_document, face_from_document
from lineament.records.schema import candidate, face, image, search, shown_list


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
    the number of the one that is searched, counted from 1, None until it is chosen.
    """

    sha256: str
    size: tuple[int, int] | None = None
    faces: tuple[DetectedFace, ...] = ()
    face: int | None = None

    @property
    def chosen(self) -> DetectedFace | None:
        """The face that is searched."""
        return None if self.face is None else self.faces[self.face - 1]


@dataclass(frozen=True, eq=False)
class Search:
    """One search: what was asked, under which terms, and what came of it. Times are ISO 8601 UTC.

    ``probes`` are photographs of one person.
    """

    id: str
    person_id: str
    started_at: str
    ended_at: str | None
    outcome: Outcome
    reasons: tuple[Reason, ...]
    purpose: str
    case_reference: str | None
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
    """Record a new search with its candidates."""
    tx.execute(insert(search).values(_columns(new)))
    _add_candidates(tx, new)


def finish_search(tx: Connection, done: Search) -> bool:
    """Record what became of a search that waited for a face. Returns False when it no longer waits."""
    waiting = (search.c.id == done.id) & (search.c.outcome == Outcome.AWAITING_FACE)
    if tx.execute(update(search).where(waiting).values(_columns(done))).rowcount == 0:
        return False
    _add_candidates(tx, done)
    return True


def get_search(tx: Connection, search_id: str) -> Search | None:
    """Return one search with its candidates in order, or None."""
    row = tx.execute(select(search).where(search.c.id == search_id)).mappings().first()
    if row is None:
        return None
    rows = tx.execute(
        select(candidate).where(candidate.c.search_id == search_id).order_by(candidate.c.position)
    )
    found = tuple(
        CandidateRow(one.rank, one.face_id, one.score, one.strangers, bool(one.strangers_at_most))
        for one in rows
    )
    return _search(dict(row), found)


def list_searches(tx: Connection, person_id: str, limit: int) -> list[Search]:
    """Return a person's newest searches, without their candidates."""
    rows = tx.execute(
        select(search)
        .where(search.c.person_id == person_id)
        .order_by(search.c.started_at.desc(), search.c.id)
        .limit(limit)
    ).mappings()
    return [_search(dict(row), ()) for row in rows]


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


def purposes_that_found(tx: Connection, person_id: str, image_id: str) -> set[str]:
    """Return the purposes of this person's searches that returned an image."""
    query = (
        select(search.c.purpose)
        .join_from(candidate, search)
        .join(face, face.c.id == candidate.c.face_id)
        .join(image, image.c.id == face.c.image_id)
        .where(search.c.person_id == person_id, image.c.id == image_id)
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
    """Return a photograph that is searched as JSON values."""
    return vars(probe) | {"faces": [face_document(face) for face in probe.faces]}


def _probe(document: dict[str, Any]) -> Probe:
    size = document["size"]
    faces = tuple(face_from_document(face) for face in document["faces"])
    return Probe(document["sha256"], (size[0], size[1]) if size else None, faces, document["face"])


def _search(row: dict[str, Any], candidates: Sequence[CandidateRow]) -> Search:
    return Search(
        **row
        | {
            "outcome": Outcome(row["outcome"]),
            "reasons": tuple(Reason(**one) for one in row["reasons"]),
            "collections": tuple(PinnedCollection(**one) for one in row["collections"]),
            "probes": tuple(_probe(one) for one in row["probes"]),
            "truncated": bool(row["truncated"]),
        },
        candidates=tuple(candidates),
    )
