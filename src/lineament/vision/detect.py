"""Find faces with YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.errors import ModelPackInvalid
from lineament.vision.pack import DetectorModel
from lineament.vision.runtime import input_tensor, open_session

Floats = NDArray[np.float32]

STRIDES = (8, 16, 32)  # input pixels between neighbouring anchors of YuNet's three outputs


class Detection(NamedTuple):
    """What a detector says of one face; as in ``core.faces.DetectedFace``."""

    box: Floats
    landmarks: Floats
    score: float


# The published graph fixes its input at 640 x 640 although every layer takes any size. In the protobuf a
# dimension is {dim_value: 640}; a {dim_param: "H"} has the same length, so it can be put in its place.
_FIXED_640 = b"\x0a\x03\x08\x80\x05" * 2
_ANY_SIZE = b"\x0a\x03\x12\x01H" + b"\x0a\x03\x12\x01W"


def open_detector(model: bytes, _model: Any = None, device: Any = "cpu") -> Any:
    """Open a YuNet session that takes any multiple of 32, from bytes whose digest was checked."""
    if model.count(_FIXED_640) != 1:
        raise ModelPackInvalid("The detector's graph does not declare one input of 640 x 640.")
    return open_session(model.replace(_FIXED_640, _ANY_SIZE))


def detect_faces(session: Any, pixels: NDArray[np.uint8], model: DetectorModel) -> list[Detection]:
    """Find the faces in (H, W, 3) uint8 RGB pixels, in reading order.

    Every scale of the model is run, and what they find is merged by one non-maximum suppression. The coarse
    scale is there because faces wider than about 450 px are missed; it is believed only on faces that are
    wide in it, since two small neighbours can look like one there. Boxes are cut to the image.
    """
    height, width = pixels.shape[:2]
    scales = sorted({min(1.0, side / max(width, height)) for side in model.long_sides}, reverse=True)
    found = [
        _at_scale(session, pixels, scale, model, narrowest=0 if scale == scales[0] else model.coarse_width)
        for scale in scales
    ]
    boxes, landmarks, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = suppress_overlaps(boxes, scores, model.overlap_threshold)
    limits = np.array([width, height, width, height], np.float32)
    return reading_order(
        [Detection(np.clip(boxes[i], 0, limits), landmarks[i], float(scores[i])) for i in kept]
    )


def _at_scale(
    session: Any, pixels: NDArray[np.uint8], scale: float, model: DetectorModel, narrowest: int
) -> tuple[Floats, Floats, Floats]:
    """Run one scale; return boxes (n, 4), landmarks (n, 5, 2) and scores (n,) in pixels of the image.

    Only faces at least ``narrowest`` px wide at this scale are returned.
    """
    height, width = pixels.shape[:2]
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    if (new_width, new_height) != (width, height):
        resized = Image.fromarray(pixels).resize(
            (new_width, new_height), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        pixels = np.asarray(resized)
    padding = ((0, -new_height % model.multiple), (0, -new_width % model.multiple), (0, 0))
    tensor = input_tensor(np.pad(pixels, padding), model)
    boxes, landmarks, scores = _decode_outputs(session, tensor, model.score_threshold)
    wide = boxes[:, 2] - boxes[:, 0] >= narrowest
    stretch = np.array([width / new_width, height / new_height], np.float32)
    return boxes[wide] * np.tile(stretch, 2), landmarks[wide] * stretch, scores[wide]


def _decode_outputs(session: Any, tensor: Floats, threshold: float) -> tuple[Floats, Floats, Floats]:
    """Run (1, 3, H, W) and read the anchors whose score reaches the threshold, in pixels of the tensor.

    An anchor at column c and row r of stride s predicts a box centre (c + dx, r + dy) * s, a box size
    exp(dw, dh) * s, and landmarks (c + dx, r + dy) * s; its score is sqrt(class * objectness).
    """
    names = [f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox", "kps")]
    outputs = dict(zip(names, session.run(names, {"input": tensor}), strict=True))
    boxes, landmarks, scores = [], [], []
    for stride in STRIDES:
        classes = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1)  # (rows * columns,)
        objectness = outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
        score = np.sqrt(classes * objectness)
        chosen = np.flatnonzero(score >= threshold)  # (n,)
        rows, columns = np.divmod(chosen, tensor.shape[3] // stride)
        anchors = np.stack([columns, rows], axis=1).astype(np.float32)  # (n, 2) as x, y
        offsets = outputs[f"bbox_{stride}"][0, chosen]  # (n, 4)
        centres = (anchors + offsets[:, :2]) * stride
        halves = np.exp(offsets[:, 2:]) * stride / 2
        boxes.append(np.concatenate([centres - halves, centres + halves], axis=1))
        points = outputs[f"kps_{stride}"][0, chosen].reshape(-1, 5, 2)
        landmarks.append((points + anchors[:, None]) * stride)
        scores.append(score[chosen])
    return np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(scores)


def suppress_overlaps(boxes: Floats, scores: Floats, threshold: float) -> list[int]:
    """Greedy non-maximum suppression: indices of the boxes kept, best score first.

    A box goes when its intersection over union with a kept one is above the threshold.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        far_corner = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.prod(np.clip(far_corner - corner, 0, None), axis=1)
        order = rest[shared <= threshold * (areas[best] + areas[rest] - shared)]
    return kept


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


def detect_in(session: Any, pixels: NDArray[np.uint8], box: Floats, model: DetectorModel) -> Detection | None:
    raise NotImplementedError
