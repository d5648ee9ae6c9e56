"""The texts that people give in a case, as they are kept: plain, trimmed, and not too long."""

from __future__ import annotations

from lineament.core.words import is_plain, is_plain_text
from lineament.errors import InvalidRequest

LINE_LENGTH_MAX = 200  # characters of a reference or a title
TEXT_LENGTH_MAX = 10_000  # characters of a narrative, a note, or what is said of a lead


def line(name: str, given: str) -> str:
    """Return a text of one line. Raises InvalidRequest."""
    said = given.strip()
    if not said or len(said) > LINE_LENGTH_MAX or not is_plain(said):
        raise InvalidRequest(f"The {name} must be one line of plain text, 1 to {LINE_LENGTH_MAX} characters.")
    return said


def text(name: str, given: str) -> str:
    """Return a text of several lines. Raises InvalidRequest."""
    said = text_if_any(name, given)
    if said is None:
        raise InvalidRequest(f"The {name} is empty.")
    return said


def text_if_any(name: str, given: str | None) -> str | None:
    """Return a text of several lines, None for an empty one. Raises InvalidRequest."""
    said = (given or "").replace("\r\n", "\n").strip()
    if len(said) > TEXT_LENGTH_MAX or not is_plain_text(said):
        raise InvalidRequest(f"The {name} must be plain text of at most {TEXT_LENGTH_MAX:,} characters.")
    return said or None
