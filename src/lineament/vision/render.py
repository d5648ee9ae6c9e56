"""Display copies, always made from our own pixels and never from the file that was given."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lineament.core.faces import DetectedFace, Photograph, square_around

JPEG_QUALITY = 85


def jpeg(photograph: Photograph, max_side: int, face: DetectedFace | None = None) -> bytes:
    """Return a JPEG without metadata whose long side is at most ``max_side`` px; nothing is scaled up.

    With a ``face`` it shows the square around it.
    """
    image = Image.fromarray(photograph.pixels)
    if face is not None:
        left, top, side = map(round, square_around(face.box, image.width, image.height))
        left, top = min(left, image.width - side), min(top, image.height - side)
        image = image.crop((left, top, left + side, top + side))
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def square(photograph: Photograph, left: int, top: int, side: int, size: int) -> Photograph:
    """Return the square of a photograph at left, top with this side, px, scaled to ``size`` px."""
    part = Image.fromarray(photograph.pixels).crop((left, top, left + side, top + side))
    scaled = part.resize((size, size), Image.Resampling.LANCZOS)
    return Photograph(np.asarray(scaled), photograph.media_type)
