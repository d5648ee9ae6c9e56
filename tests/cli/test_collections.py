"""Collections on the command line: a permission from its draft to its withdrawal, moved and checked."""

import json
import shutil
from pathlib import Path

from sqlalchemy import update

from lineament.records.schema import permission
from lineament.records.store import open_records
from tests.cli.test_commands import BAD_INPUT, BROKEN, DONE, REFUSED, lineament, write_permission
from tests.samples import OBAMA


def test_a_permission_is_drafted_given_narrowed_and_withdrawn(tmp_path: Path, portraits: Path):
    """Each step is a sentence, and `show` has who recorded it, when and as what."""
    data = tmp_path / "data"
    file = write_permission(tmp_path)
    text = file.read_text().replace('["archive-research"]', '["archive-research", "own-likeness"]')
    file.write_text(text.replace('evidence = "deed.txt"\n', 'status = "draft"\n'))
    made = lineament(data, "collections", "add", "archive", "--title", "Our archive", "--permission", file)
    assert made.stdout == (
        "Collection 'archive' is recorded: its permission is a draft, which allows nothing.\n"
    )
    refused = lineament(data, "ingest", portraits, "--collection", "archive")
    assert (refused.returncode, "[permission-not-in-force]" in refused.stderr) == (REFUSED, True)
    permit = ("collections", "permit", "archive", "--permission", file)
    file.write_text(text + 'jurisdictions = ["EU", "GB"]\nretention_days = 14\n')
    assert lineament(data, *permit).stdout.endswith("is recorded: its permission is in force.\n")
    file.write_text(file.read_text().replace(', "own-likeness"', "") + "valid_until = 2999-01-01\n")
    assert lineament(data, *permit).stdout.endswith("its permission is in force, for less than before.\n")
    withdraw = ("collections", "withdraw-permission", "archive", "--reason-code")
    assert lineament(data, *withdraw, "mood").returncode == BAD_INPUT
    assert lineament(data, *withdraw, "grantor").stdout == (
        "The permission for 'archive' is withdrawn. Its images are to be erased after 14 days.\n"
    )
    assert (
        lineament(data, *withdraw, "person").stdout == "The permission for 'archive' was withdrawn before.\n"
    )
    search = lineament(data, "search", OBAMA, "--purpose", "archive-research", "--collection", "archive")
    assert (search.returncode, "The permission for 'archive' is withdrawn." in search.stderr) == (
        REFUSED,
        True,
    )
    shown = lineament(data, "collections", "show", "archive").stdout
    assert shown.startswith("Our archive ('archive')\nPermission     withdrawn\n")
    for words in ("EU, GB", "14 days", "from 2020-01-01 00:00 until 2999-01-01 00:00", "deed.txt, sha256:"):
        assert words in shown
    rows = [line.split() for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    for row, status in zip(rows, ["draft", "given", "narrowed", "withdrawn"], strict=True):
        assert status in row
    assert rows[3][5] == "(grantor)"
    assert lineament(data, "collections", "show", "attic").returncode == BAD_INPUT


def test_a_permission_moves_as_json_ld(tmp_path: Path):
    """What one installation prints, another one records: the same permission, to the same digest."""
    one, other = tmp_path / "one", tmp_path / "other"
    file = write_permission(tmp_path, "2020-01-01", "2999-01-01")
    lineament(one, "collections", "add", "archive", "--title", "Our archive", "--permission", file)
    printed = lineament(one, "collections", "show", "archive", "--json-ld").stdout
    moved = tmp_path / "moved.jsonld"
    moved.write_text(printed)
    made = lineament(other, "collections", "add", "archive", "--title", "Our archive", "--permission", moved)
    assert made.stdout == "Collection 'archive' is recorded: its permission is in force.\n"
    again = json.loads(lineament(other, "collections", "show", "archive", "--json-ld").stdout)
    own = {"dct:created", "dct:creator"}  # who recorded it there and when
    assert {name: value for name, value in again.items() if name not in own} == {
        name: value for name, value in json.loads(printed).items() if name not in own
    }
    (tmp_path / "deed.txt").write_text("We allow all of it.")
    done = lineament(other, "collections", "permit", "archive", "--permission", moved)
    assert (done.returncode, "[permission-invalid]" in done.stderr) == (BAD_INPUT, True)
    moved.write_text(printed.replace("dpv:hasNotice", "dpv:hasNotices"))
    done = lineament(other, "collections", "permit", "archive", "--permission", moved)
    assert (done.returncode, "has no 'dpv:hasNotice'" in done.stderr) == (BAD_INPUT, True)


def test_a_face_that_could_be_reached_without_a_permission_is_found(tmp_path: Path, archive_data: Path):
    """Exit code 5, the collection and the purpose; a sound installation has none."""
    data = Path(shutil.copytree(archive_data, tmp_path / "data"))
    sound = lineament(data, "collections", "check")
    assert (sound.returncode, sound.stdout) == (
        DONE,
        "No face can be reached without a permission in force that allows the purpose.\n",
    )
    records = open_records(data / "records.sqlite3")
    with records.write() as tx:
        tx.execute(update(permission).values(status="draft"))
    records.close()
    broken = lineament(data, "collections", "check")
    assert (broken.returncode, broken.stdout) == (
        BROKEN,
        "7 faces of 'archive' can be reached for 'archive-research' without a permission.\n",
    )
