"""From rounded scores to an exact answer: who can be on the list is scored again, and nobody else can.

A part of an index scans its faces with scores that lie within a margin of the exact ones. Let the cut be the
lowest exact score that can still be on the list. Whoever scanned below the cut less the margin cannot be on
it; all others are scored exactly. A part that returned its best k is asked for more until the last of them is
below that line, or until nobody is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lineament.index.protocol import Hits

Near = tuple[NDArray[np.int64], NDArray[np.float32]]  # rows and scanned scores, (p, m) each

FIRST = 64  # rows asked of each part at first
_WIDER = 4  # times as many when they may not be all
_LOWEST = np.float32(-np.inf)
_PRODUCT_ROUNDING = np.float32(1e-5)  # of a float32 product of unit vectors of up to 1,024 numbers


class Part(Protocol):
    """Some of the faces of an index, by row."""

    @property
    def margin(self) -> float:
        """How far a scanned score may lie from the exact one."""

    def __len__(self) -> int:
        """Return how many faces are compared."""

    def near(self, probes: NDArray[np.float32], best: int) -> Near:
        """Scan for (p, D) probes; return at least the ``best`` rows for each of them, in any order.

        They are equally many for each probe, and all there are where ``best`` is more than that.
        """

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the (m, D) templates of these rows."""

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of these rows."""


def nearest(parts: Sequence[Part], probes: NDArray[np.float32], min_score: float, limit: int) -> list[Hits]:
    """Return the answer for each of (p, D) probes over all parts together; see Snapshot.search."""
    first = max(FIRST, 2 * limit // max(1, len(parts)))
    scans = [part.near(probes, first) for part in parts]
    widths = [scores.shape[1] for _, scores in scans]
    none = np.zeros((len(probes), 0))
    scan = _Scan(
        parts,
        np.array([len(part) > width for part, width in zip(parts, widths, strict=True)], bool),
        np.array([part.margin for part in parts], np.float32),
        np.repeat(np.arange(len(parts)), widths),
        np.concatenate([*(rows for rows, _ in scans), none], axis=1).astype(np.int64),
        np.concatenate([*(scores for _, scores in scans), none], axis=1).astype(np.float32),
    )
    return [_answer(scan, at, probe, min_score, limit) for at, probe in enumerate(probes)]


@dataclass(frozen=True, eq=False)
class _Scan:
    """What all parts returned at first: side by side, m columns for each of p probes.

    ``there_is_more`` and ``margins`` are for each part, ``owners`` (m,) says which part a column is of.
    """

    parts: Sequence[Part]
    there_is_more: NDArray[np.bool_]
    margins: NDArray[np.float32]
    owners: NDArray[np.int64]
    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


def _answer(scan: _Scan, at: int, probe: NDArray[np.float32], min_score: float, limit: int) -> Hits:
    cut = _cut(scan, at, probe, min_score, limit + 1)  # one more, to know whether any is left out
    lines = cut - scan.margins
    reaching = scan.scores[at] >= lines[scan.owners]
    all_reach = np.ones(len(scan.parts), bool)
    all_reach[scan.owners[~reaching]] = False
    ids: list[str] = []
    scores = [np.zeros(0, np.float32)]
    for number in np.union1d(scan.owners[reaching], np.flatnonzero(scan.there_is_more & all_reach)):
        part, mine = scan.parts[number], scan.owners == number
        rows = scan.rows[at, mine & reaching]
        if scan.there_is_more[number] and all_reach[number]:
            rows = _wider(part, probe, len(rows), lines[number])
        rows, exact = _exact(part, probe, rows, cut)
        ids += part.names(rows)
        scores.append(exact)
    together = np.concatenate(scores)
    best = sorted(range(len(ids)), key=lambda place: (-together[place], ids[place]))[:limit]
    return Hits(
        ids=[ids[place] for place in best],
        scores=together[best],
        covered=sum(map(len, scan.parts)),
        truncated=len(ids) > limit,
    )


def _cut(scan: _Scan, at: int, probe: NDArray[np.float32], min_score: float, wanted: int) -> np.float32:
    """Return a score that the ``wanted`` best faces reach, and that is at least ``min_score``."""
    scanned, floor = scan.scores[at], np.float32(min_score)
    if len(scanned) < wanted:
        return floor
    likely = scanned >= np.partition(scanned, -wanted)[-wanted]
    exact = [
        _exact(scan.parts[number], probe, scan.rows[at, likely & (scan.owners == number)], _LOWEST)[1]
        for number in np.unique(scan.owners[likely])
    ]
    return max(floor, np.partition(np.concatenate(exact), -wanted)[-wanted])


def _wider(part: Part, probe: NDArray[np.float32], asked: int, line: np.float32) -> NDArray[np.int64]:
    """Return all rows of a part that scan above a line, where its best ``asked`` all do."""
    while True:
        asked *= _WIDER
        (rows,), (scores,) = part.near(probe[np.newaxis], asked)
        if len(rows) == len(part) or scores.min() < line:
            found: NDArray[np.int64] = rows[scores >= line]
            return found


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
