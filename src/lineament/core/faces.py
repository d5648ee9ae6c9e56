"""A photograph's pixels and the faces found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lineament.core.quality import Quality


@dataclass(frozen=True, eq=False)
class Photograph:
    """One decoded photograph.

    ``pixels`` is (h, w, 3) uint8 RGB, upright (EXIF orientation applied). ``media_type`` is the type of the
    file it came from, such as ``image/jpeg``. ``full_size`` is the width and height of the upright image, px,
    where ``pixels`` may be a smaller version of it; without it they are whole. ``file`` is what a smaller
    version was read from, so that a part can be read again at full size. ``exif`` has what the file says of
    who made the photograph, when and with what, by EXIF's names, such as ``Artist``; never where.
    """

    pixels: NDArray[np.uint8]
    media_type: str
    full_size: tuple[int, int] | None = None
    file: bytes | None = None
    exif: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Width of the upright image in pixels."""
        return self.full_size[0] if self.full_size else int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height of the upright image in pixels."""
        return self.full_size[1] if self.full_size else int(self.pixels.shape[0])


FACE_MARGIN = 0.4  # of the box's longer side, on every side: hair, ears and chin stay in


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """One face in one photograph.

    ``box`` is (4,) float32, xyxy in pixels of the upright image. ``landmarks`` is (5, 2) float32, x and y in
    the same pixels, in the order that they have once the face is upright: the eye on the left of the image,
    the eye on its right, nose tip, the mouth corner on the left, the one on the right. In a photograph that
    lies on its side or upside down the order is the same. ``score`` is the detector's confidence in [0, 1].
    ``drawn`` faces are those whose box a person drew by hand. ``template`` is (D,) float32 of length 1, where
    the face has just been embedded.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    quality: Quality
    drawn: bool = False
    template: NDArray[np.float32] | None = None


def square_around(box: NDArray[np.float32], width: int, height: int) -> tuple[float, float, float]:
    """Return left, top and side, px, of a square around a box (4,), with a margin, in such a photograph.

    At the edge of the photograph the square moves inwards, and it is never larger than the photograph.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    side = max(1.0, min(max(x2 - x1, y2 - y1) * (1 + 2 * FACE_MARGIN), width, height))
    left = min(max(0.0, (x1 + x2 - side) / 2), width - side)
    top = min(max(0.0, (y1 + y2 - side) / 2), height - side)
    return left, top, side
