"""What examiners' conclusions come to."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.review import FOR_SAME, WORDING, Component, Conclusion, Outcome, outcome_of

CONCLUSIONS = st.lists(st.sampled_from(Conclusion), max_size=6)
SAME, NOT = Conclusion.SAME, Conclusion.INCONCLUSIVE


def test_every_conclusion_has_its_one_wording():
    """It speaks of two views, and never of who somebody is."""
    assert WORDING.keys() == set(Conclusion)
    assert len(set(WORDING.values())) == len(Conclusion)
    assert len(Component) == 19  # as many as the FISWG list has


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([], Outcome.OPEN),
        ([SAME], Outcome.OPEN),
        ([SAME, SAME], Outcome.LEAD),
        ([SAME, NOT], Outcome.OPEN),  # a third is asked
        ([SAME, NOT, SAME], Outcome.LEAD),
        ([SAME, NOT, NOT], Outcome.NOT_SUPPORTED),
    ],
)
def test_two_who_agree_make_a_lead_and_a_third_decides(said, outcome):
    """Only support for one person counts as support: an examiner who cannot say does not agree."""
    assert outcome_of(said, reviewers=2) is outcome


def test_a_policy_may_ask_for_three():
    """Then two are not enough, and one may still disagree."""
    assert outcome_of([SAME, SAME], reviewers=3) is Outcome.OPEN
    assert outcome_of([SAME, NOT, SAME, SAME], reviewers=3) is Outcome.LEAD


@given(CONCLUSIONS, st.integers(2, 3))
def test_no_lead_without_as_many_as_must_agree(said, reviewers):
    """Whatever they say, in whatever order."""
    is_lead = outcome_of(said, reviewers) is Outcome.LEAD
    assert is_lead == (sum(one in FOR_SAME for one in said) >= reviewers)
    assert outcome_of(list(reversed(said)), reviewers) is outcome_of(said, reviewers)


def test_it_always_comes_to_an_end():
    """One more than must agree are enough to settle every candidate."""
    for reviewers in (2, 3):
        for said in product(Conclusion, repeat=reviewers + 1):
            assert outcome_of(said, reviewers) is not Outcome.OPEN
