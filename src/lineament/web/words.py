"""Values as people read them: times, rules and links. The templates get every one of these as a filter."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from lineament.core.permission import LegalBasis, PermissionState
from lineament.core.policy import Mode
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
    for one in (day, moment, time, legal_basis, permission_state, mode, outcome, web_link, host, code)
}
