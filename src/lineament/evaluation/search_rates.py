"""Searches one to many in an open set: the error rates of ISO/IEC 19795-1 and of NIST's FRTE 1:N.

People are counted, not images: where a person is enrolled with several photographs, the best score counts.
A probe that gave no face finds nobody, and a person none of whose photographs could be enrolled is never
found: the rates are those of the whole system, failures to acquire and to enrol included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lineament.evaluation.intervals import ROUNDS, At, Figure, share, wilson

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]

FPIRS = (0.1, 0.05, 0.01, 0.001)
RANKS = (1, 5, 10, 20, 50)
_BLOCK = 1024  # probes scored at once


@dataclass(frozen=True)
class Enrolled:
    """The gallery: ``rows`` (g, D) templates of length 1, zeros where there is none, and whose they are.

    ``subjects`` (g,) are whole numbers.
    """

    rows: Rows
    subjects: NDArray[np.int64]


@dataclass(frozen=True)
class Probes:
    """n probes: ``rows`` (n, D) templates of length 1, zeros where there is none, and whose they are.

    ``subjects`` (n,) are whole numbers; ``labels`` give each probe a value by the label's name.
    """

    rows: Rows
    subjects: NDArray[np.int64]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Searches:
    """What is needed of m mated and n non-mated searches that were made in one gallery of ``people``.

    ``mates`` (m,) is the best score of the probe's own person, minus infinity where there is none.
    ``ranks`` (m,) is 1 for the first place; somebody else with the same score counts as before.
    ``strongest`` (n,) is the highest score in each non-mated search. ``mated`` (m,) and ``others`` (n,) are
    the subjects searched for; ``kept`` (m,) the places of the mated probes among those that were given.
    """

    people: int
    mates: Floats
    ranks: NDArray[np.int64]
    strongest: Floats
    mated: NDArray[np.int64]
    others: NDArray[np.int64]
    kept: NDArray[np.int64]


def search(
    gallery: Enrolled, mated: Probes, others: Probes, people: NDArray[np.int64] | None = None
) -> Searches:
    """Search every probe in the gallery, or in that of the drawn ``people`` alone.

    Mated probes whose person was not drawn are left out; the non-mated ones stay the same.
    """
    chosen = np.unique(gallery.subjects) if people is None else np.unique(people)
    held = np.isin(gallery.subjects, chosen)
    order = np.argsort(gallery.subjects[held], kind="stable")
    rows, whose = gallery.rows[held][order], gallery.subjects[held][order]
    there, starts = np.unique(whose, return_index=True)
    kept = np.flatnonzero(np.isin(mated.subjects, there))
    mates, ranks = np.full(len(kept), -np.inf), np.full(len(kept), len(there) + 1)
    for at in range(0, len(kept), _BLOCK):
        some = kept[at : at + _BLOCK]
        scores = _scores(mated.rows[some], rows, starts)
        own = np.searchsorted(there, mated.subjects[some])
        best = scores[np.arange(len(some)), own]
        mates[at : at + _BLOCK] = best
        before = (scores >= best[:, None]).sum(axis=1)  # the person itself is among them
        ranks[at : at + _BLOCK] = np.where(np.isfinite(best), before, len(there) + 1)
    strongest = [
        _scores(others.rows[at : at + _BLOCK], rows, starts).max(axis=1, initial=-np.inf)
        for at in range(0, len(others.rows), _BLOCK)
    ]
    return Searches(
        people=len(there),
        mates=mates,
        ranks=ranks,
        strongest=np.concatenate([*strongest, np.empty(0)]),
        mated=mated.subjects[kept],
        others=others.subjects,
        kept=kept,
    )


def _scores(probes: Rows, rows: Rows, starts: NDArray[np.int64]) -> Floats:
    """Return the best score (n, people) of each probe with each person."""
    scores = (probes @ rows.T).astype(np.float64)
    scores[:, ~rows.any(axis=1)] = -np.inf
    scores[~probes.any(axis=1)] = -np.inf
    return np.maximum.reduceat(scores, starts, axis=1) if len(starts) else scores


def draw(gallery: Enrolled, sizes: Sequence[int], seed: int) -> list[NDArray[np.int64]]:
    """Draw galleries of so many people, each within the next larger one; sizes beyond the gallery's are cut.

    The people of one seed are the same each time.
    """
    people = np.unique(gallery.subjects)
    order = np.random.default_rng(seed).permutation(people)
    return [np.sort(order[: min(size, len(people))]) for size in sorted(set(sizes))]


def threshold_at(searches: Searches, fpir: float) -> float:
    """Return the lowest score at which no more than this share of non-mated searches return somebody.

    It is one of the scores that occurred, or plus infinity where none of them is strict enough.
    """
    allowed = int(fpir * len(searches.strongest) + 1e-9)
    if allowed >= len(searches.strongest):
        return float(-np.inf)
    beyond = np.sort(searches.strongest)[::-1][allowed]  # must not be returned
    scores = np.concatenate([searches.strongest, searches.mates])
    return float(scores[scores > beyond].min(initial=np.inf))


def missed(searches: Searches, threshold: float = -np.inf, rank: int | None = None) -> NDArray[np.bool_]:
    """Say of each mated search (m,) whether its mate is not returned.

    It is returned where it scores at least the threshold and its rank is no more than ``rank``, if given.
    """
    found = np.isfinite(searches.mates) & (searches.mates >= threshold)
    return ~(found if rank is None else found & (searches.ranks <= rank))


def fnir(
    searches: Searches,
    seed: int,
    threshold: float | None = None,
    rank: int | None = None,
    rounds: int = ROUNDS,
    at: Mapping[str, At] | None = None,
) -> Figure:
    """Return FNIR: the share of mated searches whose mate is not returned (ISO/IEC 19795-1)."""
    at = {"people": searches.people, "rank": rank, "threshold": threshold, **(at or {})}
    happened = missed(searches, -np.inf if threshold is None else threshold, rank)
    return share("FNIR", happened, (searches.mated,), seed, rounds, at)


def fpir(
    searches: Searches,
    seed: int,
    threshold: float,
    rounds: int = ROUNDS,
    at: Mapping[str, At] | None = None,
) -> Figure:
    """Return FPIR: the share of non-mated searches that return anybody (ISO/IEC 19795-1)."""
    at = {"people": searches.people, "threshold": threshold, **(at or {})}
    return share("FPIR", searches.strongest >= threshold, (searches.others,), seed, rounds, at)


def identification(searches: Searches, seed: int, rounds: int = ROUNDS) -> list[Figure]:
    """Return FPIR and FNIR in identification mode: at the threshold of each FPIR that can be shown.

    FNIR is given at any rank and at rank 1. The threshold is taken from the same non-mated searches.
    """
    found = []
    for target in FPIRS:
        if target * len(searches.strongest) < 1:
            continue
        threshold = threshold_at(searches, target)
        at = {"fpir": target}
        found.append(fpir(searches, seed, threshold, rounds, at))
        found += [fnir(searches, seed, threshold, rank, rounds, at) for rank in (None, 1)]
    return found


def investigation(searches: Searches, seed: int, rounds: int = ROUNDS) -> list[Figure]:
    """Return FNIR in investigation mode: a list of a fixed length, and no threshold."""
    return [
        fnir(searches, seed, rank=rank, rounds=rounds)
        for rank in RANKS
        if rank == 1 or rank < searches.people
    ]


def cmc(searches: Searches, most: int = 50) -> list[Figure]:
    """Return the cumulative curve: the share of mated searches whose mate is among the first 1, 2, ...

    It is 1 - FNIR at that rank without a threshold. The intervals are Wilson's.
    """
    found = []
    for rank in range(1, min(most, searches.people) + 1):
        events, trials = int((~missed(searches, rank=rank)).sum()), len(searches.mates)
        low, high = wilson(events, trials)
        value = events / trials if trials else float("nan")
        found.append(Figure("CMC", value, trials, low, high, "Wilson", events, {"rank": rank}))
    return found
