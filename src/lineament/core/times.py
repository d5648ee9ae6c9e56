"""Times are UTC and written as ISO 8601 with milliseconds and a Z; for people in words."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """Return an aware time as ``2026-11-22T21:04:05.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_moment(when: datetime) -> bool:
    """Say whether a time has an offset and can be written as UTC: at the ends of the calendar some cannot."""
    try:
        return when.tzinfo is not None and bool(iso(when))
    except OverflowError:
        return False


def from_iso(text: str) -> datetime:
    """Return the aware UTC time that ``iso`` wrote. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {text}")
    return moment.astimezone(UTC)


def day(when: datetime) -> str:
    """Return the day of a UTC time as ``2 January 2026``."""
    return f"{when.day} {when:%B %Y}"


def moment(when: datetime) -> str:
    """Return a UTC time as ``2 January 2026, 14:05 UTC``."""
    return f"{day(when)}, {when:%H:%M} UTC"


def time(text: str) -> str:
    """Return what ``iso`` wrote as ``2 January 2026, 14:05 UTC``."""
    return moment(from_iso(text))
