"""Values as people read them: times, rules and links. The templates get every one of these as a filter."""

from __future__ import annotations

from urllib.parse import urlsplit

from markupsafe import Markup, escape

from lineament.core.cases import CaseState, Obtained, Part
from lineament.core.permission import LegalBasis, PermissionState
from lineament.core.policy import Mode, Need
from lineament.core.review import WORDING as CONCLUSIONS
from lineament.core.review import Component, Conclusion, Judgement, LeadState, Seen
from lineament.core.times import day, moment, time
from lineament.core.wording import (
    CASE_STATES,
    COMPONENTS,
    LEAD_STATES,
    MODES,
    OBTAINED,
    PARTS,
    SEEN,
    edit_in_words,
    origin_in_words,
)
from lineament.core.words import capital, is_web_address
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
OUTCOMES = {
    Outcome.CANDIDATES: "candidates to review",
    Outcome.EMPTY: "no lead",
    Outcome.AWAITING_FACE: "waiting: choose a face",
    Outcome.REFUSED: "refused",
    Outcome.FAILED: "stopped",
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
LOOK_AT = {
    Component.SKIN: "Texture, folds and pores. Its colour depends on the light and says little.",
    Component.OUTLINE: "The line from the crown over the temples down to the jaw.",
    Component.COMPOSITION: "How its parts lie to one another; what is not even.",
    Component.HAIRLINE: "Where the hair begins, and bald places. A haircut is no difference.",
    Component.FOREHEAD: "Height, width and slope; the ridge over the brows.",
    Component.EYEBROWS: "Course, thickness and ends; the gap between them.",
    Component.EYES: "Opening, corners, lids and their folds, iris; the distance between them.",
    Component.CHEEKS: "Cheekbones, fullness, dimples.",
    Component.NOSE: "Root, bridge, tip, wings and nostrils; length and width.",
    Component.EARS: "Size and angle; the rim, the folds inside it, the lobe and how it is attached.",
    Component.MOUTH: "Both lips, the line between them, corners, the groove above; teeth.",
    Component.CHIN: "Shape and height of the chin, a cleft, the line of the jaw.",
    Component.NECK: "Width and length; folds, the larynx.",
    Component.FACIAL_HAIR: "Where it grows, how densely. It may have been shaved or grown since.",
    Component.LINES: "Lines and creases: where they run, how long and how deep they are.",
    Component.SCARS: "Place, shape and size of each.",
    Component.MARKS: "Moles, freckles, birthmarks and other marks: place, shape and size.",
    Component.ALTERATIONS: "Piercings, tattoos, make-up, surgery, injuries.",
    Component.OTHER: "What none of the above names. Glasses and clothes are not the face.",
}


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
    return capital(OBTAINED[Obtained(value)])


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
    return COMPONENTS[Component(value)]


def look_at(value: str) -> str:
    """Return what to look at in a component of a face."""
    return LOOK_AT[Component(value)]


def conclusion(value: str) -> str:
    """Return a conclusion in its one wording."""
    return CONCLUSIONS[Conclusion(value)]


def lead_state(value: str) -> str:
    """Return where a candidate stands that was put forward, in words."""
    return LEAD_STATES[LeadState(value)]


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
        edit_in_words,
        origin_in_words,
        web_link,
        host,
        code,
    )
}
