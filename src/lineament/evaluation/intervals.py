"""Intervals for shares that were counted, and for figures of people who are in several comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

ROUNDS = 500  # of a bootstrap
At = float | int | str | None


def clopper_pearson(events: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval for the rate behind ``events`` of ``trials``, each end in [0, 1].

    It holds the true rate in at least the share ``confidence`` of all such counts, whatever the rate is
    (Clopper and Pearson 1934). Of no trials nothing is known: 0 to 1. Raises ValueError for counts that
    cannot be.
    """
    if not 0 <= events <= trials or not 0 < confidence < 1:
        raise ValueError(f"no share: {events} of {trials} at {confidence}")
    outside = (1 - confidence) / 2
    low = float(betaincinv(events, trials - events + 1, outside)) if events else 0.0
    high = float(betaincinv(events + 1, trials - events, 1 - outside)) if events < trials else 1.0
    return low, high


def wilson(events: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval for the rate behind ``events`` of ``trials``, each end in [0, 1].

    It is narrower than Clopper and Pearson's: it holds the true rate in about the share ``confidence`` of
    such counts, and not always in at least so many (Wilson 1927). Of no trials nothing is known: 0 to 1.
    Raises ValueError for counts that cannot be.
    """
    if not 0 <= events <= trials or not 0 < confidence < 1:
        raise ValueError(f"no share: {events} of {trials} at {confidence}")
    if not trials:
        return 0.0, 1.0
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    centre = (events + z2 / 2) / (trials + z2)
    half = math.sqrt(z2 * (events * (trials - events) / trials + z2 / 4)) / (trials + z2)
    return (max(0.0, centre - half) if events else 0.0, min(1.0, centre + half) if events < trials else 1.0)


def subject_bootstrap(
    statistic: Callable[[NDArray[np.float64]], float],
    subjects: Sequence[NDArray[np.int64]],
    seed: int,
    rounds: int = ROUNDS,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile interval of a statistic when the subjects, not the images, are drawn again.

    ``subjects`` are one or two arrays (n,) of whole numbers from 0: who is in each of n comparisons or
    searches. In each round as many subjects as there are are drawn with replacement; ``statistic`` gets the
    weights (n,) that this gives the rows: how often the row's subject was drawn, and for a comparison of two
    people the product of both. All images of one subject stay together, so that many photographs of one
    person do not pass for many people (ISO/IEC 19795-1, on dependent comparisons; Efron 1979). Rounds whose
    statistic is NaN, such as a share of nothing, are left out; where all are, the interval is 0 to 1.
    """
    count = int(max(one.max(initial=-1) for one in subjects)) + 1
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(rounds):
        drawn = np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)
        weights = drawn[subjects[0]]
        for other in subjects[1:]:
            weights = np.where(other == subjects[0], weights, weights * drawn[other])
        value = statistic(weights)
        if not math.isnan(value):
            found.append(value)
    if not found:
        return 0.0, 1.0
    outside = (1 - confidence) / 2
    low, high = np.quantile(found, [outside, 1 - outside])
    return float(low), float(high)


@dataclass(frozen=True)
class Figure:
    """One measured figure: its value, of how many it is a share, and its 95 % interval.

    ``events`` of ``n`` were counted; ``events`` is None for what is no plain count, such as an equal error
    rate. ``method`` says how ``low`` and ``high`` were made. ``at`` is the operating point.
    """

    name: str
    value: float
    n: int
    low: float
    high: float
    method: str
    events: int | None = None
    at: Mapping[str, At] = field(default_factory=dict)


def share(
    name: str,
    happened: NDArray[np.bool_],
    subjects: Sequence[NDArray[np.int64]],
    seed: int,
    rounds: int = ROUNDS,
    at: Mapping[str, At] | None = None,
) -> Figure:
    """Return the share of rows (n,) in which something happened, with the wider of two intervals.

    Clopper and Pearson's holds for independent rows also where the count is nought; the subject bootstrap
    sees that rows of one subject are not independent. Each end is the outer one of the two.
    """
    events, trials = int(happened.sum()), len(happened)
    low, high = clopper_pearson(events, trials)
    method = "Clopper-Pearson"
    if 0 < events < trials:
        drawn = subject_bootstrap(lambda weights: averaged(happened, weights), subjects, seed, rounds)
        low, high, method = min(low, drawn[0]), max(high, drawn[1]), "wider of Clopper-Pearson and bootstrap"
    value = events / trials if trials else math.nan
    return Figure(name, value, trials, low, high, method, events, at or {})


def averaged(happened: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Return the weighted share of rows in which something happened; NaN where nothing has a weight."""
    total = float(weights.sum())
    return float(weights[happened].sum()) / total if total else math.nan


def numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """Return a whole number from 0 for each name, the same for the same name."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names], np.int64)
