"""The probe beside a candidate."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visitor
from tests.samples import OBAMA


@pytest.fixture
def compare(visitor: Visitor) -> Page:
    """The comparison of the first candidate."""
    visitor.search(OBAMA)
    visitor.page.get_by_role("link", name="Compare").click()
    expect(visitor.page.locator("img.placed")).to_have_count(2)
    return visitor.page


def drawn(page: Page) -> list[dict[str, float]]:
    """Return how each picture is drawn: where the crop's middle falls in its pane, and how large."""
    values: list[dict[str, Any]] = page.evaluate(
        """() => [...document.querySelectorAll(".pane")].map((pane) => {
            const image = pane.querySelector("img");
            const [re, im, dx, dy] = image.dataset.alignment.split(" ").map(Number);
            const copy = image.dataset.width / image.naturalWidth; // the picture may be a smaller copy
            // The picture's pixel that the alignment lays on the middle of the crop.
            const power = (re * re + im * im) * copy;
            const [u, v] = [56 - dx, 56 - dy];
            const middle = new DOMPoint((re * u + im * v) / power, (re * v - im * u) / power);
            const matrix = new DOMMatrix(image.style.transform);
            const shown = matrix.transformPoint(middle);
            return {
                x: shown.x,
                y: shown.y,
                size: Math.hypot(matrix.a, matrix.b) / Math.hypot(re, im) / copy,
                mirrored: matrix.a * matrix.d - matrix.b * matrix.c < 0,
            };
        })"""
    )
    return values


def assert_alike(page: Page) -> None:
    """Both faces lie at the same place of their panes and are equally large."""
    probe, candidate = drawn(page)
    for value in ("x", "y", "size"):
        assert probe[value] == pytest.approx(candidate[value], rel=0.001)


def test_what_the_file_says_is_named_in_words(compare: Page) -> None:
    """Not by the names that EXIF has for it."""
    said = compare.locator(".source").inner_text()
    for label in (
        "Photographer in the file",
        "Taken, by the camera's clock",
        "Model of the camera",
        "Person",
    ):
        assert f"{label}\n" in said
    assert "exif" not in said.lower()


def test_both_faces_lie_alike_and_move_together(visitor: Visitor, compare: Page) -> None:
    """Zooming, moving and wheeling one moves the other by the same."""
    visitor.picture("compare")
    assert_alike(compare)
    before = drawn(compare)
    compare.locator("#panes").focus()
    for key in ("+", "+", "ArrowLeft", "ArrowDown"):
        compare.keyboard.press(key)
    compare.locator(".pane").first.hover(position={"x": 80, "y": 60})
    compare.mouse.wheel(0, -300)
    compare.wait_for_function("document.querySelector('#zoom').value > 1")
    compare.mouse.down()
    compare.mouse.move(300, 300, steps=3)
    compare.mouse.up()
    assert_alike(compare)
    assert drawn(compare)[0] != before[0]
    compare.get_by_role("button", name="Reset").click()
    assert drawn(compare) == before


def test_either_side_flips_and_the_candidate_is_laid_over_the_probe(visitor: Visitor, compare: Page) -> None:
    """Flip mirrors one side only and is said on the picture; the overlay blends one face into the other."""
    compare.get_by_role("button", name="Flip candidate").click()
    assert [one["mirrored"] for one in drawn(compare)] == [False, True]
    expect(compare.locator("[data-side=candidate] figcaption")).to_have_text("Candidate 1, flipped")
    visitor.picture("compare-flipped")
    compare.locator("#panes").focus()
    compare.keyboard.press("g")
    compare.keyboard.press("o")
    probe, candidate = (pane.bounding_box() for pane in compare.locator(".pane").all())
    assert probe == candidate
    assert_alike(compare)
    compare.get_by_label("Blend from probe to candidate").fill("0.25")
    expect(compare.locator("[data-side=candidate]")).to_have_css("opacity", "0.25")
    visitor.picture("compare-overlay")
    expect(compare.locator(".compare-facts")).to_contain_text("White House (public domain)")


def shown(page: Page) -> list[bool]:
    """Return which of the two pictures is to be seen."""
    return [image.is_visible() for image in page.locator(".pane img").all()]


def stop_the_clock(page: Page) -> None:
    """Load the page anew with a clock that stands until it is turned."""
    page.clock.install(time=0)
    page.reload()
    expect(page.locator("img.placed")).to_have_count(2)
    page.clock.pause_at(3600)


def test_the_two_take_turns_in_one_place_slowly(compare: Page) -> None:
    """Blink: one second each, until it is switched off; by hand never more than three turns in a second."""
    compare.emulate_media(reduced_motion="no-preference")
    stop_the_clock(compare)
    compare.locator("#panes").focus()
    compare.keyboard.press("b")
    expect(compare.get_by_role("button", name="Blink")).to_have_attribute("aria-pressed", "true")
    assert shown(compare) == [True, False]
    assert_alike(compare)
    compare.clock.run_for(900)
    assert shown(compare) == [True, False]
    compare.clock.run_for(200)
    assert shown(compare) == [False, True]
    compare.keyboard.press(" ")
    assert shown(compare) == [False, True]  # too soon after the last turn
    compare.clock.run_for(400)
    compare.keyboard.press(" ")
    compare.keyboard.press(" ")
    assert shown(compare) == [True, False]
    compare.keyboard.press("b")
    assert shown(compare) == [True, True]
    compare.clock.run_for(5000)
    assert shown(compare) == [True, True]


def test_who_asks_for_little_motion_sees_a_turn_only_by_hand(compare: Page) -> None:
    """Nothing moves of itself; the button and the space bar show the other, and say which one it is."""
    stop_the_clock(compare)
    compare.get_by_role("button", name="Blink").click()
    compare.clock.run_for(5000)
    assert shown(compare) == [True, False]
    expect(compare.locator("#blink-tool")).to_contain_text("your system asks for little motion")
    compare.get_by_role("button", name="Show the other").click()
    assert shown(compare) == [False, True]
    expect(compare.locator("#said")).to_have_text("Candidate 1")


def test_the_same_lines_lie_over_both_faces(visitor: Visitor, compare: Page) -> None:
    """The grid runs through the same places of both faces, and moves and grows with them."""
    lines = "() => [...document.querySelectorAll('.grid')].map((one) => one.getAttribute('style'))"
    compare.locator("#panes").focus()
    expect(compare.locator(".grid").first).not_to_be_visible()
    compare.keyboard.press("l")
    expect(compare.locator(".grid").first).to_be_visible()
    visitor.picture("compare-grid")
    before = compare.evaluate(lines)
    assert before[0] == before[1]
    compare.keyboard.press("+")
    after = compare.evaluate(lines)
    assert after[0] == after[1] != before[0]


def test_light_changes_the_view_of_one_side_or_both_and_no_photograph(
    visitor: Visitor, compare: Page
) -> None:
    """Brightness and contrast are laid over the pictures, said on them, and gone with Reset."""
    filters = "() => [...document.querySelectorAll('.pane img')].map((one) => one.style.filter)"
    compare.get_by_role("button", name="Light").click()
    compare.get_by_label("Brightness").fill("1.5")
    assert compare.evaluate(filters) == ["brightness(1.5) contrast(1)"] * 2
    compare.get_by_role("combobox", name="On").select_option("candidate")
    compare.get_by_label("Contrast").fill("0.6")
    assert compare.evaluate(filters) == ["brightness(1.5) contrast(1)", "brightness(1.5) contrast(0.6)"]
    expect(compare.locator("[data-side=candidate] figcaption")).to_have_text("Candidate 1, light changed")
    expect(compare.locator("#light-tool")).to_contain_text("it is no edit of a photograph")
    visitor.picture("compare-light")
    compare.get_by_role("button", name="Reset").click()
    assert compare.evaluate(filters) == ["brightness(1) contrast(1)"] * 2
