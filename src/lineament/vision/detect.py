"""Find faces in pixels, whichever family of detector a pack has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from lineament.vision import yunet
from lineament.vision.boxes import Floats, Found, area, intersection_over_union, shared, suppress_overlaps
from lineament.vision.pack import DetectorModel
from lineament.vision.runtime import Device, open_session
from lineament.vision.views import Pixels, look, resized, stretched

# How another turn of the photograph is judged.
_AS_GIVEN = 1.3  # what the photograph as it is counts more than another turn, which is rarer
_BORDER = 64  # px around the coarsest view, for a face that fills it
_FILLS = 0.6  # of that view's shorter side: faces narrower than this do not count there

# How small faces are looked at as large as they are, px of the photograph.
_CELL = 256
_MARGIN = 32
_SUSPECT_WIDTH = 24  # in the finest scale: a wider face is found there, and its landmarks are good

_PART_OF_A_FACE = 0.7  # of a weak face's box, inside of a strong one's

# How a box drawn by hand is looked at.
_DRAWN_SIDE = 160  # its longer side in the detector's input, px
_DRAWN_MARGIN = 0.5  # of that side, on every side
_DRAWN_OVERLAP = 0.3  # least intersection over union of the box and what is found


class Detection(NamedTuple):
    """What a detector says of one face; as in ``core.faces.DetectedFace``."""

    box: Floats
    landmarks: Floats
    score: float


def open_detector(content: bytes, model: DetectorModel, device: Device = "cpu") -> Any:
    """Open a session of a detector from bytes whose digest was checked. Raises as ``open_session``."""
    return open_session(yunet.any_size(content) if model.family == "yunet" else content, device)


def detect_faces(detector: Any, pixels: Pixels, model: DetectorModel) -> list[Detection]:
    """Find the faces in (H, W, 3) uint8 RGB pixels, in reading order.

    The photograph is looked at as it is and, where that leaves a doubt, at three more turns. The turn with
    the most evidence is kept, another one than as it is only if it shows a strong face. The finest scale is
    run only where the others find nobody or somebody small, and where it suspects small faces the pixels are
    looked at as they are. What all find is merged by one non-maximum suppression.
    Boxes are cut to the image. Landmarks are in the face's own order, also where it lies on its side.
    """
    height, width = pixels.shape[:2]
    quarters, found = _best_turn(detector, pixels, model)
    finest, *others = (min(1.0, side / max(width, height)) for side in model.long_sides)
    if finest > max(others, default=1.0):
        widths = found.widths() * max(others)
        if not widths.size or widths.min() < model.small_width:
            found = _merged([found, *_small_faces(detector, pixels, finest, quarters, model)], model)
    limits = np.array([width, height, width, height], np.float32)
    return reading_order(
        [
            Detection(np.clip(box, 0, limits), points, float(score))
            for box, points, score in zip(*found, strict=True)
        ]
    )


def detect_in(detector: Any, pixels: Pixels, box: Floats, model: DetectorModel) -> Detection | None:
    """Look closer for the face in a box drawn by hand, (4,) xyxy in pixels of (H, W, 3) uint8 RGB ``pixels``.

    The square around the box is looked at as it is and, where that leaves a doubt, at three more turns; a
    face counts from the lower ``drawn_threshold`` on. Returns the face of the strongest turn that overlaps
    the box best, or None where none overlaps it by 0.3 (intersection over union).
    """
    side = float(max(box[2] - box[0], box[3] - box[1])) * (1 + 2 * _DRAWN_MARGIN)
    corner = (box[:2] + box[2:] - side) / 2
    size = round(_DRAWN_SIDE * (1 + 2 * _DRAWN_MARGIN))
    part = Image.fromarray(pixels).transform(
        (size, size),
        Image.Transform.EXTENT,
        tuple(map(float, (*corner, *(corner + side)))),
        Image.Resampling.BILINEAR,
    )
    square, best = np.asarray(part), None
    for quarters in range(4):
        seen = _merged([look(detector, square, model, model.drawn_threshold, quarters)], model)
        boxes = (seen.boxes * (side / size) + np.tile(corner, 2)).astype(np.float32)
        overlaps = intersection_over_union(box, boxes)
        if overlaps.size and overlaps.max() >= _DRAWN_OVERLAP:
            i = int(overlaps.argmax())
            if best is None or seen.scores[i] > best.score:
                points = (seen.landmarks[i] + 0.5) * side / size + corner - 0.5
                best = Detection(boxes[i], points.astype(np.float32), float(seen.scores[i]))
        if best is not None and best.score >= model.certain_score:
            break
    return best


def _best_turn(detector: Any, pixels: Pixels, model: DetectorModel) -> tuple[int, Found]:
    """Return by how many quarters, counter-clockwise, the photograph was turned, and what was found.

    What speaks for a turn is the sum of squares of what the log odds of its scores exceed the threshold's by:
    one strong face counts more than two weak ones, and 0.9999 more than 0.99.
    """
    height, width = size = pixels.shape[:2]
    sides = model.long_sides[1:] or model.long_sides
    scales = sorted({min(1.0, side / max(width, height)) for side in sides}, reverse=True)
    views = [resized(pixels, scale) for scale in scales]
    upright = _at_turn(detector, views, 0, size, model)
    if upright.scores.max(initial=0) >= model.certain_score:
        return 0, upright

    def evidence(quarters: int, seen: Found) -> float:
        excess = _log_odds(seen.scores) - _log_odds(model.score_threshold)
        return float(np.square(excess).sum()) * (1 if quarters else _AS_GIVEN)

    looks = [upright, *(_at_turn(detector, views, quarters, size, model) for quarters in (1, 2, 3))]
    turns = [
        (quarters, _merged([seen, _filling(detector, views[-1], quarters, size, model)], model))
        for quarters, seen in enumerate(looks)
    ]
    worth = [turn for turn in turns if not turn[0] or turn[1].scores.max(initial=0) >= model.strong_score]
    return max(worth, key=lambda turn: evidence(*turn))


def _log_odds(scores: Floats | float) -> Floats:
    """Return log(p / (1 - p)) of each score p, with 1 taken for the float32 below it."""
    p = np.minimum(np.asarray(scores, np.float32), 1 - np.finfo(np.float32).epsneg)
    return np.asarray(np.log(p / (1 - p)))


def _at_turn(
    detector: Any, views: list[Pixels], quarters: int, size: tuple[int, int], model: DetectorModel
) -> Found:
    """Look at a photograph of ``size`` (H, W) at one turn in its views, the finest scale first."""
    parts = []
    for view in views:
        seen = look(detector, view, model, model.score_threshold, quarters)
        wide = seen.widths() >= (0 if view is views[0] else model.coarse_width)
        parts.append(stretched(seen.only(wide), view, size))
    return _merged(parts, model)


def _filling(
    detector: Any, view: Pixels, quarters: int, size: tuple[int, int], model: DetectorModel
) -> Found:
    """Look for a face that fills a view of the photograph: around the view there is nothing but a border."""
    seen = look(detector, view, model, model.score_threshold, quarters, _BORDER)
    return stretched(seen.only(seen.widths() >= _FILLS * min(view.shape[:2])), view, size)


def _small_faces(
    detector: Any, pixels: Pixels, scale: float, quarters: int, model: DetectorModel
) -> list[Found]:
    """Return what the finest scale shows and, if it is smaller than the pixels, what these show of suspects.

    A suspect is a small face that scores at least ``suspect_score``. Each cell of the photograph that holds
    one is looked at with a margin; the faces whose centre it holds count.
    """
    view = resized(pixels, scale)
    suspects = stretched(look(detector, view, model, model.suspect_score, quarters), view, pixels.shape[:2])
    parts = [suspects.only(suspects.scores >= model.score_threshold)]
    if view.shape == pixels.shape:
        return parts
    small = suspects.only(suspects.widths() * view.shape[1] < _SUSPECT_WIDTH * pixels.shape[1])
    limits = np.array(pixels.shape[1::-1]) - 1
    for cell in np.unique(small.centres().clip(0, limits).astype(np.int64) // _CELL, axis=0):
        left, top = (cell * _CELL - _MARGIN).clip(0)
        right, bottom = (cell + 1) * _CELL + _MARGIN
        seen = look(detector, pixels[top:bottom, left:right], model, model.score_threshold, quarters)
        seen = seen.moved(np.array([left, top], np.float32))
        parts.append(seen.only((seen.centres() // _CELL == cell).all(axis=1)))
    return parts


def _merged(parts: list[Found], model: DetectorModel) -> Found:
    """Return what is left of all parts once overlaps are suppressed, best score first.

    A large face's cheek or ear can look like a face to a fine scale: a weak one inside of a strong one goes.
    """
    found = Found(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    found = found.only(
        np.array(suppress_overlaps(found.boxes, found.scores, model.overlap_threshold), np.int64)
    )
    for box in found.boxes[found.scores >= model.strong_score]:
        inside = shared(box, found.boxes) >= _PART_OF_A_FACE * area(found.boxes)
        found = found.only((found.scores >= model.strong_score) | ~inside)
    return found


def reading_order(faces: list[Detection]) -> list[Detection]:
    """Order faces as one reads: rows from top to bottom, each row from left to right.

    A row starts with the highest face left, by its centre, and takes in every face whose centre is not below
    that face's box.
    """
    centres = {id(face): (face.box[:2] + face.box[2:]) / 2 for face in faces}
    waiting = sorted(faces, key=lambda face: (centres[id(face)][1], centres[id(face)][0]))
    ordered: list[Detection] = []
    while waiting:
        row = [face for face in waiting if centres[id(face)][1] <= waiting[0].box[3]]
        waiting = waiting[len(row) :]
        ordered += sorted(row, key=lambda face: (centres[id(face)][0], centres[id(face)][1]))
    return ordered
