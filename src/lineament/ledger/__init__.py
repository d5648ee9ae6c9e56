"""The transparency log: entries, Merkle tree, notes, tiles, proofs, and the check from the outside.

This folder stands alone: it needs the standard library and ``cryptography``, and nothing else of Lineament.
"""

from .checkpoint import Checkpoint
from .entries import KINDS, commitment, decode, encode
from .errors import (
    CheckpointInvalid,
    EntryInvalid,
    KeyInvalid,
    LedgerError,
    LogInconsistent,
    LogShrunk,
    NoteInvalid,
    ProofInvalid,
    TileInvalid,
)
from .fsck import fsck
from .log import check, prove_consistency, prove_inclusion, publish
from .merkle import leaf_hash, verify_consistency, verify_inclusion
from .note import Signer, Verifier
from .tiles import Entries

__all__ = [
    "KINDS",
    "Checkpoint",
    "CheckpointInvalid",
    "Entries",
    "EntryInvalid",
    "KeyInvalid",
    "LedgerError",
    "LogInconsistent",
    "LogShrunk",
    "NoteInvalid",
    "ProofInvalid",
    "Signer",
    "TileInvalid",
    "Verifier",
    "check",
    "commitment",
    "decode",
    "encode",
    "fsck",
    "leaf_hash",
    "prove_consistency",
    "prove_inclusion",
    "publish",
    "verify_consistency",
    "verify_inclusion",
]
