"""`lineament withdraw`, `withdrawals` and `upkeep`, as an operator meets them."""

import json
import re
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from lineament.records.schema import face, image
from lineament.records.store import open_records
from tests.cli.test_commands import BAD_INPUT, DONE, NOTHING, lineament
from tests.samples import OBAMA


@pytest.fixture
def data(tmp_path: Path, archive_data: Path) -> Path:
    """A data folder whose collection 'archive' holds seven portraits."""
    return Path(shutil.copytree(archive_data, tmp_path / "data"))


def ids(data: Path, column) -> list[str]:
    records = open_records(data / "records.sqlite3")
    with records.read() as tx:
        found = list(tx.scalars(select(column).order_by(column)))
    records.close()
    return found


def test_a_face_is_withdrawn_listed_and_proved(data: Path, tmp_path: Path):
    """From a candidate to the receipt that an outsider checks."""
    found = lineament(data, "search", OBAMA, "--purpose", "archive-research", "--json")
    (candidate,) = json.loads(found.stdout)["candidates"]
    one = candidate["source"]["face"]
    asked = lineament(data, "withdraw", "face", one, "--by", "person")
    assert asked.returncode == NOTHING
    assert asked.stdout.splitlines() == [
        "A face goes with its whole photograph, and so with every other face in it.",
        "Of 'archive': 1 photograph with 1 face.",
        "Nothing was withdrawn.",
    ]
    done = lineament(data, "withdraw", "face", one, "--by", "person", "--yes")
    assert done.returncode == DONE
    (withdrawal,) = re.findall(r"Withdrawn and erased: (\w{32}), absence proved after \d+ s\.", done.stdout)
    listed = lineament(data, "withdrawals").stdout.splitlines()[1].split()
    assert (listed[0], listed[3:8]) == (withdrawal, ["person", "face", "archive", "1", "1"])
    assert lineament(data, "search", OBAMA, "--purpose", "archive-research").returncode == NOTHING
    out = tmp_path / "receipt"
    written = lineament(data, "withdrawals", "receipt", withdrawal, "--out", out)
    assert written.stdout.startswith("Written: receipt.pdf, receipt.json and receipt.zip")
    assert json.loads((out / "receipt.json").read_bytes())["withdrawal"] == withdrawal
    assert withdrawal in PdfReader(out / "receipt.pdf").pages[0].extract_text()
    vkey = json.loads((out / "receipt.json").read_bytes())["log"]
    checked = lineament(tmp_path / "elsewhere", "verify", out / "receipt.zip", "--vkey", vkey)
    assert (checked.returncode, '"kind":"disclosure.made"' in checked.stdout) == (DONE, True)


def test_photographs_sources_and_collections_are_withdrawn(data: Path):
    """Each by its name; what is not there is a sentence and exit code 2."""
    first, second, *_ = ids(data, image.c.id)
    gone = lineament(data, "withdraw", "image", first, second, "--by", "curator", "--yes")
    assert gone.stdout.startswith("Of 'archive': 2 photographs with 2 faces.\nWithdrawn and erased")
    again = lineament(data, "withdraw", "image", first, "--by", "curator", "--yes")
    assert (again.returncode, "[no-such-image]" in again.stderr) == (BAD_INPUT, True)
    address = lineament(data, "withdraw", "source", "https://", "--by", "grantor", "--yes")
    assert (address.returncode, "[invalid-request]" in address.stderr) == (BAD_INPUT, True)
    whole = lineament(data, "withdraw", "collection", "archive", "--by", "grantor", "--yes")
    assert "Of 'archive': 5 photographs with 5 faces." in whole.stdout
    assert ids(data, face.c.id) == []
    states = lineament(data, "withdrawals").stdout
    assert len(re.findall(r"absence proved after \d+ s", states)) == 2
    assert lineament(data, "upkeep").stdout == "Finished: 0 erasures.\n"


def test_a_receipt_that_cannot_be_written_or_made_is_a_sentence(data: Path, tmp_path: Path):
    """A folder that is a file; a withdrawal that is none."""
    missing = lineament(data, "withdrawals", "receipt", "0" * 32, "--out", tmp_path / "out")
    assert (missing.returncode, "[no-such-withdrawal]" in missing.stderr) == (BAD_INPUT, True)
    assert not (tmp_path / "out").exists()
