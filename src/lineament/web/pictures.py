"""Geometry that the pages draw with: squares around faces, the scale of a score, aligned faces."""

from __future__ import annotations

from lineament.core.faces import DetectedFace, square_around
from lineament.vision.align import ARCFACE_112, similarity

SCALE_LOW, SCALE_HIGH = -0.2, 1.0  # of comparison scores, as drawn


def view_box(face: DetectedFace, size: tuple[int, int]) -> str:
    """Return an SVG viewBox: a square around the face inside a photograph of ``size`` (width, height) px."""
    left, top, side = square_around(face.box, *size)
    return f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}"


def rectangle(face: DetectedFace) -> dict[str, str]:
    """Return the box as the attributes of an SVG rectangle, in px of the upright photograph."""
    x1, y1, x2, y2 = (float(value) for value in face.box)
    return {"x": f"{x1:.1f}", "y": f"{y1:.1f}", "width": f"{x2 - x1:.1f}", "height": f"{y2 - y1:.1f}"}


def alignment(face: DetectedFace) -> str:
    """Return 'a.real a.imag b.real b.imag': z -> az + b lays the face as the comparison laid it."""
    a, b = similarity(face.landmarks, ARCFACE_112)
    return " ".join(f"{value:.6f}" for value in (a.real, a.imag, b.real, b.imag))


def along(score: float) -> float:
    """Return where a comparison score lies on the drawn scale, from 0 to 100."""
    share = (score - SCALE_LOW) / (SCALE_HIGH - SCALE_LOW)
    return round(100 * min(max(share, 0.0), 1.0), 1)


FILTERS = {one.__name__: one for one in (view_box, rectangle, alignment, along)}
