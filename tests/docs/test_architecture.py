"""docs/concepts/architecture.md walks through the rooms that are there."""

import re

from tests.samples import REPOSITORY

TEXT = (REPOSITORY / "docs" / "concepts" / "architecture.md").read_text("utf-8")
SOURCE = REPOSITORY / "src" / "lineament"
CASEWORK = SOURCE / "app" / "casework"


def test_every_file_of_casework_is_named_in_the_walk():
    """So that a newcomer finds the way from the name of a file."""
    there = {file.name for file in CASEWORK.glob("*.py")} - {"__init__.py"}
    assert there - set(re.findall(r"`(\w+\.py)`", TEXT)) == set()


def test_every_file_that_is_named_is_there():
    """In its room, or among the files of casework."""
    for name in re.findall(r"`([\w/]+\.py)`", TEXT):
        assert (SOURCE / name).is_file() or (CASEWORK / name).is_file(), name
