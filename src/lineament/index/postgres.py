"""The engine in PostgreSQL with pgvector, for operators whose records live there already.

A search scans half-precision codes of every face of the chosen collections, on one server or on several at
once, and scores the candidates again with their float32 templates. docs/cluster-postgres.md tells how to set
it up; postgres_tables.py is where everything lies.

Readers hold one REPEATABLE READ transaction, which reaches to every node. A change that spans nodes commits
on them one after the other, so its last step and the opening of a snapshot exclude each other, for
milliseconds.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from lineament.errors import IndexUnavailable
from lineament.index.postgres_purge import begin_new_log, require_forgetting, rewrite
from lineament.index.postgres_scan import PostgresSnapshot, packed
from lineament.index.postgres_tables import Connection, Partition, Tables, connect, prepare, revision
from lineament.index.protocol import Purged, require_vectors

# What must not be, and how many rows of a partition are so. PostgreSQL itself refuses another dimension and
# numbers that are not finite.
_WRONG: dict[str, LiteralString] = {
    "faces have a code and no template, or a template and no code": """
        SELECT count(*) FROM {codes} AS c FULL JOIN {templates} AS t USING (face)
        WHERE c.face IS NULL OR t.face IS NULL
    """,
    "templates are not of length 1": """
        SELECT count(*) FROM {templates} WHERE abs(vector_norm(template) - 1) > 0.001
    """,
    "codes are not those of their templates": """
        SELECT count(*) FROM {codes} JOIN {templates} USING (face)
        WHERE code <> template::halfvec({dimension})
    """,
}


def open_postgres(url: str, contract: str, dimension: int) -> PostgresIndex:
    """Open the index of one contract; ``url`` is libpq's. Tables that are not there are made.

    Raises IndexUnavailable where the database, or a node of it, does not answer.
    """
    return PostgresIndex(url, Tables(contract, dimension))


class PostgresIndex:
    """See Index. Any number of processes may open it; one of them writes at a time, the others wait."""

    def __init__(self, url: str, tables: Tables) -> None:
        self._url, self._tables = url, tables
        self._idle: deque[Connection] = deque()
        self._partitions = [Partition("", url)]
        with self._connection() as connection:
            prepare(connection, tables)
            self._partitions = tables.partitions(connection, url)

    @property
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""
        with self._connection() as connection:
            return revision(connection, self._tables)

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        """Hold the index as it stands on every node; see Index."""
        with self._connection() as connection:
            connection.execute(self._tables.query("SELECT pg_advisory_lock_shared({opening})"))
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            applied = revision(connection, self._tables)
            connection.execute(  # pins every node
                self._tables.everywhere("SELECT 1 FROM {codes} LIMIT 1", self._partitions)
            )
            connection.execute(self._tables.query("SELECT pg_advisory_unlock_shared({opening})"))
            yield PostgresSnapshot(connection, self._tables, self._partitions, applied, self._answering)
            connection.execute("ROLLBACK")

    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces; see Index."""
        require_vectors(ids, vectors, self._tables.dimension)
        first = {face: at for at, face in reversed(list(enumerate(ids)))}
        with self._change(revision) as connection:
            connection.execute(
                self._tables.query(
                    """
                    CREATE TEMP TABLE new (face text, collection text, template vector({dimension}))
                    ON COMMIT DROP
                    """
                )
            )
            with connection.cursor().copy("COPY new FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["text", "text", "bytea"])
                for face, at in first.items():
                    copy.write_row((face, collections[at], packed(vectors[at])))
            connection.execute(
                self._tables.query(
                    """
                    INSERT INTO {templates} SELECT face, template FROM new ON CONFLICT DO NOTHING;
                    INSERT INTO {codes} SELECT face, collection, template::halfvec({dimension}) FROM new
                    ON CONFLICT DO NOTHING
                    """
                )
            )

    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out; see Index."""
        gone = list(ids)
        with self._change(revision) as connection:
            connection.execute(self._tables.query("DELETE FROM {templates} WHERE face = ANY(%s)"), [gone])
            deleted = connection.execute(
                self._tables.query(
                    "DELETE FROM {codes} WHERE face = ANY(%s) RETURNING tableoid::regclass::text"
                ),
                [gone],
            )
            removed = Counter(table.rpartition(f"{self._tables.name}_codes")[2] for (table,) in deleted)
            self._count_removed(connection, removed)

    def purge(self) -> Purged:
        """Write every partition anew that has removed faces in it, and begin new logs; see Index.

        Raises IndexCannotForget where a server's settings keep what was removed in its log.
        """
        with self._connection() as connection:
            connection.execute(self._tables.query("SELECT pg_advisory_lock({writing})"))
            for server in self._servers():
                require_forgetting(server)
            ((removed, unfinished),) = connection.execute(
                self._tables.query("SELECT removed, unfinished FROM {state}")
            ).fetchall()
            touched = [one for one in self._partitions if unfinished or removed.get(one.suffix)]
            rewritten = sum(rewrite(connection, self._tables, partition) for partition in touched)
            for server in self._servers():
                begin_new_log(server)
            connection.execute(self._tables.query("UPDATE {state} SET removed = '{{}}', unfinished = 0"))
            connection.execute(self._tables.query("SELECT pg_advisory_unlock({writing})"))
            return Purged(faces=sum(removed.values()), rewritten=rewritten)

    def verify(self) -> list[str]:
        """Look at every row on every node; see Index."""
        findings = []
        for partition in self._partitions:
            with self._answering(), connect(partition.url) as node:
                for sentence, wrong in _WRONG.items():
                    ((rows,),) = node.execute(self._tables.query(wrong, partition.suffix)).fetchall()
                    if rows:
                        findings.append(f"In {partition.place}{partition.suffix}, {rows:,} {sentence}.")
        return findings

    def clear(self) -> None:
        """Forget everything; see Index. Waits until no search runs."""
        with self._connection() as connection, connection.transaction():
            connection.execute(self._tables.query("SELECT pg_advisory_xact_lock({writing})"))
            connection.execute(self._tables.query("SELECT pg_advisory_xact_lock({opening})"))
            connection.execute(self._tables.query("TRUNCATE {codes}, {templates}"))
            connection.execute(
                self._tables.query("UPDATE {state} SET revision = 0, removed = '{{}}', unfinished = 0")
            )

    def close(self) -> None:
        """Give the connections back."""
        while self._idle:
            self._idle.pop().close()

    # --- connections --------------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Borrow a connection. One on which anything went wrong is closed, and its locks go with it."""
        with self._answering():
            connection = self._idle_connection() or connect(self._url)
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    def _idle_connection(self) -> Connection | None:
        """Return a connection that still works, if there is one."""
        with suppress(IndexError):  # another thread took the last one
            while self._idle:
                connection = self._idle.pop()
                with suppress(psycopg.Error):
                    connection.execute("SELECT")
                    return connection
                connection.close()
        return None

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn whatever PostgreSQL says into IndexUnavailable.

        The cause is not kept: its context may quote a statement with somebody's template in it.
        """
        try:
            yield
        except psycopg.Error as error:
            raise IndexUnavailable(self._what_is_wrong(error)) from None

    def _what_is_wrong(self, error: psycopg.Error) -> str:
        """Return a sentence that names the servers that do not answer, or says what one of them said."""
        silent = []
        for partition in self._servers():
            try:
                connect(partition.url).close()
            except psycopg.Error as refusal:
                why = str(refusal).splitlines()[0].rpartition("failed: ")[2]
                silent.append(f"{partition.place} ({why})")
        if silent:
            return f"A part of the index in PostgreSQL does not answer: {', '.join(silent)}."
        said = (error.diag.message_primary or str(error)).splitlines()[0]
        return f"The index in PostgreSQL broke off: {said.rstrip('.')}."

    def _servers(self) -> list[Partition]:
        """Return one partition for each server, the one that is searched too."""
        there = [Partition("", self._url), *self._partitions]
        return list({partition.place: partition for partition in there}.values())

    # --- changes ------------------------------------------------------------------------------------------

    @contextmanager
    def _change(self, revision: int) -> Iterator[Connection]:
        """Hold the writer's transaction, and make what it did visible at once on all nodes.

        Where a node breaks off while they commit, others may have the change already; the revision stays as
        it was, and applying the change again completes it. What was written in vain is still on the disk
        then: a change that does not end is counted, for the next purge.
        """
        tables = self._tables
        with self._connection() as connection:
            connection.execute(tables.query("SELECT pg_advisory_lock({writing})"))
            connection.execute(tables.query("UPDATE {state} SET unfinished = unfinished + 1"))
            with connection.transaction():
                yield connection
                connection.execute(tables.query("SELECT pg_advisory_xact_lock({opening})"))
                connection.execute(
                    tables.query(
                        """
                        UPDATE {state}
                        SET revision = greatest(revision, %s), unfinished = unfinished - 1
                        """
                    ),
                    [revision],
                )
            connection.execute(tables.query("SELECT pg_advisory_unlock({writing})"))

    def _count_removed(self, connection: Connection, removed: Counter[str]) -> None:
        """Add to what the next purge has to do."""
        ((before,),) = connection.execute(self._tables.query("SELECT removed FROM {state}")).fetchall()
        after = Jsonb(Counter(before) + removed)
        connection.execute(self._tables.query("UPDATE {state} SET removed = %s"), [after])
