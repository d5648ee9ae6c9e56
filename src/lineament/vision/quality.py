"""Which faces have enough pixels to be compared."""

from __future__ import annotations

from lineament.core.faces import DetectedFace
from lineament.errors import FaceTooSmall

MIN_INTER_EYE_PX = 12.0


def usable(face: DetectedFace) -> bool:
    """Say whether the eyes are far enough apart for a comparison to mean something."""
    return face.inter_eye_px >= MIN_INTER_EYE_PX


def require_usable(face: DetectedFace) -> None:
    """Raise FaceTooSmall for a face that is not usable."""
    if not usable(face):
        raise FaceTooSmall(
            f"The eyes are {int(face.inter_eye_px)} px apart; "
            f"at least {MIN_INTER_EYE_PX:.0f} are needed to compare a face."
        )
