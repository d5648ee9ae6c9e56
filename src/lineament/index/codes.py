"""Templates rounded to a few bits a dimension, small enough to be scanned whole for every search."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

FINE_ROWS = 2_000_000  # so many faces afford 4 bits a dimension at any dimension
DEVIATIONS = 4.0  # of a normal error: one face in 30,000 that lies at the very cut scans farther below


class Codes(Protocol):
    """The codes of n vectors, by row, as one library makes and scans them."""

    library: ClassVar[str]  # whose files they are
    fewest_bits: ClassVar[int]  # that it can make do with

    @classmethod
    def of(cls, vectors: NDArray[np.float32], bits: int) -> Codes:
        """Return the codes of (n, D) vectors, of so many bits a dimension: 4, or its fewest."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Codes:
        """Read what ``to_bytes`` returned; the caller has made sure that it is. Raises ValueError."""

    @property
    def bits(self) -> int:
        """How many bits a dimension they have."""

    @property
    def margin(self) -> float:
        """How far a scanned score may lie from the exact one."""

    def __len__(self) -> int:
        """Return n."""

    def to_bytes(self) -> bytes:
        """Return the codes as their library writes them to a file."""

    def scan(
        self, probes: NDArray[np.float32], best: int, mask: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and rows, (p, best) each, of the best rows for each of (p, D) probes.

        Only rows where the (n,) ``mask`` holds are scanned; there must be at least ``best`` of them.
        """


def bits_for(codes: type[Codes], dimension: int, rows: int) -> int:
    """Return how many bits a dimension the codes of an index of so many faces have.

    Half of them, and half the memory, are as good where there are many faces and many dimensions: of many
    faces the best stand out more, and over many dimensions errors average out.
    """
    return 4 if dimension <= 256 or rows <= FINE_ROWS else codes.fewest_bits
