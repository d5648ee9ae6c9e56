"""Asking witnesses: the protocol of c2sp.org/tlog-witness, and every answer that is not a cosignature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineament.ledger import (
    Checkpoint,
    LogUnreachable,
    Signer,
    WitnessRefused,
    cosign,
    keep_cosignatures,
    publish,
    read_witnessed,
    verify_consistency,
)
from lineament.ledger.note import Note, decode_base64
from tests.ledger.witnesses import Answer, TestWitness, answering

Entries = Callable[[int, int], Iterator[bytes]]


@pytest.fixture
def folder(log: Callable[[int], Path]) -> Path:
    return log(300)


@pytest.fixture
def witness() -> TestWitness:
    return TestWitness("witness.example/w1")


def lines(witness: TestWitness, note: bytes) -> bytes:
    return witness.cosign(note).line.encode()


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
            cosigned = keep_cosignatures(folder, note, signatures, signer)
            assert witness.public.cosigned_at(Note.parse(cosigned))
            assert read_witnessed(folder, signer.verifier) == cosigned
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
        note = keep_cosignatures(folder, note, [witness.cosign(note, time)], signer)
    note = keep_cosignatures(folder, note, [other.cosign(note)], signer)
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
    cosigned = keep_cosignatures(folder, new, [witness.cosign(new)], signer)
    keep_cosignatures(folder, old, [witness.cosign(old)], signer)
    assert read_witnessed(folder, signer.verifier) == cosigned
    publish(folder, entries, 320, signer)
    assert read_witnessed(folder, signer.verifier) == cosigned
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
