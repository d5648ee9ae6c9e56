"""What lets more through is seen, whatever it is, and what lets no more through is not taken for it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.cases import Authorisation
from lineament.core.permission import LegalBasis
from lineament.core.policy import (
    Asked,
    CaseStanding,
    Mode,
    Need,
    Person,
    Policy,
    Purpose,
    Role,
    Standing,
    decide,
)
from lineament.core.policy_change import differences, kept, strangers, targets, widenings
from lineament.testing import NOON, make_permission

WITH_THRESHOLD = Purpose(
    name="archive-research",
    title="Archive research",
    explanation="Find where a person appears.",
    roles=frozenset({Role.SEARCHER}),
    needs=frozenset({Need.CASE, Need.NARRATIVE}),
    legal_bases=frozenset({LegalBasis.CONSENT}),
    mode=Mode.IDENTIFICATION,
    limit=10,
    target_fpir=0.01,
    reviewers=3,
    probe_retention=timedelta(hours=48),
    searches_a_day=50,
)


def policy(*purposes: Purpose) -> Policy:
    return Policy({one.name: one for one in purposes}, "sha256:" + "0" * 64, "")


BEFORE = policy(WITH_THRESHOLD)


def changed(**changes: object) -> Policy:
    return policy(replace(WITH_THRESHOLD, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (changed(target_fpir=0.05), "is lower: 1 in 20 searches for somebody who is not there shows"),
        (changed(mode=Mode.INVESTIGATION, target_fpir=None), "always shows a list"),
        (changed(limit=20), "candidates on a list at most: 20, before 10"),
        (changed(roles=frozenset({Role.SEARCHER, Role.EXAMINER})), "is also for the role examiner"),
        (changed(needs=frozenset({Need.CASE})), "no longer needs a narrative"),
        (changed(legal_bases=frozenset(LegalBasis)), "on the basis of contract or licence, legal duty, own"),
        (changed(reviewers=2), "examiners who must agree: 2, before 3"),
        (changed(probe_retention=timedelta(hours=49)), "photographs are kept: 49, before 48"),
        (changed(searches_a_day=1000), "may make within 24 hours: 1,000, before 50"),
        (policy(WITH_THRESHOLD, replace(WITH_THRESHOLD, name="more")), "The purpose 'more' is new"),
    ],
)
def test_whatever_lets_more_through_is_a_widening_and_the_way_back_is_none(after: Policy, said: str):
    """Each is one sentence; back again it is one difference that nobody has to approve."""
    (sentence,) = widenings(BEFORE, after)
    assert said in sentence
    assert differences(BEFORE, after) == [sentence]
    assert widenings(after, BEFORE) == []
    assert len(differences(after, BEFORE)) == 1


def test_other_words_are_a_difference_and_no_widening():
    """Nothing of what is decided depends on them."""
    after = changed(title="Research", explanation="Find somebody.")
    assert widenings(BEFORE, after) == widenings(after, BEFORE) == []
    (sentence,) = differences(BEFORE, after)
    assert "is explained in other words: 'Research: Find somebody.'" in sentence


def test_a_policy_that_narrows_one_thing_and_widens_another_widens():
    """Only the one is listed as such, and both as differences."""
    after = changed(limit=5, searches_a_day=60)
    assert len(widenings(BEFORE, after)) == 1
    assert len(differences(BEFORE, after)) == 2


def test_the_targets_that_change_are_told_for_the_ledger():
    """Also where a purpose comes, goes, or gets another mode."""
    after = policy(
        replace(WITH_THRESHOLD, mode=Mode.INVESTIGATION, target_fpir=None),
        replace(WITH_THRESHOLD, name="more", target_fpir=0.1),
    )
    assert targets(BEFORE, after) == {"archive-research": (0.01, None), "more": (None, 0.1)}
    assert targets(after, BEFORE) == {"archive-research": (None, 0.01), "more": (0.1, None)}
    assert targets(BEFORE, BEFORE) == {}


def test_numbers_are_told_in_words():
    """A share as one in so many, a time in the unit that people use."""
    assert [strangers(share) for share in (0.01, 0.003, 0.5, 0.75)] == [
        "1 in 100",
        "1 in 333",
        "1 in 2",
        "75 in 100",
    ]
    assert [kept(timedelta(hours=hours)) for hours in (0, 1, 48, 73, 720)] == [
        "0 hours",
        "1 hour",
        "48 hours",
        "73 hours",
        "30 days",
    ]


# --- over any two policies -------------------------------------------------------------------------------


@st.composite
def purposes(draw: st.DrawFn, name: str) -> Purpose:
    mode = draw(st.sampled_from(Mode))
    target = draw(st.sampled_from([0.001, 0.01, 0.3]))
    return Purpose(
        name=name,
        title=draw(st.sampled_from(["One", "Two"])),
        explanation="Why.",
        roles=draw(st.frozensets(st.sampled_from(Role), min_size=1, max_size=2)),
        needs=draw(st.frozensets(st.sampled_from(Need))),
        legal_bases=draw(st.frozensets(st.sampled_from(LegalBasis), min_size=1)),
        mode=mode,
        limit=draw(st.integers(1, 3)),
        target_fpir=target if mode is Mode.IDENTIFICATION else None,
        reviewers=draw(st.integers(2, 3)),
        probe_retention=timedelta(hours=draw(st.integers(0, 2))),
        searches_a_day=draw(st.integers(1, 3)),
    )


POLICIES = (
    st.tuples(
        *(st.none() | purposes(name) for name in ("archive-research", "missing-person")),
        purposes("own-likeness"),
    )
    .map(lambda drawn: [one for one in drawn if one is not None])
    .map(lambda drawn: policy(*drawn))
)


def in_effect(one: Policy) -> dict[str, Purpose]:
    """A policy without the words that nothing depends on."""
    return {name: replace(purpose, title="", explanation="") for name, purpose in one.purposes.items()}


@given(POLICIES)
def test_a_policy_never_widens_itself(one: Policy):
    """Nor does it differ from itself."""
    assert widenings(one, one) == differences(one, one) == []


@given(POLICIES, POLICIES)
def test_of_two_policies_that_differ_in_effect_one_widens_the_other(one: Policy, other: Policy):
    """No change is seen from neither side; whatever widens is a difference, too."""
    there, back = widenings(one, other), widenings(other, one)
    assert (not there and not back) == (in_effect(one) == in_effect(other))
    assert set(there) <= set(differences(one, other))
    assert bool(differences(one, other)) == (one.purposes != other.purposes)


ASKED = st.builds(
    Asked,
    purpose=st.sampled_from(["archive-research", "missing-person", "own-likeness"]),
    case_reference=st.sampled_from([None, "K-17"]),
    case=st.builds(
        CaseStanding,
        purpose=st.sampled_from(["archive-research", "missing-person", "own-likeness"]),
        searchable=st.just(True),
        is_staff=st.just(True),
        has_narrative=st.booleans(),
        authorisation=st.sampled_from([None, Authorisation("7", "court", "one", NOON + timedelta(1))]),
        has_consent=st.booleans(),
    ),
    obtained=st.just("evidence"),
    searches_today=st.integers(0, 3),
)


@given(
    POLICIES, POLICIES, ASKED, st.frozensets(st.sampled_from(Role), max_size=2), st.sampled_from(LegalBasis)
)
def test_without_a_widening_nothing_is_allowed_that_was_not_and_no_terms_are_wider(
    before: Policy, after: Policy, asked: Asked, roles: frozenset[Role], basis: LegalBasis
):
    """What the sentences promise, held against the gate itself."""
    who = Person("ab" * 16, "somebody", roles)
    permission = replace(make_permission(tuple(after.purposes)), legal_basis=basis)
    now_allowed = decide(after, who, asked, [Standing("archive", permission)], NOON).purpose
    then_allowed = decide(before, who, asked, [Standing("archive", permission)], NOON).purpose
    if now_allowed is None:
        return
    is_wider = then_allowed is None or (
        now_allowed.limit > then_allowed.limit
        or now_allowed.reviewers < then_allowed.reviewers
        or now_allowed.probe_retention > then_allowed.probe_retention
        or (now_allowed.target_fpir or 1) > (then_allowed.target_fpir or 1)
    )
    assert widenings(before, after) or not is_wider
