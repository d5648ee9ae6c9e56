"""`lineament ingest`, as a person and a script meet it."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from lineament.app import rejections
from lineament.records.ingests import Rejected
from tests.cli.test_commands import BAD_INPUT, BROKEN, DONE, NOTHING, lineament, write_permission
from tests.samples import BIDEN


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with an empty collection 'archive'."""
    folder = tmp_path / "data"
    permission = write_permission(tmp_path)
    add = ("collections", "add", "archive", "--title", "Our archive", "--permission", permission)
    assert lineament(folder, *add).returncode == DONE
    return folder


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with one portrait and two files that are none, of which one is named like a formula."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(BIDEN, folder)
    for name in ("letter.jpg", "=HYPERLINK(1)"):
        (folder / name).write_text("dear diary")
    return folder


def test_what_cannot_be_used_is_written_to_a_file_for_spreadsheets(data: Path, mixed: Path, tmp_path: Path):
    """No cell is a formula; the report and its JSON say the same."""
    file = tmp_path / "rejected.csv"
    done = lineament(data, "ingest", mixed, "--collection", "archive", "--rejections", file)
    assert done.returncode == NOTHING
    assert done.stdout.startswith("1 new image with 1 face; 0 already there.\n2 files not taken in:")
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    sentence = "The file does not begin like any image format that is read here."
    assert rows == [
        ["path", "code", "sentence"],
        ["'=HYPERLINK(1)", "not-a-photograph", sentence],
        ["letter.jpg", "not-a-photograph", sentence],
    ]
    again = lineament(data, "ingest", mixed, "--collection", "archive", "--json")
    report = json.loads(again.stdout)
    assert [one["path"] for one in report.pop("rejected")] == ["=HYPERLINK(1)", "letter.jpg"]
    none = dict.fromkeys(("new", "faces", "corrected", "no_face", "withheld"), 0)
    assert report == none | {"known": 1}


def test_a_file_that_cannot_be_written_stops_it_before_it_begins(data: Path, mixed: Path, tmp_path: Path):
    """Nothing is taken in without the list that was asked for."""
    nowhere = tmp_path / "nowhere" / "rejected.csv"
    done = lineament(data, "ingest", mixed, "--collection", "archive", "--rejections", nowhere)
    assert (done.returncode, "nowhere" in done.stderr) == (BAD_INPUT, True)
    assert "0" in lineament(data, "collections").stdout


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tcp://192.0.2.7:8786", "is no address of a scheduler that is used here"),
        ("8786", "is no address of a scheduler that is used here"),
        ("tcp://127.0.0.1:9", "cannot be reached"),
    ],
)
def test_a_cluster_is_used_over_tls_or_not_at_all(data: Path, mixed: Path, address: str, sentence: str):
    """Photographs are not sent where others could read them, and no pickle is taken from who knows whom."""
    done = lineament(data, "ingest", mixed, "--collection", "archive", "--cluster", address)
    assert (done.returncode, "[cluster-unavailable]" in done.stderr) == (BROKEN, True)
    assert sentence in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "start",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\uff1d1",
        "\uff20a",
    ],  # the last two: wide
)
def test_no_cell_of_the_file_is_a_formula(start: str):
    """Whatever a file is named."""
    cells = rejections.row(Rejected(start, "code", f"'{start}' cannot be read."))
    assert cells == (f"'{start}", "code", f"'{start}' cannot be read.")
    assert rejections.row(Rejected("a=1", "bad-row", "It says -1.")) == ("a=1", "bad-row", "It says -1.")
