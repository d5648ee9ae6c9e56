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
from lineament.errors import LedgerBroken, StorageFailed
from lineament.records import ledger_entries


class Act:
    """A writing transaction in which every change is recorded in the ledger."""

    def __init__(self, tx: Connection) -> None:
        self.tx = tx

    def record(self, kind: str, **fields: Any) -> None:
        """Write one ledger entry into the transaction. Raises ledger.EntryInvalid for personal data."""
        ledger_entries.append(self.tx, ledger.encode(kind, **fields))


@contextmanager
def act(installation: Installation) -> Iterator[Act]:
    """Open a transaction for an act and its entries, on a ledger that agrees with its entries.

    Publishes once it has committed. Raises LedgerBroken before anything is done on a ledger that disagrees.
    """
    publish(installation)
    with installation.records.write() as tx:
        yield Act(tx)
    publish(installation)


def publish(installation: Installation) -> ledger.Checkpoint:
    """Bring the public folder up to date with the entries. Safe beside other processes that do the same."""
    with _settled(installation) as (entries, size):
        return ledger.publish(installation.ledger_folder, entries, size, installation.signer)


def check(installation: Installation) -> None:
    """Compare checkpoint, tiles and entries. Raises LedgerBroken with the first thing that disagrees."""
    with _settled(installation) as (entries, size):
        ledger.check(installation.ledger_folder, entries, size, installation.signer.verifier)


@contextmanager
def _settled(installation: Installation) -> Iterator[tuple[ledger.Entries, int]]:
    """Give the entries and their number, while no other process publishes."""
    lock = installation.ledger_folder.with_suffix(".lock")
    try:
        with lock.open("wb") as file, installation.records.read() as tx:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield partial(ledger_entries.read, tx), ledger_entries.count(tx)
    except ledger.LedgerError as error:
        raise LedgerBroken(str(error)) from error
    except OSError as error:
        raise StorageFailed(f"The ledger's folder cannot be used: {error.strerror}.") from error
