"""A candidate is a lead: some words never describe it, in any door, in any language."""

import re

import pytest

from lineament.core.report_words import refused
from tests.samples import REPOSITORY

SOURCE = REPOSITORY / "src" / "lineament"
WORDS = SOURCE / "core" / "report_words.py"  # the list of them
SHOWN = sorted(
    {
        SOURCE / "errors.py",
        *(SOURCE / "web" / "templates").glob("*.html"),
        *(SOURCE / "web" / "static").glob("*.js"),
        *(SOURCE / "web").glob("*.py"),
        *(SOURCE / "api").glob("*.py"),
        *(SOURCE / "cli").glob("*.py"),
        *(SOURCE / "core").glob("*.py"),
        *(SOURCE / "app").glob("*.typ"),
        *(SOURCE / "app" / "casework").glob("*.py"),
        *(SOURCE / "app" / "casework").glob("*.typ"),
        *(SOURCE / "app" / "casework").glob("*.html"),
    }
    - {WORDS}
)
NAMES = re.compile(  # a rate, a mode of search (ISO/IEC 19795-1), an interval, and names in the code
    r"false match rate|95 % (confidence )?interval|fullmatch|\.matches\b|\{%.*?%\}|"
    r"(?<!an )\bidentification (=|else)|if (not )?identification\b|Mode\.IDENTIFICATION|\"identification\"|"
    r"percent( =.*|\()",
    re.IGNORECASE,
)


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.name)
def test_nothing_that_people_read_calls_a_candidate_a_match(file):
    """'Match', 'identified' and bare percentages are judgements that only people may make."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        assert refused(NAMES.sub("", line)) == [], f"{file.name}:{number}: {line.strip()}"
