"""Erasure: no byte stays in the data folder, absence is proved, and a stop leaves nothing half-done."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from lineament import ledger
from lineament.app import erasure, following, journal, replay, upkeep
from lineament.app.erasure import erase, finish, unfinished
from lineament.app.installation import Installation
from lineament.app.withdraw import withdraw
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person
from lineament.errors import ErasureFailed, IndexUnavailable, RecordsBusy
from lineament.index.embedded import EmbeddedIndex
from lineament.index.faiss_codes import FaissCodes
from lineament.index.protocol import Index
from lineament.records import store, withdrawals
from lineament.records.withdrawals import By, Scope
from lineament.testing import make_installation, recorded
from lineament.vision.pipeline import Vision
from tests.filled import Filled, files_with, fill

ENGINES = {
    "in memory": lambda folder, made: EmbeddedIndex(folder, made.contract, made.vision.dimension, bytes(32)),
    "on disk": lambda folder, made: EmbeddedIndex(
        folder, made.contract, made.vision.dimension, bytes(32), segment_rows=50
    ),
    "faiss": lambda folder, made: EmbeddedIndex(
        folder, made.contract, made.vision.dimension, bytes(32), FaissCodes, segment_rows=50
    ),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Callable[[Path, Installation], Index]:
    return ENGINES[request.param]


@pytest.fixture
def data(installation: Installation) -> Path:
    return installation.ledger_folder.parent


def bytes_of(filled: list[Filled]) -> list[bytes]:
    return [form for one in filled for form in one.forms]


def stored_bytes(data: Path, filled: list[Filled]) -> list[bytes]:
    """The sealed bytes of the stored files, as they lie on the disk."""
    return [(data / "blobs" / one.image_id[:2] / one.image_id[2:]).read_bytes() for one in filled]


def test_no_byte_of_what_was_withdrawn_is_left_in_the_data_folder(
    installation: Installation, who: Person, data: Path, tmp_path: Path, engine
):
    """Image, sealed image, keys, templates sealed and plain, and fingerprints; one purge for all of them."""
    installation = replace(installation, index=engine(data / "own-index", installation))
    filled = fill(installation, "archive", 120)
    following.catch_up(installation)
    gone, kept = filled[::4], [one for at, one in enumerate(filled) if at % 4]
    wanted = bytes_of(gone) + stored_bytes(data, gone)
    assert "records.sqlite3" in str(files_with(data, wanted))
    done = [withdraw(installation, who, Scope.FACE, [one.face_id], By.PERSON) for one in gone]
    rows = erase(installation, [one for (one,) in done])
    assert files_with(data, wanted) == []
    assert all(row.erased_at for row in rows)
    assert len(rows) == len(gone) == 30
    assert all(installation.blobs.is_there(one.image_id) for one in kept)  # and of the others everything
    for one in gone:
        hits = following.search(installation, one.vector, ["archive"], lambda _faces: -1.0, 200).hits
        assert set(hits.ids) == {one.face_id for one in kept}
    assert following.verify(installation) == []
    installation.index.close()


def test_what_a_stop_left_of_writing_a_file_goes_with_it(installation: Installation, who: Person, data: Path):
    """And nothing of another one."""
    first, second = fill(installation, "archive", 2)
    left = []
    for one in (first, second):
        left.append(data / "blobs" / one.image_id[:2] / f".{one.image_id[2:]}.4711.0badcafe")
        left[-1].write_bytes(b"half a file")
    erase(installation, withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON))
    assert [path.exists() for path in left] == [False, True]


def test_the_proof_says_what_a_search_found(installation: Installation, who: Person):
    """Nothing of it; the best that remains, and what strangers reach. The ledger commits to it."""
    first, *_ = fill(installation, "archive", 60)
    (row,) = erase(installation, withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON))
    assert row.proof
    numbers = {name: row.proof[name] for name in row.proof if name not in {"best_remaining"}}
    assert numbers == {
        "rows_left": 0,
        "files_left": 0,
        "searched_with": 1,
        "faces_covered": 59,
        "faces_returned": 0,
        "strangers_reach": row.proof["strangers_reach"],
    }
    assert 0 < float(row.proof["best_remaining"]) < 0.5
    entry = recorded(installation)[-1]
    assert (entry["kind"], entry["withdrawal"], entry["faces"]) == ("erasure.done", row.id, 1)
    salt = ledger.field_salt(row.salt, "proof")
    assert entry["proof"] == ledger.commitment(salt, json_bytes(row.proof))
    assert (row.files, unfinished(installation)) == ((), [])


def test_where_everything_is_withdrawn_nothing_remains_to_be_found(installation: Installation, who: Person):
    """An empty collection has a proof, too."""
    fill(installation, "archive", 3)
    (row,) = erase(installation, withdraw(installation, who, Scope.COLLECTION, ["archive"], By.GRANTOR))
    assert row.proof
    assert (row.proof["faces_covered"], row.proof["best_remaining"]) == (0, None)


def test_what_a_stop_left_is_finished_without_the_templates(installation: Installation, who: Person):
    """The proof says that no search was made for it; a second time nothing is done twice."""
    first, _ = fill(installation, "archive", 2)
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    (waiting,) = unfinished(installation)
    (row,) = finish(installation, [waiting])
    assert row.proof
    assert (row.proof["searched_with"], row.proof["faces_covered"], row.proof["files_left"]) == (0, None, 0)
    entries = len(recorded(installation))
    assert finish(installation, [waiting]) == [row]
    assert len(recorded(installation)) == entries


def test_an_index_that_returns_what_was_withdrawn_is_not_believed(installation: Installation, who: Person):
    """Nothing is on record as erased; once the index is built anew, it is."""
    first, second = fill(installation, "archive", 2)
    done = withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    with installation.records.read() as tx:
        archive = done[0].withdrawal.collection_id
        revision = following.collections.current_revision(tx)
    wrong = np.stack([first.vector])
    installation.index.add([second.face_id], [archive], np.stack([second.vector]), revision)
    following.rebuild(installation, lambda _done: None)
    installation.index.remove([second.face_id], revision)
    installation.index.add([first.face_id], [archive], wrong, revision)
    with pytest.raises(ErasureFailed, match="returned 1 of its faces"):
        erase(installation, done)
    assert unfinished(installation) == [done[0].withdrawal.id]
    following.rebuild(installation, lambda _done: None)
    (row,) = erase(installation, done)
    assert row.erased_at


def test_a_reader_that_holds_the_log_delays_the_proof(
    installation: Installation, who: Person, monkeypatch: pytest.MonkeyPatch
):
    """It is withdrawn, and not called erased before the log is empty."""
    first, _ = fill(installation, "archive", 2)
    monkeypatch.setitem(store._SETTINGS, "busy_timeout", 1)
    impatient = replace(installation, records=store.open_records(records_of(installation)))
    with installation.records.read() as reading:
        withdrawals.ids(reading)
        done = withdraw(impatient, who, Scope.FACE, [first.face_id], By.PERSON)
        with pytest.raises(RecordsBusy):
            erase(impatient, done)
        assert unfinished(impatient) == [done[0].withdrawal.id]
    (row,) = erase(impatient, done)
    assert row.erased_at
    impatient.records.close()


def records_of(installation: Installation) -> Path:
    return installation.ledger_folder.with_name("records.sqlite3")


def test_a_server_finishes_what_another_process_could_not(
    installation: Installation, who: Person, data: Path, vision: Vision, monkeypatch: pytest.MonkeyPatch
):
    """The server has the index; the command withdraws, and the index is purged by the server soon after."""
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", 0.05)
    folder, dimension = data / "own-index", vision.dimension

    def index() -> Index:
        return EmbeddedIndex(folder, installation.contract, dimension, bytes(32), segment_rows=10)

    server = replace(installation, index=index())
    filled = fill(server, "archive", 20)
    following.catch_up(server)
    command = replace(server, index=index())
    done = withdraw(command, who, Scope.FACE, [filled[0].face_id], By.PERSON)
    before = sorted(folder.rglob("templates*"))
    with pytest.raises(IndexUnavailable):
        erase(command, done)
    assert sorted(folder.rglob("templates*")) == before != []
    stop = Event()
    thread = Thread(target=upkeep.keep_up, args=(server, stop))
    thread.start()
    while unfinished(server):
        time.sleep(0.02)
    stop.set()
    thread.join()
    assert not set(before) <= set(folder.rglob("templates*")), "the segment that held it was written anew"
    assert files_with(data, bytes_of(filled[:1])) == []
    command.index.close()
    server.index.close()


def test_two_processes_do_not_erase_the_same_at_once(installation: Installation, who: Person):
    """Who cannot have the lock leaves it to the other."""
    first, _ = fill(installation, "archive", 2)
    (done,) = withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    with erasure._alone(installation, wait=True):
        assert finish(installation, [done.withdrawal.id]) == []
        assert unfinished(installation) == [done.withdrawal.id]
    assert len(finish(installation, [done.withdrawal.id])) == 1


WITHDRAWER = """
import os, signal, sys
from pathlib import Path
from lineament.app import erasure, sign_in
from lineament.app.withdraw import withdraw
from lineament.records.withdrawals import By, Scope
from lineament.testing import make_installation

def work(face, kill_at):
    installation = make_installation(Path(sys.argv[1]))
    who, calls = sign_in.operator(installation), 0

    def count(*_):
        nonlocal calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    done = withdraw(installation, who, Scope.FACE, [face], By.PERSON)
    os.write(1, b"withdrawn\\n")
    erasure.erase(installation, done)
    sys.setprofile(None)
    os.write(1, f"erased {calls}\\n".encode())
    os._exit(0)

for line in sys.stdin:
    child = os.fork()
    if not child:
        work(line.split()[0], int(line.split()[1]))
    os.waitpid(child, 0)
    os.write(1, b"over\\n")
"""


def test_killed_at_any_moment_a_withdrawal_is_done_or_was_never_begun(tmp_path: Path, vision: Vision):
    """Sixteen kills, at calls drawn at random out of all that it takes: what was acknowledged is gone."""
    choose, data = random.Random(5), tmp_path / "data"  # noqa: S311 - to be drawn again the same
    installation = make_installation(data, None, vision)
    filled = {one.face_id: one for one in fill(installation, "archive", 40)}
    stored = dict(zip(filled, stored_bytes(data, list(filled.values())), strict=True))
    shut(installation)
    left, calls, outcomes = set(filled), 0, Counter[tuple[int, bool]]()
    command = [sys.executable, "-c", WITHDRAWER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        for number in range(17):  # the first one is not killed, and counts the calls
            face = min(left)
            process.stdin.write(f"{face} {choose.randint(1, calls) if number else 0}\n")
            process.stdin.flush()
            said = list(iter(process.stdout.readline, "over\n"))
            calls = calls or int(said[1].split()[1])
            installation = make_installation(data, None, vision)
            replay.replay(installation)
            left = check(installation, data, filled, stored)
            assert not said or face not in left
            outcomes[len(said), face in left] += 1
            shut(installation)
    assert outcomes.keys() >= {(0, True), (1, False)}  # before and after it was on record


def shut(installation: Installation) -> None:
    installation.index.close()
    installation.records.close()


def check(
    installation: Installation, data: Path, filled: dict[str, Filled], stored: dict[str, bytes]
) -> set[str]:
    """Return which faces are there, each whole; nothing else of any other is anywhere."""
    journal.publish(installation)  # as every act does first, and the server when it starts
    assert unfinished(installation) == []
    probe = next(iter(filled.values())).vector
    hits = following.search(installation, probe, ["archive"], lambda _faces: -1.0, 1_000).hits
    left, gone = set(hits.ids), [face for face in filled if face not in hits.ids]
    wanted = bytes_of([filled[face] for face in gone]) + [stored[face] for face in gone]
    assert files_with(data, wanted) == []
    assert all(installation.blobs.is_there(filled[face].image_id) for face in left)
    with installation.records.read() as tx:
        assert {*withdrawals.faces_in(tx, [one.image_id for one in filled.values()])} == left
    withdrawn = [entry for entry in recorded(installation) if entry["kind"] == "withdrawal.recorded"]
    erased = [entry for entry in recorded(installation) if entry["kind"] == "erasure.done"]
    assert [one["withdrawal"] for one in withdrawn] == [one["withdrawal"] for one in erased]
    assert len(withdrawn) == len(gone)
    assert ledger.fsck(installation.ledger_folder, installation.signer.verifier).size
    return left
