"""Leads in the browser: what one is not, what was done with it, and the reports."""

import re
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest

from lineament.app.installation import Installation
from lineament.core.review import WORDING, Conclusion, LeadState
from lineament.records.reviews import Lead
from lineament.testing import Clock
from tests.e2e.conftest import PHONE, Site, Visitor
from tests.leads import a_lead, supported


@pytest.fixture
def lead(desk: Installation) -> Lead:
    return a_lead(desk)


@pytest.fixture
def site(desk: Installation, serve: Callable[[Installation], Site]) -> Site:
    """A server over the collection 'archive', which may also be searched for missing people."""
    return serve(desk)


def see(visitor: Visitor, site: Site, path: str) -> str:
    visitor.page.goto(site.address + path)
    return visitor.page.inner_text("main")


def test_a_lead_says_first_what_it_is_not(site: Site, arrive: Callable[..., Visitor], lead: Lead):
    """Then both faces, the odds, and each examiner's conclusion in its fixed words; the line-up is locked."""
    visitor = arrive(site)
    text = see(visitor, site, f"/leads/{lead.id}")
    places = [
        text.index(words)
        for words in (
            "A lead is not an identification.",
            "Searched on",
            "strangers would be expected to score this high",
            "First examiner: Edda First",
            WORDING[Conclusion.STRONG_SAME],
            "Second examiner: Sven Second",
            "What was done since",
        )
    ]
    assert places == sorted(places)
    assert visitor.page.locator(".side-by-side img").count() == 2
    assert "Photographs for a line-up can be had once independent evidence is on record" in text
    assert visitor.page.locator("form[action$='/line-up']").count() == 0
    visitor.picture("lead-locked")


def test_evidence_opens_the_line_up_and_the_lead_is_followed(
    site: Site, arrive: Callable[..., Visitor], lead: Lead, clock: Clock
):
    """By the forms of the page, from the first evidence to the truth; it works without JavaScript as well."""
    visitor = arrive(site, javascript=False)
    see(visitor, site, f"/leads/{lead.id}")
    page = visitor.page
    page.fill("#description", "A neighbour saw him board the train.")
    page.fill("#source", "Her statement of 3 May")
    page.fill("#date", "2026-05-03")
    page.click("text=Record the evidence")
    page.wait_for_url("**/leads/*#done")
    assert "Her statement of 3 May, 2026-05-03" in page.inner_text("#done")
    page.fill("#words", "Representative")
    page.fill("#fillers", "3")
    with page.expect_download() as download:
        page.click("text=Make the photographs")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "key.txt" in archive.namelist()
    clock.turn(timedelta(minutes=1))
    page.fill("#account", "Asked the railway for its pictures.")
    page.click("text=It was acted on")
    page.wait_for_url("**/leads/*#done")
    assert page.locator("#account").count() == 0
    clock.turn(timedelta(hours=3))
    page.check("input[name=truth][value=right]")
    page.fill("#how", "He came home and said so.")
    page.click("text=Record it")
    page.wait_for_url("**/leads/*#done")
    assert "it turned out to be right" in page.inner_text(".lead-head")
    visitor.picture("lead")


def test_a_lead_on_a_phone(site: Site, arrive: Callable[..., Visitor], desk: Installation, lead: Lead):
    """Nothing is wider than the screen, and the forms are within reach."""
    supported(desk, lead)
    visitor = arrive(site, PHONE)
    see(visitor, site, f"/leads/{lead.id}")
    visitor.page.click("text=Feature by feature >> nth=0")
    visitor.picture("phone-lead")


def test_the_reports_open_as_pages_and_as_files(
    site: Site, arrive: Callable[..., Visitor], desk: Installation, lead: Lead
):
    """From the lead's page and the case's; a page has a way back, and the way to its PDF."""
    supported(desk, lead)
    visitor = arrive(site)
    page = visitor.page
    see(visitor, site, f"/leads/{lead.id}")
    page.click("a:text-is('Report')")
    page.wait_for_url("**/report")
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "800px"  # its style is let in
    visitor.picture("lead-report")
    with page.expect_download() as download:
        page.click("text=As a PDF")
    assert download.value.suggested_filename == f"lead-{lead.id[:8]}.pdf"
    page.click("text=Back to the lead")
    page.wait_for_url(re.compile(r"/leads/[0-9a-f]{32}$"))
    assert "Report on a case" in see(visitor, site, f"/cases/{lead.case_id}/report")
    visitor.picture("case-report")


def test_a_report_on_a_phone(site: Site, arrive: Callable[..., Visitor], desk: Installation, lead: Lead):
    """Its tables scroll within themselves."""
    visitor = arrive(site, PHONE)
    see(visitor, site, f"/leads/{lead.id}/report")
    visitor.picture("phone-lead-report")
    see(visitor, site, f"/cases/{lead.case_id}/report")
    visitor.picture("phone-case-report")


def test_a_candidate_that_waits_for_its_examiners_shows_nothing_of_them(
    site: Site, arrive: Callable[..., Visitor], desk: Installation
):
    """To staff who have not judged it themselves: neither a conclusion, nor a score, nor a form."""
    waiting = a_lead(desk, (Conclusion.SAME,), LeadState.PUT_FORWARD, "2026/18")
    visitor = arrive(site)
    text = see(visitor, site, f"/leads/{waiting.id}")
    assert "Further examiners compare these photographs without knowing" in text
    assert "You have yet to judge this candidate by sight" in text
    assert WORDING[Conclusion.SAME] not in text
    assert visitor.page.locator("main form").count() == 0
    visitor.picture("lead-waiting")
