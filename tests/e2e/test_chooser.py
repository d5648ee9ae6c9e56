"""Several faces: the person picks one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from lineament.app import sign_in
from lineament.app.edited import edits_of, search_edited
from lineament.records import kept_probes, searches
from lineament.testing import recorded
from tests.e2e.conftest import PHONE, Site, Visitor
from tests.samples import OBAMA, SOLVAY


def test_a_face_is_picked_by_keyboard(site: Site, visitor: Visitor) -> None:
    """Twenty-nine faces are numbered; arrows and Enter pick the third, and that one is searched."""
    visitor.search(SOLVAY)
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("29 faces")
    on_photograph = page.locator(".face")
    expect(on_photograph).to_have_count(29)
    expect(page.locator("#confirm")).to_be_disabled()
    visitor.picture("chooser")

    on_photograph.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".face[data-face='3']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#chosen-name")).to_have_text("Face 3")
    expect(page.locator(".face[data-face='3']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#confirm")).to_be_focused()
    visitor.picture("chooser-picked")

    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")
    outcomes = [one["outcome"] for one in recorded(site.installation) if one["kind"] == "search"]
    assert outcomes == ["awaiting-face", "empty"]
    with site.installation.records.read() as tx:
        done = searches.get_search(tx, page.url.rpartition("/")[2])
    assert done
    assert done.probes[0].face == 3


def test_another_face_than_the_one_that_was_found_is_searched(site: Site, visitor: Visitor) -> None:
    """A single face is searched at once; from the result another one of the photograph is drawn."""
    visitor.search(OBAMA)
    page = visitor.page
    first = page.url
    visitor.picture("result-another-face")
    page.get_by_role("button", name="Search another face of this photograph").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which face do you want to search for?")
    assert page.url != first
    expect(page.locator(".face:not(:disabled)")).to_have_count(1)
    visitor.picture("chooser-another-face")
    for name, value in {"left": "40", "top": "40", "width": "200", "height": "240"}.items():
        page.fill(f"[name={name}]", value)
    page.locator("#confirm").click()
    expect(page.get_by_text("This face was drawn by hand.")).to_be_visible()
    outcomes = [one["outcome"] for one in recorded(site.installation) if one["kind"] == "search"]
    assert (outcomes[:2], len(outcomes)) == (["candidates", "awaiting-face"], 3)
    page.goto(first)
    expect(page.get_by_role("heading", level=1)).to_contain_text("to review")


def test_only_the_searcher_of_an_unedited_photograph_that_is_kept_is_offered_another_face(
    site: Site, visitor: Visitor
) -> None:
    """Not for an edited one, and not once the photograph was erased."""
    visitor.search(OBAMA)
    page, installation = visitor.page, site.installation
    offered = page.get_by_role("button", name="Search another face")
    expect(offered).to_have_count(1)
    search_id = page.url.rpartition("/")[2]
    who = sign_in.operator(installation)
    turned = search_edited(installation, who, search_id, 1, edits_of(["flip"]))
    page.goto(f"{site.address}/searches/{turned.id}")
    expect(offered).to_have_count(0)
    with installation.records.write() as tx:
        kept_probes.forget_probes(tx, [turned.probes[0].sha256])
    page.goto(f"{site.address}/searches/{search_id}")
    expect(offered).to_have_count(0)


def test_a_reload_keeps_the_choice_open_and_nothing_is_chosen_silently(visitor: Visitor) -> None:
    """The address of a waiting search shows the same faces again; each lies inside the photograph."""
    visitor.search(SOLVAY)
    page = visitor.page
    page.reload()
    photograph = page.locator(".group-photo img").bounding_box()
    assert photograph
    for face in page.locator(".face").all():
        box = face.bounding_box()
        assert box
        assert photograph["x"] - 4 <= box["x"]
        assert box["x"] + box["width"] <= photograph["x"] + photograph["width"] + 4
        assert box["y"] + box["height"] <= photograph["y"] + photograph["height"] + 4
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)
    page.locator(".face-list button").nth(11).click()
    expect(page.locator("#chosen-name")).to_have_text("Face 12")


def test_faces_too_small_to_compare_are_shown_with_the_reason(visitor: Visitor, tmp_path: Path) -> None:
    """In a small copy some faces have too few pixels: they are numbered, disabled, and it is said why."""
    small = tmp_path / "small.png"
    with Image.open(SOLVAY) as photograph:
        photograph.resize((photograph.width // 2, photograph.height // 2)).save(small)
    visitor.search(small)
    page = visitor.page
    off = page.locator(".face-list button:disabled")
    assert off.count() > 0
    assert page.locator(".face-list button:enabled").count() > 0
    expect(off.first).to_contain_text("px apart: too small to compare")
    assert page.locator(".face:disabled").count() == off.count()
    visitor.picture("chooser-too-small")


def test_a_search_that_went_on_elsewhere_says_so(visitor: Visitor) -> None:
    """Two windows on one waiting search: the second one to choose is told, in place."""
    visitor.search(SOLVAY)
    page, second = visitor.page, visitor.context.new_page()
    second.goto(page.url)
    second.locator(".face").first.click()
    second.locator("#confirm").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("No lead")
    page.locator(".face").first.click()
    page.locator("#confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("not waiting for a face")
    visitor.expect_refusal(409)


@pytest.fixture
def box(site: Site) -> list[int]:
    """Left, top, width and height, px, of the one face of a photograph."""
    vision = site.installation.vision
    (face,) = vision.detect(vision.read(OBAMA.read_bytes()))
    left, top, right, bottom = map(round, face.box.tolist())
    return [left, top, right - left, bottom - top]


@pytest.fixture
def blind(site: Site, box: list[int], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose detector finds nothing."""
    monkeypatch.setattr(site.installation.vision, "detect", lambda _photograph: [])
    return site


def drag(page: Page, box: list[int]) -> None:
    """Drag over the photograph from one corner of a box, px of the photograph, to the other."""
    photograph = page.locator(".group-photo img")
    photograph.scroll_into_view_if_needed()
    frame = photograph.bounding_box()
    assert frame
    scale = frame["width"] / int(photograph.get_attribute("width") or 0)
    left, top, width, height = (value * scale for value in box)
    page.mouse.move(frame["x"] + left, frame["y"] + top)
    page.mouse.down()
    page.mouse.move(frame["x"] + left + width / 2, frame["y"] + top + height / 2)
    page.mouse.move(frame["x"] + left + width, frame["y"] + top + height)
    page.mouse.up()


def test_where_no_face_is_found_one_is_drawn_on_the_photograph(
    blind: Site, visitor: Visitor, box: list[int]
) -> None:
    """The page says so in plain words; what is drawn with the mouse is searched, and the result says so."""
    visitor.search(OBAMA)
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text("No face was found in this photograph")
    visitor.picture("chooser-no-face")
    drag(page, box)
    expect(page.locator("#chosen-name")).to_have_text("Face drawn by hand")
    for name, value in zip(("Left", "Top", "Width", "Height"), box, strict=True):
        assert float(page.get_by_label(name).input_value()) == pytest.approx(value, abs=3)
    visitor.picture("chooser-drawn")
    page.get_by_role("button", name="Search this face").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 candidate to review")
    expect(page.locator(".how")).to_contain_text("This face was drawn by hand.")
    visitor.picture("candidates-of-a-drawn-face")


def test_a_box_is_given_in_numbers_by_keyboard(visitor: Visitor, box: list[int]) -> None:
    """Among many faces that were found, too; a face picked afterwards takes its place."""
    visitor.search(SOLVAY)
    page = visitor.page
    page.get_by_text("Draw a box around a face").focus()
    page.keyboard.press("Enter")
    for value in ("700", "600", "100"):
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    expect(page.locator("#confirm")).to_be_disabled()
    page.keyboard.press("Tab")
    page.keyboard.type("120")
    expect(page.locator("#chosen-name")).to_have_text("Face drawn by hand")
    expect(page.locator("#drawn")).to_be_visible()
    page.locator(".face-list button").nth(2).click()
    expect(page.locator("#chosen-name")).to_have_text("Face 3")
    expect(page.locator("#drawn")).to_be_hidden()
    page.get_by_label("Width").fill("9000")
    page.get_by_label("Width").press("Enter")
    expect(page.locator("#chosen-name")).to_have_text("Face 3")
    page.get_by_label("Width").fill("110")
    expect(page.locator("#chosen-name")).to_have_text("Face drawn by hand")
    page.get_by_label("Width").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")


def test_a_box_is_drawn_on_a_phone(blind: Site, arrive: Callable[..., Visitor], box: list[int]) -> None:
    """Nothing is wider than the window, and the photograph does not scroll away under the finger."""
    visitor = arrive(blind, PHONE)
    visitor.search(OBAMA)
    page = visitor.page
    expect(page.locator(".group-photo")).to_have_css("touch-action", "none")
    drag(page, box)
    expect(page.locator("#chosen-name")).to_have_text("Face drawn by hand")
    visitor.picture("phone-chooser-drawn")


def test_choosing_and_drawing_need_no_script(
    site: Site, arrive: Callable[..., Visitor], visitor: Visitor, box: list[int]
) -> None:
    """The list's buttons and the four fields are plain forms; a box outside the photograph is a sentence."""
    visitor.search(SOLVAY)
    plain = arrive(site, javascript=False)
    page = plain.page
    page.goto(visitor.page.url)
    plain.picture("chooser-without-script")
    page.get_by_text("Draw a box around a face").click()
    for name, value in zip(("Left", "Top", "Width", "Height"), (2000, 10, 400, 40), strict=True):
        page.get_by_label(name).fill(str(value))
    page.get_by_role("button", name="Search this box").click()
    expect(page.locator("main")).to_contain_text("The box must lie inside the photograph")
    plain.expect_refusal(422)
    page.goto(visitor.page.url)
    page.get_by_role("button", name="Face 24").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")


def test_a_box_is_drawn_without_a_script(
    blind: Site, arrive: Callable[..., Visitor], visitor: Visitor, box: list[int]
) -> None:
    """Four numbers and one button."""
    visitor.search(OBAMA)
    plain = arrive(blind, javascript=False)
    page = plain.page
    page.goto(visitor.page.url)
    for name, value in zip(("Left", "Top", "Width", "Height"), box, strict=True):
        page.get_by_label(name).fill(str(value))
    page.get_by_role("button", name="Search this box").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 candidate to review")
