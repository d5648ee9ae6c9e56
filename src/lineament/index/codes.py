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
_DEVIATIONS = 6.0  # of a normal error, beyond which lies one pair in a thousand million
_LANES = 8  # the library takes dimensions that are multiples of it


class Codes:
    """The codes of n vectors, by row.

    ``margin`` is how far a scanned score may lie from the exact one.
    """

    def __init__(self, dimension: int, codes: TurboQuantIndex | None = None) -> None:
        self._lanes = math.ceil(dimension / _LANES) * _LANES
        # One bit less costs half the memory and is as good where there are many dimensions to average over.
        bits = 2 if dimension > 256 else 4
        self._codes = codes or TurboQuantIndex(self._lanes, bits)
        self.margin = _DEVIATIONS * _ERROR[bits] / math.sqrt(dimension)

    @classmethod
    def read(cls, file: Path, dimension: int) -> Codes:
        """Read what ``write`` wrote. The caller has checked the file's digest."""
        return cls(dimension, TurboQuantIndex.load(str(file)))

    def write(self, file: Path) -> None:
        """Write the codes to a file."""
        self._codes.write(str(file))

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Append (n, D) vectors."""
        self._codes.add(self._padded(vectors))

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
