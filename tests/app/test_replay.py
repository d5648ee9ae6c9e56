"""An older backup is restored, and what was withdrawn since is gone again before anything is served."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from lineament import ledger
from lineament.app import collections, following, sign_in
from lineament.app.erasure import erase, unfinished
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.replay import replay
from lineament.app.suppression import Suppressed
from lineament.app.withdraw import show, withdraw
from lineament.core.policy import Person
from lineament.errors import KeyLost, WithdrawalsDamaged
from lineament.records import withdrawals
from lineament.records.schema import face, image
from lineament.records.terms import read_terms, write_terms
from lineament.records.withdrawals import By, Scope
from lineament.sources import open_source
from lineament.testing import Clock, make_installation, recorded
from lineament.vision.pipeline import Vision
from tests.filled import Filled, files_with, fill


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where the installation lies."""
    return tmp_path / "data"


@pytest.fixture
def restored(tmp_path: Path, clock: Clock, vision: Vision, installation: Installation, data: Path):
    """Return a function that opens a copy of the data folder, and then puts the newest file beside it."""
    opened = []

    def restore(backup: Path) -> Installation:
        folder = tmp_path / f"restored-{len(opened)}"
        shutil.copytree(backup, folder)
        opened.append(make_installation(folder, clock, vision))
        shutil.copy(data / "withdrawals", folder)
        return opened[-1]

    yield restore
    for one in opened:
        one.index.close()
        one.records.close()


def back_up(data: Path, name: str) -> Path:
    """Copy a data folder as it is."""
    return Path(shutil.copytree(data, data.with_name(name)))


def found(installation: Installation, one: Filled) -> list[str]:
    names = [there.name for there in collections.show(installation)]
    return following.search(installation, one.vector, names, lambda _faces: -1.0, 1_000).hits.ids


def test_what_was_withdrawn_since_a_backup_is_gone_from_what_is_restored(
    installation: Installation, who: Person, data: Path, restored
):
    """From search, records and disk; it cannot come back, and the ledger that was restored says so."""
    first, second, third = fill(installation, "archive", 3)
    erase(installation, withdraw(installation, who, Scope.FACE, [third.face_id], By.CURATOR))
    backup = back_up(data, "backup")
    (done,) = withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON, keep_face_out=True)
    erase(installation, [done])
    older = restored(backup)
    assert first.face_id in found(older, first)
    assert replay(older) == 1
    assert found(older, first) == [second.face_id]
    assert files_with(older.ledger_folder.parent, first.forms) == []
    assert unfinished(older) == []
    suppressed = Suppressed.load(older, done.withdrawal.collection_id)
    assert suppressed.is_suppressed(first.sha256, first.phash, first.vector[None])
    assert suppressed.is_suppressed("0" * 64, bytes(32), first.vector[None])
    entries = [(entry["kind"], entry.get("withdrawal")) for entry in recorded(older)[-2:]]
    assert entries == [
        ("withdrawal.recorded", done.withdrawal.id),
        ("erasure.done", done.withdrawal.id),
    ]
    assert ledger.fsck(older.ledger_folder, older.signer.verifier).size == len(recorded(older))
    assert replay(older) == 0


def test_an_older_backup_is_opened_without_what_was_withdrawn(
    installation: Installation, who: Person, data: Path, clock: Clock, vision: Vision
):
    """The first thing that opening does: nobody has to ask for it, and nothing is served before."""
    first, second = fill(installation, "archive", 2)
    backup = back_up(data, "backup")
    erase(installation, withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON))
    shutil.copy(data / "withdrawals", backup)
    older = make_installation(backup, clock, vision)
    assert found(older, first) == [second.face_id]
    assert files_with(backup, first.forms) == []
    older.index.close()
    older.records.close()


def test_what_was_done_again_is_not_taken_in_again(
    archive: Installation, portraits: Path, tmp_path: Path, clock: Clock, vision: Vision
):
    """The same folder of portraits, ingested into what was restored."""
    data = archive.ledger_folder.parent
    backup = back_up(data, "backup")
    who = sign_in.operator(archive)
    with archive.records.read() as tx:
        gone = tx.scalars(select(image.c.id).order_by(image.c.path).limit(2)).all()
    erase(archive, withdraw(archive, who, Scope.IMAGE, gone, By.GRANTOR))
    shutil.copy(data / "withdrawals", backup)
    older = make_installation(backup, clock, vision)
    report = ingest(older, sign_in.operator(older), "archive", open_source(portraits), lambda _done: None)
    assert (report.new, report.known, report.withheld) == (0, 5, 2)
    older.index.close()
    older.records.close()


def test_a_whole_collection_is_closed_again(installation: Installation, who: Person, data: Path, restored):
    """Photographs, and the key."""
    first, _ = fill(installation, "archive", 2)
    backup = back_up(data, "backup")
    erase(installation, withdraw(installation, who, Scope.COLLECTION, ["archive"], By.GRANTOR))
    older = restored(backup)
    assert replay(older) == 1
    assert found(older, first) == []
    with older.records.read() as tx, pytest.raises(KeyLost):
        older.keys.get(tx, collections.find(older, "archive").id)


def test_what_the_backup_never_had_stays_out_all_the_same(
    installation: Installation, who: Person, data: Path, restored
):
    """It was taken in, into a new collection, and withdrawn after the backup was made."""
    fill(installation, "archive", 1)
    backup = back_up(data, "backup")
    (late,) = fill(installation, "press", 1, seed=2)
    erase(installation, withdraw(installation, who, Scope.FACE, [late.face_id], By.PERSON))
    older = restored(backup)
    assert replay(older) == 1
    archive = collections.find(older, "archive").id
    assert Suppressed.load(older, archive).is_suppressed(late.sha256, late.phash, late.vector[None])
    ((one, name),) = show(older, 10)
    assert (one.images, one.faces, name, one.erased_at is None) == (0, 0, None, False)


def test_a_withdrawal_that_was_written_down_and_never_committed_is_done(
    installation: Installation, who: Person, data: Path, restored
):
    """The line is durable first: a stop between it and the commit loses nothing that was asked."""
    first, _ = fill(installation, "archive", 2)
    backup = back_up(data, "backup")
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    older = restored(backup)  # which is what a stop before the commit leaves
    assert replay(older) == 1
    assert first.face_id not in found(older, first)


def test_records_that_wait_for_another_model_are_served_no_earlier(
    installation: Installation, who: Person, data: Path, restored
):
    """The program was upgraded meanwhile: what was withdrawn is gone before the migration begins."""
    first, _ = fill(installation, "archive", 2)
    with installation.records.write() as tx:
        write_terms(tx, replace(read_terms(tx), contract="sha256:" + "0" * 64))
    backup = back_up(data, "backup")
    before = replace(installation, contract="sha256:" + "0" * 64)
    withdraw(before, who, Scope.FACE, [first.face_id], By.PERSON)
    older = restored(backup)
    assert replay(older) == 1
    assert unfinished(older) == []
    assert files_with(older.ledger_folder.parent, first.forms) == []


def test_what_cannot_be_erased_now_does_not_keep_the_installation_shut(
    installation: Installation, who: Person, caplog: pytest.LogCaptureFixture
):
    """No search finds it all the same; the log says why it is still on the disk."""
    first, second = fill(installation, "archive", 2)
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    waiting = unfinished(installation)
    folder = installation.ledger_folder.parent / "blobs" / first.image_id[:2]
    (folder / first.image_id[2:]).unlink()
    (folder / first.image_id[2:]).mkdir()
    assert replay(installation) == 0
    assert "not yet erased" in caplog.text
    assert found(installation, first) == [second.face_id]
    assert unfinished(installation) == waiting != []


def test_the_file_gets_what_it_lacks(installation: Installation, who: Person, data: Path, restored):
    """It was lost, or a stop cut its last line short; the records have everything, and write it anew."""
    first, second, _ = fill(installation, "archive", 3)
    backup = back_up(data, "backup")
    for one in (first, second):
        erase(installation, withdraw(installation, who, Scope.FACE, [one.face_id], By.PERSON))
    file = data / "withdrawals"
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert replay(installation) == 0
    assert sorted(json.loads(line)["id"] for line in file.read_text().splitlines()) == ids(installation)
    file.unlink()
    assert replay(installation) == 0
    assert sorted(json.loads(line)["id"] for line in file.read_text().splitlines()) == ids(installation)
    assert file.stat().st_mode & 0o777 == 0o600
    older = restored(backup)
    assert replay(older) == 2
    with older.records.read() as tx:
        assert len(tx.execute(select(face)).all()) == 1


def ids(installation: Installation) -> list[str]:
    with installation.records.read() as tx:
        return sorted(withdrawals.ids(tx))


def test_the_file_says_nothing_about_anybody(installation: Installation, who: Person, data: Path):
    """Whoever finds it learns how many withdrawals there were, and their random ids."""
    (first,) = fill(installation, "archive", 1)
    (done,) = withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON, keep_face_out=True)
    (line,) = (data / "withdrawals").read_text().splitlines()
    assert json.loads(line).keys() == {"id", "sealed"}
    for word in (first.face_id, first.image_id, first.sha256, done.withdrawal.collection_id, who.id):
        assert word not in line


@pytest.mark.parametrize(
    "damage", [b"nonsense\n", b'{"id":"ab"}\n', b'{"id":"ab","sealed":"AAAA"}\n', b"[]\n"]
)
def test_a_file_that_cannot_be_read_stops_everything(installation: Installation, data: Path, damage: bytes):
    """Nothing is served that may have been withdrawn."""
    (data / "withdrawals").write_bytes(damage + b"\n")
    with pytest.raises(WithdrawalsDamaged):
        replay(installation)


def test_a_line_of_another_installation_is_not_believed(
    installation: Installation, who: Person, data: Path, tmp_path: Path, clock: Clock, vision: Vision
):
    """It does not open under this one's key."""
    (first,) = fill(installation, "archive", 1)
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    other = make_installation(tmp_path / "other", clock, vision)
    shutil.copy(data / "withdrawals", tmp_path / "other")
    with pytest.raises(WithdrawalsDamaged, match="another's"):
        replay(other)
    other.index.close()
    other.records.close()
