"""Intervals for shares, held against values that can be worked out by hand, and against a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.evaluation.intervals import averaged, clopper_pearson, share, subject_bootstrap, wilson


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


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        # Of none, (p - 0)^2 = z^2 p (1 - p) / n gives p = z^2 / (n + z^2), with z = 1.959964.
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        # Half of ten: the centre is a half, and the ends are 0.5 -+ z / (2 sqrt(n + z^2)).
        (5, 10, 0.2365931, 0.7634069),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_ends_of_wilson_are_those_that_can_be_worked_out(
    events: int, trials: int, low: float, high: float
):
    """To six decimals."""
    assert wilson(events, trials) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_both_intervals_hold_the_share_itself(counted: tuple[int, int]):
    """And lie in [0, 1]."""
    events, trials = counted
    for low, high in (wilson(events, trials), clopper_pearson(events, trials)):
        assert 0 <= low <= events / trials <= high <= 1


def test_wilson_refuses_what_cannot_be_counted():
    """As the other does."""
    with pytest.raises(ValueError, match="no share"):
        wilson(6, 5)


def test_many_photographs_of_one_person_are_not_many_people():
    """Ten people, of whom one fails in all of 50 photographs: rows alone would promise far too much."""
    subjects = np.repeat(np.arange(10), 50)
    failed = subjects == 0
    figure = share("FNMR", failed, (subjects,), seed=1, rounds=400)
    alone = clopper_pearson(50, 500)
    assert (figure.value, figure.n, figure.events) == (0.1, 500, 50)
    assert figure.low == 0.0
    assert figure.high >= 0.3
    assert alone[1] < 0.13


def test_where_rows_are_people_the_bootstrap_is_as_wide_as_the_exact_interval():
    """To within a fifth."""
    happened = np.arange(1000) < 100
    drawn = subject_bootstrap(
        lambda weights: averaged(happened, weights), (np.arange(1000),), seed=0, rounds=1000
    )
    exact = clopper_pearson(100, 1000)
    assert drawn[1] - drawn[0] == pytest.approx(exact[1] - exact[0], rel=0.2)


def test_a_comparison_of_two_people_counts_as_often_as_both_are_drawn():
    """The product of both; one person's own pair as often as that person."""
    first, second = np.array([0, 0, 1]), np.array([0, 1, 1])
    for weights in _weights(first, second):
        assert weights[1] == weights[0] * weights[2]
        assert weights[0] + weights[2] == 2


def _weights(first: np.ndarray, second: np.ndarray) -> list[np.ndarray]:
    seen: list[np.ndarray] = []

    def keep(weights: np.ndarray) -> float:
        seen.append(weights)
        return 0.0

    subject_bootstrap(keep, (first, second), seed=3, rounds=20)
    return seen


def test_the_same_seed_draws_the_same_people():
    """And another one draws others."""
    happened = np.arange(40) % 7 == 0
    drawn = [
        subject_bootstrap(lambda weights: averaged(happened, weights), (np.arange(40) // 4,), seed, 50)
        for seed in (5, 5, 6)
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_of_nothing_nothing_is_known():
    """Neither of no rows, nor of rows that never have a weight."""
    empty = share("FNMR", np.zeros(0, bool), (np.zeros(0, np.int64),), 0)
    assert (math.isnan(empty.value), empty.n, empty.low, empty.high) == (True, 0, 0.0, 1.0)
    assert subject_bootstrap(lambda _weights: math.nan, (np.arange(3),), 0, 10) == (0.0, 1.0)


def test_the_interval_holds_the_true_rate_where_photographs_of_a_person_fail_together():
    """Forty people with 25 photographs each: about 95 of 100 draws, where rows alone hold far fewer."""
    subjects, held, alone = np.repeat(np.arange(40), 25), 0, 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        failed = generator.random(1000) < generator.beta(1, 4, 40)[subjects]  # its mean is 0.2
        figure = share("FNMR", failed, (subjects,), seed, 150)
        held += figure.low <= 0.2 <= figure.high
        low, high = clopper_pearson(int(failed.sum()), 1000)
        alone += low <= 0.2 <= high
    assert held >= 86
    assert alone < 75
