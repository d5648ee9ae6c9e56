"""From rounded scores to an exact answer: who can be on the list is scored again, and nobody else can.

A part of an index scans its faces with scores that lie within a margin of the exact ones. Let the cut be the
lowest exact score that can still be on the list. Whoever scanned below the cut less the margin cannot be on
it; all others are scored exactly. A part that returned its best k is asked for more until the last of them is
below that line, or until nobody is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lineament.index.protocol import Hits

Near = tuple[NDArray[np.int64], NDArray[np.float32]]  # rows and scanned scores, (m,) each

FIRST = 64  # rows asked of each part at first
_WIDER = 4  # times as many when they may not be all
_PRODUCT_ROUNDING = np.float32(1e-5)  # of a float32 product of unit vectors of up to 1,024 numbers


class Part(Protocol):
    """Some of the faces of an index, by row."""

    @property
    def margin(self) -> float:
        """How far a scanned score may lie from the exact one."""

    def __len__(self) -> int:
        """Return how many faces are compared."""

    def near(self, probes: NDArray[np.float32], best: int) -> list[Near]:
        """Scan for (p, D) probes; return at least the ``best`` rows for each of them, in any order."""

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the (m, D) templates of these rows."""

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of these rows."""


def nearest(parts: Sequence[Part], probes: NDArray[np.float32], min_score: float, limit: int) -> list[Hits]:
    """Return the answer for each of (p, D) probes over all parts together; see Snapshot.search."""
    first = max(FIRST, 2 * limit // max(1, len(parts)))
    scans = [part.near(probes, first) for part in parts]
    return [
        _answer(parts, probe, [scan[place] for scan in scans], min_score, limit)
        for place, probe in enumerate(probes)
    ]


def _answer(
    parts: Sequence[Part], probe: NDArray[np.float32], nears: list[Near], min_score: float, limit: int
) -> Hits:
    cut = _cut(parts, probe, nears, min_score, limit + 1)  # one more, to know whether any is left out
    ids: list[str] = []
    scores: list[NDArray[np.float32]] = []
    for part, near in zip(parts, nears, strict=True):
        rows, exact = _exact(part, probe, _within(part, probe, near, cut), cut)
        ids += part.names(rows)
        scores.append(exact)
    together = np.concatenate([*scores, np.zeros(0, np.float32)])
    best = sorted(range(len(ids)), key=lambda at: (-together[at], ids[at]))[:limit]
    return Hits(
        ids=[ids[at] for at in best],
        scores=together[best],
        covered=sum(map(len, parts)),
        truncated=len(ids) > limit,
    )


def _cut(
    parts: Sequence[Part], probe: NDArray[np.float32], nears: list[Near], min_score: float, wanted: int
) -> np.float32:
    """Return a score that the ``wanted`` best faces reach, and that is at least ``min_score``."""
    scanned = np.concatenate([scores for _, scores in nears] or [np.zeros(0, np.float32)])
    floor = np.float32(min_score)
    if len(scanned) < wanted:
        return floor
    likely = np.partition(scanned, -wanted)[-wanted]
    exact = [
        _exact(part, probe, rows[scores >= likely], np.float32(-np.inf))[1]
        for part, (rows, scores) in zip(parts, nears, strict=True)
    ]
    return max(floor, np.partition(np.concatenate(exact), -wanted)[-wanted])


def _within(part: Part, probe: NDArray[np.float32], near: Near, cut: np.float32) -> NDArray[np.int64]:
    """Return the rows of a part that may reach the cut, asking for more where they may not be all."""
    rows, scores = near
    line, asked = cut - np.float32(part.margin), len(rows)
    while len(rows) < len(part) and scores.min() >= line:
        asked *= _WIDER
        ((rows, scores),) = part.near(probe[np.newaxis], asked)
    return rows[scores >= line]


def _exact(
    part: Part, probe: NDArray[np.float32], rows: NDArray[np.int64], cut: np.float32
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return those of these rows that score at least ``cut``, and their scores.

    They are computed in float64 and rounded once: equal templates score the same wherever they lie.
    """
    vectors = part.vectors(rows)
    likely = vectors @ probe >= cut - _PRODUCT_ROUNDING
    rows = rows[likely]
    scores = (vectors[likely].astype(np.float64) @ probe.astype(np.float64)).astype(np.float32)
    return rows[scores >= cut], scores[scores >= cut]
