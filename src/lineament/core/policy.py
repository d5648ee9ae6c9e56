"""The policy gate: whether this person may search these collections for this purpose, now.

``decide`` is pure and is called before any pixel is decoded. A refusal names everything that is missing, so
that a person mends it once and not five times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lineament.core.cases import Authorisation, Part
from lineament.core.permission import LegalBasis, Permission, PermissionState
from lineament.core.words import listed

UNKNOWN_PURPOSE = "unknown"  # what the record says of a purpose that the policy does not have


class Mode(StrEnum):
    """How a candidate list is cut (NIST FRTE 1:N)."""

    IDENTIFICATION = "identification"
    INVESTIGATION = "investigation"


class Role(StrEnum):
    """What a person may do."""

    CURATOR = "curator"  # takes photographs in and out
    SEARCHER = "searcher"  # searches and works on cases
    EXAMINER = "examiner"  # compares faces; the second examiner of a candidate is another account
    ADMINISTRATOR = "administrator"  # approves policies, adds people
    AUDITOR = "auditor"  # reads every case
    COUNSEL = "counsel"  # reads the one case that they were given
    EXPERT = "expert"  # likewise


ROLES_FOR: Mapping[Part, frozenset[Role]] = {  # one of which a person needs for a part in a case
    Part.STAFF: frozenset({Role.SEARCHER, Role.EXAMINER}),
    Part.COUNSEL: frozenset({Role.COUNSEL}),
    Part.EXPERT: frozenset({Role.EXPERT}),
}


class Need(StrEnum):
    """What must be on record in a case before it may be searched for a purpose."""

    CASE = "case"
    NARRATIVE = "narrative"
    AUTHORISATION = "authorisation"
    CONSENT = "consent"  # of the person whose face is searched


@dataclass(frozen=True)
class Purpose:
    """One reason for searching, with its terms.

    ``legal_bases`` are those of the permissions that it fits. ``target_fpir`` is the share of non-mated
    searches that may return a false candidate, in (0, 1), and is None in investigation mode. ``limit`` is the
    longest candidate list. ``reviewers`` is how many examiners must agree before a candidate is a lead.
    ``probe_retention`` is how long searched photographs are kept after the case has closed, or after a search
    without one. ``searches_a_day`` is the most that one person may make for it within 24 hours.
    """

    name: str
    title: str
    explanation: str
    roles: frozenset[Role]
    needs: frozenset[Need]
    legal_bases: frozenset[LegalBasis]
    mode: Mode
    limit: int
    target_fpir: float | None
    reviewers: int
    probe_retention: timedelta
    searches_a_day: int

    @property
    def needs_case(self) -> bool:
        """Whether it is searched for in a case only: everything else that it needs is kept in one."""
        return bool(self.needs)

    @property
    def retention_hours(self) -> int:
        """``probe_retention`` in whole hours, as the policy file has it."""
        return self.probe_retention // timedelta(hours=1)


@dataclass(frozen=True)
class Policy:
    """Every purpose there is. ``version`` is 'sha256:' and the digest of ``text``, the file's."""

    purposes: Mapping[str, Purpose]
    version: str
    text: str


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in. ``id`` is random; names stay out of the ledger."""

    id: str
    name: str
    roles: frozenset[Role]


@dataclass(frozen=True)
class Standing:
    """A collection as the gate sees it: its name and its newest permission, if any was recorded."""

    collection: str
    permission: Permission | None


@dataclass(frozen=True)
class CaseStanding:
    """A case as the gate sees it for one person. ``searchable``: neither closed nor appealed."""

    purpose: str
    searchable: bool
    is_staff: bool
    has_narrative: bool
    authorisation: Authorisation | None
    has_consent: bool


@dataclass(frozen=True)
class Asked:
    """What a person asks for.

    ``case_reference`` is what they gave and ``case`` what is known under it, both None where nothing was.
    ``obtained`` is how they say that the photograph was obtained. ``searches_today`` is how many searches
    they have made for this purpose within the last 24 hours.
    """

    purpose: str
    case_reference: str | None = None
    case: CaseStanding | None = None
    obtained: str | None = None
    searches_today: int = 0


@dataclass(frozen=True)
class Reason:
    """One thing that stands against a search: a stable code and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Decision:
    """The gate's answer: the purpose whose terms apply, or None and every reason against it."""

    purpose: Purpose | None
    reasons: tuple[Reason, ...]


def decide(
    policy: Policy, who: Person, asked: Asked, collections: Sequence[Standing], now: datetime
) -> Decision:
    """Decide on one search. Computes nothing about any photograph; ``now`` is UTC."""
    terms = policy.purposes.get(asked.purpose)
    if terms is None:
        known = ", ".join(sorted(policy.purposes))
        return Decision(
            None, (Reason("unknown-purpose", f"The policy has no such purpose. The purposes are: {known}."),)
        )
    reasons = []
    if not who.roles & terms.roles:
        needed = listed(sorted(terms.roles), "or")
        reasons.append(Reason("role-missing", f"The purpose '{terms.name}' is for the role {needed}."))
    reasons += _quota_reasons(terms, asked)
    reasons += _case_reasons(terms, asked, now)
    if not collections:
        reasons.append(
            Reason(
                "collection-missing", "Choose at least one collection whose permission allows this purpose."
            )
        )
    for standing in collections:
        reasons += _standing_reasons(standing, terms, now)
    return Decision(terms if not reasons else None, tuple(reasons))


def _quota_reasons(terms: Purpose, asked: Asked) -> list[Reason]:
    if asked.searches_today < terms.searches_a_day:
        return []
    quota = f"{terms.searches_a_day:,} of its searches within 24 hours"
    return [Reason("quota-reached", f"The purpose '{terms.name}' allows each person {quota}.")]


def _case_reasons(terms: Purpose, asked: Asked, now: datetime) -> list[Reason]:
    is_given = bool(asked.case_reference and asked.case_reference.strip())
    if not is_given and not terms.needs_case:
        return []
    reasons = []
    if not is_given:
        needed = f"The purpose '{terms.name}' needs {_case_needed(terms)}"
        reasons.append(Reason("case-missing", f"{needed}: open one and give its reference."))
    elif asked.case is None or not asked.case.is_staff:
        reasons.append(
            Reason("case-unknown", "There is no case of yours with this reference. Open it first.")
        )
    else:
        reasons += _standing_case_reasons(terms, asked.case, now)
    if asked.obtained is None:
        reasons.append(Reason("obtained-missing", "Say how the photograph was obtained."))
    return reasons


NEEDED = {
    Need.CASE: "a case",
    Need.NARRATIVE: "a narrative",
    Need.AUTHORISATION: "an authorisation",
    Need.CONSENT: "the consent of the person sought",
}


def _case_needed(terms: Purpose) -> str:
    """Say what case a purpose needs, so that it is opened with everything at once."""
    held = [words for need, words in NEEDED.items() if need in terms.needs - {Need.CASE}]
    return f"a case with {listed(held)}" if held else "a case"


def _standing_case_reasons(terms: Purpose, case: CaseStanding, now: datetime) -> list[Reason]:
    name, reasons = terms.name, []
    if case.purpose != name:
        reasons.append(Reason("case-purpose", f"This case was opened for the purpose '{case.purpose}'."))
    if not case.searchable:
        closed = "This case is closed or under appeal. Reopen it before you search in it."
        reasons.append(Reason("case-closed", closed))
    if Need.NARRATIVE in terms.needs and not case.has_narrative:
        reasons.append(Reason("narrative-missing", f"The purpose '{name}' needs a narrative in the case."))
    if Need.CONSENT in terms.needs and not case.has_consent:
        needed = "the consent of the person sought in the case"
        reasons.append(Reason("consent-missing", f"The purpose '{name}' needs {needed}."))
    if Need.AUTHORISATION in terms.needs:
        reasons += _authorisation_reasons(name, case.authorisation, now)
    return reasons


def _authorisation_reasons(purpose: str, given: Authorisation | None, now: datetime) -> list[Reason]:
    if given is None:
        needed = "an authorisation in the case: its number, issuer, scope and expiry"
        return [Reason("authorisation-missing", f"The purpose '{purpose}' needs {needed}.")]
    if given.expires_at <= now:
        ended = f"{given.expires_at:%Y-%m-%d %H:%M} UTC"
        return [Reason("authorisation-expired", f"The authorisation of this case expired at {ended}.")]
    return []


_NOT_IN_FORCE = {
    PermissionState.DRAFT: "permission-draft",
    PermissionState.NOT_YET: "permission-not-yet",
    PermissionState.EXPIRED: "permission-expired",
    PermissionState.WITHDRAWN: "permission-withdrawn",
}


def _standing_reasons(standing: Standing, terms: Purpose, now: datetime) -> list[Reason]:
    name, permission = standing.collection, standing.permission
    if permission is None:
        return [Reason("permission-missing", f"No permission is recorded for '{name}'.")]
    if not permission.in_force(now):
        code = _NOT_IN_FORCE[permission.state(now)]
        return [Reason(code, f"The permission for '{name}' is {permission.standing(now)}.")]
    if terms.name not in permission.purposes:
        allowed = ", ".join(permission.purposes)
        return [
            Reason(
                "purpose-not-permitted",
                f"The permission for '{name}' does not allow '{terms.name}'; it allows: {allowed}.",
            )
        ]
    if permission.legal_basis not in terms.legal_bases:
        return [
            Reason(
                "permission-unfit",
                f"The purpose '{terms.name}' does not fit the legal basis of '{name}': "
                f"{permission.legal_basis}.",
            )
        ]
    return []
