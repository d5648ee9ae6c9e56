"""Ingest needs permission, does nothing twice, and reports every file that it could not use."""

import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.errors import CollectionNotFound, PermissionInvalid, PermissionNotInForce
from lineament.sources import open_source
from lineament.testing import (
    NOON,
    Clock,
    holds,
    make_collection,
    make_installation,
    make_permission,
    recorded,
)


def run(installation: Installation, source: Path, name: str = "archive") -> Report:
    who = sign_in.operator(installation)
    return ingest(installation, who, name, open_source(source), lambda _done: None)


def test_photographs_are_taken_in_once(installation: Installation, portraits: Path):
    """The second run finds everything there; each batch and each run has its ledger entry."""
    first = make_collection(installation, "archive", portraits)
    assert first is not None
    assert (first.new, first.known, first.rejected) == (7, 0, [])
    second = run(installation, portraits)
    assert (second.new, second.known) == (0, 7)
    kinds = [entry["kind"] for entry in recorded(installation)]
    assert kinds == [
        "policy.changed",
        "model.changed",
        "calibration.changed",
        "role.granted",
        "role.granted",
        "collection.created",
        "permission.recorded",
        "ingest.batch",
        "ingest.finished",
        "ingest.finished",
    ]
    checkpoint = ledger.fsck(installation.ledger_folder, installation.signer.verifier)
    assert checkpoint.size == len(kinds)


def test_every_file_that_cannot_be_used_is_reported_and_the_rest_goes_on(
    installation: Installation, portraits: Path
):
    """Not an image, truncated, no face, a bomb, a missing file, a bad row: each has its own reason."""
    (portraits / "text.jpg").write_text("dear diary")
    whole = (portraits / "obama.jpg").read_bytes()
    (portraits / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (400, 400), "grey").save(portraits / "wall.png")
    Image.new("RGB", (1, 1)).save(portraits / "dot.png")
    (portraits / "bomb.png").write_bytes(huge_png())
    with (portraits / "manifest.csv").open("a") as file:
        for name in ("text.jpg", "cut.jpg", "wall.png", "dot.png", "bomb.png", "gone.jpg"):
            file.write(f"{name},https://example.org/{name}\n")
        file.write("obama.jpg,not an address\n")
    report = make_collection(installation, "archive", portraits)
    assert report is not None
    assert report.new == 7
    assert {one.path: one.code for one in report.rejected} == {
        "text.jpg": "not-a-photograph",
        "cut.jpg": "damaged-photograph",
        "wall.png": "no-face",
        "dot.png": "no-face",
        "bomb.png": "photograph-too-large",
        "gone.jpg": "file-missing",
        "obama.jpg": "bad-row",
    }
    again = run(installation, portraits)
    assert (again.new, again.known, again.no_face) == (0, 7, 2)
    assert {one.path for one in again.rejected} == {one.path for one in report.rejected}
    assert holds(installation, "archive").images == 7


def huge_png() -> bytes:
    """A PNG header that announces 30,000 x 30,000 pixels."""
    out = BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


def test_nothing_is_taken_in_without_a_permission_in_force(
    installation: Installation, portraits: Path, clock: Clock
):
    """Before its first moment and after its last the permission lets nothing in."""
    permission = make_permission(valid_from=NOON, valid_until=NOON + timedelta(hours=1))
    make_collection(installation, "archive", permission=permission)
    for turned in (-timedelta(seconds=1), timedelta(hours=2)):
        clock.turn(turned)
        with pytest.raises(PermissionNotInForce):
            run(installation, portraits)
    assert holds(installation, "archive").images == 0


def test_a_permission_that_ends_half_way_stops_the_ingest(
    installation: Installation, portraits: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """The batch in hand is not written once the permission has ended."""
    make_collection(installation, "archive", permission=make_permission(valid_until=NOON + timedelta(1)))
    source = open_source(portraits)
    original = installation.vision.read

    def slow_read(data: bytes):  # the clock passes the end while a photograph is read
        clock.now = NOON + timedelta(days=2)
        return original(data)

    monkeypatch.setattr(installation.vision, "read", slow_read)
    with pytest.raises(PermissionNotInForce):
        ingest(installation, sign_in.operator(installation), "archive", source, lambda _done: None)
    assert holds(installation, "archive").images == 0


def test_a_collection_that_is_not_there_is_named(installation: Installation, portraits: Path):
    """Nothing is made on the way."""
    with pytest.raises(CollectionNotFound, match="'nowhere'"):
        run(installation, portraits, "nowhere")


def test_a_killed_ingest_is_finished_by_running_it_again(tmp_path: Path, portraits: Path):
    """A real process is killed at several moments; in the end everything is there once."""
    for number in range(60):  # several batches of the same people under other bytes
        image = portraits / f"copy{number}.jpg"
        shutil.copy(portraits / "obama.jpg", image)
        with image.open("ab") as file:
            file.write(bytes([number]))
    (portraits / "manifest.csv").unlink()
    data = tmp_path / "data"
    first = make_installation(data)
    make_collection(first, "archive")
    first.close()
    command = [sys.executable, "-c", "from lineament.cli import run; run()"]
    arguments = ["ingest", str(portraits), "--collection", "archive"]
    environment = {"LINEAMENT_DATA": str(data), "PATH": "/usr/bin"}
    for delay in (0.8, 1.6, 2.4):
        process = subprocess.Popen(command + arguments, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command + arguments, env=environment, check=True, capture_output=True)
    last = make_installation(data)
    there = holds(last, "archive")
    assert (there.images, there.faces) == (67, 67)
    batches = [entry for entry in recorded(last) if entry["kind"] == "ingest.batch"]
    assert sum(entry["images"] for entry in batches) == 67  # type: ignore[misc]
    assert ledger.fsck(last.ledger_folder, last.signer.verifier).size == len(recorded(last))
    last.close()


def test_a_photograph_whose_bytes_were_lost_comes_back(installation: Installation, portraits: Path):
    """Ingesting the same source again stores them anew, and takes nothing in twice."""
    make_collection(installation, "archive", portraits)
    shutil.rmtree(installation.ledger_folder.parent / "blobs")
    again = run(installation, portraits)
    assert (again.new, again.known) == (0, 7)
    digest = sha256((portraits / "obama.jpg").read_bytes()).hexdigest()
    assert installation.blobs.holds(digest)


def test_evidence_has_to_be_a_document(installation: Installation, tmp_path: Path):
    """An empty file, and the permission itself, prove nothing."""
    permission = tmp_path / "permission.toml"
    (tmp_path / "empty.txt").write_text(" \n")
    for evidence in ("empty.txt", "permission.toml"):
        permission.write_text(
            'grantor = "G"\ncontact = "c"\nlegal_basis = "consent"\npurposes = ["archive-research"]\n'
            f'notice = "n"\nvalid_from = 2020-01-01\nevidence = "{evidence}"\n'
        )
        with pytest.raises(PermissionInvalid, match="must be a document"):
            collections.read_permission(installation, permission)
    permission.write_bytes(b"grantor = '\xf6'")
    with pytest.raises(PermissionInvalid, match="not text in UTF-8"):
        collections.read_permission(installation, permission)
