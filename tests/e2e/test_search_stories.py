"""From a photograph to a candidate list, and what may come in between."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.installation import Installation
from lineament.testing import make_collection, make_permission
from tests.e2e.conftest import Site, Visitor
from tests.samples import BIDEN, OBAMA, SOLVAY


def test_one_photograph_leads_to_a_candidate(site: Site, visitor: Visitor) -> None:
    """A second photograph of somebody who is there gives a lead that links to its source."""
    page = visitor.page
    visitor.fill_in(OBAMA)
    expect(page.locator("#previews img")).to_be_visible()
    visitor.picture("photograph-chosen")
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    first = page.locator(".candidate").first
    expect(page.get_by_role("heading", level=1)).to_have_text("1 candidate to review")
    expect(first).to_contain_text("Barack Obama, President of the United States")
    expect(first).to_contain_text("Strong resemblance")
    expect(first).to_contain_text("strangers would be expected to score this high")
    assert site.installation.tail
    expect(page.locator(".how")).to_contain_text(site.installation.tail.caution)
    source = first.get_by_role("link", name="Source at github.com")
    expect(source).to_have_attribute("rel", "noopener noreferrer")
    for word in ("match", "identified", "%"):
        expect(page.locator("main")).not_to_contain_text(word)
    visitor.picture("candidates")


def test_no_purpose_is_chosen_for_the_person(visitor: Visitor) -> None:
    """Several purposes: none is preselected, and the search does not go without one."""
    page = visitor.page
    expect(page.locator("[name=purpose]:checked")).to_have_count(0)
    page.set_input_files("#photo", OBAMA)
    page.click("#submit")
    expect(page.get_by_role("alert")).to_contain_text("Say what the search is for.")
    expect(page.locator("[name=purpose]").first).to_be_focused()


def test_nobody_there_is_a_plain_no_lead(visitor: Visitor) -> None:
    """Somebody who is not there: no lead, and what that does not mean. The first page lists the search."""
    visitor.search(BIDEN)
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")
    expect(page.locator("main")).to_contain_text("It does not mean that the person is absent.")
    visitor.picture("no-lead")
    page.goto(page.url.split("/searches")[0])
    page.get_by_role("link", name="No lead").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")


def test_a_wrong_file_is_said_in_place_and_the_form_keeps_what_was_entered(
    visitor: Visitor, tmp_path: Path
) -> None:
    """The sentence and what to do next stand above the button; purpose and collections stay as they were."""
    wrong = tmp_path / "notes.txt"
    wrong.write_text("This is not a photograph.")
    visitor.fill_in(wrong)
    page = visitor.page
    expect(page.locator(".preview-none")).to_be_visible()
    page.click("#submit")
    expect(page.get_by_role("alert")).to_contain_text("Use a JPEG, PNG, WebP,")
    expect(page.locator("input[value=archive-research]")).to_be_checked()
    expect(page.locator("[name=collection]:checked")).to_have_count(1)
    expect(page.locator("#preview-name")).to_contain_text("notes.txt")
    visitor.picture("wrong-file")
    visitor.expect_refusal(422)


def test_a_purpose_that_no_permission_allows_says_so_at_once(visitor: Visitor) -> None:
    """The collection is disabled with the reason, a case is asked for, and coming back undoes both."""
    page = visitor.page
    visitor.fill_in(OBAMA, purpose="missing-person")
    collection = page.locator("[name=collection]")
    expect(collection).to_be_disabled()
    expect(page.locator("#search")).to_contain_text("It allows: Archive research.")
    page.click("#submit")
    expect(page.get_by_role("alert")).to_contain_text("Choose a case.")
    visitor.picture("purpose-not-allowed")
    page.check("input[value=archive-research]")
    expect(collection).to_be_checked()
    expect(page.get_by_label("Case", exact=True)).to_have_value("")
    expect(page.locator("#case option").first).to_have_text("No case")


def test_a_permission_that_changed_meanwhile_refuses_the_search(site: Site, visitor: Visitor) -> None:
    """The server decides, whatever the form believed; its sentence is shown and the refusal is on record."""
    visitor.fill_in(OBAMA)
    who = sign_in.operator(site.installation)
    collections.permit(site.installation, who, "archive", make_permission(("missing-person",)))
    page = visitor.page
    page.click("#submit")
    expect(page.get_by_role("alert")).to_contain_text("does not allow 'archive-research'")
    expect(page.locator("input[value=archive-research]")).to_be_checked()
    visitor.picture("refused")
    visitor.expect_refusal(403)
    page.goto(site.address)
    page.get_by_role("link", name="Refused").click()
    expect(page.locator("main")).to_contain_text("No pixel of a photograph was read.")


def test_an_upload_shows_its_progress_and_can_be_stopped(visitor: Visitor) -> None:
    """While the photograph is on its way the page says so; stopping leaves the form as it was."""
    page = visitor.page
    visitor.fill_in(OBAMA)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/searches", hold)  # a slow server
    page.click("#submit")
    expect(page.locator("#progress-text")).to_have_text("Sending the photograph")
    expect(page.locator("#submit")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator("#submit")).to_be_enabled()
    expect(page.locator("#preview-name")).to_contain_text("obama2.jpg")
    held[0].abort()


def test_an_example_is_put_in_with_one_click(visitor: Visitor) -> None:
    """The examples of the first page come in as if they had been chosen."""
    page = visitor.page
    page.get_by_role("button", name="Twenty-nine faces").click()
    expect(page.locator("#preview-name")).to_contain_text("solvay1927.jpg")
    expect(page.locator("#previews img")).to_be_visible()


def test_a_photograph_can_be_dropped(visitor: Visitor) -> None:
    """Dropping a file anywhere takes it as the photograph and does not leave the page."""
    page = visitor.page
    dropped = page.evaluate_handle(
        """() => {
            const carrier = new DataTransfer();
            carrier.items.add(new File(["not shown"], "dropped.tif", {type: "image/tiff"}));
            return carrier;
        }"""
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    expect(page.locator("#preview-name")).to_contain_text("dropped.tif")
    expect(page.locator(".preview-none")).to_be_visible()


@pytest.fixture
def hostile(archive: Installation, tmp_path: Path) -> Installation:
    """An archive with one more collection, whose manifest was written by an enemy."""
    name = '"><img src=x onerror=alert(1)>.jpg'
    text = "<script>document.title = 'taken'</script>"
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / name).write_bytes(OBAMA.read_bytes())
    quoted = name.replace('"', '""')
    (folder / "manifest.csv").write_text(
        "path,source_url,page_url,caption,credit,person\n"
        f'"{quoted}",https://example.org/<b>,,"{text}","{text}",{{{{ 7 * 7 }}}}\n'
    )
    make_collection(archive, "hostile", folder)
    return archive


def test_what_a_manifest_says_is_shown_as_text(
    hostile: Installation, serve: Callable[[Installation], Site], arrive: Callable[..., Visitor]
) -> None:
    """Captions, credits, file names and titles are words on the page and nothing more."""
    visitor = arrive(serve(hostile))
    visitor.search(OBAMA)
    page = visitor.page
    first = page.locator(".candidate").first
    expect(first.locator(".caption")).to_have_text("<script>document.title = 'taken'</script>")
    expect(page).to_have_title("Candidates · Lineament")
    first.get_by_role("link", name="Compare").click()
    expect(page.locator(".compare-facts")).to_contain_text('"><img src=x onerror=alert(1)>.jpg')
    expect(page.locator(".compare-facts")).to_contain_text("{{ 7 * 7 }}")
    expect(page).to_have_title("Compare candidate 1 · Lineament")


def test_a_search_is_exported_to_be_checked_by_others(site: Site, visitor: Visitor, tmp_path: Path) -> None:
    """Two buttons, two files; each passes the check that anybody can make."""
    visitor.search(OBAMA)
    policy = ledger.WitnessPolicy.of_log_alone(site.installation.signer.verifier)
    for name in ("Receipt", "Export"):
        with visitor.page.expect_download() as download:
            visitor.page.locator(".for-checking").get_by_text(name, exact=True).click()
        download.value.save_as(tmp_path / name)
        said: list[str] = []
        data = (tmp_path / name).read_bytes()
        ledger.verify(data, policy, site.installation.ledger_folder, ledger.Steps(said.append))
        assert len(said) >= 4


def test_without_javascript_the_form_is_sent_as_it_is(site: Site, arrive: Callable[..., Visitor]) -> None:
    """The server says what is missing, and shows the same result."""
    visitor = arrive(site, javascript=False)
    page = visitor.page
    page.check("input[value=archive-research]")
    page.set_input_files("#photo", OBAMA)
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 candidate to review")


@pytest.fixture
def smaller(tmp_path: Path) -> Path:
    """The photograph of somebody who is there once more, smaller."""
    file = tmp_path / "smaller.png"
    with Image.open(OBAMA) as photograph:
        photograph.resize((photograph.width // 2, photograph.height // 2)).save(file)
    return file


def test_several_photographs_of_one_person_are_searched_as_one(visitor: Visitor, smaller: Path) -> None:
    """Each can be taken out again; a face is asked for where one does not show one person alone."""
    page = visitor.page
    visitor.fill_in(OBAMA, SOLVAY, BIDEN)
    expect(page.locator("#preview")).to_contain_text("must show one and the same person")
    visitor.picture("photographs-chosen")
    page.get_by_role("button", name="Remove biden.jpg").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add another of the same person").click()
    chooser.value.set_files(smaller)
    expect(page.locator("#preview-name")).to_contain_text("3 photographs")
    page.click("#submit")
    page.wait_for_url("**/searches/*")
    expect(page.locator(".intro")).to_contain_text("Photograph 2 of 3")
    expect(page.locator(".same-person img")).to_have_count(2)
    visitor.picture("chooser-of-several")
    page.locator(".face-list button").nth(23).click()
    page.locator("#confirm").click()
    expect(page.locator(".probes img")).to_have_count(3)
    expect(page.locator(".how")).to_contain_text("made from 3 photographs")
    visitor.picture("result-of-several")


def test_each_photograph_of_the_probe_is_compared(visitor: Visitor, smaller: Path) -> None:
    """The first one is shown, the others are one click away; there is no page for one that is not there."""
    visitor.search(OBAMA, smaller)
    page = visitor.page
    page.get_by_role("link", name="Compare").click()
    photographs = page.get_by_role("navigation", name="Photographs of the probe")
    expect(photographs.locator("[aria-current]")).to_have_text("1")
    photographs.get_by_role("link", name="2").click()
    expect(page.locator("[data-side=probe] figcaption")).to_contain_text("Probe, photograph 2")
    expect(page.locator("img.placed")).to_have_count(2)
    visitor.picture("compare-of-several")
    page.goto(page.url.replace("probe=2", "probe=3"))
    visitor.expect_refusal(404)


def test_too_many_photographs_are_refused_before_they_are_sent(visitor: Visitor, tmp_path: Path) -> None:
    """With the number that is allowed."""
    files = [tmp_path / f"{number}.jpg" for number in range(21)]
    for file in files:
        file.write_bytes(b"")
    visitor.fill_in(*files)
    visitor.page.click("#submit")
    expect(visitor.page.get_by_role("alert")).to_contain_text("Choose at most 20.")
