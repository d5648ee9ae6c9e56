"""Receipts: c2sp.org/tlog-proof files that prove one entry, offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import (
    LedgerError,
    NoteInvalid,
    ProofInvalid,
    QuorumMissing,
    Receipt,
    ReceiptInvalid,
    Signer,
    Steps,
    WitnessPolicy,
    keep_cosignatures,
    make_receipt,
    publish,
    verify,
)
from tests.ledger.witnesses import ANY, TestWitness

Entries = Callable[[int, int], Iterator[bytes]]


@pytest.fixture(scope="module")
def folder(log: Callable[[int], Path]) -> Path:
    return log(300)


@pytest.fixture(scope="module")
def receipt(folder: Path, entries: Entries, signer: Signer) -> Receipt:
    """The receipt of entry 270."""
    note = (folder / "checkpoint").read_bytes()
    return make_receipt(folder, next(entries(270, 271)), 270, note, signer.verifier)


def steps_of(data: bytes, policy: WitnessPolicy, log: Path | None = None) -> list[str]:
    said: list[str] = []
    verify(data, policy, log, Steps(said.append))
    return said


def test_every_entry_of_a_log_has_a_receipt_that_reads_back(
    folder: Path, entries: Entries, signer: Signer
) -> None:
    """At any size that was published, for the first, the last and some in between."""
    note = (folder / "checkpoint").read_bytes()
    for index in (0, 1, 100, 255, 256, 299):
        made = make_receipt(folder, next(entries(index, index + 1)), index, note, signer.verifier)
        assert Receipt.parse(made.data) == made
        fields = made.verify_inclusion(made.open(signer.verifier))
        assert fields["kind"] in {"session.opened", "collection.created"}


def test_it_looks_as_the_specification_says(receipt: Receipt) -> None:
    """The first lines, an empty line, and the checkpoint word for word."""
    lines = receipt.data.decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 270"
    assert lines[3 + len(receipt.proof)] == ""
    assert receipt.data.endswith(receipt.checkpoint)


def test_its_steps_are_said_in_order(receipt: Receipt, folder: Path, signer: Signer) -> None:
    """Signature, witnesses, inclusion, and the log of today."""
    said = steps_of(receipt.data, WitnessPolicy.of_log_alone(signer.verifier), folder)
    assert [line.split(".")[0] for line in said] == ["1", "2", "3", "4"]
    assert "signed by log.example/lineament" in said[0]
    assert "No witness is asked for" in said[1]
    assert '"kind":"collection.created"' in said[2]
    assert "begins with those 300" in said[3]


@given(data=st.data())
def test_no_byte_of_it_can_be_changed(receipt: Receipt, signer: Signer, data: st.DataObject) -> None:
    """Another value anywhere, a cut, or more: it is refused, or it is the very same receipt."""
    good = receipt.data
    at = data.draw(st.integers(0, len(good) - 1))
    flip = bytes([good[at] ^ data.draw(st.integers(1, 255))])
    changed = data.draw(st.sampled_from([good[:at] + flip + good[at + 1 :], good[:at], good + flip]))
    with pytest.raises(LedgerError):
        steps_of(changed, WitnessPolicy.of_log_alone(signer.verifier))


def test_it_proves_its_own_entry_and_no_other(receipt: Receipt, entries: Entries, signer: Signer) -> None:
    """Another entry, another number, another log's key."""
    head = receipt.open(signer.verifier)
    for other in (replace(receipt, entry=next(entries(269, 270))), replace(receipt, index=269)):
        with pytest.raises(ProofInvalid):
            other.verify_inclusion(head)
    with pytest.raises(NoteInvalid):
        receipt.open(Signer.generate(signer.name).verifier)


def test_a_log_that_forked_since_is_found_out(
    receipt: Receipt, entries: Entries, signer: Signer, tmp_path: Path
) -> None:
    """The operator signs a second log without that entry: the receipt's checkpoint is no beginning of it."""

    def others(start: int, stop: int) -> Iterator[bytes]:
        return entries(start + 1, stop + 1)

    publish(tmp_path, others, 400, signer)
    with pytest.raises(ProofInvalid, match="does not go on"):
        steps_of(receipt.data, WitnessPolicy.of_log_alone(signer.verifier), tmp_path)


def test_the_quorum_that_a_policy_asks_for_must_be_there(
    entries: Entries, signer: Signer, tmp_path: Path
) -> None:
    """Without cosignatures it is missing; with them the witnesses are named with their times."""
    witness = TestWitness("witness.example/w1")
    publish(tmp_path, entries, 20, signer)
    policy = WitnessPolicy.parse(
        f"log {signer.verifier.vkey}\nwitness one {witness.public.vkey}\nquorum one\n".encode()
    )
    note = (tmp_path / "checkpoint").read_bytes()
    entry = next(entries(3, 4))
    bare = make_receipt(tmp_path, entry, 3, note, signer.verifier)
    with pytest.raises(QuorumMissing, match="cosigned is it by nobody"):
        steps_of(bare.data, policy)
    note = keep_cosignatures(tmp_path, note, [witness.cosign(note)], signer, ANY)
    seen = make_receipt(tmp_path, entry, 3, note, signer.verifier)
    assert "cosigned by one at 2023-11-14 22:13:20 UTC" in steps_of(seen.data, policy)[1]


@pytest.mark.parametrize("data", [b"", b"c2sp.org/tlog-proof@v1\n", b"hello", b"PK", bytes(3_000_000)])
def test_what_is_no_receipt_is_said_to_be_none(data: bytes, signer: Signer) -> None:
    """Whatever the file is."""
    with pytest.raises(LedgerError):
        steps_of(data, WitnessPolicy.of_log_alone(signer.verifier))
    with pytest.raises(ReceiptInvalid):
        Receipt.parse(data)
