"""Templates rounded to a few bits a dimension, small enough to be scanned whole for every search.

turbovec rotates every vector by one fixed orthogonal matrix, which spreads it evenly over its axes, rounds
each axis to the nearest of 4 or 16 levels, and stores what makes the estimate of a product unbiased. By
default it shortlists with the first bit alone before it looks at the others, and that loses faces which all
bits would find; here every bit of every face is scanned.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Read once by the library when it is loaded: scan all bits of every vector.
os.environ["TURBOVEC_2BIT_PLANES"] = os.environ["TURBOVEC_4BIT_PLANES"] = "0"

from turbovec import TurboQuantIndex

# The standard deviation of (scanned score - exact score) times the square root of the dimension, by bits:
# measured over all pairs of 1,000,000 vectors and 8 probes at 128-D and 512-D (docs/index.md).
_ERROR = {2: 0.37, 4: 0.10}
_DEVIATIONS = 4.0  # of a normal error: one face in 30,000 that lies at the very cut scans farther below
_LANES = 8  # the library takes dimensions that are multiples of it
FINE_ROWS = 2_000_000  # so many faces afford 4 bits a dimension at any dimension


def bits_for(dimension: int, rows: int) -> int:
    """Return how many bits a dimension the codes of an index of so many faces have.

    Half of them, and half the memory, are as good where there are many faces and many dimensions: of many
    faces the best stand out more, and over many dimensions errors average out.
    """
    return 4 if dimension <= 256 or rows <= FINE_ROWS else 2


class Codes:
    """The codes of n vectors, by row.

    ``margin`` is how far a scanned score may lie from the exact one.
    """

    def __init__(self, dimension: int, codes: TurboQuantIndex) -> None:
        self._lanes, self._codes = codes.dim, codes
        self.bits: int = codes.bit_width
        self.margin = _DEVIATIONS * _ERROR[self.bits] / math.sqrt(dimension)

    @classmethod
    def of(cls, vectors: NDArray[np.float32], bits: int) -> Codes:
        """Return the codes of (n, D) vectors."""
        dimension = vectors.shape[1]
        codes = cls(dimension, TurboQuantIndex(math.ceil(dimension / _LANES) * _LANES, bits))
        codes._codes.add(codes._padded(vectors))
        return codes

    @classmethod
    def read(cls, file: Path, dimension: int) -> Codes:
        """Read what ``write`` wrote. The caller has checked the file's digest."""
        return cls(dimension, TurboQuantIndex.load(str(file)))

    def write(self, file: Path) -> None:
        """Write the codes to a file."""
        self._codes.write(str(file))

    def __len__(self) -> int:
        return len(self._codes)

    def scan(
        self, probes: NDArray[np.float32], best: int, mask: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return scores and rows, (p, m) each, of the ``best`` rows for each of (p, D) probes, highest first.

        Only rows where the (n,) ``mask`` holds are scanned.
        """
        scores, rows = self._codes.search(self._padded(probes), best, mask=mask)
        return scores, rows

    def _padded(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = self._lanes - vectors.shape[1]
        return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors)
