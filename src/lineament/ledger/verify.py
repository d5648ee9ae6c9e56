"""What an outsider checks, step by step: a receipt, a bundle, or a checkpoint that they kept.

Each step is said once it has passed; the first that does not raises. What is trusted comes from elsewhere:
the log's public key, and the policy that names the witnesses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from .bundle import MANIFEST, Bundle, digest
from .checkpoint import Checkpoint
from .errors import BundleInvalid, CheckpointInvalid, NoteInvalid, QuorumMissing, ReceiptInvalid
from .log import CHECKPOINT, prove_consistency, read_checkpoint
from .merkle import verify_consistency
from .note import MAX_NOTE_BYTES, Note, Verifier
from .places import Log, read_file
from .receipt import FIRST_LINE, Receipt
from .witness_policy import NONE, WitnessPolicy

ZIP = b"PK"  # what a zip begins with


class Steps:
    """Says each step of a check as it passes, with its number."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.number = 1

    def passed(self, what: str) -> None:
        """Say that a step has passed."""
        self._say(f"{self.number}. {what}")
        self.number += 1


def verify(data: bytes, policy: WitnessPolicy, log: Log | None, steps: Steps) -> None:
    """Check a receipt, a bundle or a checkpoint; with ``log``, also that the log of today goes on from it.

    Raises the ``LedgerError`` of the first step that fails.
    """
    if data.startswith(ZIP):
        head = _bundle(data, policy, steps)
    elif data.startswith(FIRST_LINE.encode()):
        head, _ = _receipt(Receipt.parse(data), policy, steps)
    elif b"\n\n" in data:
        head = _checkpoint(data, policy, steps)
    else:
        raise ReceiptInvalid("The file is neither a receipt nor a bundle nor a checkpoint.")
    if log is not None:
        _goes_on(head, log, _log_of(head.origin, policy), steps)


def key_of(log: Log, policy: WitnessPolicy) -> Verifier:
    """Return the policy's key for a log, by the origin in its checkpoint; nothing is checked by that.

    Raises ``CheckpointInvalid``, or ``NoteInvalid`` when the policy has no such key.
    """
    try:
        note = read_file(log, CHECKPOINT, MAX_NOTE_BYTES)
    except OSError as error:
        raise CheckpointInvalid(f"There is no checkpoint in {log}.") from error
    return _log_of(_origin(note), policy)


def cosigners(note: bytes, policy: WitnessPolicy) -> dict[str, datetime]:
    """Return which witnesses of the policy have cosigned a checkpoint, by name, and when (UTC).

    Raises ``NoteInvalid``, also for a cosignature that is not good.
    """
    parsed = Note.parse(note)
    times = {name: witness.cosigned_at(parsed) for name, witness in policy.witnesses.items()}
    return {name: _time(name, time) for name, time in times.items() if time is not None}


def _checkpoint(note: bytes, policy: WitnessPolicy, steps: Steps) -> Checkpoint:
    # Signature: by the log that the checkpoint says it is of.
    log = _log_of(_origin(note), policy)
    head = Checkpoint.open(note, log)
    steps.passed(f"The checkpoint of {head.size:,} entries is signed by {log.name}, key {log.key_id.hex()}.")
    # Witnesses: as many as the policy asks for.
    seen = cosigners(note, policy)
    if not policy.is_met(seen):
        by = ", ".join(seen) or "nobody"
        raise QuorumMissing(f"The policy asks for the quorum '{policy.quorum}'; cosigned is it by {by}.")
    said = ", ".join(f"{name} at {time:%Y-%m-%d %H:%M:%S} UTC" for name, time in seen.items())
    if policy.quorum == NONE and not seen:
        steps.passed("No witness is asked for: that everybody is shown this same log is not proved here.")
    else:
        steps.passed(f"The quorum '{policy.quorum}' is met: cosigned by {said}.")
    return head


def _receipt(receipt: Receipt, policy: WitnessPolicy, steps: Steps) -> tuple[Checkpoint, dict[str, object]]:
    head = _checkpoint(receipt.checkpoint, policy, steps)
    # Inclusion: the entry's hash leads to the signed root.
    fields = receipt.verify_inclusion(head)
    steps.passed(f"Entry {receipt.index:,} is in that log, unchanged: {receipt.entry.decode('ascii')}")
    return head, fields


def _bundle(data: bytes, policy: WitnessPolicy, steps: Steps) -> Checkpoint:
    # Files: each has the digest that the manifest lists, and there are no others.
    bundle = Bundle.parse(data)
    steps.passed(f"The bundle is whole: {len(bundle.files)} files, each with the digest in {MANIFEST}.")
    # The bundle's own receipt, and its entry names this manifest.
    head, made = _receipt(Receipt.parse(bundle.receipt), policy, steps)
    if made.get("content") != digest(bundle.manifest):
        raise BundleInvalid(f"The entry of the receipt does not name this {MANIFEST}.")
    steps.passed(f"That entry names this {MANIFEST}, so these are the files that were handed out.")
    # What the files tell about: each receipt leads to a root signed by the same log.
    entries = {}
    for name, receipt in bundle.receipts().items():
        signed = receipt.open(_log_of(head.origin, policy))
        entries[name] = receipt.verify_inclusion(signed)
    steps.passed(f"{len(entries)} further receipts lead to roots signed by the same log.")
    # Openings: each commitment is to the value given.
    openings = bundle.openings()
    for opening in openings:
        if opening.receipt not in entries:
            raise ReceiptInvalid(f"{opening.receipt} is not in the bundle.")
        opening.check(entries[opening.receipt])
    steps.passed(f"{len(openings)} commitments in these entries are to the values in the bundle.")
    return head


def _goes_on(head: Checkpoint, log: Log, verifier: Verifier, steps: Steps) -> None:
    # Consistency: the log of today begins with the log of the checkpoint.
    today = read_checkpoint(log, verifier)
    proof = prove_consistency(log, head.size, today.size)
    verify_consistency(head.size, today.size, proof, head.root, today.root)
    steps.passed(f"The log at {log} has {today.size:,} entries today and begins with those {head.size:,}.")


def _origin(note: bytes) -> str:
    return Note.parse(note).text.partition("\n")[0]


def _log_of(origin: str, policy: WitnessPolicy) -> Verifier:
    for log in policy.logs:
        if log.name == origin:
            return log
    known = ", ".join(log.name for log in policy.logs) or "none"
    raise NoteInvalid(f"It is of the log {origin!r}; the logs whose keys were given are: {known}.")


def _time(name: str, seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NoteInvalid(f"The cosignature by {name} has no possible time.") from error
