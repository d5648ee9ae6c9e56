"""A search as it may be shown now, to one person.

Whose permission has ended since is withheld. Of a search in a case, who works on the case sees the candidates
in an order of their own and without score, rank and odds, each until they have judged it themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.casework.cases import part_of
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.cases import Part
from lineament.core.odds import Coincidence, Strength, coincidence, sentence
from lineament.core.policy import Person, Role
from lineament.core.review import Judgement
from lineament.core.times import iso
from lineament.errors import ImageNotFound, SearchNotFound
from lineament.ledger import commitment, field_salt
from lineament.records import cases, images, reviews, searches
from lineament.records.images import StoredFace
from lineament.records.reviews import Opening
from lineament.records.searches import CandidateRow, Outcome, Search


@dataclass(frozen=True)
class ShownCandidate:
    """One candidate: a lead to be reviewed and no more.

    ``number`` addresses it, from 1 on; for one person it never changes. ``face`` is None when its permission
    has ended since the search. ``also_in`` lists copies of the same photograph in other collections.
    ``opened`` and ``judgement`` say what this person did with it. While it is ``blind`` they have yet to
    judge it, and ``rank``, ``score``, ``strength`` and ``odds`` are None; the last two also where error rates
    were not measured.
    """

    number: int
    rank: int | None
    score: float | None
    strength: Strength | None
    odds: str | None
    face: StoredFace | None
    also_in: tuple[StoredFace, ...]
    opened: bool = False
    judgement: Judgement | None = None
    blind: bool = False

    @property
    def sources(self) -> list[StoredFace]:
        """Every copy that may be shown."""
        return [self.face, *self.also_in] if self.face else []


@dataclass(frozen=True, eq=False)
class ShownSearch:
    """A search and its candidates, as they are shown to one person.

    It is ``blind`` while this person has not judged every candidate that may be shown; ``search`` has neither
    candidates, threshold nor salt then. ``at_threshold`` says what the threshold costs in strangers, and is
    None then, too; ``caution`` says how far the odds carry. Both are None where error rates were not
    measured.
    """

    search: Search
    candidates: tuple[ShownCandidate, ...]
    at_threshold: Coincidence | None
    caution: str | None
    blind: bool = False


def show_search(installation: Installation, who: Person, search_id: str) -> ShownSearch:
    """Return a search that this person may read, as it may be shown to them now. Raises SearchNotFound.

    A list is on record before it is shown: once for each person and each different list, since what is
    withheld can change.
    """
    now = installation.clock()
    with installation.records.read() as tx:
        search, seen_as = readable(tx, who, search_id, now)
        shown, blind = _list(tx, who, search, now)
    if search.outcome in {Outcome.CANDIDATES, Outcome.EMPTY}:
        _record_shown(installation, who, seen_as, search, shown)
    if blind:
        search = replace(search, candidates=(), threshold=None, salt=b"")
    return _with_rates(installation, search, shown, blind)


def whole_search(installation: Installation, search: Search) -> ShownSearch:
    """Return a search with all that may be shown of it now, by rank: for files that are handed out."""
    nobody = Person("", "", frozenset())
    with installation.records.read() as tx:
        shown, blind = _list(tx, nobody, search, installation.clock())
    return _with_rates(installation, search, shown, blind)


def _with_rates(
    installation: Installation, search: Search, shown: tuple[ShownCandidate, ...], blind: bool
) -> ShownSearch:
    tail = installation.tail if search.contract == installation.vision.contract else None
    at_threshold = None
    if tail and search.threshold is not None and search.searched_faces is not None:
        at_threshold = coincidence(tail, search.threshold, search.searched_faces)
    return ShownSearch(search, shown, at_threshold, tail.caution if tail else None, blind)


def is_blind(installation: Installation, who: Person, search: Search) -> bool:
    """Say whether scores of a search's candidates are still hidden from this person."""
    with installation.records.read() as tx:
        return _list(tx, who, search, installation.clock())[1]


def order_for(tx: Connection, who: Person, search: Search) -> list[int]:
    """Return the ranks of a search's candidates in the order in which a person sees them.

    Who works on the case has an order of their own, drawn from the search's salt: it never changes, and says
    nothing of the ranks. Everybody else sees them by rank.
    """
    ranks = list(dict.fromkeys(row.rank for row in search.candidates))
    if not works_on(tx, who, search):
        return ranks
    return sorted(ranks, key=lambda rank: field_salt(search.salt, f"order/{who.id}/{rank}"))


def works_on(tx: Connection, who: Person, search: Search) -> bool:
    """Say whether a person is or was staff of a search's case; then scores stay hidden until they judge."""
    if search.case_id is None:
        return False
    parts = {one.person_id: one.part for one in cases.members(tx, search.case_id)}
    return parts.get(who.id) is Part.STAFF


def shown_bytes(shown: Sequence[ShownCandidate]) -> bytes:
    """Return what the ledger commits to for a list that was shown: numbers and faces, '-' if withheld."""
    return "\n".join(
        " ".join([str(one.number), *(sorted(face.id for face in one.sources) or ["-"])]) for one in shown
    ).encode()


def readable_search(installation: Installation, who: Person, search_id: str) -> Search:
    """Return a search that this person may read. Raises SearchNotFound.

    Whoever made it may, whoever has a part in its case, and auditors. It has all candidates with their
    scores: what is shown to people comes from ``show_search``.
    """
    with installation.records.read() as tx:
        return readable(tx, who, search_id, installation.clock())[0]


def readable(tx: Connection, who: Person, search_id: str, now: datetime) -> tuple[Search, str]:
    """Return the same, with the part or role in which this person reads it at ``now`` (UTC)."""
    search = searches.get_search(tx, search_id)
    if search is not None:
        part = part_of(tx, who, search.case_id, now) if search.case_id else None
        if part is not None:
            return search, part
        if search.person_id == who.id:
            return search, Role.SEARCHER
        if Role.AUDITOR in who.roles:
            return search, Role.AUDITOR
    raise SearchNotFound("There is no such search of yours.")


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


def _list(
    tx: Connection, who: Person, search: Search, now: datetime
) -> tuple[tuple[ShownCandidate, ...], bool]:
    """Return the candidates as this person may see them now, and whether any score is hidden from them."""
    ids = [row.face_id for row in search.candidates]
    permitted = eligibility.faces_for(tx, ids, search.purpose, now)
    mine = {one.rank: one for one in reviews.openings(tx, search.id, who.id)}
    shown = []
    for number, rank in enumerate(order_for(tx, who, search), start=1):
        copies = [row for row in search.candidates if row.rank == rank]
        faces = [permitted[row.face_id] for row in copies if row.face_id in permitted]
        shown.append(_shown(number, copies[0], faces, mine.get(rank), search.searched_faces or 0))
    works = works_on(tx, who, search)
    blind = works and any(one.face and not one.judgement for one in shown)
    return tuple(one if one.judgement or not works else _unscored(one) for one in shown), blind


def _record_shown(
    installation: Installation, who: Person, seen_as: str, search: Search, shown: Sequence[ShownCandidate]
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
                role=seen_as,
                search=search.id,
                case=doing.in_case(search.case_id),
                list=digest,
                shown=sum(one.face is not None for one in shown),
                withheld=sum(one.face is None for one in shown),
            )


def _shown(
    number: int, row: CandidateRow, faces: list[StoredFace], opening: Opening | None, searched: int
) -> ShownCandidate:
    odds = None if row.strangers is None else Coincidence(row.strangers, row.strangers_at_most)
    return ShownCandidate(
        number=number,
        rank=row.rank,
        score=row.score,
        strength=odds.strength if odds else None,
        odds=sentence(odds, searched) if odds else None,
        face=faces[0] if faces else None,
        also_in=tuple(faces[1:]),
        opened=opening is not None,
        judgement=opening.judgement if opening else None,
    )


def _unscored(one: ShownCandidate) -> ShownCandidate:
    """Return a candidate without anything that tells how it scored; its copies stand in order of score."""
    copies = tuple(sorted(one.also_in, key=lambda copy: copy.id))
    return replace(one, rank=None, score=None, strength=None, odds=None, also_in=copies, blind=True)
