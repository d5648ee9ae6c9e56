"""Find faces in pixels, whichever family of detector a pack has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.vision import retinaface, scrfd, yunet
from lineament.vision.pack import DetectorModel
from lineament.vision.runtime import Device, input_tensor, open_session

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Found = tuple[Floats, Floats, Floats]  # boxes (n, 4), landmarks (n, 5, 2) and scores (n,)

READ = {"yunet": yunet.read, "scrfd": scrfd.read, "retinaface": retinaface.read}

_AS_GIVEN = 1.15  # what the photograph as it is counts more than another turn, which is rarer
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
    run only where the others find nobody or somebody small; what all find is merged by one non-maximum
    suppression.
    Boxes are cut to the image. Landmarks are in the face's own order, also where it lies on its side.
    """
    height, width = pixels.shape[:2]
    quarters, found = _best_turn(detector, pixels, model)
    finest, *others = (min(1.0, side / max(width, height)) for side in model.long_sides)
    if finest > max(others, default=1.0):
        widths = (found[0][:, 2] - found[0][:, 0]) * max(others)
        if not widths.size or widths.min() < model.small_width:
            view = _resized(detector, pixels, finest)
            finer = _in_view(detector, view, quarters, (height, width), model)
            found = _merged([found, finer], model)
    limits = np.array([width, height, width, height], np.float32)
    boxes, landmarks, scores = found
    return reading_order(
        [
            Detection(np.clip(box, 0, limits), points, float(score))
            for box, points, score in zip(boxes, landmarks, scores, strict=True)
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
        turned = np.ascontiguousarray(np.rot90(square, quarters))
        seen = _merged([_looked_at(detector, turned, model, model.drawn_threshold)], model)
        boxes, landmarks, scores = turn_back(seen, quarters, size, size)
        boxes = (boxes * (side / size) + np.tile(corner, 2)).astype(np.float32)
        overlaps = intersection_over_union(box, boxes)
        if overlaps.size and overlaps.max() >= _DRAWN_OVERLAP:
            i = int(overlaps.argmax())
            if best is None or scores[i] > best.score:
                points = (landmarks[i] + 0.5) * side / size + corner - 0.5
                best = Detection(boxes[i], points.astype(np.float32), float(scores[i]))
        if best is not None and best.score >= model.certain_score:
            break
    return best


def _best_turn(detector: Any, pixels: Pixels, model: DetectorModel) -> tuple[int, Found]:
    """Return by how many quarters, counter-clockwise, the photograph was turned, and what was found.

    What speaks for a turn is the sum of squares of what its scores exceed the threshold by, so that one
    strong face counts more than two weak ones.
    """
    height, width = size = pixels.shape[:2]
    sides = model.long_sides[1:] or model.long_sides
    scales = sorted({min(1.0, side / max(width, height)) for side in sides}, reverse=True)
    views = [_resized(detector, pixels, scale) for scale in scales]
    upright = _at_turn(detector, views, 0, size, model)
    if upright[2].max(initial=0) >= model.certain_score:
        return 0, upright

    def evidence(scores: Floats) -> float:
        return float(np.square(scores - model.score_threshold).sum())

    tried = [(quarters, _at_turn(detector, views, quarters, size, model)) for quarters in (1, 2, 3)]
    worth = [(0, upright), *(turn for turn in tried if turn[1][2].max(initial=0) >= model.strong_score)]
    return max(worth, key=lambda turn: evidence(turn[1][2]) * (1 if turn[0] else _AS_GIVEN))


def _at_turn(
    detector: Any, views: list[Pixels], quarters: int, size: tuple[int, int], model: DetectorModel
) -> Found:
    """Look at a photograph of ``size`` (H, W) at one turn in its views, the finest scale first."""
    finest, *others = views
    parts = [_in_view(detector, finest, quarters, size, model)]
    parts += [_in_view(detector, view, quarters, size, model, model.coarse_width) for view in others]
    return _merged(parts, model)


def _in_view(
    detector: Any,
    view: Pixels,
    quarters: int,
    size: tuple[int, int],
    model: DetectorModel,
    narrowest: int = 0,
) -> Found:
    """Return what one view at one turn shows, in pixels of the photograph of ``size`` (H, W) as it is.

    Only faces at least ``narrowest`` px wide in the view are returned.
    """
    height, width = view.shape[:2]
    turned = np.ascontiguousarray(np.rot90(view, quarters))
    seen = _looked_at(detector, turned, model, model.score_threshold)
    wide = seen[0][:, 2] - seen[0][:, 0] >= narrowest
    boxes, landmarks, scores = turn_back(seen, quarters, width, height)
    stretch = np.array([size[1] / width, size[0] / height], np.float32)
    return boxes[wide] * np.tile(stretch, 2), landmarks[wide] * stretch, scores[wide]


def _resized(detector: Any, pixels: Pixels, scale: float) -> Pixels:
    """Return the photograph at a scale, or smaller where the detector takes one size only."""
    height, width = pixels.shape[:2]
    if size := _only_size(detector):
        scale = min(scale, size[0] / height, size[1] / width)
    smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
    if smaller == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(smaller, Image.Resampling.BILINEAR, reducing_gap=2.0))


def _looked_at(detector: Any, pixels: Pixels, model: DetectorModel, threshold: float) -> Found:
    """Run the detector once on pixels padded at the right and the bottom to a size that it takes."""
    height, width = pixels.shape[:2]
    larger = (height + -height % model.multiple, width + -width % model.multiple)
    rows, columns = _only_size(detector) or larger
    tensor = input_tensor(np.pad(pixels, ((0, rows - height), (0, columns - width), (0, 0))), model)
    names = [output.name for output in detector.get_outputs()]
    outputs = dict(zip(names, detector.run(names, {detector.get_inputs()[0].name: tensor}), strict=True))
    return READ[model.family](outputs, tensor.shape[2:], threshold)


def _only_size(detector: Any) -> tuple[int, int] | None:
    """Return the height and width of an input that takes one size only."""
    _, _, height, width = detector.get_inputs()[0].shape
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def turn_back(found: Found, quarters: int, width: int, height: int) -> Found:
    """Bring what was found in ``np.rot90(pixels, quarters)`` back to ``pixels`` of this width and height.

    Boxes count from the pixels' edges, landmarks from their centres; a box stays (left, top, right, bottom).
    """
    boxes, landmarks, scores = found
    corners = _points_back(boxes.reshape(-1, 2, 2), quarters, width, height)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return boxes, _points_back(landmarks, quarters, width - 1, height - 1), scores


def _points_back(points: Floats, quarters: int, right: float, bottom: float) -> Floats:
    x, y = points[..., 0], points[..., 1]
    turns = ((x, y), (right - y, x), (right - x, bottom - y), (y, bottom - x))
    return np.stack(turns[quarters], axis=-1)


def _merged(parts: list[Found], model: DetectorModel) -> Found:
    """Return what is left of all parts once overlaps are suppressed, best score first.

    A large face's cheek or ear can look like a face to a fine scale: a weak one inside of a strong one goes.
    """
    boxes, landmarks, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = np.array(suppress_overlaps(boxes, scores, model.overlap_threshold), np.int64)
    strong = scores[kept] >= model.strong_score
    for box in boxes[kept[strong]]:
        inside = _shared(box, boxes[kept]) >= _PART_OF_A_FACE * _area(boxes[kept])
        kept, strong = kept[strong | ~inside], strong[strong | ~inside]
    return boxes[kept], landmarks[kept], scores[kept]


def suppress_overlaps(boxes: Floats, scores: Floats, threshold: float) -> list[int]:
    """Greedy non-maximum suppression: indices of the boxes kept, best score first.

    A box goes when its intersection over union with a kept one is above the threshold.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[intersection_over_union(boxes[best], boxes[rest]) <= threshold]
    return kept


def intersection_over_union(box: Floats, boxes: Floats) -> Floats:
    """Return (n,): what a box (4,) shares with each of (n, 4), of what both cover; all xyxy."""
    shared = _shared(box, boxes)
    return np.asarray(shared / np.maximum(_area(box) + _area(boxes) - shared, np.finfo(np.float32).tiny))


def _shared(box: Floats, boxes: Floats) -> Floats:
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    return np.asarray(sides.clip(0).prod(axis=1))


def _area(boxes: Floats) -> Floats:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


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
