"""A whole case, played in a real browser by three accounts: who searches, who examines blind, and counsel."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lineament import ledger
from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.core.review import Conclusion
from tests.casework import somebody
from tests.e2e.comparing import fill_in, record
from tests.e2e.conftest import Site, Visitor
from tests.samples import OBAMA

CANDIDATES = 7


@pytest.fixture
def people(desk: Installation) -> dict[str, Person]:
    """Ada works on the case and examines first; Ben examines blind; Cleo is counsel."""
    return {
        "ada": somebody(desk, "Ada Archer", Role.SEARCHER, Role.EXAMINER),
        "ben": somebody(desk, "Ben Blind", Role.EXAMINER),
        "cleo": somebody(desk, "Cleo Counsel", Role.COUNSEL),
    }


def test_a_case_from_its_opening_to_the_file_that_counsel_checks(
    desk: Installation,
    people: dict[str, Person],
    serve: Callable[[Installation], Site],
    arrive: Callable[..., Visitor],
    tmp_path: Path,
) -> None:
    """Purpose before search, two people before a lead, and a file that both sides can check."""
    site = serve(desk)
    ada = arrive(site, who=people["ada"])
    case = open_a_case(ada, site)
    search = search_in_it(ada)
    sought = judge_every_candidate(ada, search)
    put_forward(ada, search, sought)

    ben = arrive(site, who=people["ben"])
    ben.page.goto(case)
    ben.expect_refusal(404)  # no part in it
    pairs = compare_every_pair(ben, site)
    assert pairs > 0

    become_a_lead(ada, case)
    give_counsel_a_part(ada, case)

    cleo = arrive(site, who=people["cleo"])
    check_the_file(cleo, case, desk, tmp_path)
    ledger.fsck(desk.ledger_folder, desk.signer.verifier)  # the acts of the case are numbered without a gap


def open_a_case(ada: Visitor, site: Site) -> str:
    """Open a case with what its purpose needs, and return its address."""
    page = ada.page
    page.goto(f"{site.address}/cases")
    page.fill("#reference", "2026/17")
    page.fill("#title", "Somebody is missed")
    page.check("[name=purpose][value=missing-person]")
    page.fill("#narrative", "Last seen in May; the family asks.")
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_url("**/cases/*")
    expect(page.locator("h1")).to_have_text("Somebody is missed")
    return page.url


def search_in_it(ada: Visitor) -> str:
    """Search in the case, and return the address of the list."""
    page = ada.page
    page.get_by_role("link", name="New search in this case").click()
    page.set_input_files("#photo", OBAMA)
    page.select_option("#obtained", "given-by-the-family")
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    expect(page.locator(".candidate")).to_have_count(CANDIDATES)
    assert "comparison score" not in page.locator("main").inner_text()
    return page.url


def judge_every_candidate(ada: Visitor, search: str) -> int:
    """Open and judge all candidates; return the number of the one that turns out to be ranked first."""
    page, first = ada.page, 0
    for number in range(1, CANDIDATES + 1):
        page.goto(f"{search}/candidates/{number}")
        page.get_by_role("button", name="Worth comparing feature by feature").click()
        expect(page.locator(".beside")).to_contain_text("comparison score, rank")
        if "rank 1 of" in page.locator(".beside").inner_text():
            first = number
    return first


def put_forward(ada: Visitor, search: str, number: int) -> None:
    """Compare one candidate feature by feature, and put it forward."""
    page = ada.page
    page.goto(f"{search}/candidates/{number}")
    fill_in(page, Conclusion.STRONG_SAME)
    record(page)
    expect(page.get_by_role("heading", name="Your comparison")).to_be_visible()
    page.goto(search)
    page.get_by_role("checkbox", name=f"Photograph {number}").check()
    page.get_by_role("button", name="Put forward").click()
    expect(page.locator("#conclusion-title")).to_have_text("Put forward")


def compare_every_pair(ben: Visitor, site: Site) -> int:
    """Take and compare pairs until none waits; return how many there were."""
    page, compared = ben.page, 0
    page.goto(f"{site.address}/reviews")
    while page.get_by_role("button", name="Take the next pair").count():
        page.get_by_role("button", name="Take the next pair").click()
        page.wait_for_url("**/reviews/*")
        expect(page.locator("img.placed")).to_have_count(2)
        for hidden in ("Obama", "2026/17", "missed", "comparison score"):
            assert hidden not in page.content()
        fill_in(page, Conclusion.SAME)
        record(page)
        expect(page.get_by_role("status")).to_contain_text("on record")
        compared += 1
    return compared


def become_a_lead(ada: Visitor, case: str) -> None:
    """See that it is a lead now, that the line-up is locked until there is evidence, and the reports."""
    page = ada.page
    page.goto(case)
    page.locator(".leads a").click()
    expect(page.locator("h1")).to_have_text("A lead")
    expect(page.locator("#line-up-title + .state")).to_have_text("Locked")
    lead = page.url
    page.fill("#description", "A ticket in that name was used at the station.")
    page.fill("#source", "The railway's records")
    page.fill("#date", "2026-11-20")
    page.get_by_role("button", name="Record the evidence").click()
    expect(page.locator("#line-up-title + .state")).to_have_text("Open")
    ada.picture("story-lead")
    page.goto(f"{lead}/report")
    expect(page.locator("body")).to_contain_text("not an identification")
    ada.picture("story-lead-report")
    page.goto(f"{case}/report")
    ada.picture("story-case-report")


def give_counsel_a_part(ada: Visitor, case: str) -> None:
    """Give counsel a part, and look at the case with all that was done in it."""
    page = ada.page
    page.goto(case)
    page.get_by_text("Give somebody a part").click()
    page.fill("#person", "Cleo Counsel")
    page.select_option("#part", "counsel")
    page.get_by_role("button", name="Give this part").click()
    expect(page.locator("#people")).to_contain_text("Cleo Counsel")
    expect(page.locator(".timeline .gap")).to_have_count(0)
    ada.picture("story-case")


def check_the_file(cleo: Visitor, case: str, desk: Installation, tmp_path: Path) -> None:
    """Counsel takes the bundle home; it is whole, and says so where one byte was changed."""
    page = cleo.page
    page.goto(case)
    expect(page.get_by_role("button", name="Close the case")).to_have_count(0)
    with page.expect_download() as handed:
        page.get_by_role("button", name="Disclosure bundle").click()
    bundle = tmp_path / "case.zip"
    handed.value.save_as(bundle)
    whole = verify(bundle, desk)
    assert whole.returncode == 0, whole.stderr
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    assert verify(bundle, desk).returncode != 0


def verify(bundle: Path, desk: Installation) -> subprocess.CompletedProcess[str]:
    """Run what an outsider runs: the verifier, with the log's key and nothing else."""
    command = [sys.executable, "-m", "lineament.ledger", "verify", str(bundle)]
    key = desk.signer.verifier.vkey
    return subprocess.run([*command, "--vkey", key], capture_output=True, text=True, check=False)
