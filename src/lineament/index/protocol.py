"""What every engine does: an exhaustive 1:N search over the templates of one contract.

An index is derived from the records and disposable. Nothing is pruned: every face of the chosen collections
is compared, and how many were is part of every answer. Engines may scan rounded vectors first; the scores
that they return are exact: products of the templates that were added, in float32.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Hits:
    """The answer for one probe.

    ``ids`` and ``scores`` (n,) float32 cosines, highest first and equal scores by id. ``covered`` is how many
    faces were compared. ``truncated`` says that more faces passed than ``limit`` let through.
    """

    ids: list[str]
    scores: NDArray[np.float32]
    covered: int
    truncated: bool


@dataclass(frozen=True)
class Purged:
    """What a purge did: how many removed faces it took from the disk, and how many bytes it wrote anew."""

    faces: int
    rewritten: int


class Snapshot(Protocol):
    """The index as it stood at one revision; what changes meanwhile is not seen."""

    @property
    def revision(self) -> int:
        """The newest revision of the records that had been applied."""

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold."""

    def search(
        self, probes: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> list[Hits]:
        """Compare (n, D) probes with every face of these collections: one answer for each, in their order.

        All faces that score at least ``min_score`` pass; the ``limit`` best of them are returned.
        Raises IndexUnavailable where a part of a distributed engine does not answer.
        """


class Index(Protocol):
    """One engine. Vectors are L2-normalised float32, (n, D); revisions are those of the records."""

    @property
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""

    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces, up to ``revision``. An id that is there already is left as it is.

        On return the faces are found by the next search, and a restart needs no more of the records than what
        follows the revision that the index says it has applied.
        Raises ValueError for vectors of another dimension.
        """

    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out, up to ``revision``: no later search returns them, after a restart neither.

        Unknown ids do nothing.
        """

    def purge(self) -> Purged:
        """Take what was removed from the disk too: no file of the index holds a byte of it afterwards."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Hold the index as it stands. Readers never wait for a writer, nor a writer for them."""

    def verify(self) -> list[str]:
        """Check every file or row that is kept; return a sentence for each thing that is wrong."""

    def clear(self) -> None:
        """Forget everything, so that the index can be built anew from revision 0."""

    def close(self) -> None:
        """Give back what is held open."""


def require_vectors(ids: Sequence[str], vectors: NDArray[np.float32], dimension: int) -> None:
    """Raise ValueError unless there are (n, D) vectors for n ids; where there are no ids, any will do."""
    if len(ids) and vectors.shape != (len(ids), dimension):
        raise ValueError(f"expected ({len(ids)}, {dimension}) vectors, got {vectors.shape}")
