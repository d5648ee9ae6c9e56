"""Exact search in memory: one matrix product for each collection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from lineament.index.protocol import Hits


class ExactIndex:
    """Float32 templates in memory, one shelf for each collection.

    Readers never wait: a change builds new shelves and swaps them in, and a search keeps the shelves it began
    with.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._state: tuple[dict[str, _Shelf], int] = ({}, 0)  # swapped whole: shelves and their revision
        self._writing = Lock()

    @property
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""
        return self._state[1]

    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces; see Index. Raises ValueError for vectors of another dimension."""
        if len(ids) and vectors.shape != (len(ids), self._dimension):
            raise ValueError(f"expected ({len(ids)}, {self._dimension}) vectors, got {vectors.shape}")
        with self._writing:
            before, applied = self._state
            shelves = dict(before)
            for collection in dict.fromkeys(collections):
                rows = [row for row, name in enumerate(collections) if name == collection]
                shelf = shelves.get(collection) or _Shelf.empty(self._dimension)
                shelves[collection] = shelf.with_faces([ids[row] for row in rows], vectors[rows])
            self._state = shelves, max(applied, revision)

    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out; see Index."""
        gone = set(ids)
        with self._writing:
            before, applied = self._state
            shelves = {name: shelf.without(gone) for name, shelf in before.items()}
            self._state = shelves, max(applied, revision)

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold."""
        return sum(len(shelf.ids) for shelf in self._chosen(collections))

    def search(
        self, probe: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> Hits:
        """Compare one (D,) probe with every face of these collections; see Index."""
        shelves = self._chosen(collections)
        ids = [face for shelf in shelves for face in shelf.ids]
        scores = np.concatenate([shelf.vectors @ probe for shelf in shelves] or [np.zeros(0, np.float32)])
        passing = among = np.flatnonzero(scores >= min_score)
        if len(passing) > limit:  # only what can be among the first is sorted; equals of the last one stay in
            last = np.partition(scores[passing], -limit)[-limit]
            among = passing[scores[passing] >= last]
        best = sorted(among.tolist(), key=lambda row: (-scores[row], ids[row]))[:limit]
        return Hits(
            ids=[ids[row] for row in best],
            scores=scores[best],
            covered=len(ids),
            truncated=len(passing) > limit,
        )

    def _chosen(self, collections: Collection[str]) -> list[_Shelf]:
        shelves = self._state[0]
        return [shelves[name] for name in sorted(set(collections)) if name in shelves]


class _Shelf:
    """The faces of one collection: ids and an (n, D) view of a buffer that grows by doubling."""

    def __init__(self, ids: list[str], buffer: NDArray[np.float32]) -> None:
        self.ids = ids
        self.vectors = buffer[: len(ids)]
        self._buffer = buffer
        self._known = set(ids)

    @classmethod
    def empty(cls, dimension: int) -> _Shelf:
        return cls([], np.zeros((0, dimension), np.float32))

    def with_faces(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> _Shelf:
        new = [row for row, face in enumerate(ids) if face not in self._known]
        size = len(self.ids) + len(new)
        buffer = self._buffer
        if size > len(buffer):
            buffer = np.zeros((max(size, 2 * len(buffer)), vectors.shape[1]), np.float32)
            buffer[: len(self.ids)] = self.vectors
        buffer[len(self.ids) : size] = vectors[new]  # rows that no older shelf looks at
        return _Shelf(self.ids + [ids[row] for row in new], buffer)

    def without(self, gone: set[str]) -> _Shelf:
        kept = [row for row, face in enumerate(self.ids) if face not in gone]
        if len(kept) == len(self.ids):
            return self
        return _Shelf([self.ids[row] for row in kept], self.vectors[kept])
