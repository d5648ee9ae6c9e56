"""A second opinion on a face's landmarks, from a model that looks at the face alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.vision.pack import LandmarkModel
from lineament.vision.runtime import input_tensors

Floats = NDArray[np.float32]

_MIRRORED = [1, 0, 2, 4, 3]  # which landmark takes whose place in a mirror


class Landmarks(NamedTuple):
    """n faces seen by the landmark model.

    ``points`` is (n, 5, 2) px, ``face`` (n,) how likely each crop shows a face, from 0 to 1.
    """

    points: Floats
    face: Floats


def find_landmarks(
    session: Any, pixels: NDArray[np.uint8], boxes: Floats, turns: NDArray[np.int64], model: LandmarkModel
) -> Landmarks:
    """Find the landmarks of n faces in (H, W, 3) uint8 RGB pixels, given their (n, 4) xyxy boxes.

    ``turns`` (n,) says by how many quarters, counter-clockwise, each face must be turned to stand upright.
    Each face is looked at as it is and in a mirror, and the mean of both is returned.
    """
    if not len(boxes):
        return Landmarks(np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))
    image = Image.fromarray(pixels)
    corners, sides = _squares(boxes, model.square)
    crops = [
        np.rot90(_cut(image, corner, side, model.side), turn)
        for corner, side, turn in zip(corners, sides, turns, strict=True)
    ]
    seen = [view for crop in crops for view in (crop, crop[:, ::-1])]
    points, face = session.run(["landmarks", "face"], {"input": input_tensors(seen, model)})
    both = points.reshape(len(boxes), 2, 2, 5).transpose(0, 1, 3, 2)  # (n, view, landmark, x and y)
    mirrored = both[:, 1, _MIRRORED] * (-1, 1) + (1, 0)
    upright = (both[:, 0] + mirrored) / 2 - 0.5
    turned = np.stack([_turn_back(one, turn) for one, turn in zip(upright, turns, strict=True)])
    middles = (corners + sides[:, None] / 2)[:, None]
    return Landmarks(
        (turned * sides[:, None, None] + middles - 0.5).astype(np.float32), face.reshape(-1, 2).mean(axis=1)
    )


def quarters_from_upright(landmarks: Floats) -> NDArray[np.int64]:
    """Return (n,) quarter turns, counter-clockwise, that bring faces with these (n, 5, 2) points upright."""
    eyes = landmarks[:, 1] - landmarks[:, 0]
    return np.asarray(np.round(np.arctan2(eyes[:, 1], eyes[:, 0]) / (np.pi / 2)), np.int64) % 4


def _squares(boxes: Floats, factor: float) -> tuple[Floats, Floats]:
    """Return (n, 2) upper left corners and (n,) sides of squares around (n, 4) boxes."""
    sides = factor * np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return (boxes[:, :2] + boxes[:, 2:]) / 2 - sides[:, None] / 2, sides


def _cut(image: Image.Image, corner: Floats, side: float, size: int) -> NDArray[np.uint8]:
    """Return a square of the image as (size, size, 3) uint8; what lies outside of the image is black."""
    (left, top), (right, bottom) = np.floor(corner).astype(int) - 2, np.ceil(corner + side).astype(int) + 2
    x, y = corner - (left, top)
    part = image.crop((left, top, right, bottom))
    return np.asarray(part.resize((size, size), Image.Resampling.BILINEAR, box=(x, y, x + side, y + side)))


def _turn_back(points: Floats, quarters: int) -> Floats:
    """Turn points around the origin, y downwards, as a picture turned back clockwise by so many quarters."""
    for _ in range(quarters):
        points = points[:, ::-1] * (-1, 1)
    return points
