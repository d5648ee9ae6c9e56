"""The ledger's entries, written in the transaction of the act that each one records."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, insert, select

from lineament.records.schema import ledger_entry


def append(tx: Connection, entry: bytes, search_id: str | None = None) -> int:
    """Write an entry and return its sequence number, from 0 on without a gap (writers queue).

    ``search_id`` is the search that the entry is about, if any.
    """
    sequence = count(tx)
    tx.execute(insert(ledger_entry).values(sequence=sequence, search_id=search_id, entry=entry))
    return sequence


def about_search(tx: Connection, search_id: str) -> dict[int, bytes]:
    """Return the entries about a search by their sequence numbers, in order."""
    mine = select(ledger_entry).where(ledger_entry.c.search_id == search_id)
    return {row.sequence: row.entry for row in tx.execute(mine.order_by(ledger_entry.c.sequence))}


def mentioning(tx: Connection, text: str) -> dict[int, bytes]:
    """Return the entries in which an id stands by their numbers, in order. All entries are looked through."""
    found = select(ledger_entry).where(func.instr(ledger_entry.c.entry, text.encode()) > 0)
    return {row.sequence: row.entry for row in tx.execute(found.order_by(ledger_entry.c.sequence))}


def count(tx: Connection) -> int:
    """Return how many entries there are."""
    newest = tx.scalar(select(func.max(ledger_entry.c.sequence)))
    return 0 if newest is None else newest + 1


def read(tx: Connection, start: int, stop: int) -> Iterator[bytes]:
    """Yield the entries with sequence numbers in [start, stop)."""
    span = (ledger_entry.c.sequence >= start) & (ledger_entry.c.sequence < stop)
    yield from tx.scalars(select(ledger_entry.c.entry).where(span).order_by(ledger_entry.c.sequence))
