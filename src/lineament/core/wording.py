"""What states, conclusions and the like are called where people read them, in every door and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lineament.core.cases import CaseState, Obtained, Part
from lineament.core.edits import Edit, EditKind
from lineament.core.policy import Mode
from lineament.core.review import Component, LeadState, Seen, Truth
from lineament.core.words import capital

MODES = {
    Mode.IDENTIFICATION: "Only faces at or above a threshold are listed; an empty list is an answer.",
    Mode.INVESTIGATION: "A short list of the nearest faces, without a threshold: it is never empty, "
    "whether or not the person is there.",
}
CASE_STATES = {
    CaseState.OPEN: "open",
    CaseState.SEARCHING: "searching",
    CaseState.UNDER_REVIEW: "under review",
    CaseState.CLOSED: "closed",
    CaseState.APPEALED: "appealed",
}
PARTS = {
    Part.STAFF: "works on it",
    Part.COUNSEL: "counsel, reads it",
    Part.EXPERT: "independent expert, reads it",
}
OBTAINED = {
    Obtained.OWN: "the searcher took it",
    Obtained.FROM_PERSON: "the person sought gave it",
    Obtained.FROM_FAMILY: "their family gave it",
    Obtained.ARCHIVE: "it is from an archive",
    Obtained.PUBLISHED: "it was published",
    Obtained.EVIDENCE: "it is evidence",
}
LEAD_STATES = {
    LeadState.PUT_FORWARD: "put forward, waiting for further examiners",
    LeadState.NOT_SUPPORTED: "not supported by the examiners: no lead",
    LeadState.LEAD: "a lead",
    LeadState.ACTED_ON: "a lead that was acted on",
    LeadState.SET_ASIDE: "a lead that was set aside",
}
TRUTHS = {
    Truth.RIGHT: "it turned out to be right",
    Truth.WRONG: "it turned out to be wrong",
    Truth.UNKNOWN: "whether it was right could not be found out",
}
SEEN = {
    Seen.NOT_VISIBLE: "not visible",
    Seen.SIMILAR: "similar",
    Seen.DIFFERENT: "different",
}
COMPONENTS = {  # close to the words of the FISWG's list
    Component.SKIN: "Skin",
    Component.OUTLINE: "Outline of the face and head",
    Component.COMPOSITION: "Composition of the face and head",
    Component.HAIRLINE: "Hairline and baldness",
    Component.FOREHEAD: "Forehead",
    Component.EYEBROWS: "Eyebrows",
    Component.EYES: "Eyes",
    Component.CHEEKS: "Cheeks",
    Component.NOSE: "Nose",
    Component.EARS: "Ears",
    Component.MOUTH: "Mouth",
    Component.CHIN: "Chin and jawline",
    Component.NECK: "Neck",
    Component.FACIAL_HAIR: "Facial hair",
    Component.LINES: "Facial lines",
    Component.SCARS: "Scars",
    Component.MARKS: "Facial marks",
    Component.ALTERATIONS: "Alterations",
    Component.OTHER: "Anything else",
}
_ORIGINS = {  # docs/sources.md says what each of these is
    "exif:ImageDescription": "Description in the file",
    "exif:Artist": "Photographer in the file",
    "exif:Copyright": "Copyright in the file",
    "exif:DateTimeOriginal": "Taken, by the camera's clock",
    "exif:OffsetTimeOriginal": "Time zone of that clock",
    "exif:Make": "Maker of the camera",
    "exif:Model": "Model of the camera",
    "c2pa:validation": "Content credentials",
    "c2pa:signer": "Credentials signed by",
    "c2pa:signed": "Credentials signed on",
    "c2pa:claim_generator": "Credentials made with",
    "c2pa:title": "Title in the credentials",
    "c2pa:actions": "Actions in the credentials",
    "c2pa:digital_source_type": "Kind of source in the credentials",
    "film:seen_until": "In sight until",
    "film:same_as": "Same face in the film as",
}
_EDITS: Mapping[EditKind, Callable[..., str]] = {
    EditKind.CROP: lambda left, top, right, bottom: (
        f"Cut out: {right - left:,} x {bottom - top:,} px, "
        f"{left:,} px from the left and {top:,} px from the top"
    ),
    EditKind.ROTATE: lambda degrees: (
        f"Turned by {abs(degrees)}° {'clockwise' if degrees < 0 else 'counter-clockwise'}"
    ),
    EditKind.FLIP: lambda: "Flipped, left to right",
    EditKind.BRIGHTNESS: lambda factor: f"Brightness {factor}",
    EditKind.CONTRAST: lambda factor: f"Contrast {factor}",
    EditKind.DEINTERLACE: lambda field: f"Deinterlaced: the {'second' if field else 'first'} field kept",
    EditKind.RESIZE: lambda width, height: f"Resized to {width:,} x {height:,} px",
}


def origin_in_words(name: str) -> str:
    """Return what a further value of a photograph's provenance is called; the source's own names stay."""
    return _ORIGINS.get(name, capital(name))


def edit_in_words(edit: Edit) -> str:
    """Return an edit of a photograph in words."""
    return _EDITS[edit.kind](*edit.values)
