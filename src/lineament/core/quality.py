"""How well one face can be compared: measures named as in ISO/IEC 29794-5, and what they mean in words."""

from __future__ import annotations

from dataclasses import dataclass

# Below this the eyes are too close for a comparison to mean anything: the face is not searched.
LEAST_INTER_EYE_PX = 12.0

# From where a measure is worth a word to the person who chose the photograph.
SMALL_INTER_EYE_PX = 24.0
TURNED_DEGREES = 30.0
POOR = 20  # of 100


@dataclass(frozen=True)
class Quality:
    """The quality of one face.

    ``inter_eye_distance`` is in px. ``yaw``, ``pitch`` and ``roll`` are degrees: yaw is above zero when the
    face looks towards the image's right, pitch when it looks up, roll when it is turned clockwise. The others
    are quality components from 0 (worst) to 100 (best); ``unified_score`` foretells how likely a comparison
    with another photograph of the same person is to succeed.
    """

    unified_score: int
    inter_eye_distance: float
    yaw: float
    pitch: float
    roll: float
    sharpness: int
    under_exposure_prevention: int
    over_exposure_prevention: int
    face_occlusion_prevention: int

    @property
    def usable(self) -> bool:
        """Say whether the eyes are far enough apart for a comparison to mean something."""
        return self.inter_eye_distance >= LEAST_INTER_EYE_PX

    @property
    def advice(self) -> tuple[str, ...]:
        """What stands in the way of a reliable comparison, in words; empty where nothing does."""
        eyes = f"eyes {int(self.inter_eye_distance)} px apart"
        if not self.usable:
            return (f"{eyes}: too small to compare",)
        turned = max(abs(self.yaw), abs(self.pitch)) > TURNED_DEGREES
        said = (
            (self.inter_eye_distance < SMALL_INTER_EYE_PX, f"{eyes}: too small to compare reliably"),
            (turned, "turned away: another photograph, taken from the front, would be better"),
            (self.sharpness < POOR, "blurred: a sharper photograph would be better"),
            (self.under_exposure_prevention < POOR, "too dark to compare reliably"),
            (self.over_exposure_prevention < POOR, "too bright to compare reliably"),
            (self.face_occlusion_prevention < POOR, "partly covered, or not clearly a face"),
        )
        return tuple(sentence for applies, sentence in said if applies)
