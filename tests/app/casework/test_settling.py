"""What the conclusions of several examiners come to: a lead, not supported, or one more is asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lineament.app import sign_in
from lineament.app.candidates import show_search
from lineament.app.casework import blind, review
from lineament.app.casework.disclosure import disclose
from lineament.app.casework.settling import settle
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.policy import Person, Role
from lineament.core.review import Conclusion, LeadState
from lineament.core.times import iso
from lineament.ledger import commitment, field_salt
from lineament.records import reviews
from lineament.records.reviews import Lead, Review
from lineament.testing import Clock, recorded
from tests.casework import somebody
from tests.reviewing import (
    a_comparison,
    assignments,
    compare_all,
    now,
    own,
    put_forward,
    take_all,
)


def with_reviewers(installation: Installation, number: int) -> Installation:
    """Return the same installation under a policy by which so many must agree."""
    policy = installation.policy
    purposes = {name: replace(one, reviewers=number) for name, one in policy.purposes.items()}
    return replace(installation, policy=replace(policy, purposes=purposes))


def test_two_who_agree_make_a_lead(desk: Installation, lead: Lead, second: Person):
    """The second one without knowing of the first; the ledger names both, and commits to the candidate."""
    assert compare_all(desk, second, Conclusion.STRONG_SAME) == 2
    made = now(desk, lead)
    assert (made.state, made.made_at) == (LeadState.LEAD, iso(desk.clock()))
    (entry,) = [entry for entry in recorded(desk) if entry["kind"] == "lead.made"]
    assert isinstance(entry["reviewers"], list)
    assert set(entry["reviewers"]) == {sign_in.operator(desk).id, second.id}
    with desk.records.read() as tx:
        said = reviews.reviews_of_lead(tx, lead.id)
    assert {one.comparison.conclusion for one in said} == {Conclusion.SAME, Conclusion.STRONG_SAME}
    search = show_search(desk, sign_in.operator(desk), lead.search_id).search
    row = search.candidates[0]
    value = f"{row.rank} {row.face_id} {row.score:.6f}".encode()
    assert entry["candidate"] == commitment(field_salt(lead.salt, "candidate"), value)


@pytest.mark.parametrize(
    ("third_says", "state"),
    [
        (Conclusion.SAME, LeadState.LEAD),
        (Conclusion.STRONG_DIFFERENT, LeadState.NOT_SUPPORTED),
        (Conclusion.INCONCLUSIVE, LeadState.NOT_SUPPORTED),
    ],
)
def test_a_disagreement_goes_to_a_third(
    desk: Installation, lead: Lead, second: Person, third_says: Conclusion, state: LeadState
):
    """With pairs of a known answer of its own; whom the third one agrees with decides."""
    for pair in take_all(desk, second):
        blind.record(desk, second, pair, a_comparison(Conclusion.DIFFERENT))
    assert now(desk, lead).state is LeadState.PUT_FORWARD
    waiting = [one for one in assignments(desk, lead.case_id) if one.person_id is None]
    assert sorted(one.lead_id or "a seed" for one in waiting) == sorted([lead.id, "a seed"])
    assert blind.queue(desk, second).waiting == 1  # the seed
    third = somebody(desk, "Third", Role.EXAMINER)
    compare_all(desk, third, third_says)
    assert now(desk, lead).state is state
    kinds = [entry["kind"] for entry in recorded(desk)]
    assert kinds.count("lead.made") + kinds.count("lead.changed") == 1
    assert not any(one.lead_id and one.done_at is None for one in assignments(desk, lead.case_id))


def test_nobody_is_asked_about_what_is_settled(desk: Installation, second: Person, clock: Clock):
    """Where three must agree and two have said no: neither the pair that waits, nor one that lies about.

    Who has it at hand may finish it, and is told nothing; the case can be disclosed with all three opinions.
    """
    strict = with_reviewers(desk, 3)
    lead = put_forward(strict)
    slow, third, fourth = (somebody(strict, name, Role.EXAMINER) for name in ("Slow", "Third", "Fourth"))
    of_slow = take_all(strict, slow)
    for examiner in (second, third):
        compare_all(strict, examiner, Conclusion.DIFFERENT)
    settled = now(strict, lead)
    assert settled.state is LeadState.NOT_SUPPORTED
    clock.turn(timedelta(days=8))
    with strict.records.read() as tx:
        waiting = [reviews.get_assignment(tx, pair) for pair in take_all(strict, fourth)]
    assert lead.id not in [one.lead_id for one in waiting if one]
    for pair in blind.queue(strict, slow).mine:
        blind.record(strict, slow, pair, a_comparison())
    assert now(strict, lead) == settled
    assert own(strict, slow, lead).id in of_slow
    assert own(strict, slow, lead).done_at
    assert disclose(strict, sign_in.operator(strict), lead.case_id)


def test_an_inconclusive_first_look_is_no_agreement(desk: Installation, lead: Lead, second: Person):
    """One more examiner is asked."""
    compare_all(desk, second, Conclusion.INCONCLUSIVE)
    assert now(desk, lead).state is LeadState.PUT_FORWARD


def test_as_many_must_agree_as_the_policy_says(desk: Installation, second: Person):
    """Three of them, where the purpose wants three: two pairs wait from the start."""
    strict = with_reviewers(desk, 3)
    lead = put_forward(strict)
    assert [one.lead_id for one in assignments(strict, lead.case_id)].count(lead.id) == 2
    compare_all(strict, second)
    assert now(strict, lead).state is LeadState.PUT_FORWARD
    compare_all(strict, somebody(strict, "Third", Role.EXAMINER))
    assert now(strict, lead).state is LeadState.LEAD


def test_a_settled_candidate_is_not_settled_again(desk: Installation, lead: Lead, second: Person):
    """A review that comes late is on record and changes nothing."""
    compare_all(desk, second)
    made = now(desk, lead)
    late = somebody(desk, "Late", Role.EXAMINER)
    with act(desk) as doing:
        one = Review(
            desk.new_id(), lead.case_id, lead.id, None, None, None, late.id, iso(desk.clock()),
            a_comparison(Conclusion.DIFFERENT), desk.new_salt(),
        )  # fmt: skip
        review.record_review(doing, one)
        settle(desk, doing, made)
    assert now(desk, lead) == made
