"""Keys are put in place of others: what was kept is still read, and the old keys open nothing."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lineament.app import rotation, sign_in
from lineament.app.installation import Installation
from lineament.app.stored import image_bytes
from lineament.config import Settings
from lineament.errors import MasterKeyWrong
from lineament.records import images
from lineament.records.master_key import next_master_key, open_master_key, take_over
from lineament.records.schema import image
from lineament.testing import Clock, make_collection, make_installation, recorded
from lineament.vision.pipeline import Vision
from lineament.wiring import open_installation
from tests.samples import OBAMA


def place(data: Path) -> str:
    return Settings(data=data).master_key_place


@pytest.fixture
def archive(tmp_path: Path, clock: Clock, vision: Vision, archive_data: Path) -> Installation:
    """An installation that its test closes."""
    shutil.copytree(archive_data, tmp_path / "archive-data")
    return make_installation(tmp_path / "archive-data", clock, vision)


def shut(installation: Installation) -> None:
    """Close what is an installation's own; the models are shared by the tests."""
    installation.index.close()
    installation.records.close()


def readable(installation: Installation) -> tuple[list[bytes], dict[str, bytes]]:
    """Return every photograph and every template as bytes, in the order of their ids."""
    with installation.records.read() as tx:
        there = images.images(tx, list(tx.execute(image.select()).scalars()))
        faces = [face.id for one in there for face in images.faces_of_image(tx, one.id)]
        templates = images.templates_of(tx, installation.keys, installation.contract, faces)
    photographs = [image_bytes(installation, one) for one in there]
    return photographs, {face: vector.tobytes() for face, vector in sorted(templates.items())}


def test_everything_is_read_under_the_new_keys_and_nothing_under_the_old(archive: Installation):
    """The photographs' keys are wrapped anew; what they seal is not touched. It is on record."""
    data = archive.ledger_folder.parent
    old = (data / "master-key").read_text()
    before = readable(archive)
    assert len(before[0]) == 7
    assert len(before[1]) >= 7
    files = {file: file.read_bytes() for file in (data / "blobs").rglob("*") if file.is_file()}
    done: list[int] = []
    master = next_master_key(place(data))
    assert rotation.rotate(archive, sign_in.operator(archive), master, done.append) == 4
    take_over(place(data))
    assert done == [1, 2, 3, 4, 5, 6, 7]
    assert recorded(archive)[-1]["kind"] == "keys.rotated"
    shut(archive)
    again = open_installation(Settings(data=data))
    assert readable(again) == before
    assert files == {file: file.read_bytes() for file in (data / "blobs").rglob("*") if file.is_file()}
    again.close()
    (data / "master-key").write_text(old)
    with pytest.raises(MasterKeyWrong):
        open_installation(Settings(data=data))


def test_a_process_that_goes_on_with_the_old_keys_says_so_and_makes_none(archive: Installation):
    """What it still reads or adds fails as a whole, and the next start finds everything readable."""
    data = archive.ledger_folder.parent
    before = readable(archive)
    beside = open_installation(Settings(data=data))
    rotation.rotate(beside, sign_in.operator(beside), next_master_key(place(data)), lambda _done: None)
    take_over(place(data))
    take_over(place(data))  # as another process, which opened in between, may have done
    beside.close()
    with pytest.raises(MasterKeyWrong):
        readable(archive)
    with pytest.raises(MasterKeyWrong):
        make_collection(archive, "second")
    shut(archive)
    again = open_installation(Settings(data=data))
    assert readable(again) == before
    make_collection(again, "second")
    again.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_rotation_that_is_killed_leaves_keys_that_open(archive: Installation, moment: str):
    """Whether or not its transaction had committed: the next start finds the one that is right."""
    data = archive.ledger_folder.parent
    before = readable(archive)
    shut(archive)
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    program = f"""
import os, signal
from pathlib import Path
from lineament.app import rotation, sign_in
from lineament.config import Settings
from lineament.records.master_key import next_master_key
from lineament.wiring import open_installation
made = open_installation(Settings(data=Path({str(data)!r})))
master = next_master_key(Settings(data=Path({str(data)!r})).master_key_place)
{kill if moment == "before" else ""}
rotation.rotate(made, sign_in.operator(made), master, lambda done: None)
{kill}
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LINEAMENT_")}
    done = subprocess.run([sys.executable, "-c", program], check=False, env=environment)
    assert done.returncode == -signal.SIGKILL
    again = open_installation(Settings(data=data))
    assert readable(again) == before
    again.close()
    open_installation(Settings(data=data)).close()


def test_the_key_can_move_into_the_environment(archive: Installation, monkeypatch: pytest.MonkeyPatch):
    """From then on the file is not needed."""
    data = archive.ledger_folder.parent
    before = readable(archive)
    monkeypatch.setenv("THE_KEY", "ab" * 32)
    master = open_master_key("env:THE_KEY", is_new=False)
    rotation.rotate(archive, sign_in.operator(archive), master, lambda _done: None)
    shut(archive)
    (data / "master-key").unlink()
    again = open_installation(Settings(data=data, master_key="env:THE_KEY"))
    assert readable(again) == before
    again.close()
    monkeypatch.delenv("THE_KEY")
    with pytest.raises(MasterKeyWrong, match="environment"):
        open_installation(Settings(data=data, master_key="env:THE_KEY"))


def test_no_photograph_and_no_template_lies_readable_in_the_data_folder(archive: Installation):
    """Neither the bytes that were taken in, nor a search's own photograph, nor any 64 bytes of a template."""
    from lineament.app.search import Request, open_search

    data = archive.ledger_folder.parent
    photographs, templates = readable(archive)
    probe = OBAMA.read_bytes()
    open_search(archive, sign_in.operator(archive), Request("archive-research", ("archive",)), [probe])
    pieces = [one[at : at + 64] for one in (*photographs, probe) for at in (0, len(one) // 2, len(one) - 64)]
    pieces += [vector[at : at + 64] for vector in templates.values() for at in (0, 256, 448)]
    for file in (one for one in data.rglob("*") if one.is_file()):
        held = file.read_bytes()
        assert not any(piece in held for piece in pieces), file
    shut(archive)
