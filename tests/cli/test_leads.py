"""`lineament leads`, as whoever runs the installation meets it."""

import json
import zipfile
from pathlib import Path

from lineament.app.installation import Installation
from tests.cli.test_commands import BAD_INPUT, DONE, lineament
from tests.leads import a_lead


def test_a_lead_is_followed_from_the_command_line(desk: Installation, tmp_path: Path):
    """Evidence, a line-up, what was done, whether it was right, and both reports as files."""
    lead, data, out = a_lead(desk), desk.ledger_folder.parent, tmp_path / "out.zip"
    line_up = ("leads", "line-up", lead.id, "Representative", "--fillers", "3", "--output", out)
    locked = lineament(data, *line_up)
    assert (locked.returncode, "[wrong-state]" in locked.stderr) == (BAD_INPUT, True)
    evidence = ("A ticket.", "--source", "The railway", "--date", "2026-05-03")
    assert lineament(data, "leads", "evidence", lead.id, *evidence).stdout == "Recorded.\n"
    assert lineament(data, *line_up).returncode == DONE
    with zipfile.ZipFile(out) as archive:
        assert "key.txt" in archive.namelist()
    assert lineament(data, "leads", "act", lead.id, "Asked the railway.").returncode == DONE
    assert lineament(data, "leads", "set-aside", lead.id, "He was abroad.").returncode == BAD_INPUT
    assert lineament(data, "leads", "truth", lead.id, "right", "He came home.").returncode == DONE
    shown = lineament(data, "leads", "show", lead.id).stdout
    assert shown.startswith("A lead is not an identification.")
    for words in (
        "First examiner, Edda First: What is seen gives strong support",
        "The railway",
        "He came home.",
    ):
        assert words in shown
    assert json.loads(lineament(data, "leads", "show", lead.id, "--json").stdout)["state"] == "acted-on"
    assert lead.id in lineament(data, "leads", "list", "2026/17").stdout
    for command in (("leads", "report", lead.id), ("cases", "report", "2026/17")):
        for suffix, begins in ((".pdf", b"%PDF"), (".html", b"<!doctype html>")):
            file = tmp_path / f"{command[0]}{suffix}"
            assert lineament(data, *command, "--output", file).returncode == DONE
            assert file.read_bytes().startswith(begins)
    missing = lineament(data, "leads", "show", "0" * 32)
    assert (missing.returncode, "[no-such-lead]" in missing.stderr) == (BAD_INPUT, True)
