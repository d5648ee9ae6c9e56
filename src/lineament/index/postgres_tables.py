"""Where the faces of one contract lie in PostgreSQL: on one server, or hash-partitioned over several.

    lineament.<name>_codes      face, collection, code halfvec(D): what a search scans
    lineament.<name>_templates  face, template vector(D): float32, what the candidates are scored with
    lineament.<name>_state      one row: the revision, and what the next purge has to do

The name comes from the contract's SHA-256. Codes and templates are apart so that a scan reads half the bytes
of the templates and no more. No index on a vector is ever used: the order is over an expression, which an
HNSW or IVFFlat index cannot serve even where somebody made one.

On several servers both tables are hash-partitioned by face id. Partition i lies on node i as an ordinary
table with the suffix ``_p<i>``, and the server that is searched reaches it as a foreign table (postgres_fdw).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

SCHEMA = "lineament"
KINDS = ("codes", "templates")
_CONNECT = 5  # seconds

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

# How the searched server speaks to a node. Nothing is pushed down unless pgvector's operators are known to be
# there too, and how much a node is asked to do depends on its own statistics. Where those are out of date it
# sorts without cutting, and one batch of its rows is all that comes here. A node that vanishes without a word
# is given up after 20 s.
_FOREIGN = {
    "extensions": "vector",
    "use_remote_estimate": "true",
    "async_capable": "true",
    "fetch_size": "1000",
    "batch_size": "1000",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_OF_A_PERSON = {"user", "password", "sslcert", "sslkey", "sslpassword"}  # the rest belongs to the server
_LIBPQ = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}


@dataclass(frozen=True)
class Partition:
    """Some of the faces, on one server. ``suffix`` ends the names of its tables; ``url`` is libpq's."""

    suffix: str
    url: str

    @property
    def place(self) -> str:
        """Host, port and database, for people."""
        parts = conninfo_to_dict(self.url)
        return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


@dataclass(frozen=True)
class Tables:
    """The names of one contract's tables, and its locks: to write, and to make a change visible."""

    contract: str
    dimension: int

    @property
    def name(self) -> str:
        """What all names of these tables begin with."""
        return "c" + hashlib.sha256(self.contract.encode()).hexdigest()[:16]

    def table(self, kind: str, suffix: str = "") -> sql.Identifier:
        """Return the name of a table. ``kind`` is one of KINDS, or state."""
        return sql.Identifier(SCHEMA, f"{self.name}_{kind}{suffix}")

    def query(self, text: LiteralString, suffix: str = "", **values: object) -> sql.Composed:
        """Fill in ``{codes}``, ``{templates}``, ``{state}``, ``{dimension}``, the locks, and values."""
        return sql.SQL(text).format(
            codes=self.table("codes", suffix),
            templates=self.table("templates", suffix),
            state=self.table("state"),
            dimension=sql.Literal(self.dimension),
            writing=sql.Literal(self._key("writing")),
            opening=sql.Literal(self._key("opening")),
            **{name: sql.Literal(value) for name, value in values.items()},
        )

    def everywhere(
        self, text: LiteralString, partitions: Sequence[Partition], **values: object
    ) -> sql.Composed:
        """Ask the same of every partition, of all nodes at once; the answers come in any order."""
        asked = [self.query(text, partition.suffix, **values) for partition in partitions]
        return sql.SQL("({})").format(sql.SQL(") UNION ALL (").join(asked))

    def create(self, suffix: str = "") -> sql.Composed:
        """Return what makes an ordinary pair of tables.

        No statistics are kept of vectors: PostgreSQL would copy some of them into its catalogue.
        """
        return self.query(
            """
            CREATE TABLE {codes} (
                face text COLLATE "C" PRIMARY KEY,
                collection text COLLATE "C" NOT NULL,
                code halfvec({dimension}) NOT NULL
            ) WITH (autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
            CREATE INDEX ON {codes} (collection);
            CREATE TABLE {templates} (
                face text COLLATE "C" PRIMARY KEY,
                template vector({dimension}) NOT NULL
            );
            ALTER TABLE {codes} ALTER code SET STATISTICS 0;
            ALTER TABLE {templates} ALTER template SET STATISTICS 0
            """,
            suffix,
        )

    def create_state(self) -> sql.Composed:
        """Return what makes the table of the state, and its row."""
        return self.query(
            """
            CREATE TABLE {state} (
                contract text NOT NULL,
                revision bigint NOT NULL,
                removed jsonb NOT NULL,      -- faces since the last purge, by partition
                unfinished bigint NOT NULL   -- changes since then that may have broken off
            );
            INSERT INTO {state} VALUES ({contract}, 0, '{{}}', 0)
            """,
            contract=self.contract,
        )

    def partitions(self, connection: Connection, url: str) -> list[Partition]:
        """Return where the faces lie: all of them behind ``url``, or on the nodes of its foreign tables."""
        rows = connection.execute(
            """
            SELECT relname, srvoptions, umoptions
            FROM pg_partition_tree(%s::regclass) AS tree
                JOIN pg_class ON pg_class.oid = tree.relid
                JOIN pg_foreign_table ON ftrelid = tree.relid
                JOIN pg_foreign_server ON pg_foreign_server.oid = ftserver
                LEFT JOIN pg_user_mappings ON srvid = ftserver AND usename = current_user
            ORDER BY length(relname), relname
            """,
            [f"{SCHEMA}.{self.name}_codes"],
        ).fetchall()
        found = []
        for table, of_server, of_user in rows:
            options = dict(option.split("=", 1) for option in [*of_server, *(of_user or [])])
            known = {name: value for name, value in options.items() if name in _LIBPQ}
            found.append(Partition(table.removeprefix(f"{self.name}_codes"), make_conninfo(**known)))
        return found or [Partition("", url)]

    def _key(self, lock: str) -> int:
        digest = hashlib.sha256(f"lineament {lock} {self.contract}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def connect(url: str) -> Connection:
    """Open a connection on which every statement is its own transaction.

    Probes are parameters to the end: inside a statement they would stand in the logs of the servers. What
    nodes can sort is sorted there.
    """
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=_CONNECT)
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute("SET enable_sort = off")
    return connection


def revision(connection: Connection, tables: Tables) -> int:
    """Return the revision as this connection sees it."""
    ((applied,),) = connection.execute(tables.query("SELECT revision FROM {state}")).fetchall()
    return int(applied)


def prepare(connection: Connection, tables: Tables) -> None:
    """Make the tables on one server, unless they are there."""
    with connection.transaction():
        connection.execute(tables.query("SELECT pg_advisory_xact_lock({writing})"))
        if not _exists(connection, f"{tables.name}_state"):
            _make_room(connection)
            connection.execute(tables.create())
            connection.execute(tables.create_state())


def shard(url: str, contract: str, dimension: int, nodes: Sequence[str]) -> None:
    """Lay out an empty index over several servers; ``url`` is the one that will be searched.

    A node scans each of its partitions with one process. It may be named several times, once for each of its
    cores. Every node and ``url`` need PostgreSQL 15 or newer and pgvector 0.7 or newer.
    Raises ValueError where the contract has its tables already.
    """
    tables = Tables(contract, dimension)
    with psycopg.connect(url) as searched:
        if _exists(searched, f"{tables.name}_state"):
            raise ValueError(f"the contract {contract} has its tables in this database already")
        _make_room(searched)
        searched.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
        searched.execute(tables.create_state())
        searched.execute(
            tables.query(
                """
                CREATE TABLE {codes} (
                    face text COLLATE "C" NOT NULL,
                    collection text COLLATE "C" NOT NULL,
                    code halfvec({dimension}) NOT NULL
                ) PARTITION BY HASH (face);
                CREATE TABLE {templates} (
                    face text COLLATE "C" NOT NULL, template vector({dimension}) NOT NULL
                ) PARTITION BY HASH (face);
                ALTER TABLE {codes} ALTER code SET STATISTICS 0;
                ALTER TABLE {templates} ALTER template SET STATISTICS 0
                """
            )
        )
        for number, node_url in enumerate(nodes):
            with psycopg.connect(node_url) as node:
                _make_room(node)
                node.execute(tables.create(f"_p{number}"))
            _attach(searched, tables, number, len(nodes), conninfo_to_dict(node_url))


def _attach(searched: Connection, tables: Tables, number: int, of: int, node: dict[str, Any]) -> None:
    """Make a node's pair of tables one partition of the index."""
    server = sql.Identifier(f"lineament_{tables.name}_{number}")
    person = {name: value for name, value in node.items() if name in _OF_A_PERSON}
    options = {name: value for name, value in node.items() if name not in person} | _FOREIGN
    searched.execute(
        sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({})").format(
            server, _options(options)
        )
    )
    searched.execute(
        sql.SQL("CREATE USER MAPPING FOR current_user SERVER {} OPTIONS ({})").format(
            server, _options(person)
        )
    )
    for kind in KINDS:
        name = f"{tables.name}_{kind}"
        searched.execute(
            sql.SQL(
                "CREATE FOREIGN TABLE {} PARTITION OF {} FOR VALUES WITH (MODULUS {}, REMAINDER {}) SERVER {}"
            ).format(
                sql.Identifier(SCHEMA, f"{name}_p{number}"), sql.Identifier(SCHEMA, name), of, number, server
            )
        )


def _options(values: dict[str, Any]) -> sql.Composed:
    pairs = [sql.SQL("{} {}").format(sql.Identifier(name), str(value)) for name, value in values.items()]
    return sql.SQL(", ").join(pairs)


def _exists(connection: Connection, table: str) -> bool:
    return bool(connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.{table}"]).fetchall()[0][0])


def _make_room(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute("CREATE SCHEMA IF NOT EXISTS lineament")
