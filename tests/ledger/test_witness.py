"""Asking witnesses: the protocol of c2sp.org/tlog-witness, and every answer that is not a cosignature."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from lineament.ledger import (
    Checkpoint,
    CheckpointInvalid,
    LogShrunk,
    LogUnreachable,
    Signer,
    WitnessRefused,
    check,
    cosign,
    fsck,
    keep_cosignatures,
    publish,
    read_witnessed,
    verify_consistency,
)
from lineament.ledger.note import Note, decode_base64
from tests.ledger.witnesses import ANY, Answer, TestWitness, answering, both_of

Entries = Callable[[int, int], Iterator[bytes]]


@pytest.fixture
def folder(log: Callable[[int], Path]) -> Path:
    return log(300)


@pytest.fixture
def witness() -> TestWitness:
    return TestWitness("witness.example/w1")


def lines(witness: TestWitness, note: bytes) -> bytes:
    return witness.cosign(note).line.encode()


def witnessed_in(folder: Path, signer: Signer) -> bytes | None:
    witnessed = read_witnessed(folder, signer.verifier)
    return witnessed[0] if witnessed else None


class Remembering:
    """A witness that checks what it is asked, as the specification tells it to."""

    def __init__(self, witness: TestWitness, signer: Signer) -> None:
        self.witness, self.signer = witness, signer
        self.seen: Checkpoint | None = None
        self.requests = 0

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        self.requests += 1
        assert (method, path) == ("POST", "/prefix/add-checkpoint")
        head, _, note = body.partition(b"\n\n")
        old, *proof = head.decode().split("\n")
        checkpoint = Checkpoint.open(note, self.signer.verifier)
        size = self.seen.size if self.seen else 0
        if old != f"old {size}":
            return 409, {"Content-Type": "text/x.tlog.size"}, f"{size}\n".encode()
        if self.seen:
            hashes = [decode_base64(line) for line in proof]
            verify_consistency(size, checkpoint.size, hashes, self.seen.root, checkpoint.root)
        else:
            assert proof == []
        self.seen = checkpoint
        return 200, {}, lines(self.witness, note)


def test_a_witness_follows_the_log_as_it_grows(
    folder: Path, entries: Entries, signer: Signer, witness: TestWitness
) -> None:
    """The first time with nothing, then with a proof from the size that the witness names."""
    remembering = Remembering(witness, signer)
    with answering(remembering) as url:
        for size in (300, 300, 301, 600):
            publish(folder, entries, size, signer)
            note = (folder / "checkpoint").read_bytes()
            signatures = cosign(folder, note, signer.verifier, witness.public, f"{url}/prefix/")
            cosigned = keep_cosignatures(folder, note, signatures, signer, ANY)
            assert witness.public.cosigned_at(Note.parse(cosigned))
            assert witnessed_in(folder, signer) == cosigned
            assert (folder / "checkpoint").read_bytes() == cosigned
    assert remembering.seen == Checkpoint.open(cosigned, signer.verifier)
    assert remembering.requests == 1 + 2 + 2 + 2


def test_a_repeated_cosignature_takes_the_place_of_the_older_one(
    folder: Path, signer: Signer, witness: TestWitness
) -> None:
    """One line for each witness, however often it is asked."""
    note = (folder / "checkpoint").read_bytes()
    other = TestWitness("witness.example/w2")
    for time in (1, 2, 3):
        note = keep_cosignatures(folder, note, [witness.cosign(note, time)], signer, ANY)
    note = keep_cosignatures(folder, note, [other.cosign(note)], signer, ANY)
    parsed = Note.parse(note)
    assert len(parsed.signatures) == 3
    assert witness.public.cosigned_at(parsed) == 3
    assert other.public.cosigned_at(parsed)


def test_what_was_witnessed_stays_while_the_log_grows(
    folder: Path, entries: Entries, signer: Signer, witness: TestWitness
) -> None:
    """A new checkpoint is not cosigned yet; an older one does not push out a newer one."""
    old = (folder / "checkpoint").read_bytes()
    publish(folder, entries, 310, signer)
    new = (folder / "checkpoint").read_bytes()
    cosigned = keep_cosignatures(folder, new, [witness.cosign(new)], signer, ANY)
    keep_cosignatures(folder, old, [witness.cosign(old)], signer, ANY)
    assert witnessed_in(folder, signer) == cosigned
    publish(folder, entries, 320, signer)
    assert witnessed_in(folder, signer) == cosigned
    assert Note.parse((folder / "checkpoint").read_bytes()).signatures[1:] == ()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((400, {}, b""), "malformed"),
        ((403, {}, b""), "another key"),
        ((404, {}, b""), "does not know this log"),
        ((422, {}, b""), "does not go on from"),
        ((409, {}, b""), "another log by this name"),
        ((409, {}, b"0\n"), "another log of 0 entries"),
        ((409, {}, b"301\n"), "has cosigned 301 entries of this log; here are only 300"),
        ((409, {}, b"-1\n"), "another log by this name"),
        ((409, {}, b"12 \n"), "another log by this name"),
        ((429, {}, b""), "gives no reason"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "gives no reason"),
        ((200, {}, b""), "answers with something else"),
        ((200, {}, b"hello\n"), "answers with something else"),
        ((200, {}, b"\xff" * 100_000), "answers with something else"),
        ((200, {}, "— witness.example/w1 AAAAAAAAAAAA\n".encode()), "answers with something else"),
    ],
)
def test_an_answer_that_is_no_cosignature_is_a_refusal(
    folder: Path, signer: Signer, witness: TestWitness, answer: Answer, sentence: str
) -> None:
    """With the witness's name and the reason."""
    note = (folder / "checkpoint").read_bytes()
    with answering(lambda *_: answer) as url, pytest.raises(WitnessRefused, match=sentence) as refused:
        cosign(folder, note, signer.verifier, witness.public, url)
    assert str(refused.value).startswith("witness.example/w1")


def test_a_cosignature_by_somebody_else_or_on_something_else_is_none(
    folder: Path, signer: Signer, witness: TestWitness
) -> None:
    """Lines by unknown keys are passed over; one by its own key must be good."""
    note = (folder / "checkpoint").read_bytes()
    stranger, other = TestWitness("witness.example/w1"), Checkpoint(signer.name, 1, bytes(32)).sign(signer)
    for answer in (lines(stranger, note), lines(witness, other)):
        with answering(lambda *_, data=answer: (200, {}, data)) as url, pytest.raises(WitnessRefused):
            cosign(folder, note, signer.verifier, witness.public, url)
    both = lines(stranger, note) + lines(witness, note)
    with answering(lambda *_: (200, {}, both)) as url:
        (mine,) = cosign(folder, note, signer.verifier, witness.public, url)
    assert mine == witness.cosign(note)


def test_a_witness_that_always_names_another_size_is_left_alone(
    folder: Path, signer: Signer, witness: TestWitness
) -> None:
    """It is asked three times and no more."""
    sizes = iter(range(1, 100))
    with (
        answering(lambda *_: (409, {}, f"{next(sizes)}\n".encode())) as url,
        pytest.raises(WitnessRefused, match="another size each time"),
    ):
        cosign(folder, (folder / "checkpoint").read_bytes(), signer.verifier, witness.public, url)
    assert next(sizes) == 4


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "ftp://127.0.0.1/", "nowhere", "http://", "http://[", ""]
)
def test_an_address_without_a_witness_is_said_to_be_so(
    folder: Path, signer: Signer, witness: TestWitness, url: str
) -> None:
    """A closed port, another scheme, nonsense."""
    with pytest.raises(LogUnreachable):
        cosign(folder, (folder / "checkpoint").read_bytes(), signer.verifier, witness.public, url)


def test_a_met_quorum_is_not_given_up_for_a_larger_size(
    folder: Path, entries: Entries, signer: Signer
) -> None:
    """The witnessed checkpoint moves on once enough have signed the next one, whoever signs first."""
    one, two = TestWitness("w.example/1"), TestWitness("w.example/2")
    policy = both_of(one, two)
    first = (folder / "checkpoint").read_bytes()
    both = keep_cosignatures(folder, first, [one.cosign(first), two.cosign(first)], signer, policy)
    publish(folder, entries, 310, signer)
    second = (folder / "checkpoint").read_bytes()
    keep_cosignatures(folder, second, [one.cosign(second)], signer, policy)
    assert witnessed_in(folder, signer) == both
    now = keep_cosignatures(folder, second, [two.cosign(second)], signer, policy)  # from the bare note again
    assert witnessed_in(folder, signer) == now
    assert len(Note.parse(now).signatures) == 3


def test_a_witness_is_shown_the_logs_signature_alone(
    folder: Path, signer: Signer, witness: TestWitness
) -> None:
    """However many lines another witness has added, the next one can read the note."""
    note, seen = (folder / "checkpoint").read_bytes(), list[bytes]()
    crowd = [TestWitness(f"w.example/{number}").cosign(note) for number in range(90)]
    crowded = keep_cosignatures(folder, note, crowd, signer, ANY)

    def answer(_method: str, _path: str, body: bytes) -> Answer:
        seen.append(body.partition(b"\n\n")[2])
        return 200, {}, lines(witness, seen[-1])

    with answering(answer) as url:
        cosign(folder, crowded, signer.verifier, witness.public, url)
    assert seen == [note]


def test_a_log_shorter_than_what_witnesses_signed_goes_no_further(
    folder: Path, entries: Entries, signer: Signer, witness: TestWitness
) -> None:
    """Records, tiles and checkpoint of a backup beside a newer `witnessed`: nothing is signed."""
    note = (folder / "checkpoint").read_bytes()
    witnessed = keep_cosignatures(folder, note, [witness.cosign(note)], signer, ANY)
    for name in ("checkpoint", "tile"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(CheckpointInvalid):
        publish(folder, entries, 0, signer)
    (folder / "checkpoint").write_bytes(Checkpoint(signer.name, 0, sha256(b"").digest()).sign(signer))
    with pytest.raises(LogShrunk, match="Witnesses have cosigned"):
        publish(folder, entries, 10, signer)
    with pytest.raises(LogShrunk, match="Witnesses have cosigned 300 entries; there are 0"):
        check(folder, entries, 10, signer.verifier)
    assert (folder / "witnessed").read_bytes() == witnessed


def test_what_a_crash_left_is_taken_away(folder: Path, entries: Entries, signer: Signer) -> None:
    """The file that was being written goes with the next publication, also of nothing new."""
    (folder / ".new").write_bytes(b"half a ti")
    publish(folder, entries, 300, signer)
    assert fsck(folder, signer.verifier).size == 300
