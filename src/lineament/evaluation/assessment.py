"""From scores and templates to the document that a report is made of: JSON values, each figure with its n."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.evaluation import search_rates, verification
from lineament.evaluation.differentials import Differential, differential
from lineament.evaluation.intervals import ROUNDS, Figure, wilson
from lineament.evaluation.search_rates import Enrolled, Probes, Searches
from lineament.evaluation.verification import Comparisons

BANDS = (40, 50, 60, 70)  # where bands of the unified quality score begin, of 100
GROUP_FMR = 0.001  # the operating point at which labels are compared; the next higher one with fewer pairs
GROUP_FPIR = 0.01


def band(score: int) -> str:
    """Return the band of a unified quality score."""
    place = sum(score >= edge for edge in BANDS)
    return f"{(0, *BANDS)[place]} to {(*(edge - 1 for edge in BANDS), 100)[place]}"


def in_pairs(compared: Comparisons, seed: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return what is measured one to one: the figures, the DET curve, folds, and every label."""
    found = verification.figures(compared, seed, rounds)
    accuracy = verification.fold_accuracy(compared)
    others = ~compared.mated
    fmr = max(GROUP_FMR, 1 / max(1, int(others.sum())))
    threshold = verification.threshold_at(compared.curve, fmr)
    by_label = []
    for label, values in compared.labels.items():
        for name, rows, happened in (
            ("FNMR", compared.mated, compared.scores < threshold),
            ("FMR", others, compared.scores >= threshold),
        ):
            kept = [value for value, row in zip(values, rows, strict=True) if row]
            both = (compared.first[rows], compared.second[rows])
            if len(set(kept)) > 1:
                by_label.append(differential(name, label, happened[rows], kept, both, seed, rounds))
    return {
        "mated": int(compared.mated.sum()),
        "non_mated": int(others.sum()),
        "people": len(np.union1d(compared.first, compared.second)) if compared.subjects_known else None,
        "without_score": int((~np.isfinite(compared.scores)).sum()),
        "figures": [written(one) for one in found],
        "fold_accuracy": _folds(accuracy),
        "det": _det(compared),
        "labels": {
            "threshold": _number(threshold),
            "fmr": fmr,
            "rates": [labelled(one) for one in by_label],
        },
    }


def _det(compared: Comparisons) -> list[dict[str, float | None]]:
    """Return the points of the DET curve, each with Wilson's interval of its FNMR."""
    mated, points = int(compared.mated.sum()), []
    for threshold, fmr, fnmr in verification.det_points(compared.curve):
        low, high = wilson(round(fnmr * mated), mated)
        points.append({"threshold": _number(threshold), "fmr": fmr, "fnmr": fnmr, "low": low, "high": high})
    return points


def in_searches(
    gallery: Enrolled,
    mated: Probes,
    others: Probes,
    sizes: Sequence[int],
    seed: int,
    rounds: int = ROUNDS,
) -> dict[str, Any]:
    """Return what is measured one to many: both modes for every size of the gallery, CMC, and every label.

    The largest gallery is that of everybody who is enrolled; the labels are compared in it.
    """
    people = len(np.unique(gallery.subjects))
    drawn = search_rates.draw(gallery, [*sizes, people], seed)
    searched = [search_rates.search(gallery, mated, others, chosen) for chosen in drawn]
    galleries = [_in_gallery(one, seed, rounds) for one in searched]
    whole = searched[-1]
    fpir = max(GROUP_FPIR, 1 / max(1, len(whole.strongest)))
    threshold = search_rates.threshold_at(whole, fpir)
    by_label = [
        *_by_label(
            "FNIR", search_rates.missed(whole, threshold), mated, whole.mated, whole.kept, seed, rounds
        ),
        *_by_label(
            "FPIR",
            whole.strongest >= threshold,
            others,
            whole.others,
            np.arange(len(whole.others)),
            seed,
            rounds,
        ),
    ]
    return {
        "people": people,
        "mated": len(mated.rows),
        "non_mated": len(others.rows),
        "without_template": {
            "gallery": int((~gallery.rows.any(axis=1)).sum()),
            "mated": int((~mated.rows.any(axis=1)).sum()),
            "non_mated": int((~others.rows.any(axis=1)).sum()),
        },
        "galleries": galleries,
        "cmc": [written(one) for one in search_rates.cmc(whole)],
        "labels": {
            "threshold": _number(threshold),
            "fpir": fpir,
            "rates": [labelled(one) for one in by_label],
        },
    }


def _in_gallery(searches: Searches, seed: int, rounds: int) -> dict[str, Any]:
    return {
        "people": searches.people,
        "mated": len(searches.mates),
        "identification": [written(one) for one in search_rates.identification(searches, seed, rounds)],
        "investigation": [written(one) for one in search_rates.investigation(searches, seed, rounds)],
    }


def _by_label(
    name: str,
    happened: NDArray[np.bool_],
    probes: Probes,
    subjects: NDArray[np.int64],
    kept: NDArray[np.int64],
    seed: int,
    rounds: int,
) -> list[Differential]:
    found = []
    for label, values in probes.labels.items():
        chosen = [values[at] for at in kept]
        if len(set(chosen)) > 1:
            found.append(differential(name, label, happened, chosen, (subjects,), seed, rounds))
    return found


def under_condition(
    gallery: Enrolled,
    mated: Probes,
    others: Probes,
    threshold: float,
    seed: int,
    rounds: int = ROUNDS,
) -> list[dict[str, Any]]:
    """Return FNIR and FPIR of degraded probes, also at the threshold that was taken from clean ones."""
    searches = search_rates.search(gallery, mated, others)
    figures = []
    if len(searches.mates):
        figures += [
            search_rates.fnir(searches, seed, threshold, None, rounds),
            search_rates.fnir(searches, seed, threshold, 1, rounds),
            search_rates.fnir(searches, seed, rank=1, rounds=rounds),
        ]
    if len(searches.strongest):
        figures.append(search_rates.fpir(searches, seed, threshold, rounds))
    return [written(one) for one in figures]


def pairs_under_condition(
    compared: Comparisons, threshold: float, seed: int, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """Return FNMR and FMR where the second photograph is degraded, at the threshold from clean ones."""
    figures = []
    if compared.mated.any():
        figures.append(verification.rejected(compared, threshold, seed, rounds))
    if not compared.mated.all():
        figures.append(verification.accepted(compared, threshold, seed, rounds))
    return [written(one) for one in figures]


def sizes_of(people: int) -> list[int]:
    """Return three sizes of a gallery: a tenth of its people, a third and all; fewer where it is small."""
    return sorted({size for size in (people // 10, people // 3) if size >= 10} | {people})


def written(one: Figure) -> dict[str, Any]:
    """Return a figure as JSON values; what is not finite is null."""
    at = {name: _number(value) if isinstance(value, float) else value for name, value in one.at.items()}
    return {
        "figure": one.name,
        "value": _number(one.value),
        "events": one.events,
        "n": one.n,
        "low": _number(one.low),
        "high": _number(one.high),
        "method": one.method,
        "at": at,
    }


def labelled(one: Differential) -> dict[str, Any]:
    """Return a differential as JSON values."""
    return {
        "label": one.label,
        "groups": {value: written(figure) for value, figure in one.groups.items()},
        "worst": one.worst,
        "worst_over_mean": one.worst_over_mean and written(one.worst_over_mean),
        "max_over_min": one.max_over_min and written(one.max_over_min),
        "chance": one.chance,
        "flagged": one.flagged,
    }


def _folds(accuracy: Sequence[float]) -> Mapping[str, Any] | None:
    if len(accuracy) < 2:
        return None
    return {"mean": fmean(accuracy), "standard_deviation": pstdev(accuracy), "folds": list(accuracy)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
