"""Acts and their ledger entries: one transaction for both, and the public tiles derived after it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection

from lineament import ledger
from lineament.app.installation import Installation
from lineament.core.policy import Person, Policy
from lineament.core.policy_change import targets
from lineament.core.policy_file import understood
from lineament.core.times import iso
from lineament.errors import LedgerBroken, ModelChanged, StorageFailed
from lineament.records import cases, ledger_entries, policies
from lineament.records.terms import Terms, read_terms, write_terms


class Act:
    """A writing transaction in which every change is recorded in the ledger."""

    def __init__(self, tx: Connection) -> None:
        self.tx = tx

    def record(self, kind: str, **fields: Any) -> int:
        """Write one ledger entry into the transaction and return its sequence number.

        Raises ledger.EntryInvalid for personal data.
        """
        case = fields.get("case")
        case_id = case["id"] if isinstance(case, dict) else None
        return ledger_entries.append(self.tx, ledger.encode(kind, **fields), fields.get("search"), case_id)

    def in_case(self, case_id: str | None) -> dict[str, Any] | None:
        """Return an entry's field ``case`` for the next act in a case; None for what is done in none."""
        return None if case_id is None else {"id": case_id, "number": cases.next_act(self.tx, case_id)}


@contextmanager
def act(installation: Installation) -> Iterator[Act]:
    """Open a transaction for an act and its entries, on a ledger that agrees with its entries.

    Where policy or calibration have changed since the last act, that is recorded first. Publishes once all
    has committed. Raises, before anything is done, LedgerBroken on a ledger that disagrees, and ModelChanged
    where the records are under another model than this process.
    """
    publish(installation)
    with installation.records.write() as tx:
        doing = Act(tx)
        before = require_contract(installation, tx)
        migrating = installation.vision.contract != installation.contract  # which is done under the old terms
        change_terms(installation, doing, before if migrating else terms_of(installation))
        yield doing
    publish(installation)


def acts_of(tx: Connection, case_id: str) -> dict[int, dict[str, Any]]:
    """Return the entries of what was done in a case, decoded, by their numbers in the ledger, in order."""
    return {index: ledger.decode(entry) for index, entry in ledger_entries.of_case(tx, case_id).items()}


def publish(installation: Installation) -> ledger.Checkpoint:
    """Bring the public folder up to date with the entries. Safe beside other processes that do the same."""
    with _settled(installation) as (entries, size):
        return ledger.publish(installation.ledger_folder, entries, size, installation.signer)


def check(installation: Installation) -> None:
    """Compare checkpoint, tiles and entries. Raises LedgerBroken with the first thing that disagrees."""
    with _settled(installation) as (entries, size):
        ledger.check(installation.ledger_folder, entries, size, installation.signer.verifier)


def require_contract(installation: Installation, tx: Connection) -> Terms:
    """Return the records' terms. Raises ModelChanged where this process is under another contract."""
    terms = read_terms(tx)
    if terms.contract not in {None, installation.contract}:
        raise ModelChanged("The model pack was changed: the records are under another one than this program.")
    return terms


def terms_of(installation: Installation) -> Terms:
    """Return the policy, the model and the calibration that this process works with."""
    tail = installation.tail
    calibration = tail.version if tail else None
    return Terms(installation.policy.version, installation.vision.contract, calibration)


def change_terms(installation: Installation, doing: Act, terms: Terms, who: Person | None = None) -> None:
    """Record the terms that count from now on, with an entry for each one that is another than before."""
    before, at = read_terms(doing.tx), iso(installation.clock())
    if before.policy != terms.policy:
        doing.record("policy.changed", at=at, before=before.policy, after=terms.policy)
        _change_targets(installation.policy, doing, before.policy, at)
    if before.contract != terms.contract:
        by = who.id if who else None
        doing.record("model.changed", at=at, who=by, before=before.contract, after=terms.contract)
    if before.calibration != terms.calibration:
        doing.record(
            "calibration.changed",
            at=at,
            contract=terms.contract,
            before=before.calibration,
            after=terms.calibration,
        )
    if before != terms:
        write_terms(doing.tx, terms)


def _change_targets(policy: Policy, doing: Act, before: str | None, at: str) -> None:
    """Keep the policy's text; record each target FPIR that is another than before, and who approved that."""
    policies.keep(doing.tx, policy, at)
    old = understood(policies.text(doing.tx, before))
    if before is None or old is None:
        return
    approved_by = [one.who.id for one in policies.approvals(doing.tx, policy.version, before)]
    first, second = [*approved_by, None, None][:2]
    for purpose, (was, now) in targets(old, policy).items():
        doing.record(
            "threshold.changed",
            at=at,
            who=first,
            second=second,
            purpose=purpose,
            before=None if was is None else f"{was:.6f}",
            after=None if now is None else f"{now:.6f}",
        )


@contextmanager
def _settled(installation: Installation) -> Iterator[tuple[ledger.Entries, int]]:
    """Give the entries and their number, while no other process publishes."""
    lock = installation.ledger_folder.with_suffix(".lock")
    with ledger_errors(), lock.open("wb") as file, installation.records.read() as tx:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = ledger_entries.count(tx)
        if size and not (installation.ledger_folder / "checkpoint").exists():
            # The empty log was published before the first act: this is no beginning. To sign what is
            # left would hide what was taken out.
            raise LedgerBroken(f"There are {size} entries, and the ledger's checkpoint is gone.")
        yield partial(ledger_entries.read, tx), size


@contextmanager
def ledger_errors() -> Iterator[None]:
    """Turn what the ledger's room raises over this installation's own ledger into LedgerBroken."""
    try:
        yield
    except ledger.LedgerError as error:
        raise LedgerBroken(str(error)) from error
    except OSError as error:
        raise StorageFailed(f"The ledger's folder cannot be used: {error.strerror}.") from error
