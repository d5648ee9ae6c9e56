"""Error rates of comparisons one to one: counted by hand on eleven pairs, and true of any scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.evaluation import verification
from lineament.evaluation.verification import (
    Curve,
    det_points,
    equal_error_rate,
    figures,
    fold_accuracy,
    threshold_at,
)
from tests.evaluation.made import FEW, comparisons

# By hand. Thresholds, non-mated at or above (of 6), mated below (of 5):
#   0.1: 6, 0    0.2: 5, 0    0.4: 4, 0    0.5: 2, 1    0.6: 1, 2    0.7: 1, 3    0.8: 0, 3    0.9: 0, 4
MATED = [0.4, 0.5, 0.6, 0.8, 0.9]
OTHERS = [0.1, 0.2, 0.4, 0.4, 0.5, 0.7]

some = st.lists(st.integers(0, 20).map(lambda one: one / 20), min_size=1, max_size=30)


def curve(mated: list[float], others: list[float]) -> Curve:
    return comparisons(mated, others).curve


def test_the_rates_are_those_that_are_counted_by_hand():
    """At every threshold; equal scores are on the same side of it."""
    made = curve(MATED, OTHERS)
    assert made.thresholds.tolist() == [0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, math.inf]
    fmr, fnmr = made.rates()
    assert (fmr * 6).round(9).tolist() == [6, 5, 4, 2, 1, 1, 0, 0, 0]
    assert (fnmr * 5).round(9).tolist() == [0, 0, 0, 1, 2, 3, 3, 4, 5]


def test_the_equal_error_rate_is_where_the_line_crosses_the_diagonal():
    """Between (FMR 2/6, FNMR 1/5) and (1/6, 2/5): 2/6 - x/6 = 1/5 + x/5 at x = 4/11, so 3/11."""
    assert equal_error_rate(curve(MATED, OTHERS)) == pytest.approx(3 / 11)


def test_the_threshold_of_a_rate_is_the_lowest_that_keeps_it():
    """FMR 1/3 at 0.5, 1/6 at 0.6, nothing at 0.8."""
    made = curve(MATED, OTHERS)
    assert [threshold_at(made, fmr) for fmr in (1, 0.34, 0.3, 0.17, 0.1)] == [0.1, 0.5, 0.6, 0.6, 0.8]


def test_where_all_scores_are_equal_nothing_can_be_told():
    """Everything is accepted, or nothing: half of all is wrong between the two."""
    made = curve([0.5] * 4, [0.5] * 7)
    assert [rate.tolist() for rate in made.rates()] == [[1, 0], [0, 1]]
    assert equal_error_rate(made) == 0.5
    assert threshold_at(made, 0.5) == math.inf


def test_scores_that_never_overlap_make_no_error():
    """There is a threshold at which neither rate is above nought."""
    assert equal_error_rate(curve([0.8, 0.9], [0.1, 0.2])) == 0


def test_a_pair_without_a_score_is_never_accepted():
    """Not even at the lowest threshold: a failure to acquire is a failure of the system."""
    fmr, fnmr = curve([-math.inf, 0.9], [-math.inf, 0.1]).rates()
    assert (fmr.tolist(), fnmr.tolist()) == ([0.5, 0, 0], [0.5, 0.5, 1])


@given(some, some)
def test_one_rate_falls_while_the_other_rises(mated: list[float], others: list[float]):
    """From everything accepted to nothing; the equal error rate lies between the two where they cross."""
    fmr, fnmr = curve(mated, others).rates()
    assert (np.diff(fmr) <= 0).all()
    assert (np.diff(fnmr) >= 0).all()
    assert (fmr[0], fnmr[0], fmr[-1], fnmr[-1]) == (1, 0, 0, 1)
    eer = equal_error_rate(curve(mated, others))
    after = int(np.argmax(fnmr >= fmr))
    before = max(0, after - 1)
    assert min(fmr[after], fnmr[before]) <= eer <= max(fmr[before], fnmr[after])


@given(some, some)
def test_only_the_order_of_scores_counts(mated: list[float], others: list[float]):
    """Any rising function of the scores leaves every rate as it is."""
    plain = comparisons(mated, others)
    bent = comparisons(*([math.exp(3 * one) - 7 for one in side] for side in (mated, others)))
    for one, other in zip(plain.curve.rates(), bent.curve.rates(), strict=True):
        assert (one == other).all()
    assert equal_error_rate(plain.curve) == equal_error_rate(bent.curve)


@given(some, some, st.data())
def test_a_weight_is_as_good_as_a_repetition(mated: list[float], others: list[float], data: st.DataObject):
    """Whole weights give the rates of rows written so many times."""
    count = len(mated) + len(others)
    weights = data.draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    repeated = [
        [score for score, times in zip(side, given, strict=True) for _ in range(times)]
        for side, given in ((mated, weights[: len(mated)]), (others, weights[len(mated) :]))
    ]
    weighed = curve(mated, others).rates(np.array(weights, np.float64))
    for one, other in zip(weighed, curve(*repeated).rates(), strict=True):
        assert one == pytest.approx(other)


def test_figures_state_how_many_and_an_interval():
    """FNMR and TAR are one; a rate that so few pairs cannot show is not claimed."""
    generator = np.random.default_rng(0)
    compared = comparisons(generator.normal(0.6, 0.2, 300), generator.normal(0.0, 0.2, 500))
    found = figures(compared, 0, FEW)
    assert [(one.name, one.at.get("fmr")) for one in found] == [
        ("EER", None),
        *((name, fmr) for fmr in (0.1, 0.01) for name in ("FMR", "FNMR", "TAR")),
    ]
    for one in found:
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.n == {"EER": 800, "FMR": 500}.get(one.name, 300)
    missed, reached = found[2], found[3]
    assert missed.value + reached.value == pytest.approx(1)
    assert (missed.events or 0) + (reached.events or 0) == 300


def test_the_interval_of_a_rate_holds_the_true_one():
    """Two normal curves, whose equal error rate is known: about 95 of 100, so 34 of 40 at least."""
    true = 0.5 * math.erfc(1.0 / math.sqrt(2))  # both are one deviation from where they cross
    held = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        compared = comparisons(generator.normal(2, 1, 150), generator.normal(0, 1, 150))
        eer = figures(compared, seed, 100)[0]
        held += eer.low <= true <= eer.high
    assert held >= 34


def test_folds_are_judged_at_the_threshold_of_the_others():
    """In fold 1 the best threshold of fold 0, which is 0.6, tells three of four pairs right."""
    compared = comparisons([0.6, 0.7, 0.5, 0.9], [0.1, 0.2, 0.3, 0.4], folds=np.array([0, 0, 1, 1] * 2))
    assert fold_accuracy(compared) == [1.0, 0.75]
    assert fold_accuracy(comparisons(MATED, OTHERS)) == []


def test_the_curve_is_thinned_out_and_keeps_its_ends():
    """Few points on a straight part, none lost of a short curve."""
    generator = np.random.default_rng(1)
    points = det_points(comparisons(generator.normal(1, 1, 3000), generator.normal(0, 1, 3000)).curve, 50)
    assert 20 < len(points) <= 50
    assert points[0][1:] == (1.0, 0.0)
    assert [fmr for _, fmr, _ in points] == sorted((fmr for _, fmr, _ in points), reverse=True)
    assert len(det_points(curve(MATED, OTHERS))) == 9


def test_without_one_kind_of_pair_there_is_no_curve():
    """And no equal error rate, rather than one of nothing."""
    assert det_points(curve(MATED, [])) == []
    assert math.isnan(equal_error_rate(curve([], OTHERS)))
    assert verification.accepted(comparisons(MATED, []), 0.5, 0).n == 0
