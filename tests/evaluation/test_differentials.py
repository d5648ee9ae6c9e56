"""Differences between groups: one that was planted is seen, equal groups are left in peace."""

import numpy as np
import pytest

from lineament.evaluation.differentials import Differential, differential

GROUPS = ("a", "b", "c", "d")


def made(rates: dict[str, float], seed: int, people: int = 120, photographs: int = 3) -> Differential:
    """Each group has so many people, each with so many photographs; some people fail more than others."""
    generator = np.random.default_rng(seed)
    values = np.repeat(list(rates), people * photographs)
    subjects = np.repeat(np.arange(len(rates) * people), photographs)
    of_person = generator.beta(2, 2 / np.repeat(list(rates.values()), people) - 2)  # its mean is the rate
    happened = generator.random(len(values)) < of_person[subjects]
    return differential("FNMR", "group", happened, values.tolist(), (subjects,), seed, 200)


def test_the_ratios_are_those_that_are_counted_by_hand():
    """Rates 0.1, 0.2 and 0.6: the mean is 0.3, so 2 and 6."""
    values = ["x"] * 20 + ["y"] * 20 + ["z"] * 20
    happened = np.concatenate([np.arange(20) < count for count in (2, 4, 12)])
    found = differential("FNIR", "group", happened, values, (np.arange(60),), 0, 100)
    assert {name: one.value for name, one in found.groups.items()} == {"x": 0.1, "y": 0.2, "z": 0.6}
    assert found.worst == "z"
    assert found.worst_over_mean is not None
    assert found.max_over_min is not None
    assert found.worst_over_mean.value == pytest.approx(2)
    assert found.max_over_min.value == pytest.approx(6)
    for one in (found.worst_over_mean, found.max_over_min):
        assert (one.n, 1 <= one.low < one.value < one.high) == (60, True)
    assert found.flagged


def test_a_planted_differential_is_flagged():
    """One group fails three times as often as the others."""
    flagged = [made(dict.fromkeys(GROUPS, 0.05) | {"d": 0.15}, seed).flagged for seed in range(10)]
    assert sum(flagged) >= 9
    assert made(dict.fromkeys(GROUPS, 0.05) | {"d": 0.15}, 0).worst == "d"


def test_equal_groups_are_not_flagged():
    """In about one of 20 draws chance does it; in seven of 60 it would be too often."""
    flagged = [made(dict.fromkeys(GROUPS, 0.08), seed).flagged for seed in range(60)]
    assert sum(flagged) <= 7


def test_a_label_that_changes_within_a_person_is_shuffled_within_the_person():
    """Each person once in good and once in bad light: what differs is the light, and not who was there."""
    generator = np.random.default_rng(0)
    subjects, light = np.repeat(np.arange(150), 2), ["good", "bad"] * 150
    worse = np.array([one == "bad" for one in light])
    seen = [
        differential("FNMR", "light", generator.random(300) < rate, light, (subjects,), 0, 200).flagged
        for rate in (np.where(worse, 0.3, 0.08), np.full(300, 0.15))
    ]
    assert seen == [True, False]


def test_a_small_group_is_listed_and_not_compared():
    """Nineteen rows say little; with one large group left there is nothing to compare."""
    values = ["few"] * 19 + ["many"] * 100
    found = differential("FNMR", "group", np.arange(119) < 19, values, (np.arange(119),), 0, 50)
    assert (found.groups["few"].value, found.groups["few"].n) == (1.0, 19)
    assert (found.worst, found.worst_over_mean, found.max_over_min, found.flagged) == (
        None,
        None,
        None,
        False,
    )


def test_a_group_without_an_error_has_no_ratio_to_it():
    """And where nobody fails at all nothing is said."""
    values = ["x"] * 40 + ["y"] * 40
    found = differential("FNMR", "group", np.arange(80) < 20, values, (np.arange(80),), 0, 100)
    assert found.max_over_min is None
    assert found.worst_over_mean is not None
    assert found.worst_over_mean.value == pytest.approx(2)
    none = differential("FNMR", "group", np.zeros(80, bool), values, (np.arange(80),), 0, 50)
    assert (none.worst, none.worst_over_mean, none.chance, none.flagged) == (None, None, None, False)
