"""How far an error rate differs between the values of a label: ISO/IEC 19795-10, for groups of people.

The label comes with the data set; nothing here infers one. The same function serves bands of quality and
conditions of the image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineament.evaluation.intervals import ROUNDS, Figure, averaged, numbered, share, subject_bootstrap

Events = NDArray[np.bool_]

LEAST = 20  # rows; a smaller group is listed, and not compared
FLAGGED_BELOW = 0.05  # of shuffles


@dataclass(frozen=True)
class Differential:
    """One error rate by the values of one label.

    ``groups`` have each value's rate. ``worst_over_mean`` is the highest rate over the mean of all, each
    group counting once; the arithmetic mean, for a group without an error makes the geometric one nought.
    ``max_over_min`` is None where a group has no error. Both are None with fewer than two groups of at least
    ``LEAST`` rows. ``chance`` is the share of shuffles of the label that give a worst over mean as high: the
    ratios are never below 1 and grow by chance alone, so that an interval cannot say whether groups differ.
    """

    label: str
    groups: dict[str, Figure]
    worst: str | None
    worst_over_mean: Figure | None
    max_over_min: Figure | None
    chance: float | None

    @property
    def flagged(self) -> bool:
        """Say whether the groups differ by more than chance would bring about."""
        return self.chance is not None and self.chance < FLAGGED_BELOW


def differential(
    name: str,
    label: str,
    happened: Events,
    values: Sequence[str],
    subjects: Sequence[NDArray[np.int64]],
    seed: int,
    rounds: int = ROUNDS,
) -> Differential:
    """Return the rate of n rows by a label, with intervals, and whether it differs.

    ``happened`` (n,) says in which rows the error was made, ``values`` are the label's, ``subjects`` as in
    ``subject_bootstrap``. The label is shuffled among subjects where each of them has one value, and else
    among the rows of one subject.
    """
    kinds = sorted(set(values))
    at = np.array([kinds.index(value) for value in values], np.int64)
    groups = {
        kind: share(
            name, happened[at == i], [one[at == i] for one in subjects], seed, rounds, {"group": kind}
        )
        for i, kind in enumerate(kinds)
    }
    large = [i for i, kind in enumerate(kinds) if groups[kind].n >= LEAST]
    if len(large) < 2:
        return Differential(label, groups, None, None, None, None)
    kept = np.isin(at, large)
    happened, subjects, at = happened[kept], [one[kept] for one in subjects], np.searchsorted(large, at[kept])
    count, trials = len(large), len(happened)
    ones = np.ones(trials)
    rates = _rates(happened, at, count, ones)
    worst = kinds[large[int(np.argmax(rates))]] if rates.max() > 0 else None

    def ratio(of: str, value: float, low: float, high: float) -> Figure:
        return Figure(of, value, trials, max(1.0, low), max(high, value), "bootstrap of subjects")

    def bootstrap(statistic: str) -> tuple[float, float]:
        return subject_bootstrap(
            lambda weights: _STATISTICS[statistic](_rates(happened, at, count, weights)),
            subjects,
            seed,
            rounds,
        )

    over_mean, over_min = _over_mean(rates), _over_min(rates)
    return Differential(
        label,
        groups,
        worst,
        None if math.isnan(over_mean) else ratio("worst over mean", over_mean, *bootstrap("mean")),
        None if math.isnan(over_min) else ratio("max over min", over_min, *bootstrap("min")),
        None if math.isnan(over_mean) else _chance(happened, at, count, subjects[0], seed, rounds),
    )


def _rates(
    happened: Events, at: NDArray[np.int64], count: int, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.array([averaged(happened[at == one], weights[at == one]) for one in range(count)])


def _over_mean(rates: NDArray[np.float64]) -> float:
    mean = float(rates.mean())
    return float(rates.max()) / mean if mean > 0 else math.nan


def _over_min(rates: NDArray[np.float64]) -> float:
    least = float(rates.min())
    return float(rates.max()) / least if least > 0 else math.nan


_STATISTICS = {"mean": _over_mean, "min": _over_min}


def _chance(
    happened: Events,
    at: NDArray[np.int64],
    count: int,
    subjects: NDArray[np.int64],
    seed: int,
    rounds: int,
) -> float:
    """Return the share of shuffles, this order among them, with a worst over mean at least as high."""
    generator, ones = np.random.default_rng(seed), np.ones(len(at))
    seen = _over_mean(_rates(happened, at, count, ones))
    who = numbered([str(one) for one in subjects])
    of_subject = np.zeros(who.max() + 1, np.int64)
    of_subject[who] = at
    one_value_each = bool((of_subject[who] == at).all())
    as_high = 1
    for _ in range(rounds):
        if one_value_each:
            shuffled = generator.permutation(of_subject)[who]
        else:
            shuffled = np.empty_like(at)
            by_subject = np.lexsort((generator.random(len(at)), who))
            shuffled[np.argsort(who, kind="stable")] = at[by_subject]
        as_high += not _over_mean(_rates(happened, shuffled, count, ones)) < seen - 1e-12
    return as_high / (rounds + 1)
