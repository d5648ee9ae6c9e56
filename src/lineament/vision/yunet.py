"""YuNet's outputs (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineament.errors import ModelPackInvalid

Floats = NDArray[np.float32]

STRIDES = (8, 16, 32)  # input pixels between neighbouring anchors of the three outputs

# The published graph fixes its input at 640 x 640 although every layer takes any size. In the protobuf a
# dimension is {dim_value: 640}; a {dim_param: "H"} has the same length, so it can be put in its place.
_FIXED_640 = b"\x0a\x03\x08\x80\x05" * 2
_ANY_SIZE = b"\x0a\x03\x12\x01H" + b"\x0a\x03\x12\x01W"


def any_size(model: bytes) -> bytes:
    """Return the graph so that it takes any multiple of 32. Raises ModelPackInvalid."""
    if model.count(_FIXED_640) != 1:
        raise ModelPackInvalid("The detector's graph does not declare one input of 640 x 640.")
    return model.replace(_FIXED_640, _ANY_SIZE)


def read(
    outputs: dict[str, Floats], size: tuple[int, int], threshold: float
) -> tuple[Floats, Floats, Floats]:
    """Return boxes (n, 4), landmarks (n, 5, 2) and scores (n,) in pixels of the input of ``size`` (H, W).

    An anchor at column c and row r of stride s predicts a box centre (c + dx, r + dy) * s, a box size
    exp(dw, dh) * s, and landmarks (c + dx, r + dy) * s; its score is sqrt(class * objectness).
    """
    boxes, landmarks, scores = [], [], []
    for stride in STRIDES:
        classes = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1)  # (rows * columns,)
        objectness = outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
        score = np.sqrt(classes * objectness)
        chosen = np.flatnonzero(score >= threshold)  # (n,)
        rows, columns = np.divmod(chosen, size[1] // stride)
        anchors = np.stack([columns, rows], axis=1).astype(np.float32)  # (n, 2) as x, y
        offsets = outputs[f"bbox_{stride}"][0, chosen]  # (n, 4)
        centres = (anchors + offsets[:, :2]) * stride
        halves = np.exp(offsets[:, 2:]) * stride / 2
        boxes.append(np.concatenate([centres - halves, centres + halves], axis=1))
        points = outputs[f"kps_{stride}"][0, chosen].reshape(-1, 5, 2)
        landmarks.append((points + anchors[:, None]) * stride)
        scores.append(score[chosen])
    return np.concatenate(boxes), np.concatenate(landmarks), np.concatenate(scores)
