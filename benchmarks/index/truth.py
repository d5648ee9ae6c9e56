"""What an exact search would answer, from a product of all float32 templates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vectors import Floats, Probes

LISTED = 10  # the list in investigation mode
FPIR = 0.01


class Truth:
    """Sees a gallery pass by, and knows what an exact search finds in it.

    ``mated`` (p, D) are the first ``count`` mated probes, ``mates`` (p,) the rows of their identities, and
    ``own`` (p,) how those score. ``rows`` (p, 10) and ``scores`` (p, 10) are the ten nearest, best first, and
    ``stranger`` (s,) is the highest score of each non-mated probe.
    """

    def __init__(self, probes: Probes, count: int) -> None:
        self.mated, self.mates, self.strangers = probes.mated[:count], probes.mates[:count], probes.strangers
        self.rows = np.full((count, LISTED), -1)
        self.scores = np.full((count, LISTED), -2, np.float32)
        self.own = np.full(count, -2, np.float32)
        self.stranger = np.full(len(self.strangers), -2, np.float32)

    def see(self, start: int, vectors: Floats) -> None:
        """Take in (n, D) templates of the gallery, the first of which is in row ``start``."""
        products = self.mated @ vectors.T
        best = np.argpartition(products, -LISTED, axis=1)[:, -LISTED:]
        scores = np.concatenate([self.scores, np.take_along_axis(products, best, axis=1)], axis=1)
        rows = np.concatenate([self.rows, best + start], axis=1)
        order = np.argsort(-scores, axis=1)[:, :LISTED]
        self.scores, self.rows = (np.take_along_axis(part, order, axis=1) for part in (scores, rows))
        here = np.flatnonzero((self.mates >= start) & (self.mates < start + len(vectors)))
        self.own[here] = products[here, self.mates[here] - start]
        self.stranger = np.maximum(self.stranger, (self.strangers @ vectors.T).max(axis=1))

    @property
    def threshold(self) -> float:
        """The score that somebody reaches in one of a hundred searches for a stranger."""
        return float(np.sort(self.stranger)[-max(1, int(FPIR * len(self.stranger)))])

    @property
    def above(self) -> NDArray[np.bool_]:
        """Whose mate scores at least the threshold."""
        return self.own >= self.threshold

    def compare(self, lists: Sequence[Sequence[int]]) -> dict[str, float]:
        """Compare lists of up to ten rows with those of the exact search; 1 is all that it finds."""
        rows = np.full_like(self.rows, -1)
        for at, found in enumerate(lists):
            rows[at, : len(found)] = found
        mine, exact = rows == self.mates[:, np.newaxis], self.rows == self.mates[:, np.newaxis]
        same = (rows[:, :, np.newaxis] == self.rows[:, np.newaxis, :]).any(axis=1)
        return {
            "first": float(mine[:, 0].sum() / exact[:, 0].sum()),
            "in_ten": float(mine.sum() / exact.sum()),
            "same_ten": float(same.mean()),
        }
