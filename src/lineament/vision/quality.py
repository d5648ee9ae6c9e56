"""Measure how well a face can be compared, before it is embedded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import DetectedFace
from lineament.core.quality import LEAST_INTER_EYE_PX, Quality
from lineament.errors import FaceTooSmall


def measure(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Quality:
    """Return the quality of one face of (H, W, 3) uint8 RGB pixels with its (5, 2) landmarks."""
    eyes = landmarks[1] - landmarks[0]
    distance = float(np.hypot(*eyes))
    roll = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    return Quality(100, distance, 0.0, 0.0, roll, 100, 100, 100, 100)


def require_usable(face: DetectedFace) -> None:
    """Raise FaceTooSmall for a face that is not usable."""
    if not face.quality.usable:
        raise FaceTooSmall(
            f"The eyes are {int(face.quality.inter_eye_distance)} px apart; "
            f"at least {LEAST_INTER_EYE_PX:.0f} are needed to compare a face."
        )
