"""One look of a detector: at a photograph, or a part of one, at one scale and one turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.vision import retinaface, scrfd, yunet
from lineament.vision.boxes import Found, turn_back
from lineament.vision.pack import DetectorModel
from lineament.vision.runtime import input_tensors

Pixels = NDArray[np.uint8]

READ = {"yunet": yunet.read, "scrfd": scrfd.read, "retinaface": retinaface.read}


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Return (H, W, 3) pixels at a scale, at least one pixel high and wide."""
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def look(
    detector: Any, view: Pixels, model: DetectorModel, threshold: float, quarters: int = 0, border: int = 0
) -> Found:
    """Return the faces of a view (h, w, 3), in its pixels, that score at least the threshold.

    It is looked at within a black border of so many px, turned by so many quarters counter-clockwise, and
    padded at the right and the bottom to a size that the detector takes; where it takes one size only, the
    view is made smaller first if it must be.
    """
    shown = resized(view, _room(detector, view, quarters, border))
    framed = np.pad(shown, ((border, border), (border, border), (0, 0)))
    turned = np.rot90(framed, quarters)
    height, width = turned.shape[:2]
    larger = (height + -height % model.multiple, width + -width % model.multiple)
    rows, columns = _only_size(detector) or larger
    tensor = input_tensors([np.pad(turned, ((0, rows - height), (0, columns - width), (0, 0)))], model)
    names = [output.name for output in detector.get_outputs()]
    outputs = dict(zip(names, detector.run(names, {detector.get_inputs()[0].name: tensor}), strict=True))
    seen = Found(*READ[model.family](outputs, tensor.shape[2:], threshold))
    back = turn_back(seen, quarters, framed.shape[1], framed.shape[0])
    return stretched(back.moved(np.full(2, -border, np.float32)), shown, view.shape[:2])


def stretched(found: Found, view: Pixels, size: tuple[int, ...]) -> Found:
    """Return what was found in a view in pixels of the photograph of ``size`` (H, W) that it shows."""
    stretch = np.array([size[1] / view.shape[1], size[0] / view.shape[0]], np.float32)
    return Found(found.boxes * np.tile(stretch, 2), found.landmarks * stretch, found.scores)


def _room(detector: Any, view: Pixels, quarters: int, border: int) -> float:
    """Return the scale, at most 1, at which a turned view within its border has room in the input."""
    size = _only_size(detector)
    if size is None:
        return 1.0
    rows, columns = (size[1], size[0]) if quarters % 2 else size
    height, width = view.shape[:2]
    return float(min(1.0, (rows - 2 * border) / height, (columns - 2 * border) / width))


def _only_size(detector: Any) -> tuple[int, int] | None:
    """Return the height and width of an input that takes one size only."""
    _, _, height, width = detector.get_inputs()[0].shape
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None
