"""Milvus as an engine: a collection for each contract, scanned whole (FLAT, inner product) by query nodes.

Three things that Milvus does not have are made here and in `milvus_search`. A snapshot: each row says with
which change it came, so a search sees the changes up to its own; a row that is removed meanwhile is handed to
the snapshots that are open. A threshold without a cap: pages of 16,384, in order of falling score. Exact
scores: the server rounds its products differently from one segment to the next, so what it finds is scored
again.

One process writes to a collection at a time; any number of them search it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient

from lineament.errors import IndexUnavailable
from lineament.index.milvus_search import Asking, MilvusSnapshot, Row, State, exact, literal, one_sentence
from lineament.index.protocol import Purged, require_vectors

_PIECE = 5_000  # ids in one request
_BATCH = 8 << 20  # bytes of vectors in one request
_TRIES = 20
_PROVED = 16  # faces whose mates must be found when an index is opened

logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it prints a traceback for what is raised here


def open_milvus(url: str, contract: str, dimension: int, patience: float = 30) -> MilvusIndex:
    """Open, or begin, the index of one contract on the Milvus server at ``url``.

    ``url`` is http(s)://[user:password@]host:port; ``patience`` is how many seconds a request may take.

    Raises IndexUnavailable where the server does not answer, or does not compare every face.
    """
    with one_sentence():
        where = urlsplit(url)
        client = MilvusClient(
            uri=f"{where.scheme}://{where.hostname}:{where.port or 19530}",
            user=where.username or "",
            password=where.password or "",
            timeout=patience,
            dedicated=True,
        )
        try:
            return MilvusIndex(client, contract, dimension, patience)
        except BaseException:
            client.close()
            raise


class MilvusIndex:
    """See Index. Rows are face, collection, change, vector; the collection's properties hold the State.

    The Lineament collection is an indexed field, not a partition key: a permission may cover a dozen faces or
    most of them, and a key would spread both over the same fixed number of partitions.
    """

    def __init__(self, client: MilvusClient, contract: str, dimension: int, patience: float) -> None:
        self._client = client
        self._contract = contract
        self._dimension = dimension
        self.name = f"lineament_{sha256(contract.encode()).hexdigest()[:32]}"
        self._asking = Asking(client, self.name, patience)
        self._timeout = patience
        self._writing = Lock()
        self._unsure = True  # whether a change may have broken off half-way
        self._meeting = Lock()  # guards the next two
        self._open: list[MilvusSnapshot] = []
        self._leaving: tuple[State, dict[str, Row]] | None = None  # rows that are being removed
        if not client.has_collection(self.name, timeout=patience):
            self._create(change=0)
        client.load_collection(self.name, timeout=patience)
        self._require_exhaustive()

    @property
    @one_sentence()
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""
        return self._state().revision

    @one_sentence()
    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces; see Index. Rows count only once the state says so: half an add is none."""
        require_vectors(ids, vectors, self._dimension)
        with self._change() as before:
            first = dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))
            there = self._rows(first, [])
            new = [row for face, row in first.items() if face not in there]
            step = max(1, _BATCH // (4 * self._dimension))
            for start in range(0, len(new), step):
                rows = [
                    {"face": ids[row], "collection": collections[row], "change": before.change + 1}
                    | {"vector": vectors[row]}
                    for row in new[start : start + step]
                ]
                self._client.insert(self.name, rows, timeout=self._timeout)
            self._keep(
                before._replace(
                    revision=max(before.revision, revision),
                    change=before.change + 1,
                    faces=before.faces + len(new),
                )
            )

    @one_sentence()
    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out; see Index. Snapshots that are open keep them, in memory, until they end."""
        with self._change() as before:
            leaving = {
                face: Row(row["collection"], row["change"], np.asarray(row["vector"], np.float32))
                for face, row in self._rows(ids, ["collection", "change", "vector"]).items()
            }
            during = before._replace(faces=before.faces - len(leaving), removed=before.removed + len(leaving))
            self._keep(during)  # first: should this break off, fewer faces are expected, not more
            with self._meeting:
                self._leaving = during, leaving
                for snapshot in self._open:
                    snapshot.keep(leaving)
            try:
                self._delete(list(leaving))
                self._keep(during._replace(revision=max(before.revision, revision), change=before.change + 1))
            finally:
                self._leaving = None

    @one_sentence()
    def purge(self) -> Purged:
        """Have the server write its segments anew without the removed rows; see Index.

        On return no segment in use holds one. The old files and the message queue follow on their own, after
        the times that the server is set to (docs/cluster-milvus.md).
        Raises IndexUnavailable where that takes more than ten times the patience.
        """
        with self._change() as before:
            if not before.removed:
                return Purged(0, 0)
            older = {segment.segment_id for segment in self._segments()}
            self._client.flush(self.name, timeout=10 * self._timeout)
            until = time.monotonic() + 10 * self._timeout
            while True:
                job = self._client.compact(self.name, timeout=self._timeout)
                while self._client.get_compaction_state(job, timeout=self._timeout) == "Executing":
                    _wait(until)
                segments, kept = self._segments(), self._asking.count("")
                if sum(segment.num_rows for segment in segments) == kept:
                    break
                _wait(until)
            self._keep(before._replace(removed=0))
            rewritten = sum(segment.num_rows for segment in segments if segment.segment_id not in older)
            return Purged(before.removed, rewritten * 4 * self._dimension)

    @contextmanager
    def snapshot(self) -> Iterator[MilvusSnapshot]:
        """Hold the index as it stands; see Index."""
        with one_sentence():
            opened = self._pin()
        try:
            yield opened
        finally:
            self._unpin(opened)

    @one_sentence()
    def verify(self) -> list[str]:
        """Read every row; return a sentence for each thing that is wrong."""
        wrong = []
        with self._writing:
            before = self._state()
            rows, everything = 0, self._asking.count("")
            reading = self._client.query_iterator(
                self.name, batch_size=1000, output_fields=["face", "vector"], **self._asking.how
            )
            while batch := reading.next():
                rows += len(batch)
                for row in batch:
                    length = float(np.linalg.norm(np.asarray(row["vector"], np.float32)))
                    if not abs(length - 1) < 1e-3:  # NaN too
                        wrong.append(f"The vector of face {row['face']} has the length {length}.")
            reading.close()
            if everything < before.faces:
                wrong.append(f"Milvus shows {everything} of {before.faces} faces.")
            if rows != everything:
                wrong.append(f"Milvus counts {everything} faces, and {rows} different ones can be read.")
            if late := self._asking.count(f"change > {before.change}"):
                wrong.append(f"{late} faces are of a change that was never finished.")
            try:
                self._require_exhaustive()
            except IndexUnavailable as error:
                wrong.append(str(error))
        return wrong

    @one_sentence()
    def clear(self) -> None:
        """Forget everything; see Index. Snapshots that are open end."""
        with self._change(whole=False) as before:
            with self._meeting:
                for snapshot in self._open:
                    snapshot.end()
            self._client.drop_collection(self.name, timeout=self._timeout)
            self._create(before.change + 1)

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()

    # --- what the rest is made of ------------------------------------------------------------------------

    def _create(self, change: int) -> None:
        schema = MilvusClient.create_schema(
            auto_id=False, enable_dynamic_field=False, description=f"Lineament, contract {self._contract}"
        )
        schema.add_field("face", DataType.VARCHAR, max_length=64, is_primary=True)
        schema.add_field("collection", DataType.VARCHAR, max_length=64)
        schema.add_field("change", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("vector", index_type="FLAT", metric_type="IP")
        indexes.add_index("collection", index_type="Trie")
        self._client.create_collection(
            self.name,
            schema=schema,
            index_params=indexes,
            consistency_level="Strong",
            timeout=10 * self._timeout,
        )
        self._keep(State(change=change))

    def _state(self) -> State:
        """Read what is kept with the collection."""
        kept = self._client.describe_collection(self.name, timeout=self._timeout)["properties"]
        return State(*(int(kept.get(f"lineament.{field}", 0)) for field in State._fields))

    def _keep(self, state: State) -> None:
        properties = {f"lineament.{field}": str(value) for field, value in state._asdict().items()}
        for _ in range(2):  # Milvus 2.3.5 writes down the properties as they were before the call
            self._client.alter_collection_properties(self.name, properties, timeout=self._timeout)

    @contextmanager
    def _change(self, whole: bool = True) -> Iterator[State]:
        """Write alone. What an add that broke off has left, in this process or an earlier one, goes first.

        Raises IndexUnavailable where faces are out of sight, for they would be added once more.
        """
        with self._writing:
            before = self._state()
            in_sight = self._asking.count(f"change <= {before.change}")
            if whole and in_sight < before.faces:
                raise IndexUnavailable(f"Milvus shows {in_sight} of {before.faces} faces.")
            if self._unsure:
                while left := self._asking.rows(f"change > {before.change}", [], limit=_PIECE):
                    self._delete([row["face"] for row in left])
                    before = before._replace(removed=before.removed + len(left))
                before = before._replace(faces=max(before.faces, in_sight))
            self._unsure = True
            yield before
            self._unsure = False

    def _rows(self, ids: Iterable[str], fields: list[str]) -> dict[str, dict[str, Any]]:
        """Return those of these faces that are there, with the fields named."""
        asked = list(dict.fromkeys(ids))
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(asked), _PIECE):
            where = f"face in {literal(asked[start : start + _PIECE])}"
            found |= {row["face"]: row for row in self._asking.rows(where, fields)}
        return found

    def _delete(self, ids: list[str]) -> None:
        for start in range(0, len(ids), _PIECE):
            self._client.delete(self.name, ids=ids[start : start + _PIECE], timeout=self._timeout)

    def _segments(self) -> list[Any]:
        found = self._client.list_persistent_segments(self.name, timeout=self._timeout)
        return [segment for segment in found if segment.level != "L0"]  # newer servers: lists of deletions

    def _require_exhaustive(self) -> None:
        """Raise IndexUnavailable unless every face is compared, so far as that can be seen from outside.

        The index must be FLAT: over any other one, a server at its defaults searches fresh rows by an
        approximation that no request can switch off. Then mates are made of some of the newest faces and of
        some others, at a cosine of about 0.5. Each must find its face, or else 100 faces that are better.
        """
        index = self._client.describe_index(self.name, "vector", timeout=self._timeout) or {}
        kind = f"{index.get('index_type')} {index.get('metric_type')}"
        if kind != "FLAT IP":
            raise IndexUnavailable(
                f"{self.name} has the index {kind}, which passes faces over: FLAT IP does not."
            )
        some = {
            row["face"]: row["vector"]
            for where in (f"change > {self._state().change - 1000}", "change >= 0")
            for row in self._asking.rows(where, ["vector"], limit=_PROVED)
        }
        if not some:
            return
        vectors = np.array(list(some.values()), np.float32)
        noise = np.random.default_rng(235).normal(size=vectors.shape)
        mates = vectors + 1.7 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        mates = (mates / np.linalg.norm(mates, axis=1, keepdims=True)).astype(np.float32)
        found = self._asking.best(mates, "", 100, [])
        for face, vector, mate, hits in zip(some, vectors, mates, found, strict=True):
            outdone = len(hits) == 100 and exact(vector[np.newaxis], mate)[0] < hits[-1]["distance"] + 1e-4
            if not outdone and face not in {hit["id"] for hit in hits}:
                raise IndexUnavailable(
                    "Milvus passes faces over: set queryNode.segcore.interimIndex.enableIndex to false, and "
                    "start its query nodes again."
                )

    def _pin(self) -> MilvusSnapshot:
        for _ in range(_TRIES):
            state = self._state()
            with self._meeting:
                opened = MilvusSnapshot(self._asking, state, self._dimension)
                if self._leaving and self._leaving[0] == state:  # it still has those that are being removed
                    opened = MilvusSnapshot(
                        self._asking,
                        state._replace(faces=state.faces + len(self._leaving[1])),
                        self._dimension,
                    )
                    opened.keep(self._leaving[1])
                self._open.append(opened)
            if self._state() == state:  # nothing was removed between the two
                return opened
            self._unpin(opened)
        raise IndexUnavailable("The index changes faster than it can be read.")

    def _unpin(self, snapshot: MilvusSnapshot) -> None:
        with self._meeting:
            if snapshot in self._open:
                self._open.remove(snapshot)


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise IndexUnavailable(
            "Milvus did not finish its compaction in time; removed faces are still on disk."
        )
    time.sleep(0.5)
