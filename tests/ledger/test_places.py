"""A log on the web is checked like a folder, file by file."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import pytest

from lineament.ledger import (
    Checkpoint,
    CheckpointInvalid,
    LedgerError,
    LogUnreachable,
    NoteInvalid,
    ProofInvalid,
    QuorumMissing,
    Signer,
    Site,
    Steps,
    TileInvalid,
    WitnessPolicy,
    fsck,
    keep_cosignatures,
    key_of,
    log_at,
    publish,
    verify,
)
from lineament.ledger.places import exchange
from tests.ledger.witnesses import ANY, Answer, TestWitness, answering, both_of

Entries = Callable[[int, int], Iterator[bytes]]


def serving(folder: Path) -> Callable[[str, str, bytes], Answer]:
    def answer(_method: str, path: str, _body: bytes) -> Answer:
        file = folder / path.removeprefix("/ledger/")
        return (200, {}, file.read_bytes()) if file.is_file() else (404, {}, b"nothing here")

    return answer


def test_a_log_on_the_web_passes_and_says_what_cannot_be_seen(
    log: Callable[[int], Path], signer: Signer
) -> None:
    """The same checkpoint as in the folder."""
    folder, said = log(600), list[str]()
    with answering(serving(folder)) as url:
        checkpoint = fsck(log_at(f"{url}/ledger/"), signer.verifier, None, Steps(said.append))
    assert checkpoint == fsck(folder, signer.verifier)
    assert "cannot be seen from here" in said[1]


def test_a_changed_or_missing_file_is_noticed_over_the_web(
    log: Callable[[int], Path], signer: Signer
) -> None:
    """Each file in turn."""
    folder = log(600)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        good = path.read_bytes()
        with answering(serving(folder)) as url:
            path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
            with pytest.raises(LedgerError):
                fsck(Site(f"{url}/ledger"), signer.verifier)
            path.unlink()
            with pytest.raises((TileInvalid, CheckpointInvalid)):
                fsck(Site(f"{url}/ledger"), signer.verifier)
        path.write_bytes(good)


def test_a_kept_checkpoint_is_held_against_the_log_of_today(
    log: Callable[[int], Path], entries: Entries, signer: Signer, tmp_path: Path
) -> None:
    """It went on from there, or it did not."""
    kept, policy, said = (
        (log(40) / "checkpoint").read_bytes(),
        WitnessPolicy.of_log_alone(signer.verifier),
        [],
    )
    with answering(serving(log(600))) as url:
        verify(kept, policy, log_at(f"{url}/ledger"), Steps(said.append))
    assert said[-1].endswith("has 600 entries today and begins with those 40.")
    publish(tmp_path, lambda start, stop: entries(start + 9, stop + 9), 600, signer)
    with answering(serving(tmp_path)) as url, pytest.raises(ProofInvalid):
        verify(kept, policy, log_at(f"{url}/ledger"), Steps(said.append))


def test_what_witnesses_signed_must_be_a_beginning_of_the_log(
    log: Callable[[int], Path], signer: Signer
) -> None:
    """And their cosignatures good, where their keys are given."""
    folder, witness = log(600), TestWitness("witness.example/w1")
    policy = WitnessPolicy.parse(f"witness one {witness.public.vkey}\nquorum one\n".encode())
    earlier = (log(40) / "checkpoint").read_bytes()
    note = keep_cosignatures(folder, earlier, [witness.cosign(earlier)], signer, ANY)
    said: list[str] = []
    fsck(folder, signer.verifier, None, Steps(said.append), policy)
    assert "begins with the 40 entries that were cosigned by one at 2023-11-14" in said[-1]

    forked = Checkpoint(signer.name, 40, bytes(32)).sign(signer)
    (folder / "witnessed").write_bytes(forked)
    with pytest.raises(ProofInvalid):
        fsck(folder, signer.verifier)
    (folder / "witnessed").write_bytes(note[:-3] + b"A=\n")
    with pytest.raises(NoteInvalid):
        fsck(folder, signer.verifier, None, None, policy)


@pytest.mark.parametrize("status", [301, 401, 500])
def test_a_server_that_does_not_answer_as_it_should_is_named(signer: Signer, status: int) -> None:
    """No redirect is followed."""
    answer = status, {"Location": "/elsewhere"}, b""
    with answering(lambda *_: answer) as url, pytest.raises(LogUnreachable, match=f"status {status}"):
        fsck(Site(url), signer.verifier)


def test_an_endless_file_is_cut_off(signer: Signer) -> None:
    """No more is read than a checkpoint can have."""
    with answering(lambda *_: (200, {}, bytes(5_000_000))) as url, pytest.raises(NoteInvalid, match="longer"):
        fsck(Site(url), signer.verifier)


def test_a_server_that_shows_two_checkpoints_is_not_believed(
    log: Callable[[int], Path], signer: Signer
) -> None:
    """The checkpoint is read once: what is checked is what was said, also while a log grows."""
    folder, empty = log(600), Checkpoint(signer.name, 0, sha256(b"").digest()).sign(signer)
    true, asked = (folder / "checkpoint").read_bytes(), list[str]()

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        asked.append(path)
        if path != "/checkpoint":
            return 404, {}, b""
        return 200, {}, true if asked.count(path) == 1 else empty

    with answering(answer) as url, pytest.raises(TileInvalid):
        fsck(Site(url), signer.verifier)
    assert asked.count("/checkpoint") == 1


def test_the_quorum_of_a_policy_is_asked_for(log: Callable[[int], Path], signer: Signer) -> None:
    """By this checkpoint, or by an earlier one that the log begins with."""
    folder, one, two = log(600), TestWitness("w.example/1"), TestWitness("w.example/2")
    policy = both_of(one, two)
    with pytest.raises(QuorumMissing, match="nobody has cosigned"):
        fsck(folder, signer.verifier, None, None, policy)
    note = (folder / "checkpoint").read_bytes()
    note = keep_cosignatures(folder, note, [one.cosign(note)], signer, policy)
    with pytest.raises(QuorumMissing, match="cosigned is it by one"):
        fsck(folder, signer.verifier, None, None, policy)
    keep_cosignatures(folder, note, [two.cosign(note)], signer, policy)
    said: list[str] = []
    fsck(folder, signer.verifier, None, Steps(said.append), policy)
    assert said[-1].startswith("4. The quorum 'g' is met")


@pytest.mark.parametrize(
    "drip",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"x",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + 64 * b"0",
    ],
)
def test_a_server_that_never_comes_to_an_end_is_cut_off(drip: bytes) -> None:
    """However it drags on: in its status, its headers or its chunks."""
    stop = Event()

    def drag(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while not stop.is_set():
                connection.sendall(drip)
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=drag, args=[listener])
        thread.start()
        with pytest.raises(LogUnreachable):
            exchange("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", limit=10**9, seconds=0.3)
        stop.set()
        thread.join()


def test_files_that_are_none_are_refused(log: Callable[[int], Path], signer: Signer) -> None:
    """Folders, pipes and links where a file should be: a sentence each, and nothing waits."""
    folder = log(600)
    (folder / "vkey").write_bytes(bytes(10**6))
    with pytest.raises(TileInvalid, match="vkey"):
        fsck(folder, signer.verifier)
    (folder / "vkey").unlink()
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    for name in ("tile/extra", "link"):
        (folder / name).symlink_to(elsewhere)
        with pytest.raises(TileInvalid, match="not a plain file"):
            fsck(folder, signer.verifier)
        (folder / name).unlink()
    tile = folder / "tile" / "0" / "000"
    (elsewhere / "000").write_bytes(tile.read_bytes())
    tile.unlink()
    tile.symlink_to(elsewhere / "000")
    with pytest.raises(TileInvalid, match="not a plain file"):
        fsck(folder, signer.verifier)
    (folder / "checkpoint").unlink()
    os.mkfifo(folder / "checkpoint")
    with pytest.raises(CheckpointInvalid):
        fsck(folder, signer.verifier)
    with pytest.raises(CheckpointInvalid, match="not a plain file"):
        key_of(folder, WitnessPolicy.of_log_alone(signer.verifier))


def test_what_strangers_wrote_cannot_write_the_next_step(log: Callable[[int], Path], signer: Signer) -> None:
    """A file's name is quoted on one line and without what a terminal would obey."""
    folder = log(3)
    (folder / "x\n5. All is well.\x1b[8m").write_bytes(b"")
    with pytest.raises(TileInvalid) as refused:
        fsck(folder, signer.verifier)
    assert str(refused.value) == "x?5. All is well.?[8m does not belong to a log of 3 entries."


def test_every_log_of_a_policy_is_accepted(log: Callable[[int], Path], signer: Signer) -> None:
    """Also where an earlier key had the same name."""
    older = Signer.generate(signer.name)
    policy = WitnessPolicy.of_log_alone(older.verifier, signer.verifier)
    folder = log(3)
    assert key_of(folder, policy) == signer.verifier
    verify((folder / "checkpoint").read_bytes(), policy, folder, Steps(lambda _step: None))
