"""What an outsider checks, step by step: a receipt, a bundle, or a checkpoint that they kept.

Each step is said once it has passed; the first that does not raises. What is trusted comes from elsewhere:
the log's public key, and the policy that names the witnesses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from .bundle import MANIFEST, Bundle, digest
from .case_file import check_case
from .checkpoint import Checkpoint
from .errors import BundleInvalid, CheckpointInvalid, NoteInvalid, QuorumMissing, ReceiptInvalid, printable
from .log import prove_consistency, read_checkpoint, read_note
from .merkle import verify_consistency
from .note import Note, Verifier
from .places import Log
from .receipt import FIRST_LINE, Receipt
from .search_file import PROBES, SEARCH, check_probes, check_search
from .witness_policy import NONE, WitnessPolicy

ZIP = b"PK"  # what a zip begins with
HANDED_OUT = ("export.made", "disclosure.made", "case.disclosed")  # the entries that name a manifest


class Steps:
    """Says each step of a check as it passes, with its number."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.number = 1

    def passed(self, what: str) -> None:
        """Say that a step has passed."""
        self._say(f"{self.number}. {printable(what)}")
        self.number += 1


def verify(data: bytes, policy: WitnessPolicy, log: Log | None, steps: Steps) -> None:
    """Check a receipt, a bundle or a checkpoint; with ``log``, also that the log of today goes on from it.

    Raises the ``LedgerError`` of the first step that fails.
    """
    if data.startswith(ZIP):
        head, key = _bundle(data, policy, steps)
    elif data.startswith(FIRST_LINE.encode()):
        head, key, _ = _receipt(Receipt.parse(data), policy, steps)
    elif b"\n\n" in data:
        head, key = _checkpoint(data, policy, steps)
    else:
        raise ReceiptInvalid("The file is neither a receipt nor a bundle nor a checkpoint.")
    if log is not None:
        _goes_on(head, log, key, steps)


def key_of(log: Log, policy: WitnessPolicy) -> Verifier:
    """Return the policy's key that has signed a log's checkpoint.

    Raises ``CheckpointInvalid``, or ``NoteInvalid`` when the policy has no such key.
    """
    return open_checkpoint(read_note(log), policy)[1]


def open_checkpoint(note: bytes, policy: WitnessPolicy) -> tuple[Checkpoint, Verifier]:
    """Return a signed checkpoint with the key of the policy's log that has signed it.

    Raises ``NoteInvalid`` or ``CheckpointInvalid``.
    """
    parsed = Note.parse(note)
    for log in policy.logs:
        if log.signatures(parsed):
            return Checkpoint.open(note, log), log
    origin, known = parsed.text.partition("\n")[0], ", ".join(log.name for log in policy.logs) or "none"
    raise NoteInvalid(f"No signature by a key that was given (of: {known}) is on the note of {origin}.")


def cosigners(note: bytes, policy: WitnessPolicy) -> dict[str, datetime]:
    """Return which witnesses of the policy have cosigned a checkpoint, by name, and when (UTC).

    Raises ``NoteInvalid``, also for a cosignature that is not good.
    """
    parsed = Note.parse(note)
    times = {name: witness.cosigned_at(parsed) for name, witness in policy.witnesses.items()}
    return {name: _time(name, time) for name, time in times.items() if time is not None}


def require_quorum(note: bytes, policy: WitnessPolicy) -> str:
    """Return who has cosigned a checkpoint, in words. Raises ``QuorumMissing`` or ``NoteInvalid``."""
    seen = cosigners(note, policy)
    if not policy.is_met(seen):
        by = ", ".join(seen) or "nobody"
        raise QuorumMissing(f"The policy asks for the quorum '{policy.quorum}'; cosigned is it by {by}.")
    return ", ".join(f"{name} at {time:%Y-%m-%d %H:%M:%S} UTC" for name, time in seen.items())


def _checkpoint(note: bytes, policy: WitnessPolicy, steps: Steps) -> tuple[Checkpoint, Verifier]:
    # Signature: by a log whose key was given.
    head, log = open_checkpoint(note, policy)
    parsed = Note.parse(note)
    known = sum(len(key.signatures(parsed)) for key in (log, *policy.witnesses.values()))
    strangers = len(parsed.signatures) - known
    passed_over = f" Signature lines by unknown keys, passed over: {strangers}." if strangers > 0 else ""
    size, key = f"{head.size:,}", log.key_id.hex()
    steps.passed(f"The checkpoint of {size} entries is signed by {log.name}, key {key}.{passed_over}")
    # Witnesses: as many as the policy asks for.
    by = require_quorum(note, policy)
    if policy.quorum == NONE and not by:
        steps.passed("No witness is asked for: that everybody is shown this same log is not proved here.")
    else:
        steps.passed(f"The quorum '{policy.quorum}' is met: cosigned by {by}.")
    return head, log


def _receipt(
    receipt: Receipt, policy: WitnessPolicy, steps: Steps
) -> tuple[Checkpoint, Verifier, dict[str, object]]:
    head, log = _checkpoint(receipt.checkpoint, policy, steps)
    # Inclusion: the entry's hash leads to the signed root.
    entry = receipt.verify_inclusion(head)
    steps.passed(f"Entry {receipt.index:,} is in that log, unchanged: {receipt.entry.decode('ascii')}")
    return head, log, entry


def _bundle(data: bytes, policy: WitnessPolicy, steps: Steps) -> tuple[Checkpoint, Verifier]:
    # Files: each has the digest that the manifest lists, and there are no others.
    bundle = Bundle.parse(data)
    steps.passed(f"The bundle is whole: {len(bundle.files)} files, each with the digest in {MANIFEST}.")
    # The bundle's own entry names this manifest.
    main = Receipt.parse(bundle.receipt)
    head, log, made = _receipt(main, policy, steps)
    if made["kind"] not in HANDED_OUT or made["content"] != digest(bundle.manifest):
        raise BundleInvalid(f"The entry of the receipt does not name this {MANIFEST}.")
    if made["files"] != len(bundle.files):
        raise BundleInvalid(f"The entry of the receipt names {made['files']} files.")
    steps.passed(f"That entry names this {MANIFEST}, so these are the files that were handed out.")
    # The entries that the files tell about are in that same log, under that same checkpoint.
    entries = _entries(bundle, main, head)
    for index, entry in entries.items():
        if "search" in made and entry.get("search") != made["search"]:
            raise BundleInvalid(f"Entry {index} is about something else than this bundle.")
    steps.passed(f"The {len(entries)} entries in the bundle are in that log, under that checkpoint.")
    # Openings: each commitment is to the value given.
    for opening in bundle.openings():
        if opening.entry not in entries:
            raise BundleInvalid(
                f"Entry {opening.entry}, of which a commitment is opened, is not in the bundle."
            )
        opening.check(entries[opening.entry])
    steps.passed(f"{len(bundle.openings())} commitments in these entries are to the values in {MANIFEST}.")
    # The whole case, or the photographs and the search as it reads, are what the entries speak of.
    if made["kind"] == "case.disclosed":
        check_case(bundle.files, made, entries, bundle.openings(), steps.passed)
        return head, log
    photographs = {name: data for name, data in bundle.files.items() if name.startswith(PROBES)}
    if photographs:
        missing = check_probes(photographs, bundle.openings())
        erased = f", and {missing} more that were erased" if missing else ""
        steps.passed(f"The photographs in {PROBES} are those that were searched: {len(photographs)}{erased}.")
    if SEARCH in bundle.files:
        check_search(bundle.files[SEARCH], entries, bundle.openings())
        steps.passed(
            f"{SEARCH} says the same as the entries: terms, outcome, faces, and the candidates opened."
        )
    return head, log


def _entries(bundle: Bundle, main: Receipt, head: Checkpoint) -> dict[int, dict[str, object]]:
    """Return the bundle's entries by number, each proved under the checkpoint of the main receipt."""
    held = bundle.entries()
    if held.keys() != bundle.further.keys():
        raise ReceiptInvalid("The bundle does not have one receipt for each of its entries.")
    entries = {}
    for index, data in held.items():
        receipt = Receipt.parse(bundle.further[index])
        if (receipt.index, receipt.entry, receipt.checkpoint) != (index, data, main.checkpoint):
            raise ReceiptInvalid(f"The receipt of entry {index} is for another entry or another checkpoint.")
        entries[index] = receipt.verify_inclusion(head)
    return entries


def _goes_on(head: Checkpoint, log: Log, verifier: Verifier, steps: Steps) -> None:
    # Consistency: the log of today begins with the log of the checkpoint.
    today = read_checkpoint(log, verifier)
    if today.size < head.size:
        raise CheckpointInvalid(f"The log at {log} has {today.size} entries today, fewer than {head.size}.")
    proof = prove_consistency(log, head.size, today.size)
    verify_consistency(head.size, today.size, proof, head.root, today.root)
    steps.passed(f"The log at {log} has {today.size:,} entries today and begins with those {head.size:,}.")


def _time(name: str, seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NoteInvalid(f"The cosignature by {name} has no possible time.") from error
