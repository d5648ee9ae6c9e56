"""Cases: why searches are made, who works on them, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    SEARCHING = "searching"  # something was searched
    UNDER_REVIEW = "under-review"  # a candidate was put forward
    CLOSED = "closed"
    APPEALED = "appealed"  # closed, and questioned since: it can be read and reviewed, and not searched


SEARCHABLE = frozenset({CaseState.OPEN, CaseState.SEARCHING, CaseState.UNDER_REVIEW})
_NEXT = {
    CaseState.OPEN: {CaseState.SEARCHING, CaseState.CLOSED},
    CaseState.SEARCHING: {CaseState.UNDER_REVIEW, CaseState.CLOSED},
    CaseState.UNDER_REVIEW: {CaseState.CLOSED},
    CaseState.CLOSED: {CaseState.APPEALED, CaseState.OPEN},
    CaseState.APPEALED: {CaseState.CLOSED, CaseState.OPEN},
}


def may_become(state: CaseState, wanted: CaseState) -> bool:
    """Say whether a case may go from one state to another."""
    return wanted in _NEXT[state]


class Part(StrEnum):
    """What a person does in a case. Staff work on it; the others read it."""

    STAFF = "staff"
    COUNSEL = "counsel"  # of either side
    EXPERT = "expert"  # independent


class Obtained(StrEnum):
    """How the searcher says that the photograph of the person sought was obtained."""

    OWN = "own-photograph"
    FROM_PERSON = "given-by-the-person"
    FROM_FAMILY = "given-by-the-family"
    ARCHIVE = "from-an-archive"
    PUBLISHED = "published"
    EVIDENCE = "evidence"


@dataclass(frozen=True)
class Authorisation:
    """Who allowed searches in a case, under which number, for what, until when (UTC)."""

    number: str
    issuer: str
    scope: str
    expires_at: datetime
