"""Measure how well a face can be compared, before it is embedded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import DetectedFace
from lineament.core.quality import LEAST_INTER_EYE_PX, Quality
from lineament.errors import FaceTooSmall
from lineament.vision.align import ARCFACE_112

Floats = NDArray[np.float32]

# A head that looks straight ahead, (5, 3): x to the image's right, y down, z towards the camera. x and y are
# those of the alignment template; that the nose tip stands out by half the distance between the eyes is an
# assumption.
_HEAD = np.column_stack([ARCFACE_112, [0, 0, np.ptp(ARCFACE_112[:2, 0]) / 2, 0, 0]])

_CORE = (slice(28, 100), slice(26, 86))  # eyes, nose and mouth in the aligned crop, px
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_DARK, _BRIGHT = 25, 247  # of 255, as ISO/IEC 29794-5 counts under- and over-exposed pixels


def measure(crop: NDArray[np.uint8], landmarks: Floats, score: float, unified_score: int) -> Quality:
    """Return the quality of one face.

    ``crop`` is its aligned (112, 112, 3) uint8 RGB picture and ``landmarks`` are (5, 2) px in the photograph.
    ``score`` is the detector's confidence: it falls where a face is covered.
    """
    luma = (crop @ _LUMA)[_CORE]
    yaw, pitch, roll = head_pose(landmarks)
    return Quality(
        unified_score=unified_score,
        inter_eye_distance=float(np.linalg.norm(landmarks[1] - landmarks[0])),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        sharpness=_percent(np.log2(1 + _steepness(luma)) / 5),
        under_exposure_prevention=_percent(1 - np.mean(luma < _DARK)),
        over_exposure_prevention=_percent(1 - np.mean(luma > _BRIGHT)),
        face_occlusion_prevention=_percent((score - 0.5) / 0.4),
    )


def head_pose(landmarks: Floats) -> tuple[float, float, float]:
    """Return yaw, pitch and roll, degrees, from (5, 2) landmarks px; signs as in ``core.quality.Quality``.

    The head is fitted under weak perspective: two rows of a scaled rotation, by least squares, made
    orthonormal. Five points with a mean head are good for about ten degrees.
    """
    eyes = landmarks[1] - landmarks[0]
    roll = np.arctan2(eyes[1], eyes[0])
    upright = (landmarks - landmarks.mean(axis=0)) @ [
        [np.cos(roll), -np.sin(roll)],
        [np.sin(roll), np.cos(roll)],
    ]
    rows = np.linalg.lstsq(_HEAD - _HEAD.mean(axis=0), upright, rcond=None)[0].T  # (2, 3)
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    x_axis, y_axis = left @ right
    forward = np.cross(x_axis, y_axis)  # how the head's depth is seen: z of its own axes
    yaw = np.arctan2(x_axis[2], np.hypot(x_axis[0], x_axis[1]))
    pitch = np.arctan2(-y_axis[2], forward[2])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def require_usable(face: DetectedFace) -> None:
    """Raise FaceTooSmall for a face that is not usable."""
    if not face.quality.usable:
        raise FaceTooSmall(
            f"The eyes are {int(face.quality.inter_eye_distance)} px apart; "
            f"at least {LEAST_INTER_EYE_PX:.0f} are needed to compare a face."
        )


def _steepness(luma: Floats) -> float:
    """Return the mean size of the steps between neighbouring pixels, in levels of 255."""
    return float((np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean()) / 2)


def _percent(part: float | np.floating) -> int:
    return round(100 * min(1.0, max(0.0, float(part))))
