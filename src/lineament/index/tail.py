"""Faces in memory, in float32: the whole index of a small installation, the newest faces of a large one."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineament.index.nearest import Near, products


@dataclass(frozen=True, eq=False)
class Shelf:
    """The faces of one collection: n ids, and an (n, D) view of a buffer that grows by doubling.

    A shelf never changes; one with more faces may share its buffer, in rows that this one does not look at.
    """

    ids: list[str]
    buffer: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def margin(self) -> float:
        """The rounding of a float32 product of up to 1,024 numbers; see Part."""
        return 1e-5

    @property
    def templates(self) -> NDArray[np.float32]:
        """The (n, D) templates."""
        return self.buffer[: len(self.ids)]

    def near(self, probes: NDArray[np.float32], best: int) -> Near:
        """Compare every face; see Part."""
        scores = products(self.templates, probes)
        if best >= len(self.ids):
            return np.broadcast_to(np.arange(len(self.ids)), scores.shape), scores
        rows = np.argpartition(scores, -best, axis=1)[:, -best:]
        return rows, np.take_along_axis(scores, rows, axis=1)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return templates; see Part."""
        return self.templates[rows]

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return ids; see Part."""
        return [self.ids[row] for row in rows.tolist()]

    def with_faces(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> Shelf:
        """Return a shelf with these faces too. Of one shelf only the newest successor may be extended."""
        size, buffer = len(self.ids) + len(ids), self.buffer
        if size > len(buffer):
            buffer = np.empty((max(size, 2 * len(buffer)), vectors.shape[1]), np.float32)
            buffer[: len(self.ids)] = self.templates
        buffer[len(self.ids) : size] = vectors
        return Shelf([*self.ids, *ids], buffer)

    def without(self, gone: Set[str]) -> Shelf:
        """Return a shelf without these faces, in a buffer of its own."""
        kept = [row for row, face in enumerate(self.ids) if face not in gone]
        if len(kept) == len(self.ids):
            return self
        return Shelf([self.ids[row] for row in kept], self.templates[kept])


@dataclass(frozen=True)
class Tail:
    """One shelf for each collection."""

    shelves: dict[str, Shelf]

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self.shelves.values())

    def with_faces(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32]
    ) -> Tail:
        """Return a tail with these faces too."""
        shelves = dict(self.shelves)
        for collection in dict.fromkeys(collections):
            rows = [row for row, name in enumerate(collections) if name == collection]
            shelf = shelves.get(collection) or Shelf([], np.empty((0, vectors.shape[1]), np.float32))
            shelves[collection] = shelf.with_faces([ids[row] for row in rows], vectors[rows])
        return Tail(shelves)

    def without(self, gone: Set[str]) -> Tail:
        """Return a tail without these faces."""
        kept = {name: shelf.without(gone) for name, shelf in self.shelves.items()}
        return Tail({name: shelf for name, shelf in kept.items() if shelf.ids})

    def chosen(self, collections: Collection[str]) -> list[Shelf]:
        """Return the shelves of these collections."""
        return [self.shelves[name] for name in sorted(set(collections)) if name in self.shelves]
