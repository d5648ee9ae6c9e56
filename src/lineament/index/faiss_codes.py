"""Codes by FAISS (MIT): the second library, so that no single maintainer holds the engine.

A random rotation, then 4 bits a dimension between the least and the greatest value of each axis, scanned
whole. A scan of a million faces at 512-D took 38 ms where turbovec took 7, with as much memory. It needs
``pip install lineament[faiss]``, and LINEAMENT_INDEX=faiss.
"""

from __future__ import annotations

import math
from typing import ClassVar

import faiss
import numpy as np
from numpy.typing import NDArray

from lineament.index.codes import DEVIATIONS

# As in turbovec_codes; 0.14 for mates among 1,000,000 vectors at 512-D, and a little more for the far ones.
_ERROR = 0.16


class FaissCodes:
    """See Codes."""

    library: ClassVar[str] = "faiss"
    fewest_bits: ClassVar[int] = 4

    def __init__(self, index: faiss.IndexPreTransform) -> None:
        self._index = index

    @classmethod
    def of(cls, vectors: NDArray[np.float32], bits: int) -> FaissCodes:
        """Return the codes of (n, D) vectors, always of 4 bits a dimension; see Codes."""
        dimension = vectors.shape[1]
        scalar = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_4bit, faiss.METRIC_INNER_PRODUCT
        )
        index = faiss.IndexPreTransform(faiss.RandomRotationMatrix(dimension, dimension), scalar)
        index.train(vectors)
        index.add(vectors)
        return cls(index)

    @classmethod
    def from_bytes(cls, data: bytes) -> FaissCodes:
        """Read codes; see Codes."""
        try:
            return cls(faiss.deserialize_index(np.frombuffer(data, np.uint8)))
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    @property
    def bits(self) -> int:
        """How many bits a dimension they have."""
        return self.fewest_bits

    @property
    def margin(self) -> float:
        """How far a scanned score may lie from the exact one."""
        return DEVIATIONS * _ERROR / math.sqrt(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def to_bytes(self) -> bytes:
        """Write the codes; see Codes."""
        written: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return written.tobytes()

    def scan(
        self, probes: NDArray[np.float32], best: int, mask: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scan every code; see Codes."""
        chosen = None
        if mask is not None:
            bits = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
            chosen = faiss.SearchParametersPreTransform(index_params=faiss.SearchParameters(sel=bits))
        scores, rows = self._index.search(np.ascontiguousarray(probes), best, params=chosen)
        return scores, rows
