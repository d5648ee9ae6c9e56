"""From rounded scores to an exact answer: who can be on the list is scored again, and nobody else can.

A part of an index scans its faces with scores that lie within a margin of the exact ones. Let the cut be the
lowest exact score that can still be on the list. Whoever scanned below the cut less the margin cannot be on
it; all others are scored exactly. A part that returned its best k is asked for more until the last of them is
below that line, or until nobody is left. Several probes go through each step together, part by part.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lineament.index.protocol import Hits

Near = tuple[NDArray[np.int64], NDArray[np.float32]]  # rows and scanned scores, (p, m) each

FIRST = 64  # rows asked of each part at first
_WIDER = 4  # times as many when they may not be all
_SCORED = 4096  # rows whose templates are read together
_PART_BYTES = 2**23  # of templates, which one thread compares with a probe in a third of a millisecond
_THREADS = ThreadPoolExecutor(os.cpu_count())
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


def products(templates: NDArray[np.float32], probes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the products of (n, D) templates with each of (p, D) probes: (p, n).

    One probe is not compared by a matrix product: the threads of numpy's library wait busily for 80 ms after
    one, and take the processors from the scans of codes. A search in a million faces took twice as long.
    """
    if len(probes) > 1:
        return probes @ templates.T
    parts = np.array_split(templates, max(1, templates.nbytes // _PART_BYTES))
    run = map if len(parts) == 1 else _THREADS.map
    return np.concatenate(list(run(lambda part: np.vecdot(part, probes), parts)))[np.newaxis]


def nearest(parts: Sequence[Part], probes: NDArray[np.float32], min_score: float, limit: int) -> list[Hits]:
    """Return the answer for each of (p, D) probes over all parts together; see Snapshot.search."""
    scan = _scanned(parts, probes, max(FIRST, 2 * limit // max(1, len(parts))))
    cuts = _cuts(scan, min_score, limit + 1)  # one more, to know whether any is left out
    reaching = scan.scores >= cuts[:, np.newaxis] - scan.margins
    scan.score(reaching & (scan.exact == _LOWEST), cuts)
    found: list[list[tuple[float, str]]] = [[] for _ in probes]
    for part, span in zip(parts, scan.spans, strict=True):
        at, rows, scores = _passing(scan, part, span, reaching, cuts)
        if len(rows):
            for probe, score, face in zip(at.tolist(), scores.tolist(), part.names(rows), strict=True):
                found[probe].append((-score, face))
    covered = sum(map(len, parts))
    return [_hits(sorted(passing), covered, limit) for passing in found]


def _hits(passing: Sequence[tuple[float, str]], covered: int, limit: int) -> Hits:
    return Hits(
        ids=[face for _, face in passing[:limit]],
        scores=np.array([-score for score, _ in passing[:limit]], np.float32),
        covered=covered,
        truncated=len(passing) > limit,
    )


@dataclass(frozen=True, eq=False)
class _Scan:
    """What all parts returned at first: side by side, m columns for each of p probes.

    A part has the columns of its span; ``margins`` (m,) are those of their parts. ``exact`` (p, m) are exact
    scores where they are known, and -inf elsewhere.
    """

    parts: Sequence[Part]
    probes: NDArray[np.float32]
    spans: list[slice]
    margins: NDArray[np.float32]
    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    exact: NDArray[np.float32]

    def score(self, wanted: NDArray[np.bool_], cuts: NDArray[np.float32]) -> None:
        """Score those columns exactly for which the (p, m) mask holds, where they reach the cuts (p,)."""
        for part, span in zip(self.parts, self.spans, strict=True):
            at, columns = np.nonzero(wanted[:, span])
            if len(at):
                columns += span.start
                self.exact[at, columns] = _exact(part, self.rows[at, columns], self.probes, at, cuts)


def _scanned(parts: Sequence[Part], probes: NDArray[np.float32], best: int) -> _Scan:
    scans = [part.near(probes, best) for part in parts]
    widths = [scores.shape[1] for _, scores in scans]
    none = np.zeros((len(probes), 0))
    scores = np.concatenate([*(scores for _, scores in scans), none], axis=1).astype(np.float32)
    return _Scan(
        parts,
        probes,
        [slice(stop - width, stop) for stop, width in zip(accumulate(widths), widths, strict=True)],
        np.repeat(np.array([part.margin for part in parts], np.float32), widths),
        np.concatenate([*(rows for rows, _ in scans), none], axis=1).astype(np.int64),
        scores,
        np.full(scores.shape, _LOWEST),
    )


def _cuts(scan: _Scan, min_score: float, wanted: int) -> NDArray[np.float32]:
    """Return a score for each probe (p,) that the ``wanted`` best faces reach, at least ``min_score``."""
    floor = np.full(len(scan.probes), min_score, np.float32)
    if scan.scores.shape[1] < wanted:
        return floor
    likely = scan.scores >= np.partition(scan.scores, -wanted, axis=1)[:, [-wanted]]
    scan.score(likely, np.full(len(scan.probes), _LOWEST))
    return np.maximum(floor, np.partition(scan.exact, -wanted, axis=1)[:, -wanted])


def _passing(
    scan: _Scan, part: Part, span: slice, reaching: NDArray[np.bool_], cuts: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return for which probes (k,) which rows (k,) of a part pass, and with which scores (k,)."""
    rows, exact, width = scan.rows[:, span], scan.exact[:, span].copy(), span.stop - span.start
    there_may_be_more = reaching[:, span].all(axis=1) if len(part) > width else np.zeros(len(cuts), bool)
    exact[there_may_be_more] = _LOWEST  # these are scored once more, with the others
    at, columns = np.nonzero(exact >= cuts[:, np.newaxis])
    passing = [(at, rows[at, columns], exact[at, columns])]
    for probe in np.flatnonzero(there_may_be_more):
        wider = _wider(part, scan.probes[probe], width, cuts[probe] - part.margin)
        own = np.full(len(wider), probe)
        scores = _exact(part, wider, scan.probes, own, cuts)
        pass_ = scores >= cuts[probe]
        passing.append((own[pass_], wider[pass_], scores[pass_]))
    at, rows, scores = (np.concatenate(column) for column in zip(*passing, strict=True))
    return at, rows, scores


def _wider(part: Part, probe: NDArray[np.float32], asked: int, line: np.float32) -> NDArray[np.int64]:
    """Return all rows of a part that scan above a line, where its best ``asked`` all do."""
    while True:
        asked *= _WIDER
        (rows,), (scores,) = part.near(probe[np.newaxis], asked)
        if len(rows) == len(part) or scores.min() < line:
            found: NDArray[np.int64] = rows[scores >= line]
            return found


def _exact(
    part: Part,
    rows: NDArray[np.int64],
    probes: NDArray[np.float32],
    at: NDArray[np.int64],
    cuts: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the score of each of these rows (k,) with the probe at its place ``at`` (k,).

    They are computed in float64 and rounded once: equal templates score the same wherever they lie. Row by
    row, for the reason that ``products`` gives. What is clearly below its probe's cut is returned as -inf.
    """
    scores = np.full(len(rows), _LOWEST)
    for start in range(0, len(rows), _SCORED):
        some = slice(start, start + _SCORED)
        vectors, wanted = part.vectors(rows[some]), probes[at[some]]
        likely = np.flatnonzero(np.vecdot(vectors, wanted) >= cuts[at[some]] - _PRODUCT_ROUNDING)
        exact = np.vecdot(vectors[likely].astype(np.float64), wanted[likely].astype(np.float64))
        scores[start + likely] = exact
    return scores
