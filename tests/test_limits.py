"""The limits of a photograph stand in one file, and in pages of the documentation that say the same."""

import re
from pathlib import Path

import pytest

from lineament.limits import MEGAPIXELS_MAX, PHOTOGRAPH_MB_MAX
from tests.samples import REPOSITORY

SOURCE = REPOSITORY / "src" / "lineament"
FILES = [file for kind in ("*.py", "*.html", "*.js") for file in SOURCE.rglob(kind)]
WRITTEN = re.compile(
    r"\b32(?: |&nbsp;)MB|\b32 \* (?:1024 \* 1024|2 ?\*\* ?20)|\b50 megapixels (?:and|a )|\b50_000_000\b"
)
GIVEN_TO_MALLOC = '"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20)'


def test_no_other_file_writes_them_down():
    """Whoever changes one changes it everywhere."""
    assert len(FILES) > 300
    found = {
        (file.name, line.strip())
        for file in FILES
        for line in file.read_text("utf-8").splitlines()
        if WRITTEN.search(line) and GIVEN_TO_MALLOC not in line
    }
    assert found == set()


@pytest.mark.parametrize("page", ["reference/http.md", "reference/errors.md", "sources.md", "network.md"])
def test_the_documentation_states_them(page: str):
    """As they are now."""
    assert f"{PHOTOGRAPH_MB_MAX} MB" in Path(REPOSITORY / "docs" / page).read_text("utf-8")


def test_a_frame_of_a_film_has_the_pixels_of_a_photograph():
    """And the page of sources says so."""
    text = (REPOSITORY / "docs" / "sources.md").read_text("utf-8")
    assert f"| a frame | {MEGAPIXELS_MAX} megapixels," in text
