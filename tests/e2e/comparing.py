"""What the browser tests of reviews share: an examiner who fills in the form of a comparison."""

from playwright.sync_api import Page

from lineament.core.review import Component, Conclusion


def fill_in(page: Page, conclusion: Conclusion) -> None:
    """Say that all is similar but the nose, with a conclusion."""
    for one in Component:
        said = "different" if one is Component.NOSE else "similar"
        page.locator(f"[name=seen-{one}][value={said}]").check()
    page.fill("#note-nose", "The tip is rounder.")
    page.fill("#similarities", "The ears, the brows and the line of the jaw.")
    page.fill("#differences", "The nose.")
    page.locator(f"[name=conclusion][value={conclusion}]").check()


def record(page: Page) -> None:
    """Send the form."""
    page.get_by_role("button", name="Record the comparison").click()
