"""Blind comparison: further examiners compare pairs of faces, and are not told where a pair comes from.

Pairs of all cases wait in one queue, those of candidates and those whose answer is known alike. Whoever had
any part in a case, read a list of it or reads every case takes no pair of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Literal

from sqlalchemy import Connection

from lineament import ledger
from lineament.app.casework import seeds
from lineament.app.casework.pairs import Side, picture_of, require_shown, shown, side_of
from lineament.app.casework.review import check, record_review
from lineament.app.casework.settling import settle
from lineament.app.installation import Installation, require
from lineament.app.journal import act
from lineament.core.policy import Person, Role
from lineament.core.review import Comparison
from lineament.core.times import iso
from lineament.errors import NothingToReview, PairWithdrawn, ReviewNotFound, WrongState
from lineament.records import cases, ledger_entries, reviews, searches
from lineament.records.reviews import Assignment, Review

OPEN_MAX = 3  # pairs that one examiner has at a time
COUNTED_MAX = 100  # pairs that wait
HELD = timedelta(days=7)  # then a pair that was taken and not compared goes to somebody else


@dataclass(frozen=True)
class Queue:
    """The ids of the pairs that an examiner has taken and not compared, and how many more wait for them.

    Of those that wait at most 100 are counted.
    """

    mine: tuple[str, ...]
    waiting: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two faces to be compared. ``done`` once that is on record."""

    id: str
    probe: Side
    candidate: Side
    done: bool


def queue(installation: Installation, who: Person) -> Queue:
    """Return what an examiner has to compare, and how much waits. Raises RoleMissing."""
    require(who, Role.EXAMINER)
    with installation.records.read() as tx:
        mine = [one.id for one in _taken(installation, tx, who)]
        waiting = sum(1 for _ in islice(_waiting(installation, tx, who), COUNTED_MAX))
    return Queue(tuple(mine), waiting)


def take(installation: Installation, who: Person) -> str:
    """Give the next pair that this examiner may compare to them, and return its id.

    Raises RoleMissing, NothingToReview, and WrongState for who has as many as one may have.
    """
    require(who, Role.EXAMINER)
    now = iso(installation.clock())
    with act(installation) as doing:
        if len(_taken(installation, doing.tx, who)) >= OPEN_MAX:
            raise WrongState(f"Compare the pairs that you have first: {OPEN_MAX} at a time are the most.")
        one = next(_waiting(installation, doing.tx, who), None)
        if one is None:
            sees_all = Role.AUDITOR in who.roles
            why = "As an auditor you may read every case, so you compare no pairs blind."
            raise NothingToReview(why if sees_all else "No pair waits that you may compare.")
        if not reviews.take_assignment(doing.tx, one.id, who.id, now, one.person_id):
            raise NothingToReview("Somebody else has taken this pair.")
        doing.record(
            "review.assigned", at=now, who=who.id, case=doing.in_case(one.case_id), assignment=one.id
        )
    return one.id


def pair(installation: Installation, who: Person, assignment_id: str) -> Pair:
    """Return a pair that this examiner has taken. Raises RoleMissing, ReviewNotFound and PairWithdrawn."""
    require(who, Role.EXAMINER)
    with installation.records.read() as tx:
        one = _own(tx, who, assignment_id)
        probe, candidate = require_shown(installation, tx, one)
    return Pair(one.id, side_of(probe), side_of(candidate), one.done_at is not None)


def picture(
    installation: Installation, who: Person, assignment_id: str, side: Literal["probe", "candidate"]
) -> bytes:
    """Return one picture of a pair as a JPEG without metadata. Raises as ``pair`` does."""
    require(who, Role.EXAMINER)
    with installation.records.read() as tx:
        probe, candidate = require_shown(installation, tx, _own(tx, who, assignment_id))
    return picture_of(installation, probe if side == "probe" else candidate)


def record(installation: Installation, who: Person, assignment_id: str, comparison: Comparison) -> None:
    """Record an examiner's comparison of a pair; that of a candidate may settle what becomes of it.

    Raises RoleMissing, ComparisonIncomplete, ReviewNotFound, PairWithdrawn, and WrongState for a pair that
    was compared.
    """
    require(who, Role.EXAMINER)
    check(comparison)
    at = iso(installation.clock())
    with act(installation) as doing:
        one = _own(doing.tx, who, assignment_id)
        require_shown(installation, doing.tx, one)
        if not reviews.finish_assignment(doing.tx, one.id, at):
            raise WrongState("You have compared this pair. A comparison is recorded once.")
        made = Review(
            id=installation.new_id(),
            case_id=one.case_id,
            lead_id=one.lead_id,
            search_id=None,
            rank=None,
            assignment_id=one.id,
            person_id=who.id,
            at=at,
            comparison=comparison,
            salt=installation.new_salt(),
        )
        record_review(doing, made)
        lead = reviews.get_lead(doing.tx, one.lead_id) if one.lead_id else None
        if lead is not None:
            settle(installation, doing, lead)


def _taken(installation: Installation, tx: Connection, who: Person) -> list[Assignment]:
    """Return the pairs that an examiner has, may still compare and has not compared."""
    open_ = [one for one in reviews.assignments_of_person(tx, who.id) if one.done_at is None]
    return [one for one in open_ if not _knows(tx, who, one.case_id) and shown(installation, tx, one)]


def _waiting(installation: Installation, tx: Connection, who: Person) -> Iterator[Assignment]:
    """Yield the pairs that an examiner may take, in the order in which they are compared.

    Those that somebody has taken wait again once they were held for long, or who has them may not compare
    them any more.
    """
    if Role.AUDITOR in who.roles:
        return
    long_ago, audited = iso(installation.clock() - HELD), _audited_until(tx)
    mine = reviews.assignments_of_person(tx, who.id)
    seen = {seeds.pair_of(*one.seed.faces) for one in mine if one.seed}
    leads = {one.lead_id for one in mine if one.lead_id}
    insiders: dict[str, set[str]] = {}
    for one in reviews.open_assignments(tx):
        if one.case_id not in insiders:
            insiders[one.case_id] = _insiders(tx, one.case_id, audited)
        knowing = insiders[one.case_id]
        if who.id in knowing or one.person_id == who.id or one.lead_id in leads:
            continue
        if one.person_id and one.person_id not in knowing and (one.taken_at or "") > long_ago:
            continue
        if one.seed and seeds.pair_of(*one.seed.faces) in seen:
            continue
        if shown(installation, tx, one):
            yield one


def _knows(tx: Connection, who: Person, case_id: str) -> bool:
    """Say whether a person has or had any way to know a case."""
    return Role.AUDITOR in who.roles or who.id in _insiders(tx, case_id, _audited_until(tx))


def _insiders(tx: Connection, case_id: str, audited: Mapping[str, str]) -> set[str]:
    """Return the ids of everybody who knows or knew a case.

    They have or had a part in it, made a search in it, were shown a list of it, or could read every case at a
    moment when there was this one: ``audited`` says until when.
    """
    case = cases.get_case(tx, case_id)
    opened = case.opened_at if case else ""
    auditors = {person_id for person_id, until in audited.items() if until > opened}
    return (
        auditors
        | {one.person_id for one in cases.members(tx, case_id)}
        | searches.people_who_saw(tx, case_id)
    )


def _audited_until(tx: Connection) -> dict[str, str]:
    """Return until when each person was an auditor, by their ids (ISO 8601 UTC); 'now' for those who are."""
    until = {}
    for entry in ledger_entries.mentioning(tx, f'"role":"{Role.AUDITOR}"').values():
        said = ledger.decode(entry)
        if said["kind"] == "role.granted":
            until[str(said["who"])] = str(said["until"] or "now")  # which comes after every time
    return until


def _own(tx: Connection, who: Person, assignment_id: str) -> Assignment:
    """Return a pair that this examiner has taken. Raises ReviewNotFound, and PairWithdrawn."""
    one = reviews.get_assignment(tx, assignment_id)
    if one is None or one.person_id != who.id:
        raise ReviewNotFound("There is no such pair of yours.")
    if _knows(tx, who, one.case_id):
        raise PairWithdrawn("This pair was taken back: you are no longer blind to where it comes from.")
    return one
