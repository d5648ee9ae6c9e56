"""Display copies, always made from our own pixels and never from the file that was given."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.core.faces import Photograph

JPEG_QUALITY = 85
FACE_MARGIN = 0.4  # of the box's longer side, on every side: hair, ears and chin stay in


def jpeg(photograph: Photograph, max_side: int, box: NDArray[np.float32] | None = None) -> bytes:
    """Return a JPEG without metadata whose long side is at most ``max_side`` px; nothing is scaled up.

    With a ``box`` (4,) xyxy it shows a square around that face; at the edge of the photograph the square
    moves inwards, and it is never larger than the photograph.
    """
    image = Image.fromarray(photograph.pixels)
    if box is not None:
        image = image.crop(_square(photograph.width, photograph.height, box))
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _square(width: int, height: int, box: NDArray[np.float32]) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = (float(value) for value in box)
    longer = max(x2 - x1, y2 - y1)
    side = max(1, min(round(longer * (1 + 2 * FACE_MARGIN)), width, height))
    left = min(max(0, round((x1 + x2 - side) / 2)), width - side)
    top = min(max(0, round((y1 + y2 - side) / 2)), height - side)
    return left, top, left + side, top + side
