"""How often a stranger would score this high, in words that never speak of identity."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.odds import Coincidence, Strength, coincidence, parse_tail, sentence, threshold_for
from lineament.errors import NotCalibrated

POINTS = [{"score": 0.1, "fmr": 1e-1}, {"score": 0.3, "fmr": 1e-3}, {"score": 0.5, "fmr": 1e-6}]
DOCUMENT = {"contract": "sha256:00", "caution": "Mind.", "points": POINTS}
TAIL = parse_tail(DOCUMENT)


def test_a_measured_point_gives_its_own_rate():
    """1,000 faces at a false match rate of 1 in 1,000: one stranger is expected."""
    assert coincidence(TAIL, 0.3, 1000).strangers == pytest.approx(1.0)
    assert coincidence(TAIL, 0.2, 1000).strangers == pytest.approx(10.0)  # half-way on the log scale


def test_beyond_the_last_point_only_an_upper_bound_is_claimed():
    """Nothing is extrapolated to look better than what was measured."""
    odds = coincidence(TAIL, 0.9, 1000)
    assert odds == Coincidence(pytest.approx(1e-3), at_most=True)
    assert "fewer than" in sentence(odds, 1000)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 10**9))
def test_a_higher_score_is_never_the_likelier_coincidence(one: float, other: float, faces: int):
    """The expected number of strangers falls with the score."""
    low, high = sorted((one, other))
    assert coincidence(TAIL, low, faces).strangers >= coincidence(TAIL, high, faces).strangers


@given(st.floats(0.001, 0.5), st.integers(1, 5_000))
def test_the_threshold_holds_the_target_where_it_was_measured(target: float, faces: int):
    """At the threshold, 1 - exp(-lambda) is the target, or better where the tail is stricter."""
    threshold = threshold_for(TAIL, target, faces)
    odds = coincidence(TAIL, threshold, faces)
    fpir = 1 - math.exp(-odds.strangers)
    if TAIL.scores[0] < threshold < TAIL.scores[-1]:
        assert fpir == pytest.approx(target, rel=1e-6)
    else:
        assert threshold in {TAIL.scores[0], TAIL.scores[-1]}


def test_a_target_stricter_than_any_measurement_gets_the_strictest_score():
    """And what it costs there is known, so that it can be said."""
    assert threshold_for(TAIL, 0.01, 10**9) == 0.5
    assert coincidence(TAIL, 0.5, 10**9).strangers == pytest.approx(1000)


@given(st.floats(1e-12, 1e9), st.booleans())
def test_the_sentence_is_plain_and_never_a_verdict(strangers: float, at_most: bool):
    """No bare percentage, no exponent, and none of the words that a candidate is never called."""
    text = sentence(Coincidence(strangers, at_most), 1_204_331)
    assert text.startswith("Among these 1,204,331 faces, ")
    assert "stranger" in text
    for never in ("%", "match", "identi", "e-", "e+"):
        assert never not in text


@pytest.mark.parametrize(
    ("strangers", "strength"),
    [(0.0009, Strength.STRONG), (0.001, Strength.MODERATE), (0.09, Strength.MODERATE), (0.1, Strength.WEAK)],
)
def test_the_words_are_intervals_of_expected_strangers(strangers: float, strength: Strength):
    """The borders are those of docs/concepts/scores.md."""
    assert Coincidence(strangers, at_most=False).strength is strength


@pytest.mark.parametrize(
    "document",
    [
        {},
        DOCUMENT | {"points": []},
        DOCUMENT | {"points": [*POINTS, {"score": 0.6, "fmr": 0.5}]},
        DOCUMENT | {"points": [{"score": 0.1, "fmr": 0.0}, *POINTS]},
        DOCUMENT | {"points": "many"},
    ],
)
def test_an_unusable_curve_is_refused(document: dict[str, object]):
    """No odds are better than odds from a broken curve."""
    with pytest.raises(NotCalibrated):
        parse_tail(document)


def test_another_figure_makes_another_version():
    """So that the ledger can say when a calibration changed; equal measurements are equal."""
    assert parse_tail(DOCUMENT) == TAIL
    changed = DOCUMENT | {"points": [POINTS[0] | {"fmr": POINTS[0]["fmr"] * 0.99}, *POINTS[1:]]}
    assert parse_tail(changed).version != TAIL.version
