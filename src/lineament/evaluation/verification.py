"""Comparisons one to one: the error rates of ISO/IEC 19795-1, from scores of mated and non-mated pairs.

A comparison is accepted where its score is at least the threshold. A pair without a score (one of the
photographs gave no face) has the score minus infinity: it is never accepted, so that the rates are those of
the whole system, failures to acquire included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from lineament.evaluation.intervals import ROUNDS, At, Figure, share, subject_bootstrap

Floats = NDArray[np.float64]

FMRS = (0.1, 0.01, 0.001, 0.0001)  # at which the share of accepted mated pairs is reported


@dataclass(frozen=True)
class Comparisons:
    """n comparisons: ``scores`` (n,) float64, ``mated`` (n,) bool, and who is on both sides.

    ``first`` and ``second`` (n,) are subjects as whole numbers from 0; the same number twice in mated rows.
    ``folds`` (n,) are the parts of a cross-validation, where the protocol has them. ``labels`` give each row
    a value by the label's name. ``subjects_known`` is False where every row counts as subjects of its own.
    """

    scores: Floats
    mated: NDArray[np.bool_]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    folds: NDArray[np.int64] | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    subjects_known: bool = True

    @cached_property
    def curve(self) -> Curve:
        """The error rates at every threshold."""
        return Curve(self.scores, self.mated)


class Curve:
    """FMR and FNMR at every threshold that tells two scores apart; weights of the rows may change.

    ``thresholds`` (t,) rise; they are the distinct scores, and plus infinity, where nothing is accepted.
    """

    def __init__(self, scores: Floats, mated: NDArray[np.bool_]) -> None:
        self._rows = [np.flatnonzero(mated), np.flatnonzero(~mated)]
        self._rows = [rows[np.argsort(scores[rows], kind="stable")] for rows in self._rows]
        finite = np.unique(scores)
        self.thresholds: Floats = np.append(finite[np.isfinite(finite)], np.inf)
        # How many rows of each kind score below each threshold: equal scores are on the same side of it.
        self._below = [np.searchsorted(scores[rows], self.thresholds, "left") for rows in self._rows]

    def rates(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """Return FMR (t,), which falls, and FNMR (t,), which rises; NaN where there is no such comparison.

        FMR is the share of non-mated comparisons that are accepted, FNMR the share of mated ones that are
        not (ISO/IEC 19795-1).
        """
        (mated, below), (other, below_other) = (
            _below(rows, counts, weights) for rows, counts in zip(self._rows, self._below, strict=True)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return (other - below_other) / other, below / mated


def _below(
    rows: NDArray[np.int64], counts: NDArray[np.int64], weights: Floats | None
) -> tuple[np.float64, Floats]:
    """Return the weight of all rows, and of those below each threshold."""
    if weights is None:
        return np.float64(len(rows)), counts.astype(np.float64)
    summed = np.concatenate([[0.0], np.cumsum(weights[rows])])
    return summed[-1], summed[counts]


def threshold_at(curve: Curve, fmr: float, weights: Floats | None = None) -> float:
    """Return the lowest of the curve's thresholds at which FMR is no more than this."""
    return float(curve.thresholds[_place(curve.rates(weights)[0], fmr)])


def equal_error_rate(curve: Curve, weights: Floats | None = None) -> float:
    """Return the rate at which FMR and FNMR are equal.

    Both are steps, and may jump past each other: then it lies where the straight line between the two
    neighbouring points of the DET curve crosses the diagonal. NaN without mated or non-mated comparisons.
    """
    fmr, fnmr = curve.rates(weights)
    if math.isnan(fmr[-1]) or math.isnan(fnmr[-1]):
        return math.nan
    after = int(np.argmax(fnmr >= fmr))  # the last threshold accepts nothing: FMR 0, FNMR 1
    if after == 0 or fnmr[after] == fmr[after]:
        return float((fmr[after] + fnmr[after]) / 2)
    gap_before, gap_after = fmr[after - 1] - fnmr[after - 1], fnmr[after] - fmr[after]
    return float(fnmr[after - 1] + (fnmr[after] - fnmr[after - 1]) * gap_before / (gap_before + gap_after))


def det_points(curve: Curve, most: int = 200) -> list[tuple[float, float, float]]:
    """Return (threshold, FMR, FNMR) along the DET curve, spread evenly; at most so many."""
    fmr, fnmr = curve.rates()
    if np.isnan(fmr).any() or np.isnan(fnmr).any():
        return []
    corners = np.arange(len(fmr))
    if len(corners) > most:
        steps = np.log(np.maximum(fmr[corners], 1e-9)) - fnmr[corners]
        wanted = np.linspace(-steps[0], -steps[-1], most)
        corners = np.unique(corners[np.searchsorted(-steps, wanted).clip(max=len(corners) - 1)])
    return [(float(curve.thresholds[at]), float(fmr[at]), float(fnmr[at])) for at in corners]


def figures(compared: Comparisons, seed: int, rounds: int = ROUNDS) -> list[Figure]:
    """Return EER, and for each FMR of ``FMRS`` that so many pairs can show, FMR, FNMR and TAR with intervals.

    TAR at FAR is 1 - FNMR at the threshold of that FMR. The bootstrap finds the threshold anew each time.
    """
    curve, both = compared.curve, (compared.first, compared.second)
    others = int((~compared.mated).sum())
    low, high = subject_bootstrap(lambda weights: equal_error_rate(curve, weights), both, seed, rounds)
    eer = equal_error_rate(curve)
    bootstrap = "bootstrap of subjects" if compared.subjects_known else "bootstrap of comparisons"
    found = [Figure("EER", eer, len(compared.scores), low, high, bootstrap)]
    for fmr in FMRS:
        if fmr * others < 1:
            continue
        threshold = threshold_at(curve, fmr)
        at = {"fmr": fmr, "threshold": threshold}
        found.append(accepted(compared, threshold, seed, rounds, at))
        # Mated pairs at that threshold; the outer ends also of an interval that finds it anew.
        missed = rejected(compared, threshold, seed, rounds, at)
        anew = subject_bootstrap(partial(_fnmr_at, curve, fmr), both, seed, rounds)
        low, high = min(missed.low, anew[0]), max(missed.high, anew[1])
        found.append(Figure("FNMR", missed.value, missed.n, low, high, missed.method, missed.events, at))
        reached = missed.n - (missed.events or 0)
        found.append(Figure("TAR", 1 - missed.value, missed.n, 1 - high, 1 - low, missed.method, reached, at))
    return found


def accepted(
    compared: Comparisons,
    threshold: float,
    seed: int,
    rounds: int = ROUNDS,
    at: Mapping[str, At] | None = None,
) -> Figure:
    """Return FMR: the share of the non-mated rows that score at least the threshold."""
    rows = ~compared.mated
    both = (compared.first[rows], compared.second[rows])
    at = {"threshold": threshold, **(at or {})}
    return share("FMR", compared.scores[rows] >= threshold, both, seed, rounds, at)


def rejected(
    compared: Comparisons,
    threshold: float,
    seed: int,
    rounds: int = ROUNDS,
    at: Mapping[str, At] | None = None,
) -> Figure:
    """Return FNMR: the share of the mated rows that score below the threshold."""
    rows = compared.mated
    both = (compared.first[rows], compared.second[rows])
    at = {"threshold": threshold, **(at or {})}
    return share("FNMR", compared.scores[rows] < threshold, both, seed, rounds, at)


def fold_accuracy(compared: Comparisons) -> list[float]:
    """Return for each fold the share of its pairs told right at the threshold that is best on the others.

    This is how Labeled Faces in the Wild, View 2, is scored (Huang et al. 2007). Empty without folds.
    """
    if compared.folds is None:
        return []
    right = []
    for held in np.unique(compared.folds):
        known = compared.folds != held
        scores, mated = compared.scores[known], compared.mated[known]
        thresholds = np.unique(scores)
        told = (
            mated.sum()
            - np.searchsorted(np.sort(scores[mated]), thresholds)
            + np.searchsorted(np.sort(scores[~mated]), thresholds)
        )
        best = thresholds[told.argmax()]
        right.append(float(np.mean((compared.scores[~known] >= best) == compared.mated[~known])))
    return right


def _place(fmr: Floats, most: float) -> int:
    return int(np.argmax(fmr <= most)) if not np.isnan(fmr[-1]) else len(fmr) - 1


def _fnmr_at(curve: Curve, most: float, weights: Floats) -> float:
    fmr, fnmr = curve.rates(weights)
    return float(fnmr[_place(fmr, most)])
