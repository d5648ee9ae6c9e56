"""Permission: who allowed a collection to be searched, on which basis, for what, where, from when to when.

The field names follow ISO/IEC TS 27560 (consent records) where it has one; ``dpv.py`` writes a permission in
the terms of the W3C's Data Privacy Vocabulary. Whether a permission counts at a moment is said here and
nowhere else: ``in_force`` and ``allows``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from lineament.core.jurisdictions import is_jurisdiction
from lineament.core.times import iso
from lineament.core.words import is_plain, plain
from lineament.errors import PermissionInvalid

TEXT_LENGTH_MAX = 2_000  # characters
LIST_LENGTH_MAX = 100  # purposes, or jurisdictions
RETENTION_DAYS = 30  # unless the permission says otherwise: a month to renew it or to hand the images back
RETENTION_DAYS_MAX = 36_500
BESIDES_SEARCHES = ("examiner-testing", "line-up")  # purposes that no policy has
_NEVER = datetime.max.replace(tzinfo=UTC)


class LegalBasis(StrEnum):
    """Why the collection may be held and searched."""

    CONSENT = "consent"
    CONTRACT = "contract-or-licence"
    PUBLIC_INTEREST_ARCHIVE = "public-interest-archive"
    LEGAL_DUTY = "legal-duty"
    OWN_IMAGES = "own-images"


class Status(StrEnum):
    """What a version of a permission was recorded as."""

    DRAFT = "draft"
    GIVEN = "given"
    NARROWED = "narrowed"
    WITHDRAWN = "withdrawn"


class WithdrawalReason(StrEnum):
    """Why a permission was withdrawn: who took it back, or that it was found not to have been valid."""

    PERSON = "person"
    GRANTOR = "grantor"
    CURATOR = "curator"
    INVALID = "invalid"


class PermissionState(StrEnum):
    """Where a permission stands at one moment."""

    DRAFT = "draft"
    NOT_YET = "not yet in force"
    IN_FORCE = "in force"
    NARROWED = "narrowed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Permission:
    """One version of one collection's permission.

    Times are UTC, to the millisecond; the permission is in force from ``valid_from`` on and before
    ``valid_until``, or without an end where that is None. ``evidence_sha256`` is the lower-case hex digest of
    the document that proves it; a draft may have none. ``jurisdictions`` are codes of ISO 3166-1 or 3166-2,
    or 'EU'; none means that it was not stated. ``reason`` is why it was withdrawn.
    """

    grantor: str
    contact: str
    legal_basis: LegalBasis
    purposes: tuple[str, ...]
    notice: str
    valid_from: datetime
    valid_until: datetime | None
    evidence: str | None
    evidence_sha256: str | None
    jurisdictions: tuple[str, ...] = ()
    retention_days: int = RETENTION_DAYS
    status: Status = Status.GIVEN
    reason: WithdrawalReason | None = None

    def state(self, now: datetime) -> PermissionState:
        """Return where the permission stands at ``now`` (UTC)."""
        if self.status is Status.DRAFT:
            return PermissionState.DRAFT
        if self.status is Status.WITHDRAWN:
            return PermissionState.WITHDRAWN
        if now < self.valid_from:
            return PermissionState.NOT_YET
        if self.valid_until is not None and now >= self.valid_until:
            return PermissionState.EXPIRED
        return PermissionState.NARROWED if self.status is Status.NARROWED else PermissionState.IN_FORCE

    def standing(self, now: datetime) -> str:
        """Return the state at ``now`` (UTC) in words, with the day that matters."""
        state = self.state(now)
        if state is PermissionState.DRAFT:
            return "a draft, which allows nothing"
        if state is PermissionState.NOT_YET:
            return f"{state}: it begins on {self.valid_from:%Y-%m-%d}"
        if state is PermissionState.NARROWED:
            return f"{PermissionState.IN_FORCE}, for less than before"
        if state is PermissionState.EXPIRED and self.valid_until:
            return f"{state}: it ended on {self.valid_until:%Y-%m-%d}"
        return state

    def in_force(self, now: datetime) -> bool:
        """Return whether images may be ingested and shown at ``now`` (UTC)."""
        return self.state(now) in {PermissionState.IN_FORCE, PermissionState.NARROWED}

    def allows(self, purpose: str, now: datetime) -> bool:
        """Return whether a search for ``purpose`` may use the collection at ``now`` (UTC)."""
        return self.in_force(now) and purpose in self.purposes

    def narrower_than(self, earlier: Permission) -> bool:
        """Return whether this allows less than an earlier permission, and nothing that it did not.

        Less is a purpose or a jurisdiction fewer, an earlier end, or a shorter time to keep the images.
        Jurisdictions that are not stated count as everywhere, and a country holds its parts.
        """
        return self._within(earlier) and not earlier._within(self)

    def _within(self, other: Permission) -> bool:
        return (
            set(self.purposes) <= set(other.purposes)
            and _lie_in(self.jurisdictions, other.jurisdictions)
            and (self.valid_until or _NEVER) <= (other.valid_until or _NEVER)
            and self.retention_days <= other.retention_days
        )

    def recorded_after(self, earlier: Iterable[Permission]) -> Permission:
        """Return this permission as it is recorded after earlier versions: narrowed, where one allowed more.

        A draft, which never allowed anything, and a withdrawal, which repeats another version, do not count.
        """
        if self.status in {Status.DRAFT, Status.WITHDRAWN}:
            return self
        given = [one for one in earlier if one.status in {Status.GIVEN, Status.NARROWED}]
        narrowed = any(map(self.narrower_than, given))
        return replace(self, status=Status.NARROWED if narrowed else Status.GIVEN)

    def document(self) -> dict[str, Any]:
        """Return the permission as plain JSON values, as it is stored and committed to."""
        return {
            "grantor": self.grantor,
            "contact": self.contact,
            "legal_basis": self.legal_basis.value,
            "purposes": list(self.purposes),
            "notice": self.notice,
            "valid_from": iso(self.valid_from),
            "valid_until": iso(self.valid_until) if self.valid_until else None,
            "evidence": self.evidence,
            "evidence_sha256": self.evidence_sha256,
            "jurisdictions": list(self.jurisdictions),
            "retention_days": self.retention_days,
            "status": self.status.value,
            "reason": self.reason.value if self.reason else None,
        }


@dataclass(frozen=True)
class Version:
    """A permission as it was recorded: as which version, counted from 1, by whom (an id), and when (UTC)."""

    number: int
    permission: Permission
    recorded_by: str
    recorded_at: datetime

    def ended(self, now: datetime) -> datetime | None:
        """Return when the permission ended, None while it has not.

        An end that lay in the past when it was recorded counts from then, so that nothing is erased at once
        for a slip of the pen; a withdrawal never makes it later.
        """
        permission = self.permission
        until = permission.valid_until
        if permission.status is Status.WITHDRAWN:
            return self.recorded_at if until is None else min(until, self.recorded_at)
        if until is not None and permission.state(now) is PermissionState.EXPIRED:
            return max(until, self.recorded_at)
        return None

    def overdue(self, now: datetime) -> bool:
        """Return whether the images were kept for as long as they may be, and are to be erased."""
        ended = self.ended(now)
        return ended is not None and now - ended >= timedelta(days=self.permission.retention_days)


def _lie_in(codes: tuple[str, ...], others: tuple[str, ...]) -> bool:
    if not others:
        return True
    return bool(codes) and all(code in others or code.partition("-")[0] in others for code in codes)


_REQUIRED = ("grantor", "contact", "legal_basis", "purposes", "notice", "valid_from")
_OPTIONAL = ("valid_until", "evidence", "jurisdictions", "retention_days", "status", "reason")


def parse_permission(text: str, digest_of: Callable[[str], str]) -> Permission:
    """Read a permission file (TOML). Raises PermissionInvalid that names the field.

    ``digest_of`` is given the name of the evidence file and returns its SHA-256 as 64 hex digits.
    """
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PermissionInvalid(f"The permission file is not valid TOML: {error}.") from error
    return permission_of(fields, digest_of)


def permission_of(fields: Mapping[str, Any], digest_of: Callable[[str], str]) -> Permission:
    """Return the permission that has these fields, as TOML has them. Raises PermissionInvalid."""
    for name in _REQUIRED:
        if name not in fields:
            raise PermissionInvalid(f"The permission file has no '{name}'.")
    for name in fields:
        if name not in _REQUIRED + _OPTIONAL:
            raise PermissionInvalid(
                f"The permission file has a field that is not known here: '{plain(name)}'."
            )
    valid_from = _moment(fields, "valid_from")
    valid_until = _moment(fields, "valid_until") if "valid_until" in fields else None
    if valid_until is not None and valid_until <= valid_from:
        raise PermissionInvalid("'valid_until' is not after 'valid_from'.")
    status = _choice(Status, fields, "status") if "status" in fields else Status.GIVEN
    if "reason" in fields and status is not Status.WITHDRAWN:
        raise PermissionInvalid("'reason' is for a permission that was withdrawn.")
    reason = _choice(WithdrawalReason, fields, "reason") if "reason" in fields else None
    evidence = _evidence(fields, status)
    return Permission(
        grantor=_text(fields, "grantor"),
        contact=_text(fields, "contact"),
        legal_basis=_choice(LegalBasis, fields, "legal_basis"),
        purposes=_purposes(fields),
        notice=_text(fields, "notice"),
        valid_from=valid_from,
        valid_until=valid_until,
        jurisdictions=_jurisdictions(fields),
        retention_days=_retention_days(fields),
        status=status,
        reason=reason,
        evidence=evidence,
        evidence_sha256=digest_of(evidence) if evidence else None,
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value.strip() or not is_plain(value) or len(value) > TEXT_LENGTH_MAX:
        raise PermissionInvalid(
            f"'{name}' must be plain text on one line, of 1 to {TEXT_LENGTH_MAX:,} characters."
        )
    return value.strip()


_Choice = TypeVar("_Choice", bound=StrEnum)


def _choice(kind: type[_Choice], fields: Mapping[str, Any], name: str) -> _Choice:
    text = _text(fields, name)
    try:
        return kind(text)
    except ValueError as error:
        known = ", ".join(kind)
        raise PermissionInvalid(f"'{name}' is '{text}'; it must be one of: {known}.") from error


def _purposes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    purposes = fields["purposes"]
    if not isinstance(purposes, list) or not purposes or not all(isinstance(one, str) for one in purposes):
        raise PermissionInvalid("'purposes' must be a list with at least one purpose.")
    if len(purposes) > LIST_LENGTH_MAX or not all(map(is_plain, purposes)):
        raise PermissionInvalid(f"'purposes' must be at most {LIST_LENGTH_MAX} names of plain text.")
    if len(set(purposes)) < len(purposes):
        raise PermissionInvalid("'purposes' names a purpose twice.")
    return tuple(purposes)


def _jurisdictions(fields: Mapping[str, Any]) -> tuple[str, ...]:
    codes = fields.get("jurisdictions", [])
    if not isinstance(codes, list) or len(codes) > LIST_LENGTH_MAX:
        raise PermissionInvalid(f"'jurisdictions' must be a list of at most {LIST_LENGTH_MAX} codes.")
    for code in codes:
        if not isinstance(code, str) or not is_jurisdiction(code):
            said = plain(str(code))[:40]
            raise PermissionInvalid(
                f"'jurisdictions' has '{said}'; it takes EU and codes of ISO 3166, such as DE, GB or DE-BY."
            )
    if len(set(codes)) < len(codes):
        raise PermissionInvalid("'jurisdictions' has a code twice.")
    return tuple(codes)


def _retention_days(fields: Mapping[str, Any]) -> int:
    days = fields.get("retention_days", RETENTION_DAYS)
    if type(days) is not int or not 0 <= days <= RETENTION_DAYS_MAX:
        raise PermissionInvalid(
            f"'retention_days' must be a whole number of days from 0 to {RETENTION_DAYS_MAX:,}."
        )
    return days


def _evidence(fields: Mapping[str, Any], status: Status) -> str | None:
    if "evidence" not in fields:
        if status in {Status.GIVEN, Status.NARROWED}:
            raise PermissionInvalid("The permission file has no 'evidence', which only a draft may lack.")
        return None
    evidence = _text(fields, "evidence")
    if "/" in evidence or evidence in {".", ".."}:
        raise PermissionInvalid("'evidence' must be the name of a file that lies beside the permission file.")
    return evidence


def _moment(fields: Mapping[str, Any], name: str) -> datetime:
    """A TOML date means its first moment in UTC; a TOML time without an offset is refused as unclear.

    What is finer than a millisecond is cut off: it could not be stored.
    """
    value = fields[name]
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PermissionInvalid(f"'{name}' needs an offset, such as 2026-01-31T12:00:00Z.")
        try:
            moment = value.astimezone(UTC)
        except OverflowError as error:
            raise PermissionInvalid(f"'{name}' is too early or too late for a date.") from error
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise PermissionInvalid(f"'{name}' must be a date, such as 2026-01-31, without quotes.")
