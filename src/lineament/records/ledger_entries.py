"""The ledger's entries, written in the transaction of the act that each one records."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, func, insert, select

from lineament.records.schema import ledger_entry


def append(tx: Connection, entry: bytes, search_id: str | None = None, case_id: str | None = None) -> int:
    """Write an entry and return its sequence number, from 0 on without a gap (writers queue).

    ``search_id`` is the search that the entry is about and ``case_id`` the case it was done in, if any.
    """
    sequence = count(tx)
    values = {"sequence": sequence, "search_id": search_id, "case_id": case_id, "entry": entry}
    tx.execute(insert(ledger_entry).values(values))
    return sequence


def about_search(tx: Connection, search_id: str) -> dict[int, bytes]:
    """Return the entries about a search by their sequence numbers, in order."""
    return _where(tx, ledger_entry.c.search_id == search_id)


def of_case(tx: Connection, case_id: str) -> dict[int, bytes]:
    """Return the entries of what was done in a case by their sequence numbers, in order."""
    return _where(tx, ledger_entry.c.case_id == case_id)


def mentioning(tx: Connection, text: str) -> dict[int, bytes]:
    """Return the entries in which an id stands by their numbers, in order. All entries are looked through."""
    return _where(tx, func.instr(ledger_entry.c.entry, text.encode()) > 0)


def count(tx: Connection) -> int:
    """Return how many entries there are."""
    newest = tx.scalar(select(func.max(ledger_entry.c.sequence)))
    return 0 if newest is None else newest + 1


def read(tx: Connection, start: int, stop: int) -> Iterator[bytes]:
    """Yield the entries with sequence numbers in [start, stop)."""
    span = (ledger_entry.c.sequence >= start) & (ledger_entry.c.sequence < stop)
    yield from tx.scalars(select(ledger_entry.c.entry).where(span).order_by(ledger_entry.c.sequence))


def _where(tx: Connection, condition: ColumnElement[bool]) -> dict[int, bytes]:
    found = select(ledger_entry).where(condition).order_by(ledger_entry.c.sequence)
    return {row.sequence: row.entry for row in tx.execute(found)}
