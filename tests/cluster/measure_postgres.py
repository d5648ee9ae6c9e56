"""Print what docs/cluster-postgres.md says was measured: ``python -m tests.cluster.measure_postgres``."""

import secrets
import time
from collections.abc import Callable
from contextlib import closing

import numpy as np
import psycopg

from lineament.index.postgres import PostgresIndex, open_postgres
from lineament.index.postgres_tables import KINDS, shard
from tests.cluster.postgres_nodes import Node, postgres_nodes
from tests.index.contract import search, unit

BATCH = 5_000
COLLECTION = "c" * 32


def seconds(act: Callable[[], object], times: int = 1) -> float:
    """Return the median time that something takes."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def sizes(index: PostgresIndex, faces: int) -> dict[str, int]:
    """Return bytes a face: of rows with what PostgreSQL puts apart, and of b-trees."""
    found = dict.fromkeys(["codes", "codes' b-trees", "templates", "templates' b-tree"], 0)
    for partition in index._partitions:
        with psycopg.connect(partition.url) as node:
            for kind, rows, trees in zip(KINDS, ["codes", "templates"], list(found)[1::2], strict=True):
                name = index._tables.table(kind, partition.suffix).as_string(node)
                measure = "SELECT pg_table_size(%s::regclass), pg_indexes_size(%s::regclass)"
                ((size, of_trees),) = node.execute(measure, [name, name]).fetchall()
                found[rows] += size
                found[trees] += of_trees
    return {name: round(size / faces) for name, size in found.items()}


def measure(servers: list[Node], nodes: int, dimension: int, faces: int) -> None:
    """Fill an index, search it, purge it, and print a line of a table."""
    contract, url = f"{nodes} nodes, {dimension}-D", servers[0].url("searched")
    if nodes > 1:
        shard(url, contract, dimension, [server.url("node") for server in servers])
    vectors = unit(faces, dimension=dimension)
    ids = [secrets.token_hex(16) for _ in range(faces)]
    with closing(open_postgres(url, contract, dimension)) as index:

        def add() -> None:
            for first in range(0, faces, BATCH):
                rows = slice(first, first + BATCH)
                index.add(ids[rows], [COLLECTION] * BATCH, vectors[rows], first)

        adding = seconds(add)
        for partition in index._partitions:
            with psycopg.connect(partition.url, autocommit=True) as node:
                node.execute("VACUUM (ANALYZE)")
        searching = seconds(lambda: search(index, vectors[3], [COLLECTION], -1, 50), times=15)
        bytes_a_face = sizes(index, faces)
        index.remove(ids[:1000], faces)
        purging = seconds(index.purge)
        print(
            f"| {nodes} | {dimension} | {faces:,} | {faces / adding:,.0f} | {searching * 1000:.0f} ms "
            f"| {faces / searching / 1e6:.1f} million | {purging:.1f} s | {bytes_a_face} |",
            flush=True,
        )
        index.clear()


if __name__ == "__main__":
    with postgres_nodes(3) as running:
        for count in (1, 3):
            measure(running, count, 128, 200_000)
            measure(running, count, 512, 100_000)
