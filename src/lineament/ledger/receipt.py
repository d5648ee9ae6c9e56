"""Receipts, c2sp.org/tlog-proof v1: one file that proves, offline, that an entry is in a log.

The entry itself travels as the proof's extra data. Nobody signs extra data; it is trusted because its hash
leads to the signed root.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .checkpoint import Checkpoint
from .entries import decode
from .errors import ReceiptInvalid
from .log import prove_inclusion
from .merkle import HASH_SIZE, leaf_hash, verify_inclusion
from .note import MAX_NOTE_BYTES, Verifier, decode_base64, encode_base64
from .tiles import MAX_ENTRY_BYTES

FIRST_LINE = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_PROOF = 63  # hashes: a log of fewer than 2**63 entries
MAX_RECEIPT_BYTES = 2 * MAX_ENTRY_BYTES + 64 * MAX_PROOF + MAX_NOTE_BYTES
_LINES = re.compile(
    r"c2sp\.org/tlog-proof@v1\nextra ([A-Za-z0-9+/=]*)\n"
    r"index (0|[1-9][0-9]{0,17})\n((?:[A-Za-z0-9+/=]{44}\n)*)\n"
)


@dataclass(frozen=True)
class Receipt:
    """An entry, its number, its inclusion proof (32-byte hashes), and the signed checkpoint it leads to."""

    entry: bytes
    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        head = [FIRST_LINE, f"extra {encode_base64(self.entry)}", f"index {self.index}"]
        return "\n".join([*head, *map(encode_base64, self.proof), "", ""]).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Read a receipt; nothing is proved by that. Raises ``ReceiptInvalid``."""
        if len(data) > MAX_RECEIPT_BYTES:
            raise ReceiptInvalid(f"A receipt has at most {MAX_RECEIPT_BYTES} bytes.")
        try:
            head, blank, note = data.partition(b"\n\n")
            found = _LINES.fullmatch((head + blank).decode("ascii"))
            if not found:
                raise ReceiptInvalid("The file is not a proof of c2sp.org/tlog-proof with the entry in it.")
            entry, index, hashes = found.groups()
            proof = tuple(decode_base64(line) for line in hashes.split())
            receipt = cls(decode_base64(entry), int(index), proof, note)
        except ValueError as error:
            raise ReceiptInvalid(f"The receipt cannot be read: {error}.") from error
        if len(proof) > MAX_PROOF or any(len(one) != HASH_SIZE for one in proof):
            raise ReceiptInvalid(f"The proof is not at most {MAX_PROOF} hashes of {HASH_SIZE} bytes.")
        return receipt

    def open(self, verifier: Verifier) -> Checkpoint:
        """Return the checkpoint, signed by the log's key. Raises ``NoteInvalid`` or ``CheckpointInvalid``."""
        return Checkpoint.open(self.checkpoint, verifier)

    def verify_inclusion(self, checkpoint: Checkpoint) -> dict[str, object]:
        """Return the entry's fields once it leads to the checkpoint's root.

        Raises ``ProofInvalid``, or ``EntryInvalid`` for a leaf that is no entry.
        """
        verify_inclusion(leaf_hash(self.entry), self.index, checkpoint.size, self.proof, checkpoint.root)
        return decode(self.entry)


def make_receipt(folder: Path, entry: bytes, index: int, checkpoint: bytes, verifier: Verifier) -> Receipt:
    """Make the receipt of an entry from a log's folder, under one of its signed checkpoints.

    Raises what ``Checkpoint.open`` and ``prove_inclusion`` raise, and ``ProofInvalid`` for another entry.
    """
    head = Checkpoint.open(checkpoint, verifier)
    receipt = Receipt(entry, index, tuple(prove_inclusion(folder, index, head.size)), checkpoint)
    receipt.verify_inclusion(head)
    return receipt
