"""`lineament cases`, as a person and a script meet it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_commands import BAD_INPUT, DONE, REFUSED, lineament, write_permission
from tests.samples import OBAMA

OPEN = ("cases", "open", "2026/17", "--title", "Anna is missed", "--purpose", "missing-person")


@pytest.fixture
def data(tmp_path: Path, archive_data: Path) -> Path:
    """A data folder whose collection 'archive' may be searched for missing people."""
    folder = Path(shutil.copytree(archive_data, tmp_path / "data"))
    permission = write_permission(tmp_path)
    permission.write_text(permission.read_text().replace('"archive-research"', '"missing-person"'))
    assert (
        lineament(folder, "collections", "permit", "archive", "--permission", permission).returncode == DONE
    )
    return folder


def test_a_case_is_opened_searched_and_closed(data: Path):
    """What is missing is said at once; a closed case refuses a search."""
    assert "There is no case yet." in lineament(data, "cases", "list").stdout
    assert lineament(data, "cases").stdout == lineament(data, "cases", "list").stdout
    made = lineament(data, *OPEN)
    assert (made.returncode, made.stdout.splitlines()[0]) == (DONE, "Opened: case 2026/17.")
    assert "Missing: The purpose 'missing-person' needs a narrative" in made.stdout
    assert lineament(data, *OPEN).returncode == BAD_INPUT
    paper = ("--number", "AZ 17", "--issuer", "The court", "--scope", "One person")
    half = lineament(data, "cases", "grounds", "2026/17", *paper)
    assert (half.returncode, "--expires" in half.stderr) == (BAD_INPUT, True)
    for given in (("--narrative", "Last seen in May."), (*paper, "--expires", "2999-12-31")):
        assert lineament(data, "cases", "grounds", "2026/17", *given).returncode == DONE
    search = ("search", OBAMA, "--purpose", "missing-person", "--case", "2026/17")
    assert lineament(data, *search).returncode == REFUSED
    found = lineament(data, *search, "--obtained", "given-by-the-family")
    assert found.returncode == DONE, found.stderr
    assert "first judge each candidate by sight" in found.stdout
    assert "score 0" not in found.stdout
    assert lineament(data, "cases", "note", "2026/17", "The family called.").returncode == DONE
    assert lineament(data, "cases", "close", "2026/17").stdout == "Case 2026/17 is closed.\n"
    assert lineament(data, "leads", "list", "2026/17").stdout.startswith("No candidate was put forward")
    closed = lineament(data, *search, "--obtained", "given-by-the-family")
    assert (closed.returncode, "Reopen it" in closed.stderr) == (REFUSED, True)
    assert "closed" in lineament(data, "cases", "list").stdout
    shown = lineament(data, "cases", "show", "2026/17").stdout
    assert "Searched with 1 photograph: refused, case closed. operator" in shown
    said = json.loads(lineament(data, "cases", "show", "2026/17", "--json").stdout)
    assert (said["narrative"], said["authorisation"]["number"]) == ("Last seen in May.", "AZ 17")
    assert [one["outcome"] for one in said["searches"]] == ["refused", "candidates", "refused"]
    for command, state in (("appeal", "appealed"), ("reopen", "open")):
        assert lineament(data, "cases", command, "2026/17").stdout == f"Case 2026/17 is {state}.\n"


def test_a_part_is_given_and_taken_away(data: Path):
    """By name; whoever is not there is said to be nobody."""
    lineament(data, *OPEN)
    assert lineament(data, "people", "add", "B. Counsel", "--role", "counsel").returncode == DONE
    given = lineament(data, "cases", "member", "2026/17", "B. Counsel", "--part", "counsel")
    assert given.returncode == DONE, given.stderr
    assert "B. Counsel: counsel" in lineament(data, "cases", "show", "2026/17").stdout
    assert lineament(data, "cases", "member", "2026/17", "B. Counsel").returncode == DONE
    assert "until" in lineament(data, "cases", "show", "2026/17").stdout
    nobody = lineament(data, "cases", "member", "2026/17", "Nobody", "--part", "expert")
    assert (nobody.returncode, "[no-such-person]" in nobody.stderr) == (BAD_INPUT, True)
    unknown = lineament(data, "cases", "show", "2026/99")
    assert (unknown.returncode, "[no-such-case]" in unknown.stderr) == (BAD_INPUT, True)
