"""How what was removed leaves the disks of PostgreSQL.

A deleted row stays in its file until the file is written anew: a VACUUM leaves its bytes in the gap. So a
partition that had removals is copied without them, and its old files go. The write-ahead log still has the
rows as they were added: it is begun anew, and a checkpoint lets the old files of the log go.
"""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg
from psycopg import sql

from lineament.errors import IndexCannotForget, IndexUnavailable
from lineament.index.postgres_tables import KINDS, Connection, Partition, Tables, connect

_SWAPS = 300  # tries, of a second each, to find a moment in which no search is on


def require_forgetting(server: Partition) -> None:
    """Refuse a server that uses files of its log again: what is in them stays until it is overwritten."""
    with connect(server.url) as connection:
        ((recycles,),) = connection.execute("SHOW wal_recycle").fetchall()
    if recycles != "off":
        raise IndexCannotForget(
            f"{server.place} keeps what was removed in used files of its log: set wal_recycle to off there."
        )


def rewrite(searched: Connection, tables: Tables, partition: Partition) -> int:
    """Put a copy of what is left of a partition in its place; return how many bytes were written.

    Searches go on meanwhile. The copy is in the catalogue before it is filled: after a crash no file is left
    that nobody knows, and the next purge drops it.
    """
    size, anew = 0, f"{partition.suffix}_anew"
    with connect(partition.url) as node:
        node.execute(tables.query("DROP TABLE IF EXISTS {codes}, {templates}", anew))
        node.execute(tables.create(anew))
        for kind in KINDS:
            old, new = tables.table(kind, partition.suffix), tables.table(kind, anew)
            node.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(new, old))
            node.execute(sql.SQL("VACUUM (ANALYZE) {}").format(new))
            measure = sql.SQL("SELECT pg_total_relation_size({}::regclass)")
            ((written,),) = node.execute(measure.format(new.as_string(node))).fetchall()
            size += written
        for _ in range(_SWAPS):
            with suppress(psycopg.errors.LockNotAvailable):
                _swap(searched, node, tables, partition.suffix)
                return size
            time.sleep(0.2)
    raise IndexUnavailable("Searches never left the index alone, so that it could not be purged.")


def _swap(searched: Connection, node: Connection, tables: Tables, suffix: str) -> None:
    """Drop a partition's tables and give their names to the copies, while no snapshot is open or opens.

    Raises LockNotAvailable, and changes nothing, where one stays open for a second.
    """
    searched.execute(tables.query("SELECT pg_advisory_lock({opening})"))
    try:
        with node.transaction():
            node.execute("SET LOCAL lock_timeout = '1s'")
            node.execute(tables.query("DROP TABLE {codes}, {templates}", suffix))
            for kind in KINDS:
                new, name = tables.table(kind, f"{suffix}_anew"), f"{tables.name}_{kind}{suffix}"
                node.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(new, sql.Identifier(name)))
    finally:
        searched.execute(tables.query("SELECT pg_advisory_unlock({opening})"))


def begin_new_log(server: Partition) -> None:
    """Let go of the write-ahead log up to now. Raises IndexCannotForget where the server still keeps some."""
    with connect(server.url) as connection:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
        ((kept,),) = connection.execute(
            """
            SELECT count(*) FROM pg_ls_waldir() JOIN pg_control_checkpoint() ON name < redo_wal_file
            WHERE name ~ '^[0-9A-F]{24}$'
            """
        ).fetchall()
    if kept:
        raise IndexCannotForget(
            f"{server.place} keeps {kept} files of its log from before the purge: a replication slot, "
            "wal_keep_size or an archive that lags behind holds them."
        )
