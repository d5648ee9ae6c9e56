"""Several faces: the person picks one."""

from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from lineament.testing import recorded
from tests.e2e.conftest import Site, Visitor
from tests.samples import SOLVAY


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
    assert [one["face"] for one in recorded(site.installation) if one["kind"] == "search"] == [None, 3]


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
    expect(off.first).to_contain_text("too small: the eyes are")
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
