"""Edits of a probe: geometric and photometric ones, each recorded so that it can be done again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

EDITS_MAX = 20  # of one photograph


class EditKind(StrEnum):
    """What may be done to a photograph before it is searched. Nothing is invented or enhanced."""

    CROP = "crop"  # left, top, right, bottom; px of the photograph as it is then
    ROTATE = "rotate"  # degrees, counter-clockwise
    FLIP = "flip"  # left to right
    BRIGHTNESS = "brightness"  # a factor
    CONTRAST = "contrast"  # a factor
    DEINTERLACE = "deinterlace"  # which field is kept: 0 or 1
    RESIZE = "resize"  # width, height; px


@dataclass(frozen=True)
class Edit:
    """One edit. ``pixels`` is the SHA-256, in hex, of the size and the RGB pixels after it.

    ``values`` have at most two decimals; a whole number is an int, so that it is written in one way only.
    """

    kind: EditKind
    values: tuple[float, ...]
    pixels: str


def hundredths(value: float) -> int | None:
    """Return how many hundredths a number below a billion has, None where it is no whole number of them."""
    if not abs(value) < 1e9:
        return None
    nearest = round(value * 100)
    return nearest if abs(value * 100 - nearest) < 1e-6 else None


def as_written(value: float) -> float:
    """Return a number of hundredths as it is recorded: an int where it is whole."""
    number = hundredths(value)
    if number is None:
        raise ValueError("a value has at most two decimals")
    return number // 100 if number % 100 == 0 else number / 100
