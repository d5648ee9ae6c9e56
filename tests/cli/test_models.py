"""Model packs on the command line: terms that are shown and accepted, a list, a migration."""

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from lineament.vision.pack import load_pack
from tests.cli.test_commands import BAD_INPUT, BROKEN, DONE, NOTHING, REFUSED, lineament
from tests.packs import another_pack, rewrite
from tests.samples import BIDEN, OBAMA

RUN = [sys.executable, "-c", "from lineament.cli import run; run()"]


@pytest.fixture
def data(tmp_path: Path, archive_data: Path) -> Path:
    """A data folder of its own whose collection 'archive' holds seven portraits."""
    return Path(shutil.copytree(archive_data, tmp_path / "data"))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with another pack."""
    return another_pack(tmp_path / "pack")


def answered(data: Path, answer: bytes, *arguments: object) -> tuple[int, str]:
    """Run a command at a terminal and give an answer to what it asks."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*RUN, *map(str, arguments)],
        env=os.environ | {"LINEAMENT_DATA": str(data)},
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.write(ours, answer)
    said, _ = process.communicate(timeout=120)
    for end in (ours, its):
        os.close(end)
    return process.returncode, said.decode()


def test_terms_are_shown_and_accepted_and_the_pack_is_migrated_to(data: Path, pack: Path):
    """List, add, migrate, search, back: what a person types and reads."""
    assert "default" in lineament(data, "models").stdout
    refused = lineament(data, "models", "add", pack)
    assert (refused.returncode, "[licence-not-accepted]" in refused.stderr) == (REFUSED, True)
    assert "training data: not stated by the publisher" in refused.stdout
    added = lineament(data, "models", "add", pack, "--accept-licence")
    assert added.returncode == DONE, added.stderr
    assert added.stdout.endswith(
        "The model pack 'keen' is added. `lineament models migrate keen` takes it into use.\n"
    )
    again = lineament(data, "models", "add", pack)
    assert (again.returncode, again.stdout) == (DONE, "This model pack was there already.\n")
    assert rows(data) == {"default": ["yes", "7", "measured"], "keen": ["0", "measured"]}
    done = lineament(data, "models", "migrate", "keen")
    assert (done.returncode, done.stdout) == (
        DONE,
        "The model pack 'keen' is in use: 7 photographs with 7 faces re-embedded. "
        "Start the server again if one is running.\n",
    )
    assert rows(data) == {"default": ["7", "measured"], "keen": ["yes", "7", "measured"]}
    assert "Barack Obama" in lineament(data, "search", OBAMA, "--purpose", "archive-research").stdout
    assert "0 photographs with 0 faces" in lineament(data, "models", "migrate", "default").stdout
    assert lineament(data, "fsck").returncode == DONE


def rows(data: Path) -> dict[str, list[str]]:
    """The rows of the list by name, without contracts and licences."""
    first = [line.split() for line in lineament(data, "models").stdout.splitlines()[1:]]
    return {
        cells[0]: [cell for cell in cells[1:-2] if len(cell) != 12]
        for cells in first
        if not cells[0].endswith(":")
    }


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", DONE), (b"n\n", REFUSED), (b"\n", REFUSED)])
def test_a_person_is_asked(data: Path, pack: Path, answer: bytes, code: int):
    """And no is what a bare return means."""
    ended, said = answered(data, answer, "models", "add", pack)
    assert (ended, "Accept these terms? [y/N]" in said) == (code, True), said


def test_a_pack_without_error_rates_needs_a_word(data: Path, tmp_path: Path):
    """Asked at a terminal, or given as an option."""
    pack = another_pack(tmp_path / "pack", "unmeasured", calibrated=False)
    lineament(data, "models", "add", pack, "--accept-licence")
    refused = lineament(data, "models", "migrate", "unmeasured")
    assert (refused.returncode, "[not-calibrated]" in refused.stderr) == (REFUSED, True)
    assert "'archive-research'" in refused.stdout
    ended, said = answered(data, b"n\n", "models", "migrate", "unmeasured")
    assert (ended, "Go on without them? [y/N]" in said) == (REFUSED, True), said
    assert lineament(data, "models", "migrate", "unmeasured", "--uncalibrated").returncode == DONE
    found = lineament(data, "search", OBAMA, "--purpose", "archive-research")
    assert (found.returncode, "[not-calibrated]" in found.stderr) == (REFUSED, True)


def test_what_is_not_whole_is_named(data: Path, pack: Path):
    """A lost photograph, an unknown name, a name that another pack has, a pack that is spoiled."""
    lineament(data, "models", "add", pack, "--accept-licence")
    unknown = lineament(data, "models", "migrate", "nothing")
    assert (unknown.returncode, "[no-such-model-pack]" in unknown.stderr) == (BAD_INPUT, True)
    assert "Stopped" not in unknown.stderr
    rewrite(pack, 'licence = "MIT"', 'licence = "BSD"')
    taken = lineament(data, "models", "add", pack, "--accept-licence")
    assert (taken.returncode, "[model-pack-exists]" in taken.stderr) == (BAD_INPUT, True)
    rewrite(pack, 'licence = "BSD"', "")
    spoiled = lineament(data, "models", "add", pack, "--accept-licence")
    assert (spoiled.returncode, "[not-a-model-pack]" in spoiled.stderr) == (BAD_INPUT, True)
    nothing = lineament(data, "models", "add", data, "--accept-licence")  # the installation is whole
    assert (nothing.returncode, "[not-a-model-pack]" in nothing.stderr) == (BAD_INPUT, True)
    stored = [path for path in (data / "blobs").rglob("*") if path.is_file()]
    max(stored, key=lambda path: path.stat().st_size).unlink()  # a photograph, and no evidence
    done = lineament(data, "models", "migrate", "keen")
    assert done.returncode == NOTHING, done.stderr
    assert "6 photographs with 6 faces re-embedded" in done.stdout
    assert "1 photograph without a template now:\n  archive/" in done.stdout
    copy = load_pack(data / "models" / "keen")
    (copy.folder / copy.embedder.file).write_bytes(b"another model")
    search = lineament(data, "search", BIDEN, "--purpose", "archive-research")
    assert (search.returncode, "[model-pack-invalid]" in search.stderr) == (BROKEN, True)


def test_a_pack_in_use_that_is_lost_is_named_and_left_or_put_back(data: Path, pack: Path):
    """Whatever needs it says which one and where it was; what helps works without it."""
    lineament(data, "models", "add", pack, "--accept-licence")
    assert lineament(data, "models", "migrate", "keen").returncode == DONE
    place = data / "models" / "keen"
    place.rename(data / "elsewhere")
    lost = f"The model pack 'keen' is lost: there is no folder {place}."
    for command in (
        ["serve"],
        ["search", OBAMA, "--purpose", "archive-research"],
        ["models", "migrate", "keen"],
    ):
        failed = lineament(data, *command)
        assert (failed.returncode, failed.stderr.splitlines()[-3]) == (BROKEN, lost)
        assert "Put its files back" in failed.stderr
        assert "`lineament models migrate` with another pack" in failed.stderr
    listed = lineament(data, "models")
    assert listed.returncode == DONE, listed.stderr
    (row,) = [line.split() for line in listed.stdout.splitlines() if "keen" in line]
    assert (row[0], row[1], row[3], " ".join(row[4:])) == ("keen", "yes", "7", lost)
    (data / "elsewhere").rename(place)
    assert "Barack Obama" in lineament(data, "search", OBAMA, "--purpose", "archive-research").stdout
    shutil.rmtree(place)
    third = another_pack(data.parent / "third", "third")
    assert lineament(data, "models", "add", third, "--accept-licence").returncode == DONE
    done = lineament(data, "models", "migrate", "default")
    assert (done.returncode, "'default' is in use" in done.stdout) == (DONE, True), done.stderr
    assert "Barack Obama" in lineament(data, "search", OBAMA, "--purpose", "archive-research").stdout
    assert lineament(data, "fsck").returncode == DONE
    assert lineament(data, "index", "verify").returncode == DONE


def test_what_a_killed_add_leaves_is_cleared_by_the_next_command(data: Path, pack: Path):
    """It was killed while it waited for an answer."""
    ours, its = pty.openpty()
    adding = subprocess.Popen(
        [*RUN, "models", "add", str(pack)],
        env=os.environ | {"LINEAMENT_DATA": str(data)},
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert adding.stdout
    while b"Accept these terms?" not in adding.stdout.read1():
        pass
    (draft,) = (data / "models").iterdir()
    lineament(data, "models")
    assert draft.exists()  # it may still be answered
    adding.kill()
    adding.communicate(timeout=60)
    os.close(ours)
    os.close(its)
    assert draft.exists()
    assert lineament(data, "models").returncode == DONE
    assert list((data / "models").iterdir()) == []


@contextmanager
def served(data: Path, port: str) -> Iterator[str]:
    """Run a server and give its sign-in link."""
    environment = os.environ | {"LINEAMENT_DATA": str(data), "LINEAMENT_PORT": port}
    server = subprocess.Popen([*RUN, "serve"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield server.stdout.readline().split()[-1]
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def test_a_server_from_before_the_switch_has_to_be_started_again(data: Path, pack: Path):
    """It refuses what it would do under the old model, and the next one does it."""
    lineament(data, "models", "add", pack, "--accept-licence")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    browser = build_opener(HTTPCookieProcessor())
    with served(data, port) as link:
        migrated = lineament(data, "models", "migrate", "keen")
        with pytest.raises(HTTPError) as refusal:
            browser.open(link)
    assert migrated.returncode == DONE
    assert (refusal.value.code, "model-changed" in refusal.value.read().decode()) == (503, True)
    with served(data, port) as link, browser.open(link) as page:
        status = page.status
    assert status == 200
