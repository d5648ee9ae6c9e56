"""SCRFD's outputs (Guo et al.: "Sample and Computation Redistribution for ... Face Detection", 2021)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineament.errors import ModelPackInvalid

Floats = NDArray[np.float32]

STRIDES = (8, 16, 32)  # input pixels between neighbouring places of the three outputs


def read(
    outputs: dict[str, Floats], size: tuple[int, int], threshold: float
) -> tuple[Floats, Floats, Floats]:
    """Return boxes (n, 4), landmarks (n, 5, 2) and scores (n,) in pixels of the input of ``size`` (H, W).

    InsightFace's exports name their outputs by numbers, with or without a batch dimension, so the last
    dimension tells scores (1), boxes (4) and landmarks (10) apart, and the length the stride. From a place at
    column c and row r of stride s, a box lies (left, top, right, bottom) * s away from (c, r) * s, and
    landmarks (dx, dy) * s; a place has the same number of anchors everywhere, one after the other.
    Raises ModelPackInvalid for other outputs.
    """
    found = []
    kinds = [_finest_first(outputs, last) for last in (1, 4, 10)]
    for stride, (scores, sides, points) in zip(STRIDES, zip(*kinds, strict=True), strict=True):
        columns, rows = size[1] // stride, size[0] // stride
        anchors, rest = divmod(len(scores), rows * columns)
        if rest or not anchors or not len(scores) == len(sides) == len(points):
            raise ModelPackInvalid("The detector's outputs do not have the lengths of SCRFD's.")
        chosen = np.flatnonzero(scores[:, 0] >= threshold)  # (n,)
        row, column = np.divmod(chosen // anchors, columns)
        places = np.stack([column, row], axis=1).astype(np.float32)  # (n, 2) as x, y
        boxes = np.concatenate([places - sides[chosen, :2], places + sides[chosen, 2:]], axis=1) * stride
        landmarks = (places[:, None] + points[chosen].reshape(-1, 5, 2)) * stride
        found.append((boxes, landmarks, scores[chosen, 0]))
    boxes, landmarks, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return boxes, landmarks, scores


def _finest_first(outputs: dict[str, Floats], last: int) -> list[Floats]:
    """Return the three outputs (places * anchors, last), longest first."""
    kind = [output.reshape(-1, last) for output in outputs.values() if output.shape[-1] == last]
    if len(kind) != len(STRIDES):
        raise ModelPackInvalid("The detector's outputs are not the nine of SCRFD with landmarks.")
    return sorted(kind, key=len, reverse=True)
