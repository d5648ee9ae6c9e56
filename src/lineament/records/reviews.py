"""What examiners looked at, judged, compared and concluded; and the leads that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from lineament.core.review import (
    Comparison,
    Component,
    Conclusion,
    Finding,
    Judgement,
    LeadState,
    Seen,
    Truth,
)
from lineament.records.schema import (
    assignment,
    lead,
    lead_event,
    opening,
    review,
    search_conclusion,
)


@dataclass(frozen=True)
class Opening:
    """That a person has looked at a candidate, and their first impression of it. Times are ISO 8601 UTC."""

    search_id: str
    rank: int
    person_id: str
    at: str
    judgement: Judgement | None = None
    judged_at: str | None = None


@dataclass(frozen=True)
class SearchConclusion:
    """Which candidates of a search were put forward, by rank; with none it says 'none of these'."""

    search_id: str
    person_id: str
    at: str
    put_forward: tuple[int, ...]


@dataclass(frozen=True)
class Lead:
    """A candidate that was put forward, whatever became of it."""

    id: str
    case_id: str
    search_id: str
    rank: int
    state: LeadState
    put_forward_at: str
    made_at: str | None
    truth: Truth | None
    salt: bytes


@dataclass(frozen=True)
class LeadEvent:
    """What was done with a lead: ``change`` as in the ledger's entry, and its document (JSON values)."""

    id: str
    lead_id: str
    person_id: str
    at: str
    change: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Seed:
    """Two faces of which it is known whether they show one person; an examiner is not told that it is one."""

    probe_face: str
    candidate_face: str
    mated: bool

    @property
    def faces(self) -> tuple[str, str]:
        """Both faces."""
        return self.probe_face, self.candidate_face


@dataclass(frozen=True)
class Assignment:
    """A pair of faces to be compared by an examiner who is not told where it comes from.

    It is about a lead, or is a seed. ``place`` orders what waits. ``person_id`` is None until it is taken.
    """

    id: str
    case_id: str
    lead_id: str | None
    seed: Seed | None
    place: int
    created_at: str
    person_id: str | None = None
    taken_at: str | None = None
    done_at: str | None = None


@dataclass(frozen=True)
class Answer:
    """What an examiner concluded of a pair whose answer is known."""

    person_id: str
    at: str
    conclusion: Conclusion
    seed: Seed


@dataclass(frozen=True)
class Review:
    """One examiner's comparison: the first one's of a candidate, or a further one's of an assignment."""

    id: str
    case_id: str
    lead_id: str | None
    search_id: str | None
    rank: int | None
    assignment_id: str | None
    person_id: str
    at: str
    comparison: Comparison
    salt: bytes


def add_opening(tx: Connection, new: Opening) -> bool:
    """Record that a candidate was looked at. Returns False where that is on record."""
    if _opening(tx, new.search_id, new.rank, new.person_id) is not None:
        return False
    tx.execute(insert(opening).values(vars(new)))
    return True


def set_judgement(
    tx: Connection, search_id: str, rank: int, person_id: str, said: Judgement, at: str
) -> bool:
    """Record a first impression. Returns False where there is one, or the candidate was not opened."""
    this = _this_opening(search_id, rank, person_id) & opening.c.judgement.is_(None)
    return tx.execute(update(opening).where(this).values(judgement=said, judged_at=at)).rowcount > 0


def openings(tx: Connection, search_id: str, person_id: str | None = None) -> list[Opening]:
    """Return which candidates of a search were looked at, by anybody or by one person, in order of rank."""
    query = select(opening).where(opening.c.search_id == search_id).order_by(opening.c.rank, opening.c.at)
    if person_id is not None:
        query = query.where(opening.c.person_id == person_id)
    return [
        Opening(**row | {"judgement": Judgement(row["judgement"]) if row["judgement"] else None})
        for row in map(dict, tx.execute(query).mappings())
    ]


def conclude_search(tx: Connection, new: SearchConclusion) -> bool:
    """Record how a search ended. Returns False where that is on record."""
    if search_conclusion_of(tx, new.search_id) is not None:
        return False
    tx.execute(insert(search_conclusion).values(vars(new) | {"put_forward": list(new.put_forward)}))
    return True


def search_conclusion_of(tx: Connection, search_id: str) -> SearchConclusion | None:
    """Return how a search ended, or None while it has not."""
    this = search_conclusion.c.search_id == search_id
    row = tx.execute(select(search_conclusion).where(this)).mappings().first()
    return SearchConclusion(**dict(row) | {"put_forward": tuple(row["put_forward"])}) if row else None


def add_lead(tx: Connection, new: Lead) -> None:
    """Record a candidate that is put forward."""
    tx.execute(insert(lead).values(vars(new)))


def save_lead(tx: Connection, changed: Lead) -> None:
    """Record what became of one."""
    values = {"state": changed.state, "made_at": changed.made_at, "truth": changed.truth}
    tx.execute(update(lead).where(lead.c.id == changed.id).values(values))


def get_lead(tx: Connection, lead_id: str) -> Lead | None:
    """Return one, or None."""
    found = _leads(tx, lead.c.id == lead_id)
    return found[0] if found else None


def leads_of_case(tx: Connection, case_id: str) -> list[Lead]:
    """Return what was put forward in a case, oldest first."""
    return _leads(tx, lead.c.case_id == case_id)


def leads_of_search(tx: Connection, search_id: str) -> list[Lead]:
    """Return what was put forward of a search, oldest first."""
    return _leads(tx, lead.c.search_id == search_id)


def add_lead_event(tx: Connection, new: LeadEvent) -> None:
    """Record what was done with a lead."""
    tx.execute(insert(lead_event).values(vars(new)))


def lead_events(tx: Connection, lead_id: str) -> list[LeadEvent]:
    """Return what was done with a lead, oldest first."""
    query = (
        select(lead_event).where(lead_event.c.lead_id == lead_id).order_by(lead_event.c.at, lead_event.c.id)
    )
    return [LeadEvent(**row) for row in tx.execute(query).mappings()]


def add_assignments(tx: Connection, new: Sequence[Assignment]) -> None:
    """Record pairs that wait for an examiner."""
    rows = [vars(one) | {"seed": vars(one.seed) if one.seed else None} for one in new]
    if rows:
        tx.execute(insert(assignment), rows)


def take_assignment(
    tx: Connection, assignment_id: str, person_id: str, at: str, held_by: str | None = None
) -> bool:
    """Give a pair to an examiner that nobody has, or only ``held_by``. Returns False where that changed."""
    free = (assignment.c.id == assignment_id) & assignment.c.person_id.is_not_distinct_from(held_by)
    free &= assignment.c.done_at.is_(None)
    return tx.execute(update(assignment).where(free).values(person_id=person_id, taken_at=at)).rowcount > 0


def finish_assignment(tx: Connection, assignment_id: str, at: str) -> bool:
    """Record that a pair was compared. Returns False where that is on record."""
    open_ = (assignment.c.id == assignment_id) & assignment.c.done_at.is_(None)
    return tx.execute(update(assignment).where(open_).values(done_at=at)).rowcount > 0


def get_assignment(tx: Connection, assignment_id: str) -> Assignment | None:
    """Return one pair, or None."""
    found = _assignments(tx, assignment.c.id == assignment_id)
    return found[0] if found else None


def open_assignments(tx: Connection) -> list[Assignment]:
    """Return the pairs that are yet to be compared, in the order in which they are.

    Those of a candidate are none of them once its examiners have come to an end.
    """
    settled = select(lead.c.id).where(lead.c.state != LeadState.PUT_FORWARD)
    wanted = assignment.c.lead_id.is_(None) | assignment.c.lead_id.not_in(settled)
    return _assignments(tx, assignment.c.done_at.is_(None) & wanted)


def seeds(tx: Connection) -> list[Assignment]:
    """Return every pair that is a seed."""
    return [one for one in _assignments(tx, assignment.c.lead_id.is_(None)) if one.seed]


def assignments_of_case(tx: Connection, case_id: str) -> list[Assignment]:
    """Return every pair of a case, seeds too."""
    return _assignments(tx, assignment.c.case_id == case_id)


def assignments_of_person(tx: Connection, person_id: str) -> list[Assignment]:
    """Return every pair that an examiner has or had."""
    return _assignments(tx, assignment.c.person_id == person_id)


def add_review(tx: Connection, new: Review) -> None:
    """Record an examiner's comparison."""
    values = {name: value for name, value in vars(new).items() if name != "comparison"}
    made = {"conclusion": new.comparison.conclusion, "document": comparison_document(new.comparison)}
    tx.execute(insert(review).values(values | made))


def set_lead_of_review(tx: Connection, review_id: str, lead_id: str) -> None:
    """Record that the candidate of a first examiner's comparison was put forward."""
    tx.execute(update(review).where(review.c.id == review_id).values(lead_id=lead_id))


def reviews_of_case(tx: Connection, case_id: str) -> list[Review]:
    """Return every comparison made in a case, of seeds too, oldest first."""
    return _reviews(tx, review.c.case_id == case_id)


def reviews_of_lead(tx: Connection, lead_id: str) -> list[Review]:
    """Return the comparisons of a candidate that was put forward, oldest first."""
    return _reviews(tx, review.c.lead_id == lead_id)


def reviews_of_search(tx: Connection, search_id: str) -> list[Review]:
    """Return the first examiner's comparisons of a search's candidates, oldest first."""
    return _reviews(tx, review.c.search_id == search_id)


def answers(tx: Connection, person_ids: Sequence[str] | None = None) -> list[Answer]:
    """Return what was concluded of pairs whose answer is known, by anybody or these people, oldest first."""
    query = (
        select(review.c.person_id, review.c.at, review.c.conclusion, assignment.c.seed)
        .join(assignment, assignment.c.id == review.c.assignment_id)
        .where(assignment.c.lead_id.is_(None))
        .order_by(review.c.at, review.c.id)
    )
    if person_ids is not None:
        query = query.where(review.c.person_id.in_(person_ids))
    return [
        Answer(row.person_id, row.at, Conclusion(row.conclusion), Seed(**row.seed))
        for row in tx.execute(query)
    ]


def comparison_document(one: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    return vars(one) | {"findings": [vars(finding) for finding in one.findings]}


def comparison_from_document(document: dict[str, Any]) -> Comparison:
    """Return the comparison that ``comparison_document`` wrote."""
    findings = tuple(
        Finding(Component(one["component"]), Seen(one["seen"]), one["note"]) for one in document["findings"]
    )
    conclusion = Conclusion(document["conclusion"])
    return Comparison(findings, document["similarities"], document["differences"], conclusion)


def _this_opening(search_id: str, rank: int, person_id: str) -> Any:
    return (opening.c.search_id == search_id) & (opening.c.rank == rank) & (opening.c.person_id == person_id)


def _opening(tx: Connection, search_id: str, rank: int, person_id: str) -> Any:
    return tx.execute(select(opening).where(_this_opening(search_id, rank, person_id))).first()


def _leads(tx: Connection, condition: Any) -> list[Lead]:
    rows = tx.execute(select(lead).where(condition).order_by(lead.c.put_forward_at, lead.c.id)).mappings()
    return [
        Lead(
            **row | {"state": LeadState(row["state"]), "truth": Truth(row["truth"]) if row["truth"] else None}
        )
        for row in map(dict, rows)
    ]


def _assignments(tx: Connection, condition: Any) -> list[Assignment]:
    rows = tx.execute(select(assignment).where(condition).order_by(assignment.c.place, assignment.c.id))
    return [
        Assignment(**row | {"seed": Seed(**row["seed"]) if row["seed"] else None})
        for row in map(dict, rows.mappings())
    ]


def _reviews(tx: Connection, condition: Any) -> list[Review]:
    rows = tx.execute(select(review).where(condition).order_by(review.c.at, review.c.id)).mappings()
    found = []
    for row in map(dict, rows):
        document = row.pop("document")
        del row["conclusion"]
        found.append(Review(**row, comparison=comparison_from_document(document)))
    return found
