"""What nearly the same photographs share: a perceptual hash, which survives another size or file format."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FINGERPRINT_BYTES = 32
_SIDE = 16  # bits each way


def fingerprint(pixels: NDArray[np.uint8]) -> bytes:
    """Return 32 bytes of a picture (h, w, 3) uint8 RGB; those of nearly the same pictures differ in few bits.

    It is pHash (Zauner 2010, as the library imagehash has it): the picture is reduced to 64 x 64 shades of
    grey, and the signs of the 16 x 16 lowest frequencies of its cosine transform, against their median, are
    the bits.
    """
    hashed = imagehash.phash(Image.fromarray(pixels), hash_size=_SIDE)
    return np.packbits(hashed.hash).tobytes()
