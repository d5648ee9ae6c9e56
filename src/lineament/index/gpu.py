"""An engine on a graphics card: every template in float16 on the device, and in float32 in memory beside it.

PyTorch does it, since its wheel brings CUDA along, ranks any number of rows under any mask, and runs the same
code on a processor, so that the tests need no card. FAISS ranks 2,048 rows at most on a device, and takes a
mask only together with cuVS, which runs on nothing but a card and has a package for each version of CUDA.

Nothing is written: after a restart the revision is 0, and the records bring every template again.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lineament.errors import IndexUnavailable
from lineament.index.nearest import Near, nearest
from lineament.index.protocol import Hits, Purged, require_vectors

BLOCK_ROWS = 250_000  # templates that get memory together: 256 MB of the device at 512-D
_AT_ONCE = 16  # probes compared together: 320 MB of scores for 10 million faces
_GONE = -1


@dataclass(frozen=True, eq=False)
class State:
    """The whole index at one revision; it never changes. See Snapshot.

    A row is in a block: ``exact`` (rows, D) float32, and ``rounded`` float16 on the device. ``shelf`` (n,) on
    the device has the number of each row's collection, or -1. Later states share blocks and ids, and add to
    them beyond the rows that this one looks at.
    """

    ids: list[str]
    exact: tuple[NDArray[np.float32], ...]
    rounded: tuple[Any, ...]
    shelf: Any
    counts: Counter[int]  # faces by number of collection
    numbers: dict[str, int]
    revision: int

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold."""
        return sum(self.counts[number] for number in self._numbers(collections))

    def search(
        self, probes: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> list[Hits]:
        """Compare (n, D) probes with every face of these collections; see Snapshot.

        Raises IndexUnavailable where the device fails.
        """
        with _device_answers():
            chosen = _torch().isin(self.shelf, self.shelf.new_tensor(self._numbers(collections)))
        part = Chosen(self, chosen, self.count(collections))
        return nearest([part] if len(part) else [], probes, min_score, limit)

    def with_faces(
        self, ids: Sequence[str], numbers: Sequence[int], vectors: NDArray[np.float32], rows: int
    ) -> State:
        """Return a state with these faces too. Only the newest state may be extended."""
        size, exact, rounded = len(self.shelf), [*self.exact], [*self.rounded]
        self.ids[size:] = ids
        with _device_answers():
            for start, stop in _blocks(size, size + len(ids), rows):
                if start % rows == 0:
                    exact.append(np.empty((rows, vectors.shape[1]), np.float32))
                    rounded.append(self.shelf.new_empty(exact[-1].shape, dtype=_torch().float16))
                place = slice(start % rows, start % rows + stop - start)
                exact[-1][place] = vectors[start - size : stop - size]
                rounded[-1][place] = _torch().from_numpy(exact[-1][place])
            shelf = _torch().cat([self.shelf, self.shelf.new_tensor(numbers)])
        counts = self.counts + Counter(numbers)
        return replace(self, exact=tuple(exact), rounded=tuple(rounded), shelf=shelf, counts=counts)

    def without(self, rows: Sequence[int]) -> State:
        """Return a state in which these rows are gone."""
        with _device_answers():
            shelf, at = self.shelf.clone(), self.shelf.new_tensor(rows, dtype=_torch().int64)
            gone = Counter(shelf[at].tolist())
            shelf[at] = _GONE
        return replace(self, shelf=shelf, counts=self.counts - gone)

    def _numbers(self, collections: Collection[str]) -> list[int]:
        return [self.numbers[name] for name in set(collections) if name in self.numbers]


@dataclass(frozen=True, eq=False)
class Chosen:
    """The ``count`` faces that one search compares, where the (n,) ``mask`` on the device holds; see Part."""

    state: State
    mask: Any
    count: int
    # Rounding both to float16 errs by 2^-10 of a product of unit vectors, rounding the score by 2^-11.
    margin: ClassVar[float] = 2e-3

    def __len__(self) -> int:
        return self.count

    def near(self, probes: NDArray[np.float32], best: int) -> Near:
        """Compare every face; see Part."""
        found: list[Near] = []
        with _device_answers():
            for start in range(0, len(probes), _AT_ONCE):
                some = _torch().from_numpy(np.ascontiguousarray(probes[start : start + _AT_ONCE], np.float32))
                some = some.to(self.mask.device, _torch().float16)
                scores = _torch().cat([some @ block.T for block in self.state.rounded], dim=1)
                scores = scores[:, : len(self.mask)].masked_fill(~self.mask, -np.inf)
                top, rows = scores.topk(min(best, self.count), dim=1)
                found.append((rows.cpu().numpy(), top.float().cpu().numpy()))
        return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return templates; see Part."""
        length, dimension = self.state.exact[0].shape
        vectors = np.empty((len(rows), dimension), np.float32)
        for number in np.unique(rows // length):
            here = rows // length == number
            vectors[here] = self.state.exact[number][rows[here] % length]
        return vectors

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return ids; see Part."""
        return [self.state.ids[row] for row in rows.tolist()]


class GpuIndex:
    """See Index. Readers never wait: a change builds a new state and swaps it in.

    Raises IndexUnavailable where PyTorch or the device is missing, later where the device fails or is full.
    """

    def __init__(self, dimension: int, device: str = "cuda", block_rows: int = BLOCK_ROWS) -> None:
        self._dimension, self._device, self._block_rows = dimension, device, block_rows
        self._writing = Lock()
        self._state = self._empty()
        # Sums are taken in float32, or the margin would not hold. This is for the whole process.
        _torch().backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        self._rows: dict[str, int] = {}

    @property
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""
        return self._state.revision

    @contextmanager
    def snapshot(self) -> Iterator[State]:
        """Hold the index as it stands; see Index."""
        yield self._state

    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces; see Index."""
        require_vectors(ids, vectors, self._dimension)
        with self._writing:
            state, first = self._state, {face: at for at, face in reversed(list(enumerate(ids)))}
            new = sorted(at for face, at in first.items() if face not in self._rows)
            numbers = state.numbers | {
                name: len(state.numbers) + at
                for at, name in enumerate(sorted({collections[at] for at in new} - set(state.numbers)))
            }
            state = replace(state, numbers=numbers, revision=max(state.revision, revision))
            names = [ids[at] for at in new]
            shelves = [numbers[collections[at]] for at in new]
            size = len(state.shelf)
            self._state = state.with_faces(names, shelves, vectors[new], self._block_rows) if new else state
            self._rows.update(zip(names, range(size, size + len(new)), strict=True))

    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out; see Index."""
        with self._writing:
            gone = {face for face in ids if face in self._rows}
            state = self._state.without([self._rows[face] for face in gone]) if gone else self._state
            self._state = replace(state, revision=max(state.revision, revision))
            for face in gone:
                del self._rows[face]

    def purge(self) -> Purged:
        """Forget removed templates; see Index. Meanwhile the device holds the others twice."""
        with self._writing:
            old, kept = self._state, np.array(sorted(self._rows.values()), np.int64)
            if len(kept) == len(old.shelf):
                return Purged(0, 0)
            shelf, part = old.shelf.cpu().numpy(), Chosen(old, None, 0)
            new = replace(self._empty(), numbers=old.numbers, revision=old.revision)
            for start, stop in _blocks(0, len(kept), self._block_rows):
                rows = kept[start:stop]
                names, numbers = part.names(rows), shelf[rows].tolist()
                new = new.with_faces(names, numbers, part.vectors(rows), self._block_rows)
            self._state = new
            self._rows = {face: row for row, face in enumerate(new.ids)}
            return Purged(len(old.shelf) - len(kept), 0)

    def verify(self) -> list[str]:
        """Find nothing, since nothing is on disk; see Index."""
        return []

    def clear(self) -> None:
        """Forget everything; see Index."""
        with self._writing:
            self._state, self._rows = self._empty(), {}

    def close(self) -> None:
        """Give the memory back."""
        self.clear()

    def _empty(self) -> State:
        try:
            shelf = _torch().empty(0, dtype=_torch().int32, device=self._device)
        except (AssertionError, RuntimeError) as error:
            raise IndexUnavailable(
                f"The index is to run on '{self._device}', which this PyTorch cannot use."
            ) from error
        return State([], (), (), shelf, Counter(), {}, 0)


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise IndexUnavailable(
            "The index is to run on a graphics card, and PyTorch is not installed: `pip install torch`."
        ) from error


@contextmanager
def _device_answers() -> Iterator[None]:
    """Say what a device that fails or is full means."""
    try:
        yield
    except RuntimeError as error:
        raise IndexUnavailable(
            f"The device of the index fails: {str(error).partition(chr(10))[0]}"
        ) from error


def _blocks(start: int, stop: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range that lie in blocks of this length."""
    while start < stop:
        end = min(stop, (start // length + 1) * length)
        yield start, end
        start = end
