"""The ledger's entries, written in the transaction of the act that each one records."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, insert, select

from lineament.records.schema import ledger_entry


def append(tx: Connection, entry: bytes) -> int:
    """Write an entry and return its sequence number, from 0 on without a gap (writers queue)."""
    sequence = count(tx)
    tx.execute(insert(ledger_entry).values(sequence=sequence, entry=entry))
    return sequence


def count(tx: Connection) -> int:
    """Return how many entries there are."""
    newest = tx.scalar(select(func.max(ledger_entry.c.sequence)))
    return 0 if newest is None else newest + 1


def read(tx: Connection, start: int, stop: int) -> Iterator[bytes]:
    """Yield the entries with sequence numbers in [start, stop)."""
    span = (ledger_entry.c.sequence >= start) & (ledger_entry.c.sequence < stop)
    yield from tx.scalars(select(ledger_entry.c.entry).where(span).order_by(ledger_entry.c.sequence))
