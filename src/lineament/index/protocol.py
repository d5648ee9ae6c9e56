"""What every engine does: an exhaustive 1:N search over the templates of one contract."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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


class Index(Protocol):
    """Derived from the records and disposable. Vectors are L2-normalised float32, (n, D)."""

    @property
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""

    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces, up to ``revision``. An id that is there already is left as it is."""

    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out, up to ``revision``; the next search cannot return them. Unknown ids do nothing."""

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold."""

    def search(
        self, probe: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> Hits:
        """Compare one (D,) probe with every face of these collections."""
