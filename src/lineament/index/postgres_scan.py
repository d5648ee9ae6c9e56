"""How PostgreSQL compares: all faces of the chosen collections by codes, the candidates by templates."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from lineament.index.nearest import Near, nearest
from lineament.index.postgres_tables import Connection, Partition, Tables
from lineament.index.protocol import Hits


def margin(dimension: int) -> float:
    """Return how far the product of two half-precision codes may lie from that of their (D,) unit vectors.

    Rounding to the nearest half moves a number x by at most 2^-11 |x|, or by 2^-25 where it is tiny. So the
    code of a unit vector lies within d = 2^-11 + sqrt(D) 2^-25 of it, and the product of two codes within
    2 d + d^2 of the vectors' product (Cauchy-Schwarz). pgvector adds the D products up in float32, which is
    off by at most D 2^-24 of the sum of their magnitudes. A hundredth more is for vectors that are not quite
    of length 1. At 128-D this is 0.0010; the typical error is some 30 times smaller.
    """
    rounding = 2**-11 + math.sqrt(dimension) * 2**-25
    return 1.01 * (2 * rounding + rounding**2 + dimension * 2**-24)


def packed(vector: NDArray[np.float32]) -> bytes:
    """Return a (D,) vector as pgvector's binary form: D and 0 in two bytes each, then the numbers."""
    return len(vector).to_bytes(2, "big") + b"\0\0" + vector.astype(">f4").tobytes()


def unpacked(data: bytes) -> NDArray[np.float32]:
    """Return the (D,) vector in pgvector's binary form."""
    return np.frombuffer(data, ">f4", offset=4).astype(np.float32)


def scan_query(
    tables: Tables, partitions: Sequence[Partition], collections: Collection[str], best: int
) -> sql.Composed:
    """Return what asks every partition for the ``best`` faces of these collections; %(probe)s is still open.

    The collections stand in the query, so that PostgreSQL can tell how many faces they are likely to have.
    """
    return tables.everywhere(
        """
        SELECT face, -(code <#> %(probe)s::halfvec({dimension})) AS score
        FROM {codes} WHERE collection = ANY({chosen}::text[])
        ORDER BY score DESC LIMIT {best}
        """,
        partitions,
        chosen=[name.replace("%", "%%") for name in collections],  # a single one would be a parameter
        best=best,
    )


@dataclass(frozen=True, eq=False)
class PostgresSnapshot:
    """See Snapshot. It lives as long as the transaction of its connection."""

    connection: Connection
    tables: Tables
    partitions: Sequence[Partition]
    revision: int
    answering: Callable[[], AbstractContextManager[None]]

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold; see Snapshot."""
        query = self.tables.everywhere(
            "SELECT count(*) FROM {codes} WHERE collection = ANY({chosen}::text[])",
            self.partitions,
            chosen=list(collections),
        )
        with self.answering():
            return sum(count for (count,) in self.connection.execute(query))

    def search(
        self, probes: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> list[Hits]:
        """Compare (n, D) probes with every face of these collections; see Snapshot."""
        with self.answering():
            scan = _Scan(self, list(collections), self.count(collections))
            return nearest([scan] if len(scan) else [], probes, min_score, limit)


@dataclass(eq=False)
class _Scan:
    """The faces of some collections; see Part. A face gets a row when it first comes near a probe."""

    snapshot: PostgresSnapshot
    collections: list[str]
    faces: int
    ids: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    fetched: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.margin = margin(self.snapshot.tables.dimension)

    def __len__(self) -> int:
        return self.faces

    def near(self, probes: NDArray[np.float32], best: int) -> Near:
        """Scan all faces for each of (p, D) probes; see Part."""
        rows, scores = zip(*(self._scan(probe, best) for probe in probes), strict=True)
        return np.stack(rows), np.stack(scores)

    def _scan(self, probe: NDArray[np.float32], best: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the ``best`` of all partitions: no face that is left out scores higher than the last."""
        query = scan_query(self.snapshot.tables, self.snapshot.partitions, self.collections, best)
        text = "[" + ",".join(map(str, probe.tolist())) + "]"
        found = self.snapshot.connection.execute(query, {"probe": text}, binary=True).fetchall()
        found = sorted(found, key=lambda one: -one[1])[:best]
        scores = np.array([score for _, score in found], np.float32)
        return np.array([self._row(face) for face, _ in found], np.int64), scores

    def _row(self, face: str) -> int:
        row = self.rows.setdefault(face, len(self.ids))
        if row == len(self.ids):
            self.ids.append(face)
        return row

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Fetch the (m, D) templates of these rows, each once; see Part."""
        missing = [self.ids[row] for row in rows.tolist() if row not in self.fetched]
        if missing:
            query = self.snapshot.tables.query("SELECT face, template FROM {templates} WHERE face = ANY(%s)")
            for face, template in self.snapshot.connection.execute(query, [missing], binary=True):
                self.fetched[self.rows[face]] = unpacked(template)
        templates = [self.fetched[row] for row in rows.tolist()]
        return np.array(templates, np.float32).reshape(-1, self.snapshot.tables.dimension)

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of these rows; see Part."""
        return [self.ids[row] for row in rows.tolist()]
