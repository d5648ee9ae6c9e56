"""The file by which a site's owner permits face search: ``/.well-known/face-search-permission.txt``.

Its form follows RFC 9116 (security.txt), its place RFC 8615. docs/network.md describes it for site owners.
A file that cannot be understood in every part that counts permits nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from lineament.core.words import is_plain, is_web_address, plain
from lineament.errors import AddressRefused, SitePermissionMissing
from lineament.sources.web_address import normal_path

PERMISSION_PATH = "/.well-known/face-search-permission.txt"
FILE_BYTES_MAX = 32 * 1024
LINES_MAX = 1_000
EXPIRES_WITHIN = timedelta(days=90)

_ONCE = ("grantor", "purposes", "expires", "canonical")
_REPEATED = ("contact", "operator", "scope")
_OPTIONAL = ("notice",)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)")
_MOMENT = re.compile(  # RFC 3339
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


class Standing(StrEnum):
    """What became of a permission since photographs were taken in under it."""

    IN_FORCE = "in force"
    NARROWED = "narrowed"
    EXPIRED = "expired"
    GONE = "gone"


@dataclass(frozen=True)
class SitePermission:
    """One site's file, as it was read. ``scopes`` are paths in their normal spelling; ``expires`` is UTC.

    ``data`` are the bytes of the file, to be kept as evidence.
    """

    host: str
    grantor: str
    contacts: tuple[str, ...]
    operators: tuple[str, ...]
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    expires: datetime
    notice: str | None
    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, as 64 hex digits."""
        return sha256(self.data).hexdigest()

    def names(self, operator: str) -> bool:
        """Say whether an operator is one of those that the file permits."""
        return operator.strip().casefold() in map(str.casefold, self.operators)

    def covers(self, path: str) -> bool:
        """Say whether a path in its normal spelling is one of the scopes, or below one."""
        place = path.partition("?")[0]
        return any(place == scope or place.startswith(scope.removesuffix("/") + "/") for scope in self.scopes)

    def why_not(self, path: str, operator: str, purposes: Collection[str], now: datetime) -> str | None:
        """Return why the file does not permit this, as a sentence's end, or None where it does.

        All of ``purposes`` must be among those of the file.
        """
        if now >= self.expires:
            return f"ended on {self.expires:%Y-%m-%d}"
        if not self.names(operator):
            return f"does not name the operator '{operator}'"
        if not self.covers(path):
            return f"does not cover {path.partition('?')[0]}"
        for purpose in purposes:
            if purpose not in self.purposes:
                return f"does not allow the purpose '{purpose}'"
        return None

    def allows(self, path: str, operator: str, now: datetime) -> bool:
        """Return whether the file lets an operator fetch a path at ``now`` (UTC), for its purposes."""
        return self.why_not(path, operator, (), now) is None


def check(at_ingest: SitePermission, today: SitePermission | None, operator: str, now: datetime) -> Standing:
    """Return what became of the permission that was in force at ingest; ``today`` is None where none is.

    Narrowed: something that was permitted then is not any more. ``allows`` says which photographs may stay.
    """
    if today is None or not today.names(operator):
        return Standing.GONE
    if now >= today.expires:
        return Standing.EXPIRED
    if all(map(today.covers, at_ingest.scopes)) and set(at_ingest.purposes) <= set(today.purposes):
        return Standing.IN_FORCE
    return Standing.NARROWED


def parse_site_permission(data: bytes, host: str, now: datetime) -> SitePermission:
    """Read the file that ``host`` serves at ``now`` (UTC).

    Raises SitePermissionMissing, which says what is wrong with it.
    One that has expired is read, and allows nothing; one that expires later than in 90 days is refused.
    """
    values = _fields(data)
    address = f"https://{host}{PERMISSION_PATH}"
    if values["canonical"] != [address]:
        raise _wrong(f"its Canonical is not {address}: it was written for another place")
    expires = _moment(values["expires"][0])
    if expires - now > EXPIRES_WITHIN:
        raise _wrong(f"it expires later than in {EXPIRES_WITHIN.days} days")
    notice = values["notice"][0] if values["notice"] else None
    if notice is not None and not is_web_address(notice):
        raise _wrong("its Notice is not a web address")
    for contact in values["contact"]:
        if not contact.startswith(("mailto:", "https://", "tel:")):
            raise _wrong("a Contact does not start with mailto:, https:// or tel:")
    return SitePermission(
        host=host,
        grantor=values["grantor"][0],
        contacts=tuple(values["contact"]),
        operators=tuple(values["operator"]),
        scopes=tuple(map(_scope, values["scope"])),
        purposes=_purposes(values["purposes"][0]),
        expires=expires,
        notice=notice,
        data=data,
    )


def _fields(data: bytes) -> Mapping[str, Sequence[str]]:
    """Return the values of each field by its name in lower case; names that are not known are passed over."""
    if len(data) > FILE_BYTES_MAX:
        raise _wrong(f"it has more than {FILE_BYTES_MAX // 1024} KB")
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise _wrong("it is not text in UTF-8") from error
    if len(lines) > LINES_MAX:
        raise _wrong(f"it has more than {LINES_MAX:,} lines")
    values: dict[str, list[str]] = defaultdict(list)
    for number, line in enumerate(lines, start=1):
        text = line.removesuffix("\r").strip(" \t")
        if not text or text.startswith("#"):
            continue
        parts = _FIELD.fullmatch(text)
        if parts is None or not parts[2] or not is_plain(text.replace("\t", " ")):
            raise _wrong(f"line {number} is not a field and its value")
        values[parts[1].lower()].append(parts[2])
    for name in _ONCE + _REPEATED:
        if not values[name]:
            raise _wrong(f"it has no {name.capitalize()}")
    for name in _ONCE + _OPTIONAL:
        if len(values[name]) > 1:
            raise _wrong(f"it has more than one {name.capitalize()}")
    return values


def _scope(text: str) -> str:
    if not text.startswith("/") or any(mark in text for mark in "*?#"):
        raise _wrong(f"the Scope '{plain(text[:80])}' is not a path; patterns are not known here")
    try:
        return normal_path(text)
    except AddressRefused as error:
        raise _wrong(f"a Scope is not a path: {error}") from error


def _purposes(text: str) -> tuple[str, ...]:
    purposes = tuple(one.strip() for one in text.split(","))
    if not all(purposes):
        raise _wrong("its Purposes have an empty one")
    return purposes


def _moment(text: str) -> datetime:
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError("the form of RFC 3339")
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong("its Expires is not a time such as 2027-01-31T12:00:00Z") from error


def _wrong(why: str) -> SitePermissionMissing:
    return SitePermissionMissing(f"The permission file permits nothing: {why}.")
