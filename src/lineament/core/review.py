"""Comparison by people: the components of a face, the scale of conclusions, and when examiners agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Component(StrEnum):
    """The components of a face that an examiner goes through.

    They are those of the FISWG Facial Image Comparison Feature List for Morphological Analysis, which ASTM
    E3149 uses.
    """

    SKIN = "skin"
    OUTLINE = "face-head-outline"
    COMPOSITION = "face-head-composition"
    HAIRLINE = "hairline-baldness-pattern"
    FOREHEAD = "forehead"
    EYEBROWS = "eyebrows"
    EYES = "eyes"
    CHEEKS = "cheeks"
    NOSE = "nose"
    EARS = "ears"
    MOUTH = "mouth"
    CHIN = "chin-jawline"
    NECK = "neck"
    FACIAL_HAIR = "facial-hair"
    LINES = "facial-lines"
    SCARS = "scars"
    MARKS = "facial-marks"
    ALTERATIONS = "alterations"
    OTHER = "other"


class Seen(StrEnum):
    """What an examiner says of one component."""

    NOT_VISIBLE = "not-visible"  # in one of the two photographs, or in both
    SIMILAR = "similar"
    DIFFERENT = "different"


class Judgement(StrEnum):
    """The first impression of a candidate, given before its score and rank are shown."""

    WORTH_COMPARING = "worth-comparing"
    NOT_WORTH_COMPARING = "not-worth-comparing"
    CANNOT_TELL = "cannot-tell"


class Conclusion(StrEnum):
    """The fixed scale of conclusions. ``WORDING`` has the one wording of each."""

    STRONG_SAME = "strong-support-for-same"
    SAME = "support-for-same"
    INCONCLUSIVE = "inconclusive"
    DIFFERENT = "support-for-different"
    STRONG_DIFFERENT = "strong-support-for-different"
    NOT_SUITABLE = "not-suitable"


WORDING: Mapping[Conclusion, str] = {
    Conclusion.STRONG_SAME: "What is seen gives strong support to the view that the two photographs show one "
    "person, rather than two different people.",
    Conclusion.SAME: "What is seen gives some support to the view that the two photographs show one person, "
    "rather than two different people.",
    Conclusion.INCONCLUSIVE: "What is seen supports neither view more than the other.",
    Conclusion.DIFFERENT: "What is seen gives some support to the view that the two photographs show two "
    "different people, rather than one.",
    Conclusion.STRONG_DIFFERENT: "What is seen gives strong support to the view that the two photographs "
    "show two different people, rather than one.",
    Conclusion.NOT_SUITABLE: "The photographs are not suitable for a comparison.",
}
FOR_SAME = frozenset({Conclusion.STRONG_SAME, Conclusion.SAME})


@dataclass(frozen=True)
class Finding:
    """What an examiner says of one component, with a note; a difference needs one."""

    component: Component
    seen: Seen
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """One examiner's comparison of two photographs: a finding for every component, and the conclusion.

    Similarities and differences are both put into words, also where there are none.
    """

    findings: tuple[Finding, ...]
    similarities: str
    differences: str
    conclusion: Conclusion


class LeadState(StrEnum):
    """Where a candidate stands that was put forward."""

    PUT_FORWARD = "put-forward"
    NOT_SUPPORTED = "not-supported"
    LEAD = "lead"
    ACTED_ON = "acted-on"
    SET_ASIDE = "set-aside"


def state_after(conclusions: Sequence[Conclusion], reviewers: int) -> LeadState:
    """Return where a candidate stands after these conclusions, when ``reviewers`` examiners must agree.

    One may disagree, and then one more is asked: it stays put forward. Two who do not support it end it.
    """
    supporting = sum(one in FOR_SAME for one in conclusions)
    if supporting >= reviewers:
        return LeadState.LEAD
    return LeadState.NOT_SUPPORTED if len(conclusions) - supporting >= 2 else LeadState.PUT_FORWARD


class Truth(StrEnum):
    """Whether a lead turned out to be right, once that is known from elsewhere."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
