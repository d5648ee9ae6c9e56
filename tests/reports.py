"""What a report says, read back out of its PDF and its HTML."""

import re
from html.parser import HTMLParser
from io import BytesIO

from pypdf import PdfReader

from lineament.app.casework.report_page import Report


class _Words(HTMLParser):
    """The text of the page's main part."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or tag == "main"

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "main"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.words.append(data)


def of_html(report: Report) -> str:
    """The text of the HTML without white space."""
    parser = _Words()
    parser.feed(report.html)
    return "".join("".join(parser.words).split())


def of_pdf(report: Report) -> str:
    """The text of the PDF without white space: typst breaks lines where they are full, also in a number."""
    pages = []
    for page in PdfReader(BytesIO(report.pdf)).pages:
        said = "".join(page.extract_text().split())
        pages.append(re.sub(r"Reportona[a-z]+(thatisnolead)?,[0-9a-f]{8}\d+/\d+$", "", said))
    return "".join(pages).replace("\u200b", "")


def squeezed(text: str) -> str:
    """A text without white space."""
    return "".join(text.split())
