"""Small helpers for sentences and for the texts that people give."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e")  # embeddings and overrides of UAX #9


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: '1 face', '1,204 faces'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return words as a list in a sentence: 'one', 'one and two', 'one, two and three'."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def capital(text: str) -> str:
    """Return a text with a capital letter at its start, as a sentence has it; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def is_web_address(text: str) -> bool:
    """Say whether a text is an http or https address with a host, that a browser may be sent to."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and not any(map(str.isspace, text))


def is_plain(text: str) -> bool:
    """Say whether a text is valid Unicode that can be shown anywhere.

    It has no control characters, and none that turn round the order in which what follows them is read.
    """
    return not any(unicodedata.category(one) in {"Cc", "Cs"} or one in _REORDERING for one in text)


def is_plain_text(text: str) -> bool:
    """Say the same of every line of a text."""
    return all(map(is_plain, text.split("\n")))


def plain(text: str) -> str:
    """Return a text with a question mark for everything that is not plain."""
    return "".join(character if is_plain(character) else "?" for character in text)


def look(text: str) -> str:
    """Return the same for texts that the eye does not tell apart: by case, blanks and what nobody sees."""
    seen = (one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    return " ".join("".join(seen).split()).casefold()
