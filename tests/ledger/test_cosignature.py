"""Cosignatures: dated, by a key of their own, and over the whole checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import Checkpoint, KeyInvalid, NoteInvalid, Signer, Verifier, Witness
from lineament.ledger.note import Note
from tests.ledger.witnesses import TestWitness

WITNESS = TestWitness("witness.example/w1")
LOG = Signer.from_private_bytes("log.example/lineament", bytes(range(32)))
CHECKPOINT = Checkpoint(LOG.name, 7, bytes(32)).sign(LOG)


def cosigned(*times: int) -> Note:
    note = Note.parse(CHECKPOINT)
    return replace(
        note, signatures=note.signatures + tuple(WITNESS.cosign(CHECKPOINT, time) for time in times)
    )


def test_the_newest_time_is_told_and_none_where_it_did_not_cosign() -> None:
    """A log's own signature is no cosignature, and another witness's is not this one's."""
    assert WITNESS.public.cosigned_at(cosigned(1_679_315_147, 1_700_000_000)) == 1_700_000_000
    assert WITNESS.public.cosigned_at(Note.parse(CHECKPOINT)) is None
    assert TestWitness("witness.example/w1").public.cosigned_at(cosigned(1)) is None


@given(at=st.integers(0, 71), flip=st.integers(1, 255))
def test_no_bit_of_time_or_signature_can_be_changed(at: int, flip: int) -> None:
    """The time is signed, too."""
    note = cosigned(1_700_000_000)
    good = note.signatures[-1]
    blob = bytearray(good.blob)
    blob[at] ^= flip
    with pytest.raises(NoteInvalid):
        WITNESS.public.cosigned_at(replace(note, signatures=(replace(good, blob=bytes(blob)),)))


def test_a_cosignature_is_for_one_checkpoint() -> None:
    """Under another size it is no good."""
    other = Note.parse(Checkpoint(LOG.name, 8, bytes(32)).sign(LOG))
    moved = replace(other, signatures=other.signatures + cosigned(1).signatures[-1:])
    with pytest.raises(NoteInvalid, match="not good"):
        WITNESS.public.cosigned_at(moved)


def test_keys_of_logs_and_of_witnesses_are_not_mixed_up() -> None:
    """Their verifier keys differ in the type byte, and so in the key id."""
    vkey = WITNESS.public.vkey
    assert Witness.from_vkey(vkey) == WITNESS.public
    with pytest.raises(KeyInvalid, match="type 0x01"):
        Verifier.from_vkey(vkey)
    with pytest.raises(KeyInvalid, match="type 0x04"):
        Witness.from_vkey(LOG.verifier.vkey)
