"""The files that an ingest could not use, as a table that a spreadsheet may open."""

from __future__ import annotations

from lineament.records.ingests import Rejected

HEADER = ("path", "code", "sentence")
# With what a spreadsheet takes the text of a cell for a formula to be worked out (OWASP, CSV Injection); the
# last four are how East Asian keyboards write the first four.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def row(one: Rejected) -> tuple[str, str, str]:
    """Return one file's path, code and sentence, each as plain text: one that may be a formula is quoted."""
    return _text(one.path), _text(one.code), _text(one.sentence)


def _text(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
