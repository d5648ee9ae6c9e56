"""`lineament policy`, `people` and `sign-in --as`, as an operator meets them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests.cli.test_commands import BAD_INPUT, DONE, NOTHING, REFUSED, lineament

SHIPPED = (files("lineament.app") / "policy.toml").read_text("utf-8")
LOWER = SHIPPED.replace("target_fpir = 0.01 ", "target_fpir = 0.05 ")


@pytest.fixture
def data(tmp_path: Path, archive_data: Path) -> Path:
    """A data folder in which something was done already."""
    return Path(shutil.copytree(archive_data, tmp_path / "data"))


def test_a_policy_that_ships_is_copied_checked_and_explained(data: Path, tmp_path: Path):
    """In plain words, with what it would change and what of that needs a second person."""
    assert lineament(data, "policy", "list").stdout.split() == [
        "archive",
        "investigation",
        "likeness",
        "missing-persons",
    ]
    shown = lineament(data, "policy", "show", "investigation")
    mine = tmp_path / "mine.toml"
    mine.write_text(shown.stdout, "utf-8")
    checked = lineament(data, "policy", "check", mine)
    assert checked.returncode == DONE, checked.stderr
    assert "Serious offence (serious-offence)" in checked.stdout
    assert "an authorisation with its number, issuer, scope and expiry" in checked.stdout
    assert "two administrators must approve it:\n  - The purpose 'serious-offence' is new." in checked.stdout
    assert "nobody's approval:\n  - The purpose 'archive-research' is gone." in checked.stdout
    own = lineament(data, "policy", "check")
    assert (own.returncode, own.stdout.splitlines()[-1]) == (DONE, "This policy is in force.")
    unknown = lineament(data, "policy", "show", "spying")
    assert (unknown.returncode, "[no-such-policy]" in unknown.stderr) == (BAD_INPUT, True)


def test_a_wrong_policy_is_refused_with_its_purpose_and_field(data: Path, tmp_path: Path):
    """Before it lies in the data folder and after; no command works under it."""
    wrong = SHIPPED.replace("limit = 10 ", "limit = 99 ")
    for place in (tmp_path / "wrong.toml", data / "policy.toml"):
        place.write_text(wrong, "utf-8")
        checked = lineament(data, "policy", "check", place)
        said = "'limit' of the purpose 'archive-research' must lie between 1 and 50."
        assert (checked.returncode, said in checked.stderr) == (BAD_INPUT, True)
    assert lineament(data, "collections").returncode == BAD_INPUT


def test_the_operator_approves_and_a_second_person_is_needed(data: Path):
    """It waits after the first approval; a second one of the same person is none."""
    assert lineament(data, "policy", "approve", "--yes").returncode == NOTHING
    (data / "policy.toml").write_text(LOWER, "utf-8")
    unasked = lineament(data, "policy", "approve")  # nobody sits at the terminal
    assert (unasked.returncode, "is lower: 1 in 20 searches" in unasked.stdout) == (NOTHING, True)
    approved = lineament(data, "policy", "approve", "--yes")
    assert (approved.returncode, "Another administrator must approve it, too" in approved.stdout) == (
        DONE,
        True,
    )
    again = lineament(data, "policy", "approve", "--yes")
    assert (again.returncode, "You have approved it already." in again.stdout) == (NOTHING, True)
    assert "It has 1 approval, by operator." in lineament(data, "policy", "check").stdout


def test_people_are_added_and_let_in_by_name(data: Path):
    """Roles are given and taken away; the last administrator stays one."""
    add = ("people", "add", "Anna Lee", "--role", "examiner", "--role", "administrator")
    added = lineament(data, *add)
    assert (added.returncode, "examiner" in added.stdout) == (DONE, True)
    twice = lineament(data, *add)
    assert (twice.returncode, "[person-exists]" in twice.stderr) == (BAD_INPUT, True)
    link = lineament(data, "sign-in", "--as", "anna lee")
    assert (link.returncode, "/sign-in/" in link.stdout) == (DONE, True)
    assert lineament(data, "sign-in", "--as", "Zoë").returncode == BAD_INPUT
    roles = ("people", "roles", "Anna Lee")
    assert lineament(data, *roles).returncode == BAD_INPUT  # neither roles nor --none
    assert "none" in lineament(data, *roles, "--none").stdout
    listed = lineament(data, "people", "list").stdout
    assert lineament(data, "people").stdout == listed
    assert [line.split()[-1] for line in listed.splitlines() if "Anna" in line] == ["none"]
    last = lineament(data, "people", "roles", "operator", "--role", "searcher")
    assert (last.returncode, "[last-administrator]" in last.stderr) == (BAD_INPUT, True)


def test_an_operator_who_is_no_administrator_any_more_adds_nobody(data: Path):
    """And still comes in, and lets nobody else in."""
    lineament(data, "people", "add", "Anna Lee", "--role", "administrator")
    assert lineament(data, "people", "roles", "operator", "--role", "searcher").returncode == DONE
    assert lineament(data, "people", "add", "Berta", "--role", "searcher").returncode == REFUSED
    assert lineament(data, "sign-in", "--as", "Anna Lee").returncode == REFUSED
    assert lineament(data, "sign-in").returncode == DONE


def test_a_server_says_at_its_start_that_a_policy_waits(data: Path):
    """And serves under the one in force."""
    (data / "policy.toml").write_text(LOWER, "utf-8")
    command = [sys.executable, "-u", "-c", "from lineament.cli import run; run()", "serve"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"LINEAMENT_DATA": str(data), "LINEAMENT_PORT": port}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        lines = [server.stdout.readline() for _ in range(2)]
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    assert "until two administrators have approved it" in lines[0]
    assert lines[1].startswith("Lineament is ready.")
