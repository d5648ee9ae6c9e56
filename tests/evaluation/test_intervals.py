"""Intervals for shares, held against values that can be worked out by hand, and against a simulation."""

import numpy as np
import pytest

from lineament.evaluation.intervals import clopper_pearson


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        # No event in n trials: the upper end is 1 - 0.025^(1/n). All of them: the lower end mirrors it.
        (0, 1, 0.0, 0.975),
        (0, 10, 0.0, 0.3084971),
        (0, 100, 0.0, 0.0362167),
        (10, 10, 0.6915029, 1.0),
        # One of two: P(at least 1) = 1 - (1 - p)^2 = 0.025 at the lower end, and P(at most 1) at the upper.
        (1, 2, 0.0125791, 0.9874209),
        # One of ten: 1 - (1 - p)^10 = 0.025 gives 0.0025286; the upper end solves (1-p)^9 (1 + 9p) = 0.025.
        (1, 10, 0.0025286, 0.4450161),
        # As in the tables of Clopper and Pearson (1934) and of every textbook since.
        (5, 10, 0.1870860, 0.8129140),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_ends_are_those_that_can_be_worked_out(events: int, trials: int, low: float, high: float):
    """To six decimals."""
    assert clopper_pearson(events, trials) == pytest.approx((low, high), abs=1e-6)


def test_each_end_leaves_half_of_what_is_outside():
    """At the lower end so many events or more, at the upper so many or fewer, come in 2.5 of 100 counts."""
    low, high = clopper_pearson(7, 40)
    chances = [_binomial(40, low), _binomial(40, high)]
    assert chances[0][7:].sum() == pytest.approx(0.025, abs=1e-9)
    assert chances[1][:8].sum() == pytest.approx(0.025, abs=1e-9)


def _binomial(trials: int, rate: float) -> np.ndarray:
    """The chance of 0, 1, ... events, one factor after the other."""
    chances = [(1 - rate) ** trials]
    for done in range(trials):
        chances.append(chances[-1] * (trials - done) / (done + 1) * rate / (1 - rate))
    return np.array(chances)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2, 0.5])
def test_the_interval_holds_the_true_rate_at_least_as_often_as_it_says(rate: float):
    """Summed over every count that there can be, not sampled."""
    held = [low <= rate <= high for low, high in (clopper_pearson(count, 60) for count in range(61))]
    assert _binomial(60, rate)[held].sum() >= 0.95


def test_a_narrower_confidence_is_a_narrower_interval():
    """90 in 100 lies within 95 in 100."""
    wide, narrow = clopper_pearson(3, 50), clopper_pearson(3, 50, 0.9)
    assert wide[0] < narrow[0] < 3 / 50 < narrow[1] < wide[1]


@pytest.mark.parametrize(("events", "trials", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_what_cannot_be_counted_is_refused(events: int, trials: int, confidence: float):
    """More events than trials, fewer than none, or certainty."""
    with pytest.raises(ValueError, match="no share"):
        clopper_pearson(events, trials, confidence)
