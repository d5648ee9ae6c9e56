"""A log on the web is checked like a folder, file by file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineament.ledger import (
    Checkpoint,
    CheckpointInvalid,
    LedgerError,
    LogUnreachable,
    NoteInvalid,
    ProofInvalid,
    Signer,
    Site,
    Steps,
    TileInvalid,
    WitnessPolicy,
    fsck,
    keep_cosignatures,
    log_at,
    publish,
    verify,
)
from tests.ledger.witnesses import Answer, TestWitness, answering

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
    note = keep_cosignatures(folder, earlier, [witness.cosign(earlier)], signer)
    said: list[str] = []
    fsck(folder, signer.verifier, None, Steps(said.append), policy)
    assert said[-1] == "4. The log begins with the 40 entries that were cosigned by one."

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
