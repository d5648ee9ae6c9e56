"""Values as people read them: times, rules and links. The templates get every one of these as a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from lineament.app.casework.examiners import Rate
from lineament.core.cases import CaseState, Obtained, Part
from lineament.core.edits import Edit, EditKind
from lineament.core.permission import LegalBasis, PermissionState
from lineament.core.policy import Mode, Need
from lineament.core.review import WORDING as CONCLUSIONS
from lineament.core.review import Component, Conclusion, Judgement, LeadState, Seen
from lineament.core.times import from_iso
from lineament.core.words import is_web_address
from lineament.records.searches import Outcome

LEGAL_BASES = {
    LegalBasis.CONSENT: "consent of the people shown",
    LegalBasis.CONTRACT: "contract or licence",
    LegalBasis.PUBLIC_INTEREST_ARCHIVE: "archiving in the public interest",
    LegalBasis.LEGAL_DUTY: "duty under the law",
    LegalBasis.OWN_IMAGES: "the grantor's own images",
}
PERMISSION_STATES = {
    PermissionState.DRAFT: "only drafted",
    PermissionState.NOT_YET: "not yet in force",
    PermissionState.IN_FORCE: "in force",
    PermissionState.NARROWED: "in force, narrowed",
    PermissionState.EXPIRED: "expired",
    PermissionState.WITHDRAWN: "withdrawn",
}
MODES = {
    Mode.IDENTIFICATION: "Only faces at or above a threshold are listed; an empty list is an answer.",
    Mode.INVESTIGATION: "A short list of the nearest faces, without a threshold: it is never empty, "
    "whether or not the person is there.",
}
OUTCOMES = {
    Outcome.CANDIDATES: "candidates to review",
    Outcome.EMPTY: "no lead",
    Outcome.AWAITING_FACE: "waiting: choose a face",
    Outcome.REFUSED: "refused",
    Outcome.FAILED: "stopped",
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
    Obtained.OWN: "The searcher took it",
    Obtained.FROM_PERSON: "The person sought gave it",
    Obtained.FROM_FAMILY: "Their family gave it",
    Obtained.ARCHIVE: "It is from an archive",
    Obtained.PUBLISHED: "It was published",
    Obtained.EVIDENCE: "It is evidence",
}
NEEDS = {
    Need.CASE: "a case",
    Need.NARRATIVE: "a narrative",
    Need.AUTHORISATION: "an authorisation",
    Need.CONSENT: "the consent of the person sought",
}
JUDGEMENTS = {
    Judgement.WORTH_COMPARING: "worth comparing feature by feature",
    Judgement.NOT_WORTH_COMPARING: "not worth comparing",
    Judgement.CANNOT_TELL: "cannot tell from these photographs",
}
SEEN = {
    Seen.NOT_VISIBLE: "not visible",
    Seen.SIMILAR: "similar",
    Seen.DIFFERENT: "different",
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
LEAD_STATES = {
    LeadState.PUT_FORWARD: "put forward, waiting for another examiner",
    LeadState.NOT_SUPPORTED: "not supported by the examiners",
    LeadState.LEAD: "a lead",
    LeadState.ACTED_ON: "a lead, acted on",
    LeadState.SET_ASIDE: "a lead, set aside",
}
COMPONENTS = {  # each with what to look at
    Component.SKIN: ("Skin", "Texture, folds and pores. Its colour depends on the light and says little."),
    Component.OUTLINE: ("Outline of the head", "The line from the crown over the temples down to the jaw."),
    Component.COMPOSITION: ("Build of the face", "How its parts lie to one another; what is not even."),
    Component.HAIRLINE: ("Hairline", "Where the hair begins, and bald places. A haircut is no difference."),
    Component.FOREHEAD: ("Forehead", "Height, width and slope; the ridge over the brows."),
    Component.EYEBROWS: ("Eyebrows", "Course, thickness and ends; the gap between them."),
    Component.EYES: ("Eyes", "Opening, corners, lids and their folds, iris; the distance between them."),
    Component.CHEEKS: ("Cheeks", "Cheekbones, fullness, dimples."),
    Component.NOSE: ("Nose", "Root, bridge, tip, wings and nostrils; length and width."),
    Component.EARS: (
        "Ears",
        "Size and angle; the rim, the folds inside it, the lobe and how it is attached.",
    ),
    Component.MOUTH: ("Mouth", "Both lips, the line between them, corners, the groove above; teeth."),
    Component.CHIN: ("Chin and jaw", "Shape and height of the chin, a cleft, the line of the jaw."),
    Component.NECK: ("Neck", "Width and length; folds, the larynx."),
    Component.FACIAL_HAIR: ("Beard", "Where it grows, how densely. It may have been shaved or grown since."),
    Component.LINES: ("Lines", "Lines and creases: where they run, how long and how deep they are."),
    Component.SCARS: ("Scars", "Place, shape and size of each."),
    Component.MARKS: ("Marks", "Moles, freckles, birthmarks and other marks: place, shape and size."),
    Component.ALTERATIONS: ("Alterations", "Piercings, tattoos, make-up, surgery, injuries."),
    Component.OTHER: ("Anything else", "What none of the above names. Glasses and clothes are not the face."),
}


def day(when: datetime) -> str:
    """Return the day of a UTC time as ``2 January 2026``."""
    return f"{when.day} {when:%B %Y}"


def moment(when: datetime) -> str:
    """Return a UTC time as ``2 January 2026, 14:05 UTC``."""
    return f"{day(when)}, {when:%H:%M} UTC"


def time(text: str) -> str:
    """Return an ISO time as ``2 January 2026, 14:05 UTC``."""
    return moment(from_iso(text))


def legal_basis(value: str) -> str:
    """Return a legal basis in words."""
    return LEGAL_BASES[LegalBasis(value)]


def permission_state(value: str) -> str:
    """Return where a permission stands, in words."""
    return PERMISSION_STATES[PermissionState(value)]


def mode(value: str) -> str:
    """Return how a candidate list was cut, in words."""
    return MODES[Mode(value)]


def outcome(value: str) -> str:
    """Return how a search stands, in words."""
    return OUTCOMES[Outcome(value)]


def case_state(value: str) -> str:
    """Return where a case stands, in words."""
    return CASE_STATES[CaseState(value)]


def part(value: str) -> str:
    """Return what a person does in a case, in words."""
    return PARTS[Part(value)]


def obtained(value: str) -> str:
    """Return how a photograph was obtained, in words."""
    return OBTAINED[Obtained(value)]


def need(value: str) -> str:
    """Return what a purpose needs, in words."""
    return NEEDS[Need(value)]


def judgement(value: str) -> str:
    """Return a first impression in words."""
    return JUDGEMENTS[Judgement(value)]


def seen(value: str) -> str:
    """Return what is said of a component, in words."""
    return SEEN[Seen(value)]


def component(value: str) -> str:
    """Return the name of a component of a face."""
    return COMPONENTS[Component(value)][0]


def look_at(value: str) -> str:
    """Return what to look at in a component of a face."""
    return COMPONENTS[Component(value)][1]


def conclusion(value: str) -> str:
    """Return a conclusion in its one wording."""
    return CONCLUSIONS[Conclusion(value)]


def lead_state(value: str) -> str:
    """Return where a candidate stands that was put forward, in words."""
    return LEAD_STATES[LeadState(value)]


def interval(rate: Rate) -> str:
    """Return the interval of an error rate as ``2.5 to 31 in 100``."""
    low, high = (f"{100 * share:.2g}" if share < 0.995 else "100" for share in (rate.low, rate.high))
    return f"{low} to {high} in 100"


def edit_in_words(edit: Edit) -> str:
    """Return an edit of a photograph in words."""
    return _EDITS[edit.kind](*edit.values)


def web_link(url: str | None) -> str | None:
    """Return the address if a browser may be sent there, else None: a manifest is not to be trusted."""
    return url if url and is_web_address(url) else None


def host(url: str) -> str:
    """Return the host of an address that ``web_link`` let pass."""
    return urlsplit(url).hostname or ""


def code(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


FILTERS = {
    one.__name__: one
    for one in (
        day,
        moment,
        time,
        legal_basis,
        permission_state,
        mode,
        outcome,
        case_state,
        part,
        obtained,
        need,
        judgement,
        seen,
        component,
        look_at,
        conclusion,
        lead_state,
        interval,
        edit_in_words,
        web_link,
        host,
        code,
    )
}
