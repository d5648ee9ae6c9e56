"""A candidate is a lead: some words never describe it, in any door."""

import re

import pytest

from tests.samples import REPOSITORY

SOURCE = REPOSITORY / "src" / "lineament"
SHOWN = sorted(
    [
        SOURCE / "errors.py",
        *(SOURCE / "web" / "templates").glob("*.html"),
        *(SOURCE / "web" / "static").glob("*.js"),
        *(SOURCE / "web").glob("*.py"),
        *(SOURCE / "api").glob("*.py"),
        *(SOURCE / "cli").glob("*.py"),
        *(SOURCE / "core").glob("*.py"),
    ]
)
FORBIDDEN = re.compile(r"\b(match(es|ed|ing)?|identified|positive|hits?)\b|\d ?%", re.IGNORECASE)
ALLOWED = re.compile(r"false match rate|fullmatch|\{%.*?%\}", re.IGNORECASE)


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.name)
def test_nothing_that_people_read_calls_a_candidate_a_match(file):
    """'Match', 'identified' and bare percentages are judgements that only people may make."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        found = FORBIDDEN.search(ALLOWED.sub("", line))
        assert found is None, f"{file.name}:{number}: {line.strip()}"
