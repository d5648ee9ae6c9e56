"""Reports as pages: the PDF and the HTML say the same, in words that a report may say."""

import re
import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from lineament.app import sign_in
from lineament.app.casework import report_page
from lineament.app.casework.cases import add_note
from lineament.app.casework.leads import record_truth
from lineament.app.casework.report_page import own_words
from lineament.app.casework.reports import case_report, lead_report
from lineament.app.installation import Installation
from lineament.core.policy import Person
from lineament.core.report_words import refused
from lineament.core.review import Truth
from lineament.errors import ReportRefused
from lineament.testing import Clock, recorded
from tests.leads import a_lead, supported
from tests.reports import of_html, of_pdf, squeezed


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


HEADS = "FeatureSeenNote|ExaminerTwopeopletakenforoneOnepersontakenfortwoLeftundecided|ActWhenWhoWhatEntry|•"


def test_a_fresh_process_makes_the_same_pdf(desk: Installation, who: Person):
    """Nothing of this process is in it."""
    lead = supported(desk, a_lead(desk))
    first = lead_report(desk, who, lead.id)
    program = (
        "import sys; from pathlib import Path; from lineament.testing import make_installation;"
        "from lineament.app import sign_in; from lineament.app.casework.reports import lead_report;"
        "made = make_installation(Path(sys.argv[1]));"
        "sys.stdout.buffer.write(lead_report(made, sign_in.operator(made), sys.argv[2]).pdf); made.close()"
    )
    folder = desk.ledger_folder.parent
    done = subprocess.run(
        [sys.executable, "-c", program, folder, lead.id], capture_output=True, check=True, timeout=300
    )
    assert done.stdout == first.pdf


def test_the_pdf_and_the_html_say_the_same(desk: Installation, who: Person, clock: Clock):
    """Word for word; only the PDF repeats the head of a table that goes on on the next page."""
    lead = supported(desk, a_lead(desk))
    add_note(desk, who, lead.case_id, "She rang again.\nNothing new.")
    for report in (lead_report(desk, who, lead.id), case_report(desk, who, lead.case_id)):
        both = of_pdf(report), of_html(report)
        in_pdf, in_html = (re.sub(HEADS, "", one) for one in both)
        assert sorted(in_pdf) == sorted(in_html)
        assert in_pdf[:300] == in_html[:300]


def test_the_pdf_can_be_read_aloud(desk: Installation, who: Person):
    """A title, a language, marks for what is a heading, a table, a picture; and no date of its own."""
    lead = supported(desk, a_lead(desk))
    for report in (lead_report(desk, who, lead.id), case_report(desk, who, lead.case_id)):
        reader = PdfReader(BytesIO(report.pdf))
        assert reader.metadata
        assert reader.metadata.title == report.content["title"]
        assert reader.metadata.creation_date is None
        root = reader.trailer["/Root"]
        assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("en-GB", True)


def test_no_report_says_a_refused_word_of_its_own(desk: Installation, who: Person):
    """In any of the languages; what others said is between quotation marks and left as it was."""
    lead = a_lead(desk)
    record_truth(desk, who, lead.id, Truth.RIGHT, "Die Mutter hat ihn identifiziert, ein Treffer.")
    for report in (lead_report(desk, who, lead.id), case_report(desk, who, lead.case_id)):
        assert refused("\n".join(own_words(report.content))) == []
        quoted = "“Die Mutter hat ihn identifiziert, ein Treffer.”"
        assert squeezed(quoted) in of_pdf(report)
        outside = re.sub(r"“<q>.*?</q>”", "", report.html, flags=re.DOTALL)
        assert refused(re.sub(r"<style>.*?</style>|<img[^>]*>", "", outside, flags=re.DOTALL)) == []


def test_a_report_that_says_one_is_refused(desk: Installation, who: Person):
    """As where a model pack brings a caution that claims too much; nothing is on record then."""
    lead = a_lead(desk)
    assert desk.tail is not None
    boasting = replace(desk, tail=replace(desk.tail, caution="A hit is right in 99 % of all cases."))
    before = [one for one in recorded(desk) if one["kind"] == "report.made"]
    with pytest.raises(ReportRefused, match=r"'hit' and '99 %'"):
        lead_report(boasting, who, lead.id)
    assert [one for one in recorded(desk) if one["kind"] == "report.made"] == before == []


def test_what_people_wrote_is_written_as_text(desk: Installation, who: Person):
    """A tag, a brace or a quotation mark in it is shown and does nothing."""
    lead = a_lead(desk)
    wrote = '<script>alert(1)</script> #image("x") {{ 7 * 7 }} “quoted” *bold* $x$'
    record_truth(desk, who, lead.id, Truth.WRONG, wrote)
    report = lead_report(desk, who, lead.id)
    assert "<script>" not in report.html
    for words in (of_pdf(report), of_html(report)):
        assert squeezed(wrote) in words


def test_the_page_with_links_is_the_same_report(desk: Installation, who: Person):
    """Links stand above it and are not part of it; without them it needs no other file."""
    report = lead_report(desk, who, a_lead(desk).id)
    linked = report.page({"Back to the lead": "/leads/x"})
    assert 'href="/leads/x"' in linked
    assert report.html.count("<nav") == 0
    assert re.findall(r'(?:src|href)="(?!data:|https://)([^"]+)"', report.html) == []
    assert report_page.STYLE in report.html
