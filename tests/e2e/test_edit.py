"""Editing a photograph: what is shown is what is searched, and the unedited list stays."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from lineament.core.edits import EditKind
from lineament.records import searches
from lineament.records.searches import Search
from lineament.vision.edits import edited
from lineament.vision.render import jpeg
from tests.e2e.conftest import PHONE, Site, Visitor
from tests.samples import OBAMA, SOLVAY


def begin(visitor: Visitor) -> Page:
    """Search a portrait and open the page that edits it."""
    visitor.search(OBAMA)
    visitor.page.get_by_role("link", name="Edit the photograph and search again").click()
    expect(visitor.page.locator("#state")).to_have_text("626 x 1,200 px, as it was searched")
    return visitor.page


def settled(page: Page) -> None:
    """Wait until the picture shows what would be searched."""
    expect(page.locator("#canvas")).not_to_have_attribute("aria-busy", "true")


def chain(page: Page) -> list[str]:
    settled(page)
    return page.locator("#chain li").all_inner_texts()


def stored(site: Site, page: Page) -> Search:
    with site.installation.records.read() as tx:
        found = searches.get_search(tx, page.url.rpartition("/")[2])
    assert found
    return found


def pixels_shown(page: Page, image: str = "#preview") -> np.ndarray:
    """The pixels of a picture that the page shows, (h, w, 3)."""
    script = """async (image) => {
        await image.decode();
        const {naturalWidth: width, naturalHeight: height} = image;
        const canvas = Object.assign(document.createElement("canvas"), {width, height});
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return [height, width, [...context.getImageData(0, 0, width, height).data]];
    }"""
    height, width, values = page.locator(image).evaluate(script)
    return np.array(values, np.uint8).reshape(height, width, 4)[:, :, :3]


def drag(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Drag over the photograph; the corners are shares of its sides."""
    page.locator("#canvas").scroll_into_view_if_needed()
    frame = page.locator("#canvas").bounding_box()
    assert frame
    across = [frame["x"] + share * frame["width"] for share in (left, (left + right) / 2, right)]
    down = [frame["y"] + share * frame["height"] for share in (top, (top + bottom) / 2, bottom)]
    page.mouse.move(across[0], down[0])
    page.mouse.down()
    for x, y in zip(across[1:], down[1:], strict=True):
        page.mouse.move(x, y)
    page.mouse.up()


def test_a_photograph_is_edited_and_searched_and_both_lists_stay(site: Site, visitor: Visitor) -> None:
    """Turned, lightened and cut out; each edit is named, and the list leads to the edited photograph."""
    page = begin(visitor)
    unedited = page.url.rpartition("/")[0]
    expect(page.get_by_text("Nothing is enhanced")).to_be_visible()
    expect(page.locator("#search")).to_be_disabled()
    page.get_by_role("button", name="Flip").click()
    page.get_by_role("spinbutton", name="Degrees").fill("-7.5")
    page.get_by_role("spinbutton", name="Brightness").fill("1.2")
    assert chain(page) == ["Flipped, left to right", "Turned by 7.5° clockwise", "Brightness 1.2"]
    visitor.picture("edit")
    page.get_by_text("Cut out a part").click()
    drag(page, 0.1, 0.05, 0.9, 0.6)
    expect(page.locator("#cut-box")).to_be_visible()
    visitor.picture("edit-crop")
    page.get_by_role("button", name="Cut out", exact=True).click()
    assert chain(page)[3].startswith("Cut out: ")
    expect(page.locator("#state")).to_contain_text("px, as it would be searched")
    shown = pixels_shown(page)
    page.get_by_role("button", name="Search the edited photograph").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 candidate to review")
    done = stored(site, page)
    (probe,) = done.probes
    assert [edit.kind.value for edit in probe.edits] == ["flip", "rotate", "brightness", "crop"]
    original = site.installation.vision.decode(OBAMA.read_bytes())
    after, _ = edited(original, [(edit.kind, edit.values) for edit in probe.edits])
    sent = np.asarray(Image.open(BytesIO(jpeg(after, 1600))))
    assert shown.shape == sent.shape
    assert np.abs(shown.astype(int) - sent).mean() < 0.5  # browser and Pillow round a JPEG's colours alike
    said = page.get_by_role("region", name="The photograph was edited")
    expect(said.get_by_role("listitem").nth(1)).to_have_text("Turned by 7.5° clockwise")
    visitor.picture("edited-result")
    said.get_by_role("link", name="that list").click()
    page.wait_for_url(unedited)
    made = page.get_by_role("region", name="Edited photographs")
    expect(made.get_by_role("listitem")).to_contain_text("Flipped, left to right; Turned by 7.5° clockwise")
    visitor.picture("edited-links")
    assert (stored(site, page).id, stored(site, page).probes[0].edits) == (done.edited_from, ())


def test_sliders_change_the_last_edit_and_undo_takes_it_back(visitor: Visitor) -> None:
    """As long as nothing else was done since; what changes nothing is no edit; quarters are put together."""
    page = begin(visitor)
    slider = page.get_by_role("slider", name="Brightness")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert chain(page) == ["Brightness 1.2"]
    expect(page.get_by_role("spinbutton", name="Brightness")).to_have_value("1.2")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert chain(page) == []
    expect(page.locator("#state")).to_have_text("626 x 1,200 px, as it was searched")
    for _ in range(2):
        page.get_by_role("button", name="90° left").click()
    assert chain(page) == ["Turned by 180° counter-clockwise"]
    page.get_by_role("button", name="90° left").click()
    assert chain(page) == ["Turned by 90° clockwise"]
    expect(page.locator("#state")).to_have_text("1,200 x 626 px, as it would be searched")
    degrees = page.get_by_role("slider", name="Degrees")
    expect(degrees).to_have_value("0")
    degrees.focus()
    page.keyboard.press("ArrowLeft")
    assert chain(page) == ["Turned by 90° clockwise", "Turned by 0.5° counter-clockwise"]
    page.get_by_role("button", name="Undo the last").click()
    page.get_by_role("button", name="90° left").click()
    assert chain(page) == []
    expect(page.get_by_role("button", name="Undo the last")).to_be_disabled()
    expect(page.locator("#search")).to_be_disabled()


def test_everything_is_done_by_keyboard(visitor: Visitor) -> None:
    """Four numbers cut out a part, two change the size, and one of two fields is kept."""
    page = begin(visitor)
    page.get_by_text("Cut out a part").focus()
    page.keyboard.press("Enter")
    for value in ("100", "60", "420", "500"):
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    assert chain(page) == ["Cut out: 420 x 500 px, 100 px from the left and 60 px from the top"]
    page.get_by_text("Change the size").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("840")
    page.keyboard.press("Enter")
    assert chain(page)[1] == "Resized to 840 x 1,000 px"
    page.get_by_text("Deinterlace a frame").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert chain(page)[2] == "Deinterlaced: the first field kept"
    page.get_by_role("button", name="90° left").press("Enter")
    page.get_by_role("button", name="Flip").press("Enter")
    page.get_by_role("slider", name="Contrast").press("ArrowRight")
    said = chain(page)
    assert len(said) == 6
    page.locator("#search").press("Enter")
    region = page.get_by_role("region", name="The photograph was edited")
    expect(region.get_by_role("listitem")).to_have_text(said)  # in the words of the page, one for one


def test_what_does_not_fit_is_said_in_place_and_taken_back(visitor: Visitor) -> None:
    """The browser stops a part outside the photograph; the server's answer takes the edit back."""
    page = begin(visitor)
    page.get_by_text("Cut out a part").click()
    for name, value in (("left", "600"), ("top", "0"), ("width", "600"), ("height", "600")):
        page.locator(f"#cut-form [name={name}]").fill(value)
    page.get_by_role("button", name="Cut out", exact=True).click()
    assert chain(page) == []
    page.get_by_text("Change the size").click()
    page.get_by_label("Keep the proportions").uncheck()
    page.locator("#size-form [name=width]").fill("4096")
    page.locator("#size-form [name=height]").fill("4096")
    page.get_by_role("button", name="Resize").click()
    settled(page)
    page.get_by_text("Deinterlace a frame").click()
    page.get_by_role("spinbutton", name="Degrees").fill("45")
    expect(page.get_by_role("alert")).to_contain_text("more than 25 megapixels")
    visitor.expect_refusal(422)
    assert chain(page) == ["Resized to 4,096 x 4,096 px"]


def test_several_faces_wait_for_a_choice_in_the_edited_photograph(site: Site, visitor: Visitor) -> None:
    """The chooser shows the edited photograph, and the search goes on with it."""
    visitor.search(SOLVAY)
    page = visitor.page
    page.locator(".face").nth(23).click()
    page.locator("#confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")
    page.goto(f"{page.url}/edit")
    page.get_by_role("button", name="Flip").click()
    settled(page)
    page.get_by_role("button", name="Search the edited photograph").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("29 faces")
    copy = pixels_shown(page, ".group-photo img")
    original = np.asarray(Image.open(SOLVAY).convert("RGB").resize((copy.shape[1], copy.shape[0])))
    assert np.abs(copy[:, ::-1].astype(int) - original).mean() < 4
    page.locator(".face").first.click()
    page.locator("#confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No lead")
    assert stored(site, page).probes[0].edits[0].kind is EditKind.FLIP


def test_it_works_on_a_phone(site: Site, arrive: Callable[..., Visitor]) -> None:
    """Nothing is wider than the window, and the photograph does not scroll away under the finger."""
    visitor = arrive(site, PHONE)
    page = begin(visitor)
    page.get_by_role("button", name="90° right").click()
    settled(page)
    page.get_by_text("Cut out a part").click()
    expect(page.locator("#canvas")).to_have_css("touch-action", "none")
    drag(page, 0.3, 0.1, 0.9, 0.9)
    visitor.picture("phone-edit")
    page.get_by_role("button", name="Cut out", exact=True).click()
    assert len(chain(page)) == 2


def test_without_a_script_the_edits_are_written_down(
    site: Site, arrive: Callable[..., Visitor], visitor: Visitor
) -> None:
    """One in a line; what is none is a sentence."""
    visitor.search(OBAMA)
    plain = arrive(site, javascript=False)
    page = plain.page
    page.goto(f"{visitor.page.url}/edit")
    plain.picture("edit-without-script")
    page.get_by_label("Edits, one in a line").fill("sharpen=2")
    page.get_by_role("button", name="Search the edited photograph").click()
    expect(page.locator("main")).to_contain_text("There is no edit 'sharpen'.")
    plain.expect_refusal(422)
    page.goto(f"{visitor.page.url}/edit")
    page.get_by_label("Edits, one in a line").fill("rotate=-5\nflip")
    page.get_by_role("button", name="Search the edited photograph").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 candidate to review")
    assert [edit.kind.value for edit in stored(site, page).probes[0].edits] == ["rotate", "flip"]


@pytest.mark.parametrize(("path", "status"), [("/edit?probe=2", 422), ("/edit?probe=x", 404)])
def test_a_photograph_that_is_not_there_has_no_page(visitor: Visitor, path: str, status: int) -> None:
    """Nor has an edited search: it says so."""
    visitor.search(OBAMA)
    page = visitor.page
    page.goto(page.url + path)
    visitor.expect_refusal(status)
    expect(page.get_by_role("heading", level=1)).to_contain_text("There is")
