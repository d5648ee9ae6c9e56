"""The transparency log: entries, Merkle tree, notes, tiles, proofs, witnesses, and checks from the outside.

This folder stands alone: it needs the standard library and ``cryptography``, and nothing else of Lineament.
``python -m lineament.ledger`` checks a receipt, a bundle, a checkpoint or a whole log.
"""

from .bundle import Bundle, Opening, digest, make_manifest
from .checkpoint import Checkpoint
from .cosignature import Witness
from .entries import KINDS, commitment, decode, encode, field_salt
from .errors import (
    BundleInvalid,
    CheckpointInvalid,
    EntryInvalid,
    FileUnreadable,
    KeyInvalid,
    LedgerError,
    LogInconsistent,
    LogShrunk,
    LogUnreachable,
    NoteInvalid,
    ProofInvalid,
    QuorumMissing,
    ReceiptInvalid,
    TileInvalid,
    WitnessPolicyInvalid,
    WitnessRefused,
)
from .fsck import fsck
from .log import check, prove_consistency, prove_inclusion, read_note, read_witnessed
from .merkle import leaf_hash, verify_consistency, verify_inclusion
from .note import Signature, Signer, Verifier
from .places import Log, Site, log_at, read_whole
from .publish import keep_cosignatures, publish
from .receipt import SUFFIX as RECEIPT_SUFFIX
from .receipt import Receipt, make_receipt
from .tiles import Entries
from .verify import ZIP, Steps, cosigners, key_of, verify
from .witness import cosign
from .witness_policy import WitnessPolicy

__all__ = [
    "KINDS",
    "RECEIPT_SUFFIX",
    "ZIP",
    "Bundle",
    "BundleInvalid",
    "Checkpoint",
    "CheckpointInvalid",
    "Entries",
    "EntryInvalid",
    "FileUnreadable",
    "KeyInvalid",
    "LedgerError",
    "Log",
    "LogInconsistent",
    "LogShrunk",
    "LogUnreachable",
    "NoteInvalid",
    "Opening",
    "ProofInvalid",
    "QuorumMissing",
    "Receipt",
    "ReceiptInvalid",
    "Signature",
    "Signer",
    "Site",
    "Steps",
    "TileInvalid",
    "Verifier",
    "Witness",
    "WitnessPolicy",
    "WitnessPolicyInvalid",
    "WitnessRefused",
    "check",
    "commitment",
    "cosign",
    "cosigners",
    "decode",
    "digest",
    "encode",
    "field_salt",
    "fsck",
    "keep_cosignatures",
    "key_of",
    "leaf_hash",
    "log_at",
    "make_manifest",
    "make_receipt",
    "prove_consistency",
    "prove_inclusion",
    "publish",
    "read_note",
    "read_whole",
    "read_witnessed",
    "verify",
    "verify_consistency",
    "verify_inclusion",
]
