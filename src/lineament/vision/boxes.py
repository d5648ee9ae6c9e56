"""Boxes, landmarks and scores of n faces: turned, moved, and rid of what overlaps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Found(NamedTuple):
    """Boxes (n, 4) xyxy, landmarks (n, 5, 2) and scores (n,), all float32.

    Boxes count from the pixels' edges, landmarks from their centres.
    """

    boxes: Floats
    landmarks: Floats
    scores: Floats

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Found:
        """Return those that a mask (n,) or indices choose."""
        return Found(self.boxes[chosen], self.landmarks[chosen], self.scores[chosen])

    def moved(self, corner: Floats) -> Found:
        """Return them to pixels in which the part that they were found in begins at ``corner`` (2,)."""
        return self._replace(boxes=self.boxes + np.tile(corner, 2), landmarks=self.landmarks + corner)

    def centres(self) -> Floats:
        """Return the (n, 2) centres of the boxes."""
        return np.asarray((self.boxes[:, :2] + self.boxes[:, 2:]) / 2)

    def widths(self) -> Floats:
        """Return the (n,) widths of the faces: their boxes' shorter sides, as some lie on their side."""
        return np.asarray((self.boxes[:, 2:] - self.boxes[:, :2]).min(axis=1, initial=np.inf))


def turn_back(found: Found, quarters: int, width: int, height: int) -> Found:
    """Bring what was found in ``np.rot90(pixels, quarters)`` back to ``pixels`` of this width and height.

    A box stays (left, top, right, bottom); landmarks stay in the order of the face.
    """
    corners = _points_back(found.boxes.reshape(-1, 2, 2), quarters, width, height)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return Found(boxes, _points_back(found.landmarks, quarters, width - 1, height - 1), found.scores)


def _points_back(points: Floats, quarters: int, right: float, bottom: float) -> Floats:
    x, y = points[..., 0], points[..., 1]
    turns = ((x, y), (right - y, x), (right - x, bottom - y), (y, bottom - x))
    return np.stack(turns[quarters], axis=-1)


def suppress_overlaps(boxes: Floats, scores: Floats, threshold: float) -> list[int]:
    """Greedy non-maximum suppression: indices of the boxes kept, best score first.

    A box goes when its intersection over union with a kept one is above the threshold.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[intersection_over_union(boxes[best], boxes[rest]) <= threshold]
    return kept


def intersection_over_union(box: Floats, boxes: Floats) -> Floats:
    """Return (n,): what a box (4,) shares with each of (n, 4), of what both cover; all xyxy."""
    both = shared(box, boxes)
    return np.asarray(both / np.maximum(area(box) + area(boxes) - both, np.finfo(np.float32).tiny))


def shared(box: Floats, boxes: Floats) -> Floats:
    """Return (n,): the area that a box (4,) shares with each of (n, 4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    return np.asarray(sides.clip(0).prod(axis=1))


def area(boxes: Floats) -> Floats:
    """Return (...): the areas of boxes (..., 4)."""
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
