"""Who may compare a pair without knowing where it comes from, and who gets which."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lineament.app import people, sign_in
from lineament.app.candidates import show_search
from lineament.app.casework import blind, review
from lineament.app.casework.members import end_part, set_member
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.cases import Part
from lineament.core.policy import Person, Role
from lineament.core.review import Conclusion, LeadState
from lineament.core.times import iso
from lineament.errors import (
    NothingToReview,
    PairWithdrawn,
    PartRefused,
    ReviewNotFound,
    RoleMissing,
    WrongState,
)
from lineament.records import cases, reviews
from lineament.records.cases import Member
from lineament.records.reviews import Assignment, Lead
from lineament.testing import Clock, recorded
from tests.casework import a_case, a_search, close, reopen, somebody
from tests.reviewing import (
    a_comparison,
    assignments,
    compare_all,
    looked_through,
    now,
    number_of,
    put_forward,
    take_all,
)


def member(installation: Installation, lead: Lead, person: Person, part: Part = Part.STAFF) -> None:
    """Give somebody a part in a case, past every check."""
    with act(installation) as doing:
        at = iso(installation.clock())
        cases.set_member(doing.tx, lead.case_id, Member(person.id, person.name, part, person.id, at, None))


def searched_too(desk: Installation, lead: Lead, one: Person) -> None:
    """They searched in the case, and have left it."""
    case = a_case_of(desk, lead)
    member(desk, lead, one)
    a_search(desk, case, replace(one, roles=one.roles | {Role.SEARCHER}))
    end_part(desk, sign_in.operator(desk), case.id, one.id)


def searched_elsewhere(desk: Installation, lead: Lead, one: Person) -> None:
    """They searched the same photograph in a case of their own."""
    searcher = replace(one, roles=one.roles | {Role.SEARCHER})
    a_search(desk, a_case(desk, "2026/elsewhere", searcher), searcher)


def a_case_of(desk: Installation, lead: Lead) -> Any:
    with desk.records.read() as tx:
        return cases.get_case(tx, lead.case_id)


def was_member(desk: Installation, lead: Lead, one: Person) -> None:
    """They worked on the case, and have left it."""
    member(desk, lead, one)
    end_part(desk, sign_in.operator(desk), lead.case_id, one.id)


def was_shown(desk: Installation, lead: Lead, one: Person) -> None:
    """They read the list as an auditor, and are none any more."""
    show_search(desk, replace(one, roles=frozenset({Role.AUDITOR})), lead.search_id)


def was_auditor(desk: Installation, lead: Lead, one: Person) -> None:
    """They could read every case for a moment."""
    operator = sign_in.operator(desk)
    people.set_roles(desk, operator, one.id, {*one.roles, Role.AUDITOR})
    clock = desk.clock
    assert isinstance(clock, Clock)
    clock.turn(timedelta(minutes=1))
    people.set_roles(desk, operator, one.id, one.roles)


KNOWING: dict[str, Callable[[Installation, Lead, Person], None]] = {
    "staff": member,
    "counsel": lambda desk, lead, one: member(desk, lead, one, Part.COUNSEL),
    "expert": lambda desk, lead, one: member(desk, lead, one, Part.EXPERT),
    "former member": was_member,
    "former searcher": searched_too,
    "searcher elsewhere": searched_elsewhere,
    "was shown the list": was_shown,
    "former auditor": was_auditor,
}


@pytest.mark.parametrize("how", KNOWING)
def test_who_knows_a_case_in_any_way_takes_no_pair_of_it(
    desk: Installation, lead: Lead, second: Person, how: str
):
    """Nor one whose answer is known: it would tell that the others are none."""
    KNOWING[how](desk, lead, second)
    assert blind.queue(desk, second).waiting == 0
    with pytest.raises(NothingToReview):
        blind.take(desk, second)


@pytest.mark.parametrize("how", KNOWING)
def test_who_comes_to_know_a_case_loses_the_pairs_that_they_had(
    desk: Installation, lead: Lead, second: Person, how: str
):
    """They see them no more and record nothing; somebody else may take them at once."""
    taken = take_all(desk, second)
    KNOWING[how](desk, lead, second)
    assert blind.queue(desk, second) == blind.Queue((), 0)
    for pair in taken:
        for attempt in (
            lambda pair=pair: blind.pair(desk, second, pair),
            lambda pair=pair: blind.picture(desk, second, pair, "probe"),
            lambda pair=pair: blind.record(desk, second, pair, a_comparison()),
        ):
            with pytest.raises(PairWithdrawn, match="taken back"):
                attempt()
    other = somebody(desk, "Other", Role.EXAMINER)
    assert sorted(take_all(desk, other)) == sorted(taken)
    assert now(desk, lead).state is LeadState.PUT_FORWARD


def test_the_first_examiner_and_an_auditor_are_told_why_there_is_nothing(desk: Installation, lead: Lead):
    """The operator put it forward and is an auditor besides; another auditor did nothing yet."""
    first = replace(sign_in.operator(desk), roles=frozenset({Role.EXAMINER}))
    with pytest.raises(NothingToReview, match="No pair waits"):
        blind.take(desk, first)
    with pytest.raises(NothingToReview, match="As an auditor"):
        blind.take(desk, somebody(desk, "Auditor", Role.EXAMINER, Role.AUDITOR))
    with pytest.raises(RoleMissing):
        blind.take(desk, somebody(desk, "Searcher", Role.SEARCHER))


def test_who_was_an_auditor_before_a_case_was_opened_may_compare_in_it(
    desk: Installation, second: Person, clock: Clock
):
    """They could not read it."""
    operator = sign_in.operator(desk)
    people.set_roles(desk, operator, second.id, {Role.AUDITOR})
    people.set_roles(desk, operator, second.id, second.roles)
    clock.turn(timedelta(minutes=1))
    put_forward(desk)
    assert blind.queue(desk, second).waiting == 2


def test_who_becomes_an_auditor_loses_their_pairs(desk: Installation, lead: Lead, second: Person):
    """From then on they may read every case."""
    taken = take_all(desk, second)
    promoted = replace(second, roles=second.roles | {Role.AUDITOR})
    assert blind.queue(desk, promoted) == blind.Queue((), 0)
    with pytest.raises(PairWithdrawn):
        blind.record(desk, promoted, taken[0], a_comparison())


def test_who_has_a_pair_of_a_case_gets_no_part_in_it(desk: Installation, lead: Lead, second: Person):
    """Not before and not after it is compared, as long as the case is not closed."""
    operator = sign_in.operator(desk)
    take_all(desk, second)
    for _ in range(2):
        with pytest.raises(PartRefused):
            set_member(desk, operator, lead.case_id, second.id, Part.STAFF)
        for pair in blind.queue(desk, second).mine:
            blind.record(desk, second, pair, a_comparison())


def test_who_was_blind_in_a_case_is_no_first_examiner_of_it(desk: Installation, lead: Lead, second: Person):
    """Though the case was closed, they were given a part, and it was opened again."""
    compare_all(desk, second)
    operator = sign_in.operator(desk)
    close(desk, operator, lead.case_id)
    set_member(desk, operator, lead.case_id, second.id, Part.STAFF)
    reopen(desk, operator, lead.case_id)
    again = a_search(desk, a_case_of(desk, lead))
    looked_through(desk, again, second)
    number = number_of(desk, second, again)
    with pytest.raises(WrongState, match="blind examiner"):
        review.compare(desk, second, again.id, number, a_comparison())
    with pytest.raises(WrongState, match="blind examiner"):
        review.conclude(desk, second, again.id, [])


def test_one_examiner_compares_a_candidate_once(desk: Installation, lead: Lead, second: Person):
    """The third opinion is not the second one's, and nobody has another one's pair."""
    compare_all(desk, second, Conclusion.DIFFERENT)
    assert blind.queue(desk, second) == blind.Queue((), 0)
    third = somebody(desk, "Third", Role.EXAMINER)
    fourth = somebody(desk, "Fourth", Role.EXAMINER)
    for pair in take_all(desk, third):
        for attempt in (
            lambda pair=pair: blind.pair(desk, fourth, pair),
            lambda pair=pair: blind.picture(desk, fourth, pair, "candidate"),
            lambda pair=pair: blind.record(desk, fourth, pair, a_comparison()),
        ):
            with pytest.raises(ReviewNotFound):
                attempt()
    with desk.records.read() as tx:
        (done,) = [one for one in reviews.reviews_of_lead(tx, lead.id) if one.person_id == second.id]
    with pytest.raises(WrongState, match="compared this pair"):
        blind.record(desk, second, done.assignment_id or "", a_comparison())


def test_three_pairs_at_a_time_are_the_most(desk: Installation, second: Person):
    """What is compared makes room."""
    for reference in ("2026/1", "2026/2"):
        put_forward(desk, a_search(desk, a_case(desk, reference)))
    taken = [blind.take(desk, second) for _ in range(3)]
    with pytest.raises(WrongState, match="3 at a time"):
        blind.take(desk, second)
    blind.record(desk, second, taken[0], a_comparison())
    assert blind.take(desk, second) not in taken


def test_a_pair_that_lies_about_goes_to_somebody_else(
    desk: Installation, lead: Lead, second: Person, clock: Clock
):
    """After a week; who had it is told that there is none of theirs, and the ledger has both takings."""
    taken = take_all(desk, second)
    other = somebody(desk, "Other", Role.EXAMINER)
    clock.turn(timedelta(days=6))
    assert blind.queue(desk, other).waiting == 0
    clock.turn(timedelta(days=1))
    assert sorted(take_all(desk, other)) == sorted(taken)
    with pytest.raises(ReviewNotFound):
        blind.record(desk, second, taken[0], a_comparison())
    assert [entry["kind"] for entry in recorded(desk)].count("review.assigned") == 2 * len(taken)
    with pytest.raises(PartRefused):  # they have looked at it all the same
        set_member(desk, sign_in.operator(desk), lead.case_id, second.id, Part.STAFF)


def test_nobody_gets_the_same_pair_of_a_known_answer_twice(desk: Installation, lead: Lead, second: Person):
    """They would know it again, also with its sides changed; to others it is as good as any."""
    (seed,) = [one.seed for one in assignments(desk, lead.case_id) if one.seed]
    turned = replace(seed, probe_face=seed.candidate_face, candidate_face=seed.probe_face)
    with desk.records.write() as tx:
        at = iso(desk.clock())
        reviews.add_assignments(tx, [Assignment(desk.new_id(), lead.case_id, None, turned, 0, at)])
    assert len(take_all(desk, second)) == 2
    assert blind.queue(desk, second).waiting == 0
    assert len(take_all(desk, somebody(desk, "Other", Role.EXAMINER))) == 1


def test_two_who_take_at_once_get_two_pairs(desk: Installation, lead: Lead):
    """One of them each, or nothing; never the same."""
    people = [somebody(desk, f"E{at}", Role.EXAMINER) for at in range(4)]

    def take(one: Person) -> str | None:
        try:
            return blind.take(desk, one)
        except NothingToReview:
            return None

    with ThreadPoolExecutor(4) as pool:
        taken = [pair for pair in pool.map(take, people) if pair]
    assert len(taken) == len(set(taken)) == 2
