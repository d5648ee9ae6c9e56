"""Edits of a photograph, each defined to the byte: others get the same pixels from the same numbers.

Nothing here invents what a photograph does not show.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.core.edits import EDITS_MAX, Edit, EditKind, as_written, hundredths
from lineament.core.faces import Photograph
from lineament.core.words import counted
from lineament.errors import EditNotReplayable, InvalidRequest

Pixels = NDArray[np.uint8]

LEAST_SIDE = 32  # px, of what is cut out
LARGEST_SIDE = 4_096  # px, of what is resized
PIXELS_MAX = 25_000_000  # of what is turned by another angle than quarters
LEAST_FACTOR, LARGEST_FACTOR = 20, 500  # hundredths, of brightness and contrast
MIDDLE = 128  # the shade that contrast leaves as it is
ONE = 1 << 16  # of the sine and cosine of an angle
BLOCK = 16  # rows that are turned at a time: what is in hand then stays in the cache


def apply(photograph: Photograph, kind: EditKind, values: Sequence[float]) -> Photograph:
    """Return a photograph (h, w, 3) after one edit; the given one is left as it is.

    ``photograph`` must be whole. Raises InvalidRequest for values that the edit does not take; docs/edits.md
    has the exact definition of each edit.
    """
    _require_values(kind, values)
    made = np.ascontiguousarray(_EDITS[kind][1](photograph.pixels, *values))
    made.flags.writeable = False
    return replace(photograph, pixels=made, full_size=None, file=None)


def edited(
    photograph: Photograph, steps: Sequence[tuple[EditKind, Sequence[float]]]
) -> tuple[Photograph, tuple[Edit, ...]]:
    """Return a photograph after 1 to 20 edits, in their order, and the edits as they are recorded.

    Raises InvalidRequest.
    """
    check(steps)
    made = []
    for kind, values in steps:
        photograph = apply(photograph, kind, values)
        made.append(Edit(kind, tuple(map(as_written, values)), pixels(photograph)))
    return photograph, tuple(made)


def check(steps: Sequence[tuple[EditKind, Sequence[float]]]) -> None:
    """Raise InvalidRequest for edits that fit no photograph: too many, or with too few values."""
    if not 1 <= len(steps) <= EDITS_MAX:
        raise InvalidRequest(f"A photograph is edited by 1 to {EDITS_MAX} edits.")
    for kind, values in steps:
        _require_values(kind, values)


def replay(photograph: Photograph, edits: Sequence[Edit]) -> Photograph:
    """Return a whole photograph after recorded edits.

    Raises EditNotReplayable where one of them gives other pixels than are recorded.
    """
    for number, edit in enumerate(edits, start=1):
        try:
            photograph = apply(photograph, edit.kind, edit.values)
        except InvalidRequest as error:
            raise EditNotReplayable(f"Edit {number} cannot be done again. {error}") from error
        if pixels(photograph) != edit.pixels:
            raise EditNotReplayable(f"Edit {number}, '{edit.kind}', gives other pixels than it gave before.")
    return photograph


def pixels(photograph: Photograph) -> str:
    """Return the SHA-256, in hex, of a photograph's pixels.

    It is that of the width and the height as unsigned 32-bit big-endian integers, then the rows from the top,
    each pixel as its red, green and blue byte.
    """
    height, width = photograph.pixels.shape[:2]
    digest = sha256(struct.pack(">II", width, height))
    digest.update(np.ascontiguousarray(photograph.pixels).data)
    return digest.hexdigest()


# --- the edits: (h, w, 3) uint8 and the values in; (h', w', 3) uint8 out ---------------------------------


def _crop(image: Pixels, *edges: float) -> Pixels:
    """Keep the columns left to right and the rows top to bottom, the last of each excluded."""
    height, width = image.shape[:2]
    left, top, right, bottom = _whole("crop", edges)
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InvalidRequest(f"What is cut out must lie inside the photograph of {width} x {height} pixels.")
    if min(right - left, bottom - top) < LEAST_SIDE:
        raise InvalidRequest(f"What is cut out must be at least {LEAST_SIDE} pixels wide and high.")
    return image[top:bottom, left:right]


def _rotate(image: Pixels, degrees: float) -> Pixels:
    """Turn counter-clockwise: by quarters exactly, by any other angle on a larger, black canvas."""
    if abs(degrees) > 360:
        raise InvalidRequest("A photograph is turned by -360 to 360 degrees.")
    if degrees % 90 == 0:
        return np.rot90(image, int(degrees // 90) % 4)
    return _turned(image, degrees)


def _turned(image: Pixels, degrees: float) -> Pixels:
    """Turn by any angle, in whole numbers, with the four nearest pixels weighted by their distance.

    cos and sin are rounded to c and s, in 65,536ths. The canvas is (w|c| + h|s|) / 65,536 wide and
    (w|s| + h|c|) / 65,536 high, rounded up. A pixel (x, y) of the canvas of W x H, with u = 2x + 1 - W and
    v = 2y + 1 - H, is at uc - vs + 65,536 (w - 1) and us + vc + 65,536 (h - 1) in the photograph, in
    131,072ths of a pixel and rounded down to 256ths. Outside of the photograph is black.
    """
    height, width = image.shape[:2]
    angle = math.radians(degrees)
    c, s = round(ONE * math.cos(angle)), round(ONE * math.sin(angle))
    wide = -(-(width * abs(c) + height * abs(s)) // ONE)
    high = -(-(width * abs(s) + height * abs(c)) // ONE)
    if wide * high > PIXELS_MAX:
        raise InvalidRequest(
            f"Turned by this angle the photograph would have more than {PIXELS_MAX // 1_000_000} megapixels. "
            "Cut out a part or make it smaller first."
        )
    framed = np.pad(image, ((2, 2), (2, 2), (0, 0))).reshape(-1, 3)
    stride = width + 4
    turned = np.empty((high, wide, 3), np.uint8)
    u = 2 * np.arange(wide, dtype=np.int64) + 1 - wide
    for start in range(0, high, BLOCK):
        v = 2 * np.arange(start, min(start + BLOCK, high), dtype=np.int64)[:, None] + 1 - high
        x, y = u * c - v * s + ONE * (width - 1), u * s + v * c + ONE * (height - 1)
        left, top = np.clip(x >> 17, -2, width), np.clip(y >> 17, -2, height)
        across, down = ((part >> 9 & 255).astype(np.uint32)[..., None] for part in (x, y))
        corner = (top + 2) * stride + left + 2
        above = framed[corner] * (256 - across) + framed[corner + 1] * across
        below = framed[corner + stride] * (256 - across) + framed[corner + stride + 1] * across
        turned[start : start + BLOCK] = (above * (256 - down) + below * down + ONE // 2) >> 16
    return turned


def _flip(image: Pixels) -> Pixels:
    """Exchange left and right."""
    return image[:, ::-1]


def _brightness(image: Pixels, factor: float) -> Pixels:
    """Make v of each channel min(255, (v n + 50) // 100), where n is the factor in hundredths."""
    n = _factor("brightness", factor)
    return _through([min(255, (v * n + 50) // 100) for v in range(256)], image)


def _contrast(image: Pixels, factor: float) -> Pixels:
    """Make v of each channel 128 + ((v - 128) n + 50) // 100, at least 0 and at most 255; // rounds down."""
    n = _factor("contrast", factor)
    table = [MIDDLE + ((v - MIDDLE) * n + 50) // 100 for v in range(256)]
    return _through([min(255, max(0, v)) for v in table], image)


def _deinterlace(image: Pixels, field: float) -> Pixels:
    """Keep the rows field, field + 2 and so on; make each other one of the rows above and below it.

    It is (above + below + 1) // 2; at an edge of the photograph, the one row that is beside it.
    """
    if field not in {0, 1}:
        raise InvalidRequest("The field that is kept is 0, which has the first row, or 1.")
    height = len(image)
    if height < 2:
        raise InvalidRequest("A photograph of one row has no two fields.")
    others = np.arange(1 - int(field), height, 2)
    above = image[np.where(others > 0, others - 1, others + 1)].astype(np.uint16)
    below = image[np.where(others < height - 1, others + 1, others - 1)]
    made = image.copy()
    made[others] = (above + below + 1) // 2
    return made


def _resize(image: Pixels, *size: float) -> Pixels:
    """Scale to a width and height by Pillow's LANCZOS, which computes in whole numbers."""
    width, height = _whole("resize", size)
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise InvalidRequest(f"A photograph is resized to 1 to {LARGEST_SIDE:,} pixels a side.")
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


_EDITS: Mapping[EditKind, tuple[tuple[str, ...], Callable[..., Pixels]]] = MappingProxyType(
    {
        EditKind.CROP: (("left", "top", "right", "bottom"), _crop),
        EditKind.ROTATE: (("degrees",), _rotate),
        EditKind.FLIP: ((), _flip),
        EditKind.BRIGHTNESS: (("factor",), _brightness),
        EditKind.CONTRAST: (("factor",), _contrast),
        EditKind.DEINTERLACE: (("field",), _deinterlace),
        EditKind.RESIZE: (("width", "height"), _resize),
    }
)


def _require_values(kind: EditKind, values: Sequence[float]) -> None:
    names = _EDITS[kind][0]
    if len(values) != len(names):
        takes = f"{counted(len(names), 'value')}: {', '.join(names)}" if names else "no value"
        raise InvalidRequest(f"The edit '{kind}' takes {takes}.")
    if any(hundredths(value) is None for value in values):
        raise InvalidRequest(f"The values of the edit '{kind}' are numbers with at most two decimals.")


def _whole(kind: str, values: Sequence[float]) -> list[int]:
    if any(value != int(value) for value in values):
        raise InvalidRequest(f"The edit '{kind}' takes whole numbers of pixels.")
    return [int(value) for value in values]


def _factor(kind: str, factor: float) -> int:
    """Return a factor in hundredths."""
    n = hundredths(factor)
    if n is None or not LEAST_FACTOR <= n <= LARGEST_FACTOR:
        raise InvalidRequest(f"The factor of the edit '{kind}' is from 0.2 to 5.")
    return n


def _through(table: Sequence[int], image: Pixels) -> Pixels:
    """Look each value of each channel up in a table of 256."""
    return np.array(table, np.uint8)[image]
