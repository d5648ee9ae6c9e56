"""Checkpoints, c2sp.org/tlog-checkpoint v1: a signed note of exactly three lines.

The lines are the origin, the size in decimal, and the root hash in base64. Extension lines are neither
written nor accepted: no monitor could audit them. The origin is the name of the key that signs, so that one
key speaks for one log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import CheckpointInvalid
from .merkle import HASH_SIZE
from .note import Signer, Verifier, decode_base64, encode_base64

# tlog-checkpoint "Note text"; 18 digits stay below 2**63, the most that tools in other languages count to
TEXT = re.compile(r"([^\x00-\x1f]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/=]{44})\n")


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: ``origin`` names it, ``size`` counts its entries, ``root`` (32 bytes) binds them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the three lines. Raises ``CheckpointInvalid`` where they would not read back."""
        text = f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"
        if not TEXT.fullmatch(text) or len(self.root) != HASH_SIZE:
            raise CheckpointInvalid("A checkpoint is an origin line, a size and a 32-byte root.")
        return text

    @classmethod
    def from_text(cls, text: str) -> Checkpoint:
        """Read the three lines. Raises ``CheckpointInvalid``."""
        match = TEXT.fullmatch(text)
        if not match:
            raise CheckpointInvalid("The checkpoint is not three lines: origin, size, root in base64.")
        origin, size, encoded = match.groups()
        try:
            root = decode_base64(encoded)
        except ValueError as error:
            raise CheckpointInvalid(f"The checkpoint's root is not base64: {error}.") from error
        if len(root) != HASH_SIZE:
            raise CheckpointInvalid("The checkpoint's root is not 32 bytes.")
        return cls(origin, int(size), root)

    def sign(self, signer: Signer) -> bytes:
        """Return the signed checkpoint in UTF-8. Raises ``CheckpointInvalid``."""
        _check_origin(self.origin, signer.name)
        return signer.sign(self.text())

    @classmethod
    def open(cls, note: bytes, verifier: Verifier) -> Checkpoint:
        """Read a signed checkpoint of the verifier's log. Raises ``NoteInvalid`` or ``CheckpointInvalid``."""
        checkpoint = cls.from_text(verifier.open(note))
        _check_origin(checkpoint.origin, verifier.name)
        return checkpoint


def _check_origin(origin: str, name: str) -> None:
    """Raise ``CheckpointInvalid`` unless a log named ``origin`` is signed by the key of that name."""
    if origin != name:
        raise CheckpointInvalid(f"The checkpoint is of the log {origin!r}, but the key is that of {name!r}.")
