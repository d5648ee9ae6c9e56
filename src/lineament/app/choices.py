"""Which face of a photograph is searched, as a door was given it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineament.errors import InvalidRequest

Box = tuple[float, float, float, float]  # xyxy, px of the upright photograph
Choice = int | Box  # of a face: its number, counted from 1, or a box drawn around one that was not found


def choices_of(faces: Sequence[int], box: str | None) -> tuple[Choice, ...]:
    """Return the choices that a door was given: numbers of faces, or one box as text, such as ``9,8,70,60``.

    Raises InvalidRequest where both are given, or the text is no box.
    """
    if faces and box is not None:
        raise InvalidRequest("Give the number of a face or a box, and not both.")
    return tuple(faces) if box is None else (parse_box(box),)


def parse_box(text: str) -> Box:
    """Return the box that ``left,top,right,bottom`` names, px. Raises InvalidRequest."""
    try:
        left, top, right, bottom = map(float, text.split(","))
    except ValueError:
        left = top = right = bottom = math.nan
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise InvalidRequest("A box is four numbers: left,top,right,bottom in pixels.")
    return left, top, right, bottom
