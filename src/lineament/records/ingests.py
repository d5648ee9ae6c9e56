"""Ingests: who brought what into a collection, how far it is, and what could not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from lineament.core.times import iso
from lineament.records.schema import ingest, rejection


@dataclass(frozen=True)
class Ingest:
    """One ingest. ``counts`` are those so far; ``total`` is None where the source does not know."""

    id: str
    collection_id: str
    person_id: str
    source: str
    started_at: str
    updated_at: str
    finished_at: str | None
    total: int | None
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Rejected:
    """One file that was not taken in, and why."""

    path: str
    code: str
    sentence: str


def start_ingest(
    tx: Connection,
    ingest_id: str,
    collection_id: str,
    by: str,
    source: str,
    total: int | None,
    salt: bytes,
    now: datetime,
) -> None:
    """Record that an ingest began. ``source`` is what people call the place it comes from."""
    row = {"id": ingest_id, "collection_id": collection_id, "person_id": by, "source": source, "salt": salt}
    times = {"started_at": iso(now), "updated_at": iso(now)}
    tx.execute(insert(ingest).values(row | times | {"total": total, "counts": {}}))


def add_rejection(tx: Connection, ingest_id: str, one: Rejected) -> None:
    """Record one file that an ingest could not use, and why."""
    tx.execute(insert(rejection).values(ingest_id=ingest_id, **vars(one)))


def forget_rejections(tx: Connection, collection_id: str) -> None:
    """Delete what was said of files that a collection's ingests could not use."""
    mine = select(ingest.c.id).where(ingest.c.collection_id == collection_id)
    tx.execute(delete(rejection).where(rejection.c.ingest_id.in_(mine)))


def update_ingest(
    tx: Connection, ingest_id: str, counts: Mapping[str, int], now: datetime, finished: bool = False
) -> None:
    """Record how far an ingest is, or how it ended."""
    values = {"updated_at": iso(now), "counts": dict(counts)} | (
        {"finished_at": iso(now)} if finished else {}
    )
    tx.execute(update(ingest).where(ingest.c.id == ingest_id).values(values))


def list_ingests(tx: Connection, collection_id: str, limit: int) -> list[Ingest]:
    """Return a collection's newest ingests, the newest first."""
    mine = select(ingest).where(ingest.c.collection_id == collection_id)
    newest = mine.order_by(ingest.c.started_at.desc(), ingest.c.id).limit(limit)
    return [
        Ingest(**{name: value for name, value in row.items() if name != "salt"})
        for row in tx.execute(newest).mappings()
    ]


def rejections(tx: Connection, ingest_id: str, limit: int | None = None) -> list[Rejected]:
    """Return what an ingest could not use, or the first of that, in the order in which it came."""
    mine = select(rejection).where(rejection.c.ingest_id == ingest_id).order_by(rejection.c.id)
    return [Rejected(row.path, row.code, row.sentence) for row in tx.execute(mine.limit(limit))]
