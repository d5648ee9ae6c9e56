"""A search as it may be shown now: whose permission has ended since is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineament.app import eligibility
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.odds import Coincidence, Strength, coincidence, sentence
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import ImageNotFound, SearchNotFound
from lineament.ledger import commitment, field_salt
from lineament.records import images, searches
from lineament.records.images import StoredFace
from lineament.records.searches import CandidateRow, Outcome, Search


@dataclass(frozen=True)
class ShownCandidate:
    """One candidate: a lead to be reviewed and no more.

    ``face`` is None when its permission has ended since the search. ``also_in`` lists copies of the same
    photograph in other collections. ``strength`` and ``odds`` are None where error rates were not measured.
    """

    rank: int
    score: float
    strength: Strength | None
    odds: str | None
    face: StoredFace | None
    also_in: tuple[StoredFace, ...]

    @property
    def sources(self) -> list[StoredFace]:
        """Every copy that may be shown."""
        return [self.face, *self.also_in] if self.face else []


@dataclass(frozen=True, eq=False)
class ShownSearch:
    """A search and its candidates.

    ``at_threshold`` says what the threshold costs in strangers, ``caution`` how far the odds carry; both are
    None where error rates were not measured.
    """

    search: Search
    candidates: tuple[ShownCandidate, ...]
    at_threshold: Coincidence | None
    caution: str | None


def show_search(installation: Installation, who: Person, search_id: str) -> ShownSearch:
    """Return one of this person's searches as it may be shown now. Raises SearchNotFound.

    A list is on record before it is shown: once for each person and each different list, since what is
    withheld can change.
    """
    search = own_search(installation, who, search_id)
    with installation.records.read() as tx:
        ids = [row.face_id for row in search.candidates]
        permitted = eligibility.faces_for(tx, ids, search.purpose, installation.clock())
    shown = []
    for rank in dict.fromkeys(row.rank for row in search.candidates):
        copies = [row for row in search.candidates if row.rank == rank]
        faces = [permitted[row.face_id] for row in copies if row.face_id in permitted]
        shown.append(_shown(copies[0], faces, search.searched_faces or 0))
    tail = installation.tail if search.contract == installation.vision.contract else None
    at_threshold = None
    if tail and search.threshold is not None and search.searched_faces is not None:
        at_threshold = coincidence(tail, search.threshold, search.searched_faces)
    caution = tail.caution if tail else None
    if search.outcome in {Outcome.CANDIDATES, Outcome.EMPTY}:
        _record_shown(installation, who, search, shown)
    return ShownSearch(search, tuple(shown), at_threshold, caution)


def shown_bytes(shown: Sequence[ShownCandidate]) -> bytes:
    """Return what the ledger commits to for a list that was shown: ranks and faces, '-' if withheld."""
    return "\n".join(
        " ".join([str(one.rank), *([face.id for face in one.sources] or ["-"])]) for one in shown
    ).encode()


def own_search(installation: Installation, who: Person, search_id: str) -> Search:
    """Return one of this person's searches. Raises SearchNotFound, also for somebody else's."""
    with installation.records.read() as tx:
        search = searches.get_search(tx, search_id)
    if search is None or search.person_id != who.id:
        raise SearchNotFound("There is no such search of yours.")
    return search


def recent_searches(installation: Installation, who: Person, limit: int) -> list[Search]:
    """Return this person's newest searches, without candidates."""
    with installation.records.read() as tx:
        return searches.list_searches(tx, who.id, limit)


def face_for(installation: Installation, who: Person, face_id: str) -> StoredFace:
    """Return a face that this person may see. Raises ImageNotFound."""
    with installation.records.read() as tx:
        face = images.faces(tx, [face_id]).get(face_id)
        if face is not None and eligibility.may_see(tx, who, face, installation.clock()):
            return face
    raise ImageNotFound("There is no such face that you may see.")


def image_for(installation: Installation, who: Person, image_id: str) -> list[StoredFace]:
    """Return the faces of an image that this person may see. Raises ImageNotFound."""
    with installation.records.read() as tx:
        faces = images.faces_of_image(tx, image_id)
        if faces and eligibility.may_see(tx, who, faces[0], installation.clock()):
            return faces
    raise ImageNotFound("There is no such image that you may see.")


def _record_shown(
    installation: Installation, who: Person, search: Search, shown: Sequence[ShownCandidate]
) -> None:
    digest = commitment(field_salt(search.salt, f"list/{who.id}"), shown_bytes(shown))
    with installation.records.read() as tx:
        if searches.was_shown(tx, search.id, who.id, digest):
            return
    with act(installation) as doing:
        if not searches.was_shown(doing.tx, search.id, who.id, digest):
            searches.add_shown_list(doing.tx, search.id, who.id, digest)
            doing.record(
                "search.shown",
                at=iso(installation.clock()),
                who=who.id,
                role=Role.SEARCHER,
                search=search.id,
                list=digest,
                shown=sum(one.face is not None for one in shown),
                withheld=sum(one.face is None for one in shown),
            )


def _shown(row: CandidateRow, faces: list[StoredFace], searched: int) -> ShownCandidate:
    odds = None if row.strangers is None else Coincidence(row.strangers, row.strangers_at_most)
    return ShownCandidate(
        rank=row.rank,
        score=row.score,
        strength=odds.strength if odds else None,
        odds=sentence(odds, searched) if odds else None,
        face=faces[0] if faces else None,
        also_in=tuple(faces[1:]),
    )
