"""Turn, scale and shift a face so that its landmarks lie where the embedder was trained to see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.errors import FaceTooSmall

SIDE = 112

# The landmarks of a frontal face in a 112 x 112 crop, as ArcFace aligned its training images (Deng et al.,
# CVPR 2019); x and y, integers at pixel centres, in the landmark order of DetectedFace.
ARCFACE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)

TEMPLATES = {"arcface-112": ARCFACE_112}


def similarity(points: NDArray[np.floating], targets: NDArray[np.floating]) -> tuple[complex, complex]:
    """Return (a, b) such that a * z + b brings points (n, 2) closest to targets (n, 2), in least squares.

    This is Umeyama's similarity without reflection (IEEE PAMI 13(4), 1991). In the plane, with z = x + iy, it
    has this closed form: |a| is the scale and the angle of a the rotation.
    Raises FaceTooSmall when all the points coincide.
    """
    source, target = (np.asarray(side, np.float64) @ (1, 1j) for side in (points, targets))
    spread = source - source.mean()
    power = float(np.vdot(spread, spread).real)
    if not power > 0:
        raise FaceTooSmall("The landmarks of the face fall on one point.")
    a = complex(np.vdot(spread, target - target.mean()) / power)
    return a, complex(target.mean() - a * source.mean())


def align_face(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], template: str = "arcface-112"
) -> NDArray[np.uint8]:
    """Cut one face out of (H, W, 3) uint8 RGB as (112, 112, 3) uint8; outside the image is black.

    ``landmarks`` is (5, 2), x and y with integers at pixel centres. A face more than twice as large as the
    crop is first averaged down by a whole number, so that the bilinear warp does not alias.
    """
    a, b = similarity(landmarks, TEMPLATES[template])
    image, a, b = _reduced(pixels, a, b)
    # Pillow asks for the way back, from crop to image, and puts integers at pixel corners: half a pixel is
    # taken off before and added after.
    back = 1 / a
    corner = back * (-0.5 - 0.5j - b) + (0.5 + 0.5j)
    coefficients = (back.real, -back.imag, corner.real, back.imag, back.real, corner.imag)
    crop = image.transform((SIDE, SIDE), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return np.asarray(crop)


def _reduced(pixels: NDArray[np.uint8], a: complex, b: complex) -> tuple[Image.Image, complex, complex]:
    """Cut the image to what the crop needs and shrink it by whole numbers; (a, b) then map what is left."""
    height, width = pixels.shape[:2]
    corners = (np.array([-1, SIDE, SIDE * 1j, SIDE + SIDE * 1j]) - b) / a
    factor = max(1, int(1 / abs(a)))
    left, top = (max(0, int(np.floor(part.min())) - factor) for part in (corners.real, corners.imag))
    right = min(width, int(np.ceil(corners.real.max())) + factor + 1)
    bottom = min(height, int(np.ceil(corners.imag.max())) + factor + 1)
    if right <= left or bottom <= top:
        return Image.new("RGB", (1, 1)), a, b
    image = Image.fromarray(pixels[top:bottom, left:right])
    b += a * complex(left, top)
    if factor == 1:
        return image, a, b
    # A pixel centre z of the cut becomes (z + half) / factor - half, half being (0.5, 0.5).
    half = 0.5 + 0.5j
    return image.reduce(factor), a * factor, b + a * (half * factor - half)
