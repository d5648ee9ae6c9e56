"""What examiners' conclusions come to."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.review import FOR_SAME, WORDING, Component, Conclusion, LeadState, state_after

CONCLUSIONS = st.lists(st.sampled_from(Conclusion), max_size=6)
SAME, NOT = Conclusion.SAME, Conclusion.INCONCLUSIVE


def test_every_conclusion_has_its_one_wording():
    """It speaks of two views, and never of who somebody is."""
    assert WORDING.keys() == set(Conclusion)
    assert len(set(WORDING.values())) == len(Conclusion)
    assert len(Component) == 19  # as many as the FISWG list has


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([], LeadState.PUT_FORWARD),
        ([SAME], LeadState.PUT_FORWARD),
        ([SAME, SAME], LeadState.LEAD),
        ([SAME, NOT], LeadState.PUT_FORWARD),  # a third is asked
        ([SAME, NOT, SAME], LeadState.LEAD),
        ([SAME, NOT, NOT], LeadState.NOT_SUPPORTED),
    ],
)
def test_two_who_agree_make_a_lead_and_a_third_decides(said, state):
    """Only support for one person counts as support: an examiner who cannot say does not agree."""
    assert state_after(said, reviewers=2) is state


def test_a_policy_may_ask_for_three():
    """Then two are not enough, and one may still disagree."""
    assert state_after([SAME, SAME], reviewers=3) is LeadState.PUT_FORWARD
    assert state_after([SAME, NOT, SAME, SAME], reviewers=3) is LeadState.LEAD


@given(CONCLUSIONS, st.integers(2, 3))
def test_no_lead_without_as_many_as_must_agree(said, reviewers):
    """Whatever they say, in whatever order."""
    is_lead = state_after(said, reviewers) is LeadState.LEAD
    assert is_lead == (sum(one in FOR_SAME for one in said) >= reviewers)
    assert state_after(list(reversed(said)), reviewers) is state_after(said, reviewers)


def test_it_always_comes_to_an_end():
    """One more than must agree are enough to settle every candidate."""
    for reviewers in (2, 3):
        for said in product(Conclusion, repeat=reviewers + 1):
            assert state_after(said, reviewers) is not LeadState.PUT_FORWARD
