"""Codes by turbovec (MIT, Rust): what the embedded engine scans unless told otherwise.

It rotates every vector by one fixed orthogonal matrix, which spreads it evenly over its axes, rounds each
axis to the nearest of 4 or 16 levels, and stores what makes the estimate of a product unbiased. By default it
makes a short list with the first bit alone before it looks at the others, and that loses faces which all bits
would find; here every bit of every face is scanned.
"""

from __future__ import annotations

import math
import os
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lineament.index.codes import DEVIATIONS

# Read once by the library when it is loaded: scan all bits of every vector.
os.environ["TURBOVEC_2BIT_PLANES"] = os.environ["TURBOVEC_4BIT_PLANES"] = "0"

from turbovec import TurboQuantIndex

# The standard deviation of (scanned score - exact score) times the square root of the dimension, by bits:
# measured over all pairs of 1,000,000 vectors and 12 probes at 512-D; a test holds it from 100-D to 1,024-D.
_ERROR = {2: 0.37, 4: 0.10}
_LANES = 8  # the library takes dimensions that are multiples of it


class TurbovecCodes:
    """See Codes."""

    library: ClassVar[str] = "turbovec"
    fewest_bits: ClassVar[int] = 2

    def __init__(self, codes: TurboQuantIndex) -> None:
        self._codes = codes

    @classmethod
    def of(cls, vectors: NDArray[np.float32], bits: int) -> TurbovecCodes:
        """Return the codes of (n, D) vectors; see Codes."""
        codes = TurboQuantIndex(math.ceil(vectors.shape[1] / _LANES) * _LANES, bits)
        codes.add(_padded(vectors, codes.dim))
        return cls(codes)

    @classmethod
    def from_bytes(cls, data: bytes) -> TurbovecCodes:
        """Read codes; see Codes."""
        return cls(TurboQuantIndex.from_bytes(data))

    @property
    def bits(self) -> int:
        """How many bits a dimension they have."""
        return int(self._codes.bit_width)

    @property
    def margin(self) -> float:
        """How far a scanned score may lie from the exact one."""
        return DEVIATIONS * _ERROR[self.bits] / math.sqrt(self._codes.dim)

    def __len__(self) -> int:
        return len(self._codes)

    def to_bytes(self) -> bytes:
        """Write the codes; see Codes."""
        return bytes(self._codes.to_bytes())

    def scan(
        self, probes: NDArray[np.float32], best: int, mask: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scan every code; see Codes."""
        scores, rows = self._codes.search(_padded(probes, self._codes.dim), best, mask=mask)
        return scores, rows


def _padded(vectors: NDArray[np.float32], lanes: int) -> NDArray[np.float32]:
    missing = lanes - vectors.shape[1]
    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors)
