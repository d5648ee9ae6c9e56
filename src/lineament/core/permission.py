"""Permission: who allowed a collection to be searched, on which basis, for what, from when to when.

The field names follow ISO/IEC TS 27560 (consent records) where it has one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

from lineament.core.times import iso
from lineament.core.words import is_plain, plain
from lineament.errors import PermissionInvalid

TEXT_LENGTH_MAX = 2_000  # characters


class LegalBasis(StrEnum):
    """Why the collection may be held and searched."""

    CONSENT = "consent"
    CONTRACT = "contract-or-licence"
    PUBLIC_INTEREST_ARCHIVE = "public-interest-archive"
    LEGAL_DUTY = "legal-duty"
    OWN_IMAGES = "own-images"


class PermissionState(StrEnum):
    """Where a permission stands at one moment."""

    NOT_YET = "not yet in force"
    IN_FORCE = "in force"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Permission:
    """One version of one collection's permission.

    Times are UTC; the permission is in force from ``valid_from`` on and before ``valid_until``, or without an
    end where that is None. ``evidence_sha256`` is the lower-case hex digest of the document that proves it.
    """

    grantor: str
    contact: str
    legal_basis: LegalBasis
    purposes: tuple[str, ...]
    notice: str
    valid_from: datetime
    valid_until: datetime | None
    evidence: str
    evidence_sha256: str

    def state(self, now: datetime) -> PermissionState:
        """Return where the permission stands at ``now`` (UTC)."""
        if now < self.valid_from:
            return PermissionState.NOT_YET
        if self.valid_until is not None and now >= self.valid_until:
            return PermissionState.EXPIRED
        return PermissionState.IN_FORCE

    def standing(self, now: datetime) -> str:
        """Return the state at ``now`` (UTC) in words, with the day that matters."""
        state = self.state(now)
        if state is PermissionState.NOT_YET:
            return f"{state}: it begins on {self.valid_from:%Y-%m-%d}"
        if state is PermissionState.EXPIRED and self.valid_until:
            return f"{state}: it ended on {self.valid_until:%Y-%m-%d}"
        return state

    def in_force(self, now: datetime) -> bool:
        """Return whether images may be ingested and shown at ``now`` (UTC)."""
        return self.state(now) is PermissionState.IN_FORCE

    def allows(self, purpose: str, now: datetime) -> bool:
        """Return whether a search for ``purpose`` may use the collection at ``now`` (UTC)."""
        return self.in_force(now) and purpose in self.purposes

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
        }


_REQUIRED = ("grantor", "contact", "legal_basis", "purposes", "notice", "valid_from", "evidence")
_OPTIONAL = ("valid_until",)


def parse_permission(text: str, digest_of: Callable[[str], str]) -> Permission:
    """Read a permission file (TOML). Raises PermissionInvalid that names the field.

    ``digest_of`` is given the name of the evidence file and returns its SHA-256 as 64 hex digits.
    """
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PermissionInvalid(f"The permission file is not valid TOML: {error}.") from error
    for name in _REQUIRED:
        if name not in fields:
            raise PermissionInvalid(f"The permission file has no '{name}'.")
    for name in fields:
        if name not in _REQUIRED + _OPTIONAL:
            raise PermissionInvalid(
                f"The permission file has a field that is not known here: '{plain(name)}'."
            )
    purposes = fields["purposes"]
    if not isinstance(purposes, list) or not purposes or not all(isinstance(one, str) for one in purposes):
        raise PermissionInvalid("'purposes' must be a list with at least one purpose.")
    if len(set(purposes)) < len(purposes):
        raise PermissionInvalid("'purposes' names a purpose twice.")
    valid_from = _moment(fields, "valid_from")
    valid_until = _moment(fields, "valid_until") if "valid_until" in fields else None
    if valid_until is not None and valid_until <= valid_from:
        raise PermissionInvalid("'valid_until' is not after 'valid_from'.")
    evidence = _text(fields, "evidence")
    if "/" in evidence or evidence in {".", ".."}:
        raise PermissionInvalid("'evidence' must be the name of a file that lies beside the permission file.")
    return Permission(
        grantor=_text(fields, "grantor"),
        contact=_text(fields, "contact"),
        legal_basis=_basis(_text(fields, "legal_basis")),
        purposes=tuple(purposes),
        notice=_text(fields, "notice"),
        valid_from=valid_from,
        valid_until=valid_until,
        evidence=evidence,
        evidence_sha256=digest_of(evidence),
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value.strip() or not is_plain(value) or len(value) > TEXT_LENGTH_MAX:
        raise PermissionInvalid(
            f"'{name}' must be plain text on one line, of 1 to {TEXT_LENGTH_MAX:,} characters."
        )
    return value.strip()


def _basis(text: str) -> LegalBasis:
    try:
        return LegalBasis(text)
    except ValueError as error:
        known = ", ".join(LegalBasis)
        raise PermissionInvalid(f"'legal_basis' is '{text}'; it must be one of: {known}.") from error


def _moment(fields: Mapping[str, Any], name: str) -> datetime:
    """A TOML date means its first moment in UTC; a TOML time without an offset is refused as unclear."""
    value = fields[name]
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PermissionInvalid(f"'{name}' needs an offset, such as 2026-01-31T12:00:00Z.")
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise PermissionInvalid(f"'{name}' is too early or too late for a date.") from error
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise PermissionInvalid(f"'{name}' must be a date, such as 2026-01-31, without quotes.")
