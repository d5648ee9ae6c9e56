"""Cosignatures, c2sp.org/tlog-cosignature v1.0.1: a witness's dated signature on a log's checkpoint.

It says: at that time, this was the largest log of this origin that the witness had seen, and it went on from
every earlier one that it had seen. Ed25519 (signature type 0x04) is the type that is read here.
"""

from __future__ import annotations

from .errors import NoteInvalid
from .note import Note, PublicKey

COSIGNATURE = b"\x04"  # tlog-cosignature "Format"
TIMESTAMP_BYTES = 8  # big-endian POSIX seconds, before the 64 bytes of the signature
MAX_TIMESTAMP = 2**63 - 1


class Witness(PublicKey):
    """A witness's public key: all that is needed to check its cosignatures."""

    kind = COSIGNATURE

    def cosigned_at(self, checkpoint: Note) -> int | None:
        """Return the newest time (POSIX seconds) at which it cosigned the checkpoint, None if it did not.

        Raises ``NoteInvalid`` when a cosignature under its name and key id is not good.
        """
        times = [self._time(one.blob, checkpoint.text) for one in self.signatures(checkpoint)]
        return max(times, default=None)

    def _time(self, blob: bytes, text: str) -> int:
        timestamp = int.from_bytes(blob[:TIMESTAMP_BYTES], "big")
        if timestamp > MAX_TIMESTAMP:
            raise NoteInvalid(f"The cosignature by {self.name} has no possible time.")
        self.check(blob[TIMESTAMP_BYTES:], cosigned_message(text, timestamp))
        return timestamp


def cosigned_message(text: str, timestamp: int) -> bytes:
    """Return what a witness signs for a checkpoint's text: tlog-cosignature "Ed25519 signed message"."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
