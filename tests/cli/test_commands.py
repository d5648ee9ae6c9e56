"""The command line, as a person and a script meet it: real processes, sentences, exit codes."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import click
import pytest
from PIL import Image

from lineament.cli.main import main
from tests.samples import BIDEN, OBAMA, SOLVAY

DONE, NOTHING, BAD_INPUT, REFUSED, CHOOSE_FACE, BROKEN = range(6)


def lineament(data: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from lineament.cli import run; run()", *map(str, arguments)]
    environment = os.environ | {"LINEAMENT_DATA": str(data), "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def write_permission(folder: Path, valid_from: str = "2020-01-01", valid_until: str | None = None) -> Path:
    """Write a permission for archive research with a deed that proves it."""
    (folder / "deed.txt").write_text("We allow it.")
    permission = folder / "permission.toml"
    permission.write_text(
        'grantor = "The archive"\ncontact = "a@example.org"\nlegal_basis = "own-images"\n'
        'purposes = ["archive-research"]\nnotice = "Ours."\nevidence = "deed.txt"\n'
        f"valid_from = {valid_from}\n" + (f"valid_until = {valid_until}\n" if valid_until else "")
    )
    return permission


def test_the_whole_job_from_a_permission_to_a_candidate(tmp_path: Path, portraits: Path):
    """Make a collection, ingest, list, search, check the ledger: five commands."""
    data = tmp_path / "data"
    permission = write_permission(portraits)
    add = ("collections", "add", "archive", "--title", "Our archive", "--permission", permission)
    assert lineament(data, *add).stdout == "Collection 'archive' is recorded: its permission is in force.\n"
    assert "was there already" in lineament(data, *add).stdout
    ingest = lineament(data, "ingest", portraits, "--collection", "archive")
    assert (ingest.returncode, ingest.stdout.startswith("7 new images with 7 faces")) == (DONE, True)
    assert "Our archive" in lineament(data, "collections").stdout
    found = lineament(data, "search", OBAMA, "--purpose", "archive-research")
    assert found.returncode == DONE
    assert "Barack Obama" in found.stdout
    assert "https://" in found.stdout
    assert "not an identification" in found.stdout
    fsck = lineament(data, "fsck")
    assert (fsck.returncode, "every tile and the root agree" in fsck.stdout) == (DONE, True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, archive_data: Path) -> Path:
    """A data folder whose collection 'archive' holds seven portraits."""
    return Path(shutil.copytree(archive_data, tmp_path_factory.mktemp("cli") / "data"))


def test_the_index_is_shown_verified_and_built_anew(data: Path):
    """A person who doubts the index can check it and throw it away."""
    assert lineament(data, "index").stdout.split() == ["collection", "faces", "archive", "7"]
    verified = lineament(data, "index", "verify")
    assert (verified.returncode, "holds what the records hold" in verified.stdout) == (DONE, True)
    assert "built anew: 7 faces" in lineament(data, "index", "rebuild").stdout
    (data / "index" / "manifest").write_text("nonsense")
    assert "built anew from the records: manifest is not" in lineament(data, "index").stderr
    assert lineament(data, "index", "verify").returncode == DONE


def test_a_search_without_a_candidate_exits_with_1(data: Path):
    """So that a script can tell."""
    empty = lineament(data, "search", BIDEN, "--purpose", "archive-research")
    assert empty.returncode == NOTHING
    assert "No lead: there is no face that scores" in empty.stdout


def test_several_faces_are_listed_and_one_is_chosen(data: Path):
    """Exit code 4 and 29 lines; then --face or --box, as JSON."""
    listed = lineament(data, "search", SOLVAY, "--purpose", "archive-research")
    assert listed.returncode == CHOOSE_FACE
    assert listed.stdout.startswith("29 faces were found in the photograph of 2048 x 922 px")
    assert "Choose one with --face" in listed.stdout
    assert len(re.findall(r"^ +\d+: at \d+,\d+,\d+,\d+ px", listed.stdout, re.MULTILINE)) == 29
    chosen = lineament(data, "search", SOLVAY, "--purpose", "archive-research", "--face", 24, "--json")
    assert chosen.returncode == NOTHING
    assert json.loads(chosen.stdout)["probes"][0]["face"] == 24
    box = json.loads(chosen.stdout)["probes"][0]["faces"][23]["box"]
    drawn = lineament(
        data, "search", SOLVAY, "--purpose", "archive-research", "--box", ",".join(map(str, box)), "--json"
    )
    assert drawn.returncode == NOTHING
    assert json.loads(drawn.stdout)["probes"][0]["faces"][29]["drawn"]


def test_where_no_face_is_found_one_can_be_drawn(data: Path, tmp_path: Path):
    """Exit code 4, and a sentence that tells of --box."""
    wall = tmp_path / "wall.png"
    Image.new("RGB", (60, 40), "white").save(wall)
    listed = lineament(data, "search", wall, "--purpose", "archive-research")
    assert listed.returncode == CHOOSE_FACE
    assert listed.stdout == (
        "No face was found in the photograph of 60 x 40 px.\n"
        "Draw a box around one that was not found with --box LEFT,TOP,RIGHT,BOTTOM.\n"
    )


def test_several_photographs_are_searched_together(data: Path, tmp_path: Path):
    """Exit code 4 where a face is to be chosen; then --face once for each photograph, in their order."""
    purpose = ("--purpose", "archive-research")
    listed = lineament(data, "search", OBAMA, SOLVAY, *purpose)
    assert listed.returncode == CHOOSE_FACE
    assert "one and the same person. Give --face once for each, in this order:" in listed.stdout
    assert "obama2.jpg, 626 x 1200 px: one face was found." in listed.stdout
    assert "solvay1927.jpg, 2048 x 922 px: 29 faces were found." in listed.stdout
    small = tmp_path / "small.png"
    Image.open(OBAMA).resize((313, 600)).save(small)
    found = lineament(data, "search", OBAMA, small, *purpose, "--face", 1, "--face", 1)
    assert (found.returncode, "Barack Obama" in found.stdout) == (DONE, True), found.stderr
    assert "One template was made from 2 photographs of one person." in found.stdout
    wall = tmp_path / "wall.png"
    Image.new("RGB", (60, 40), "white").save(wall)
    blind = lineament(data, "search", OBAMA, wall, *purpose)
    assert "Leave it out, or search it alone with --box." in blind.stdout
    wrong = lineament(data, "search", OBAMA, wall, *purpose, "--face", 1)
    assert (wrong.returncode, "[invalid-request]" in wrong.stderr) == (BAD_INPUT, True)


def test_wrong_input_is_a_sentence_a_remedy_and_a_code(data: Path, tmp_path: Path):
    """On standard error, with exit code 2 or 3, and never a traceback."""
    text = tmp_path / "letter.jpg"
    text.write_text("dear diary")
    huge = tmp_path / "huge.png"
    out = BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    huge.write_bytes(out.getvalue())
    dot = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(dot)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(OBAMA.read_bytes()[:90_000])
    far = tmp_path / "far.png"
    canvas = Image.new("RGB", (300, 300), "white")
    canvas.paste(Image.open(OBAMA).resize((40, 70)), (100, 100))
    canvas.save(far)
    purpose = ("--purpose", "archive-research")
    cases = [
        (("search", cut, *purpose), BAD_INPUT, "damaged-photograph"),
        (("search", far, *purpose, "--face", "1"), BAD_INPUT, "face-too-small"),
        (("search", text, *purpose), BAD_INPUT, "not-a-photograph"),
        (("search", huge, *purpose), BAD_INPUT, "photograph-too-large"),
        (("search", dot, *purpose, "--box", "0,0,1,1"), BAD_INPUT, "face-too-small"),
        (("search", OBAMA, *purpose, "--box", "0,0,9,9", "--face", "1"), BAD_INPUT, "invalid-request"),
        (("search", OBAMA, *purpose, "--box", "left"), BAD_INPUT, "invalid-request"),
        (("search", OBAMA, *purpose, "--face", "7"), BAD_INPUT, "no-such-face"),
        (("search", OBAMA, *purpose, "--collection", "attic"), BAD_INPUT, "no-such-collection"),
        (("search", OBAMA, "--purpose", "curiosity"), REFUSED, "search-refused"),
        (("search", OBAMA, "--purpose", "unknown"), REFUSED, "search-refused"),
        (("search", OBAMA, "--purpose", "missing-person"), REFUSED, "search-refused"),
        (("ingest", tmp_path, "--collection", "attic"), BAD_INPUT, "no-such-collection"),
        (("ingest", tmp_path / "nowhere", "--collection", "archive"), BAD_INPUT, "source-unreadable"),
    ]
    for arguments, code, name in cases:
        done = lineament(data, *arguments)
        assert (done.returncode, f"[{name}]" in done.stderr) == (code, True), (arguments, done.stderr)
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) >= 3


def test_what_never_ends_or_cannot_be_shown_is_refused_at_once(data: Path, tmp_path: Path):
    """A device, a pipe, a folder, a missing file; bytes that are no text."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for photo in ("/dev/zero", pipe, tmp_path, tmp_path / "nothing.jpg"):
        done = lineament(data, "search", photo, "--purpose", "archive-research")
        assert (done.returncode, "[file-missing]" in done.stderr) == (BAD_INPUT, True)
    for option in ("--case", "--collection"):
        done = lineament(data, "search", OBAMA, "--purpose", "archive-research", option, os.fsdecode(b"\xff"))
        assert done.returncode == BAD_INPUT
        assert "Traceback" not in done.stderr


def test_a_lost_ledger_key_stops_everything_and_is_not_replaced(tmp_path: Path, archive_data: Path):
    """A new key would begin another log under the same acts."""
    data = Path(shutil.copytree(archive_data, tmp_path / "data"))
    (data / "ledger-key").unlink()
    done = lineament(data, "collections")
    assert (done.returncode, "[ledger-key-lost]" in done.stderr) == (BROKEN, True)
    assert not (data / "ledger-key").exists()


def test_a_title_is_shown_as_it_is(tmp_path: Path, portraits: Path):
    """Brackets mean nothing to the table."""
    permission = write_permission(tmp_path, "2999-01-01")
    made = lineament(
        tmp_path / "d", "collections", "add", "x", "--title", "[/b] [red]A", "--permission", permission
    )
    assert "not yet in force: it begins on 2999-01-01" in made.stdout
    assert "[/b] [red]A" in lineament(tmp_path / "d", "collections").stdout


def test_an_ingest_that_could_not_use_every_file_says_which(data: Path, tmp_path: Path):
    """The rest goes on; the report is readable by people and as JSON."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "letter.jpg").write_text("dear diary")
    (folder / "biden.jpg").write_bytes(BIDEN.read_bytes())
    address = "https://example.org/"
    (folder / "manifest.csv").write_text(
        f"path,source_url\nletter.jpg,{address}\nbiden.jpg,{address}\ngone.jpg,{address}\nbiden.jpg,nowhere\n"
    )
    own = tmp_path / "data"
    permission = write_permission(tmp_path, "2020-01-01")
    lineament(own, "collections", "add", "mixed", "--title", "Mixed", "--permission", permission)
    done = lineament(own, "ingest", folder, "--collection", "mixed")
    assert done.returncode == NOTHING
    assert "letter.jpg: " in done.stdout
    for code in ("not-a-photograph", "file-missing", "bad-row"):
        assert f"[{code}]" in done.stdout
    again = json.loads(lineament(own, "ingest", folder, "--collection", "mixed", "--json").stdout)
    assert (again["new"], again["known"]) == (0, 1)


def test_an_expired_permission_lets_nothing_in(tmp_path: Path, portraits: Path):
    """The sentence says so and what to do."""
    permission = write_permission(tmp_path, "2020-01-01", "2021-01-01")
    data = tmp_path / "data"
    lineament(data, "collections", "add", "old", "--title", "Old", "--permission", permission)
    done = lineament(data, "ingest", portraits, "--collection", "old")
    assert (done.returncode, "[permission-not-in-force]" in done.stderr) == (REFUSED, True)
    search = lineament(data, "search", OBAMA, "--purpose", "archive-research", "--collection", "old")
    assert (search.returncode, "ended on 2021-01-01" in search.stderr) == (REFUSED, True)


def test_a_taken_port_is_a_sentence(data: Path, monkeypatch: pytest.MonkeyPatch):
    """And nothing is started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("LINEAMENT_PORT", str(other.getsockname()[1]))
        done = lineament(data, "serve")
    assert (done.returncode, "[port-taken]" in done.stderr) == (BAD_INPUT, True)


def test_a_wrong_setting_is_named(data: Path, monkeypatch: pytest.MonkeyPatch):
    """With its variable."""
    monkeypatch.setenv("LINEAMENT_PORT", "the usual")
    done = lineament(data, "collections")
    assert (done.returncode, "LINEAMENT_PORT" in done.stderr) == (BAD_INPUT, True)


def test_a_changed_ledger_is_noticed(tmp_path: Path, archive_data: Path, monkeypatch):
    """One flipped bit in one entry: exit code 5 and the first thing that failed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LINEAMENT_PORT", str(free.getsockname()[1]))
    data = tmp_path / "data"
    shutil.copytree(archive_data, data)
    bundles = (data / "ledger" / "tile" / "entries" / "000.p").iterdir()
    bundle = max(bundles, key=lambda path: int(path.name))
    changed = bytearray(bundle.read_bytes())
    changed[40] ^= 1
    bundle.write_bytes(changed)
    done = lineament(data, "fsck")
    assert (done.returncode, "[ledger-broken]" in done.stderr) == (BROKEN, True)
    assert lineament(data, "serve").returncode == BROKEN


def commands() -> list[list[str]]:
    """Every command as it is typed, sub-commands too."""
    found = [[name] for name in main.commands]
    groups = {name: group for name, group in main.commands.items() if isinstance(group, click.Group)}
    return found + [[name, child] for name, group in groups.items() for child in group.commands]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help_explains_every_command(command: list[str]):
    """A sentence that is not cut off in the list, and every option described."""
    known: click.Command = main
    for name in command:
        assert isinstance(known, click.Group)
        known = known.commands[name]
    assert known.help
    assert not known.get_short_help_str(60).endswith("...")
    assert [
        option.name for option in known.params if isinstance(option, click.Option) and not option.help
    ] == []


def test_nothing_is_begun_anew_beside_what_is_left_of_an_installation(tmp_path: Path, archive_data: Path):
    """Without its checkpoint, its key or its records it stops, and makes none of them afresh."""
    for gone, code in (
        (["ledger"], "ledger-broken"),
        (["ledger", "ledger-key"], "ledger-key-lost"),
        (["records.sqlite3"], "records-unusable"),
        (["records.sqlite3", "ledger"], "records-unusable"),
    ):
        data = Path(shutil.copytree(archive_data, tmp_path / "-".join(gone)))
        for name in gone:
            path = data / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        done = lineament(data, "search", OBAMA, "--purpose", "archive-research")
        assert (done.returncode, f"[{code}]" in done.stderr) == (BROKEN, True), done.stderr
        assert not any((data / name).exists() for name in gone)


def test_a_policy_that_is_a_link_to_nowhere_is_no_reason_to_take_another(tmp_path: Path, archive_data: Path):
    """An operator's own policy that is not there is missing, and not replaced by the one that ships."""
    data = Path(shutil.copytree(archive_data, tmp_path / "data"))
    (data / "policy.toml").symlink_to("/mnt/not-mounted/policy.toml")
    done = lineament(data, "search", OBAMA, "--purpose", "archive-research")
    assert (done.returncode, "[policy-invalid]" in done.stderr) == (BAD_INPUT, True)


def test_the_data_folder_is_no_source(data: Path):
    """Photographs that were searched lie there, and they never join a collection."""
    for source in (data, data / "blobs", data.parent, ""):
        done = lineament(data, "ingest", source, "--collection", "archive")
        assert (done.returncode, "[source-unreadable]" in done.stderr) == (BAD_INPUT, True), done.stderr


@pytest.mark.parametrize("delay", [0.05, 0.2, 0.3, 0.4, 0.5, 1.2])
def test_ctrl_c_ends_with_130_at_any_moment(data: Path, delay: float):
    """Also while the program still loads."""
    command = [sys.executable, "-c", "from lineament.cli import run; run()", "serve"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"LINEAMENT_DATA": str(data), "LINEAMENT_PORT": port}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode in {130, 0, -signal.SIGINT}, complaint
    assert delay < 0.1 or b"Traceback" not in complaint


def test_receipt_export_and_verify(data: Path, tmp_path: Path):
    """A search is handed out and checked with the public key alone; a flipped byte is named."""
    found = lineament(data, "search", OBAMA, "--purpose", "archive-research", "--json")
    search = json.loads(found.stdout)["id"]
    vkey = next(line for line in lineament(data, "fsck").stdout.splitlines() if line.startswith("Log:"))[6:]
    nowhere = tmp_path / "no-installation"
    for command, name in (("receipt", "r.tlog-proof"), ("export", "b.zip")):
        file = tmp_path / name
        assert lineament(data, command, search, "--output", file).returncode == DONE
        assert lineament(data, command, search, "--output", file).returncode == BAD_INPUT  # it stays
        good = lineament(nowhere, "verify", file, "--vkey", vkey, "--log", data / "ledger")
        assert (good.returncode, "today and begins with" in good.stdout) == (DONE, True), good.stderr
        changed = bytearray(file.read_bytes())
        changed[200] ^= 1
        file.write_bytes(changed)
        bad = lineament(nowhere, "verify", file, "--vkey", vkey)
        assert (bad.returncode, "FAILED" in bad.stdout, "Traceback" in bad.stderr) == (BAD_INPUT, True, False)
    assert not nowhere.exists()
    for key in ([], ["--vkey", ""], ["--vkey", "nonsense"], ["--policy", tmp_path]):
        assert lineament(nowhere, "verify", tmp_path / "b.zip", *key).returncode == BAD_INPUT
        assert lineament(nowhere, "fsck", data / "ledger", *key).returncode == BAD_INPUT
    assert lineament(data, "receipt", "no-such-id", "--output", tmp_path / "x").returncode == BAD_INPUT


def test_witnesses_that_are_not_listed_or_not_there(data: Path, tmp_path: Path):
    """Each is a sentence, and a list that cannot be read stops everything that would go on without it."""
    own = Path(shutil.copytree(data, tmp_path / "data"))
    assert lineament(own, "witness").returncode == BAD_INPUT
    (own / "witnesses").write_text("quorum nobody\n")
    done = lineament(own, "collections")
    assert (done.returncode, "[witnesses-invalid]" in done.stderr) == (BAD_INPUT, True)
