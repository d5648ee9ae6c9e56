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
