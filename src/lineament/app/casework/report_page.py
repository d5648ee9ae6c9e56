"""Reports as pages: one content, set as a PDF and written as HTML, so that both say the same.

A content is made of JSON values: a title and sections, each with blocks. A text in it is a string that the
project wrote, or a list of such strings and of pieces that it did not write or that are no prose: ``said``,
``name``, ``link`` and ``code``. What the project wrote is read by ``report_words`` before anything is made.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lineament import typeset
from lineament.core.jsontext import json_bytes
from lineament.core.report_words import refused
from lineament.core.words import listed
from lineament.errors import ReportRefused
from lineament.ledger import digest

Piece = str | Mapping[str, str]
Text = str | Sequence[Piece]
Block = dict[str, Any]

_FOREIGN = {
    "said",
    "name",
    "link",
    "code",
    "kind",
    "picture",
}  # what the project did not write, or is no prose
_ROOM = files("lineament.app.casework")
STYLE = (_ROOM / "report.css").read_text("utf-8")
_templates = Environment(
    loader=PackageLoader("lineament.app.casework", ""),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, eq=False)
class Report:
    """A report: its content, its pictures (JPEG, by the names that the content uses), and its PDF."""

    content: Mapping[str, Any]
    pictures: Mapping[str, bytes]
    pdf: bytes

    @property
    def digest(self) -> str:
        """The digest of the PDF, which is what the ledger holds of the report."""
        return digest(self.pdf)

    @cached_property
    def html(self) -> str:
        """The report as one HTML document that needs no other file."""
        return self.page()

    def page(self, links: Mapping[str, str] | None = None) -> str:
        """Return the same with links, by their names, above it; they are not printed."""
        shown = {
            name: "data:image/jpeg;base64," + base64.b64encode(data).decode()
            for name, data in self.pictures.items()
        }
        return _templates.get_template("report.html").render(
            report=self.content, pictures=shown, digest=self.digest, links=links or {}, style=STYLE
        )


def make(content: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Report:
    """Return a report. Raises ReportRefused where the project's own words say what no report may say."""
    found = refused("\n".join(own_words(content)))
    if found:
        words = listed([f"'{word}'" for word in found])
        raise ReportRefused(f"This report would say {words}.")
    return Report(content, pictures, _pdf(content, pictures))


def own_words(value: Any) -> Iterator[str]:
    """Yield every text of a content that the project wrote."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in _FOREIGN:
                yield from own_words(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from own_words(one)


def section(title: str, *blocks: Block | None) -> dict[str, Any]:
    """Return a section with those of the blocks that there are."""
    return {"title": title, "blocks": [block for block in blocks if block]}


def text(*paragraphs: Text) -> Block:
    """Return paragraphs."""
    return {"kind": "text", "paragraphs": list(paragraphs)}


def items(*texts: Text) -> Block:
    """Return a list."""
    return {"kind": "items", "items": list(texts)}


def facts(rows: Mapping[str, Text | None]) -> Block:
    """Return what is known, by its name; what is not known is left out."""
    return {
        "kind": "facts",
        "rows": [{"label": label, "value": value} for label, value in rows.items() if value],
    }


def table(label: str, head: Sequence[str], rows: Sequence[Sequence[Text]], widths: Sequence[int]) -> Block:
    """Return a table; ``widths`` are the parts of its width that its columns have."""
    return {"kind": "table", "label": label, "head": list(head), "rows": list(rows), "widths": list(widths)}


def heading(words: Text) -> Block:
    """Return a heading within a section."""
    return {"kind": "heading", "words": words}


def shown(picture: str, alt: str) -> Block:
    """Return a picture by its name; ``alt`` says what it shows to who does not see it."""
    return {"kind": "shown", "picture": picture, "alt": alt}


def codes(rows: Mapping[str, str]) -> Block:
    """Return codes by their names."""
    return {"kind": "codes", "rows": [{"label": label, "code": code} for label, code in rows.items()]}


def said(words: str) -> dict[str, str]:
    """Return what somebody else said: it is shown between quotation marks."""
    return {"said": words}


def name(words: str) -> dict[str, str]:
    """Return a name, or another word that the project did not choose."""
    return {"name": words}


def link(address: str) -> dict[str, str]:
    """Return a web address that leads where it says."""
    return {"link": address}


def code(words: str) -> dict[str, str]:
    """Return a number or another code."""
    return {"code": words}


def in_fours(digits: str) -> str:
    """Return a long number in groups, so that people can compare it."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _pdf(content: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """Return a content as a PDF."""
    inputs = {
        "report": json_bytes(content).decode(),
        "pictures": json_bytes({name: list(data) for name, data in pictures.items()}).decode(),
    }
    return typeset.pdf((_ROOM / "report.typ").read_bytes(), **inputs)
