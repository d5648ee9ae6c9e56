"""A case in the browser: opened, searched, read by others, closed; on a phone and without script, too."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from lineament.app import sign_in
from lineament.app.casework import cases, members
from lineament.app.casework.retention import erase_probes
from lineament.app.edited import edits_of, search_edited
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import Obtained, Part
from lineament.core.policy import Person, Role
from lineament.core.review import LeadState
from lineament.core.times import iso
from lineament.records import reviews
from lineament.records.cases import Case
from lineament.records.reviews import Lead, SearchConclusion
from lineament.records.searches import Search
from lineament.testing import Clock
from tests.casework import a_case, a_search, close, reopen, somebody
from tests.e2e.conftest import PHONE, Site, Visitor
from tests.samples import OBAMA, SOLVAY


@pytest.fixture
def site(desk: Installation, serve: Callable[[Installation], Site]) -> Site:
    """A server over a collection that may be searched for missing people."""
    return serve(desk)


def test_a_case_from_the_search_page_to_its_end(site: Site, visitor: Visitor) -> None:
    """The purpose is kept on the way to a new case, the case on the way back to a search."""
    page = visitor.page
    page.check("input[value=missing-person]")
    page.get_by_role("link", name="Open a case").click()
    page.wait_for_url("**/cases?purpose=missing-person*")
    expect(page.locator("input[value=missing-person]")).to_be_checked()
    visitor.picture("cases-none")
    page.get_by_label("Reference").fill("2026/17")
    page.get_by_label("Title").fill("Anna is missed")
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna is missed")
    expect(page.locator("main")).to_contain_text("needs a narrative")
    page.get_by_text("Change the grounds").click()
    page.get_by_label("Narrative").fill("Last seen on 3 May at the station.\nHer sister asks for help.")
    page.get_by_label("Number").fill("AZ 17/26")
    page.get_by_label("Issued by").fill("The district court")
    page.get_by_label("What it allows").fill("A search for one person")
    page.get_by_label("Expires").fill("2026-12-31T12:00")
    page.get_by_role("button", name="Record these grounds").click()
    expect(page.locator("main")).to_contain_text("As the policy needs them")
    expect(page.locator("main")).to_contain_text("Until 31 December 2026, 12:00 UTC")
    page.get_by_role("link", name="New search in this case").click()
    expect(page.locator("input[value=missing-person]")).to_be_checked()
    expect(page.get_by_label("Case", exact=True)).to_have_value("2026/17")
    page.set_input_files("#photo", OBAMA)
    page.click("#submit")
    expect(page.get_by_role("alert")).to_contain_text("Say how the photograph was obtained.")
    page.get_by_label("How was this photograph obtained?").select_option("given-by-the-family")
    visitor.picture("search-in-case")
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    page.goto(site.address + "/cases")
    visitor.picture("cases")
    page.get_by_role("link", name="Anna is missed").click()
    expect(page.locator(".searches")).to_contain_text("Candidates to review")
    expect(page.locator(".searches")).to_contain_text("Their family gave it")
    page.get_by_label("Add a note").fill("The sister brought a second photograph.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("#notes")).to_contain_text("The sister brought a second photograph.")
    page.get_by_role("button", name="Close the case").click()
    expect(page.locator(".case-head")).to_contain_text("Closed since")
    expect(page.get_by_role("link", name="New search in this case")).to_have_count(0)
    expect(page.locator(".timeline li").last).to_contain_text("Closed the case.")
    page.get_by_role("button", name="Record an appeal").click()
    expect(page.locator(".case-head")).to_contain_text("Appealed")
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("link", name="New search in this case")).to_be_visible()


def test_parts_are_given_and_taken_away(site: Site, visitor: Visitor, arrive: Callable[..., Visitor]) -> None:
    """Counsel reads the whole page and finds no action on it."""
    desk, page = site.installation, visitor.page
    case = a_case(desk)
    a_search(desk, case)
    counsel = somebody(desk, "B. Counsel", Role.COUNSEL)
    page.goto(f"{site.address}/cases/{case.id}")
    page.get_by_text("Give somebody a part").click()
    page.get_by_label("Name", exact=True).fill("b. counsel")
    page.get_by_label("Part", exact=True).select_option("counsel")
    page.get_by_role("button", name="Give this part").click()
    expect(page.locator("#people")).to_contain_text("counsel, reads it")
    reader = arrive(site, who=counsel)
    expect(reader.page.get_by_role("heading", level=1)).to_have_text(
        "Cases"
    )  # who does not search begins here
    reader.page.get_by_role("link", name="Somebody is missed").click()
    expect(reader.page.locator(".case-head")).to_contain_text("You read this case as counsel.")
    for words in ("New search", "Close the case", "Add a note", "Change the grounds", "Give somebody a part"):
        expect(reader.page.get_by_text(words)).to_have_count(0)
    expect(reader.page.get_by_role("link", name="Case report")).to_be_visible()
    reader.picture("case-counsel")
    page.get_by_role("button", name="Take B. Counsel's part away").click()
    expect(page.locator("#people")).to_contain_text("had a part until")
    reader.page.reload()
    expect(reader.page.locator("main")).to_contain_text("There is no such case of yours.")
    reader.expect_refusal(404)


def test_a_case_shows_all_that_was_searched_in_it(
    site: Site, clock: Clock, arrive: Callable[..., Visitor]
) -> None:
    """Refused, left waiting, and found; on a wide screen and on a phone."""
    desk = site.installation
    who, case = sign_in.operator(desk), a_case(desk)
    clock.turn(timedelta(minutes=5))
    found = a_search(desk, case)
    clock.turn(timedelta(minutes=5))
    again = search_edited(desk, who, found.id, 1, edits_of(["flip"]))
    conclude(desk, who, case, found, again)
    close(desk, who, case.id)
    clock.turn(timedelta(minutes=5))
    with pytest.raises(Exception, match="closed"):
        a_search(desk, case)
    reopen(desk, who, case.id)
    clock.turn(timedelta(minutes=5))
    left_waiting(desk, case.reference)
    cases.add_note(
        desk, who, case.id, "The group photograph is from the family's album.\nNo face was chosen yet."
    )
    somebody(desk, "B. Counsel", Role.COUNSEL)
    members.set_member(desk, who, case.id, "B. Counsel", Part.COUNSEL, clock() + timedelta(days=30))
    for viewport, name in ((None, "case"), (PHONE, "phone-case")):
        visitor = arrive(site, viewport)
        visitor.page.goto(f"{site.address}/cases/{case.id}")
        for words in (
            "Reviewed: 1 put forward",
            "Reviewed: none of these put forward",
            "Refused",
            "Waiting: choose a face",
        ):
            expect(visitor.page.locator(".searches")).to_contain_text(words)
        expect(visitor.page.locator(".searches > li")).to_have_count(3)
        expect(visitor.page.locator(".edited")).to_contain_text("With edits.")
        expect(visitor.page.locator(".leads")).to_contain_text("waiting for further examiners")
        visitor.picture(name)
    phone = arrive(site, PHONE)
    phone.page.goto(f"{site.address}/cases")
    phone.picture("phone-cases")


def test_an_erased_photograph_leaves_a_sentence_in_its_place(
    site: Site, clock: Clock, visitor: Visitor
) -> None:
    """No broken picture, on the page of the case and among the recent searches."""
    desk = site.installation
    who, case = sign_in.operator(desk), a_case(desk)
    a_search(desk, case)
    close(desk, who, case.id)
    clock.turn(timedelta(hours=49))
    erase_probes(desk)
    page = visitor.page
    page.goto(site.link())  # the session has ended meanwhile
    page.goto(f"{site.address}/cases/{case.id}")
    expect(page.locator(".searches")).to_contain_text("erased, as the policy says")
    expect(page.locator(".searches img")).to_have_count(0)
    expect(page.locator(".timeline")).to_contain_text("Erased 1 photograph that had been searched")
    visitor.picture("case-erased")
    page.goto(site.address)
    expect(page.locator(".recent li")).to_have_count(1)
    expect(page.locator(".recent img")).to_have_count(0)


def test_a_search_in_a_case_works_without_script(site: Site, arrive: Callable[..., Visitor]) -> None:
    """The form is sent as it is; what is missing is said on a page."""
    case = a_case(site.installation)
    visitor = arrive(site, javascript=False)
    page = visitor.page
    page.goto(f"{site.address}/?case={case.id}")
    page.set_input_files("#photo", OBAMA)
    page.click("#submit")
    expect(page.locator("main")).to_contain_text("Say how the photograph was obtained.")
    visitor.expect_refusal(403)
    page.go_back()
    page.set_input_files("#photo", OBAMA)
    page.get_by_label("How was this photograph obtained?").select_option("published")
    visitor.picture("search-without-script")
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("candidates")


def conclude(desk: Installation, who: Person, case: Case, found: Search, none: Search) -> None:
    """Write into the records that a candidate of one search was put forward, and none of the other."""
    at = iso(desk.clock())
    lead = Lead(desk.new_id(), case.id, found.id, 1, LeadState.PUT_FORWARD, at, None, None, desk.new_salt())
    with desk.records.write() as tx:
        reviews.conclude_search(tx, SearchConclusion(found.id, who.id, at, (1,)))
        reviews.conclude_search(tx, SearchConclusion(none.id, who.id, at, ()))
        reviews.add_lead(tx, lead)


def left_waiting(desk: Installation, reference: str) -> None:
    """Search with a photograph of many faces and choose none."""
    who = sign_in.operator(desk)
    request = Request("missing-person", ("archive",), reference, Obtained.FROM_FAMILY)
    open_search(desk, who, request, [SOLVAY.read_bytes()])


def test_a_refused_form_keeps_what_was_typed_until_it_is_on_record(site: Site, visitor: Visitor) -> None:
    """An authorisation without its issuer is refused; nothing has to be typed again, and no draft stays."""
    page = visitor.page
    page.goto(f"{site.address}/cases")
    page.fill("#reference", "2026/17")
    page.fill("#title", "Anna is missed")
    page.check("[name=purpose][value=missing-person]")
    page.fill("#narrative", "Last seen on 3 May.\nHer sister asks for help.")
    page.fill("#number", "AZ 17/26")
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("An authorisation needs")
    visitor.expect_refusal(422)
    page.get_by_role("button", name="Go back to what you typed").click()
    expect(page.locator("#narrative")).to_have_value("Last seen on 3 May.\nHer sister asks for help.")
    expect(page.locator("#number")).to_have_value("AZ 17/26")
    expect(page.locator("[name=purpose][value=missing-person]")).to_be_checked()
    page.fill("#number", "")
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna is missed")
    page.goto(f"{site.address}/cases")
    expect(page.locator("#narrative")).to_have_value("")


@pytest.mark.parametrize(
    ("role", "places"),
    [
        (Role.SEARCHER, ["Search", "Cases", "Collections", "Policy", "Ledger"]),
        (Role.EXAMINER, ["Cases", "Reviews", "Collections", "Policy", "Ledger"]),
        (Role.COUNSEL, ["Cases", "Collections", "Policy", "Ledger"]),
        (Role.AUDITOR, ["Cases", "Reviews", "Collections", "Policy", "Ledger"]),
        (Role.ADMINISTRATOR, ["Reviews", "Collections", "Policy", "Ledger"]),
        (Role.CURATOR, ["Collections", "Policy", "Ledger"]),
    ],
)
def test_each_role_is_led_only_where_it_has_work(
    site: Site, arrive: Callable[..., Visitor], desk: Installation, role: Role, places: list[str]
) -> None:
    """The head of each page says who is signed in, and no link in it ends in a refusal."""
    page = arrive(site, who=somebody(desk, "Ada Archer", role)).page
    expect(page.locator("header .visitor")).to_contain_text("Ada Archer")
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    expect(links).to_have_text(places)
    expect(links.locator("xpath=self::*[@aria-current]")).to_have_count(1)  # they begin at one of them
    for number in range(len(places)):
        links.nth(number).click()
        expect(links.nth(number)).to_have_attribute("aria-current", "page")
