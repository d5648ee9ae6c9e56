"""The ledger's own small tree of errors, so that this folder stands alone.

Every leaf has a stable ``code`` and says what to do next; ``str(error)`` is one sentence on what is wrong.
"""

from __future__ import annotations

from typing import ClassVar


def printable(text: str) -> str:
    """Return the text on one line and harmless to a terminal: what cannot be printed becomes a question mark.

    Sentences quote what strangers wrote, and must not let them write the next line.
    """
    return "".join(char if char.isprintable() else "?" for char in text)


class LedgerError(Exception):
    """The root of the tree: something about the log is not as it must be."""

    code: ClassVar[str] = "ledger-error"
    remedy: ClassVar[str] = "Keep everything as it is and run fsck to see the first thing that disagrees."

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))

    def diagnostics(self) -> str:
        """Return the sentence, what to do next, and the stable code, on three lines."""
        return f"{self}\n{self.remedy}\n[{self.code}]"


class EntryInvalid(LedgerError):
    """The bytes or fields are not an entry: an unknown kind, a wrong field, or not in canonical form."""

    code = "ledger-entry-invalid"
    remedy = "Give exactly the fields of the kind, each of its type; docs/reference/ledger.md lists them."


class KeyInvalid(LedgerError):
    """A verifier key, a private key or a key name cannot be used."""

    code = "ledger-key-invalid"
    remedy = "Copy the key again, whole: a verifier key is one line of the form name+8 hex digits+base64."


class NoteInvalid(LedgerError):
    """A signed note is malformed, or no good signature by the given key is on it."""

    code = "ledger-note-invalid"
    remedy = "Fetch the note again and use the verifier key that the operator gave you by another way."


class CheckpointInvalid(LedgerError):
    """A checkpoint is missing, is not three lines, or belongs to another log."""

    code = "ledger-checkpoint-invalid"
    remedy = (
        "Copy the log's folder again with its checkpoint; if it is lost there too, restore a backup of it."
    )


class ProofInvalid(LedgerError):
    """A proof does not lead to the root, or was asked for beyond the size of the log."""

    code = "ledger-proof-invalid"
    remedy = (
        "Get the proof again for these same sizes. If it fails again, keep proof and checkpoints as evidence."
    )


class TileInvalid(LedgerError):
    """A file of the log's folder is missing, malformed, or does not belong there."""

    code = "ledger-tile-invalid"
    remedy = "If a publication was cut short or is running, let it finish; then copy the folder again, whole."


class LogInconsistent(LedgerError):
    """Entries, tiles and checkpoint do not agree."""

    code = "ledger-inconsistent"
    remedy = (
        "Publish nothing more. Keep the folder and the records as evidence and compare them with a backup."
    )


class LogUnreachable(LedgerError):
    """A log or a witness at a web address gives no usable answer."""

    code = "ledger-unreachable"
    remedy = "Check the address and the connection, and try again; nothing was changed."


class FileUnreadable(LedgerError):
    """A file that was named to be checked, or to check with, cannot be read."""

    code = "ledger-file-unreadable"
    remedy = "Check the file's name and that you may read it; 2 GB are the most."


class ReceiptInvalid(LedgerError):
    """The file is not a receipt, or not a whole one."""

    code = "ledger-receipt-invalid"
    remedy = "Ask for the receipt again, and copy the file whole."


class BundleInvalid(LedgerError):
    """A file of a bundle was changed, added or taken out, or the bundle is not one."""

    code = "ledger-bundle-invalid"
    remedy = "Ask whoever made the bundle for it again; if it fails again, keep it as evidence."


class WitnessPolicyInvalid(LedgerError):
    """The witness policy cannot be understood."""

    code = "ledger-witness-policy-invalid"
    remedy = "Mend the line that the sentence names; c2sp.org/tlog-policy describes the format."


class QuorumMissing(LedgerError):
    """Fewer witnesses have cosigned the checkpoint than the witness policy asks for."""

    code = "ledger-quorum-missing"
    remedy = "Ask the operator for a receipt under a checkpoint that the witnesses have cosigned."


class WitnessRefused(LedgerError):
    """A witness does not cosign the checkpoint."""

    code = "ledger-witness-refused"
    remedy = "If it has seen another log by this name, keep everything and find out which is the true one."


class LogShrunk(LedgerError):
    """There are fewer entries than the last signed checkpoint promises."""

    code = "ledger-shrunk"
    remedy = "Entries were lost after they were signed. Restore the newest backup of the records."
