"""Searching Milvus: what is found page by page, scored again, and held still while it is searched."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray
from pymilvus import MilvusClient, MilvusException

from lineament.errors import IndexUnavailable
from lineament.index.protocol import Hits

DEPTH_MAX = 16_384  # rows in one answer: Milvus' own limit
_SPARE = 64  # rows asked for beyond the limit, so that a second request is rare
_TRIES = 20

_T = TypeVar("_T")


class State(NamedTuple):
    """What is kept with the collection.

    The revision applied; the number of the last change; how many faces there are at least (fewer in sight
    means that the server is not all there); how many rows were removed since the last purge.
    """

    revision: int = 0
    change: int = 0
    faces: int = 0
    removed: int = 0


class Row(NamedTuple):
    """One face, without its id. ``vector`` is (D,)."""

    collection: str
    change: int
    vector: NDArray[np.float32]


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn what the client raises into IndexUnavailable. Use it around a block, or on a method."""
    try:
        yield
    except (MilvusException, grpc.RpcError) as error:
        said = str(getattr(error, "message", error)).strip().split("\n")[0]
        raise IndexUnavailable(f"Milvus does not answer as it should: {said[:300]}") from error


def literal(texts: Iterable[str]) -> str:
    """Return a list of texts as Milvus' conditions write it."""
    return json.dumps(sorted(texts), ensure_ascii=False)


def exact(vectors: NDArray[np.float32], probe: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (n,) products of (n, D) and (D,); equal vectors get equal scores wherever they stand."""
    products: NDArray[np.float64] = (vectors.astype(np.float64) * probe).sum(axis=1)
    return products.astype(np.float32)


class Asking:
    """The questions to one collection, each answered with all that was acknowledged before it (Strong)."""

    def __init__(self, client: MilvusClient, name: str, patience: float) -> None:
        self._client = client
        self._name = name
        self.how: dict[str, Any] = {"consistency_level": "Strong", "timeout": patience}

    def count(self, where: str) -> int:
        """Return how many rows meet a condition, counted on the query nodes."""
        return int(self._client.query(self._name, where, ["count(*)"], **self.how)[0]["count(*)"])

    def rows(self, where: str, fields: list[str], limit: int | None = None) -> list[dict[str, Any]]:
        """Return rows that meet a condition, in no order."""
        bound = {} if limit is None else {"limit": limit}
        return list(self._client.query(self._name, where, ["face", *fields], **bound, **self.how))

    def best(
        self,
        probes: NDArray[np.float32],
        where: str,
        depth: int,
        fields: list[str],
        between: dict[str, float] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """Return for each of (n, D) probes its ``depth`` best rows under a condition, the best first."""
        how = {"metric_type": "IP", "params": between or {}}
        found: Any = self._client.search(
            self._name, probes, where, depth, fields, search_params=how, **self.how
        )
        return [list(rows) for rows in found]


class MilvusSnapshot:
    """See Snapshot. Rows that are removed while it is open are kept here and scored here."""

    def __init__(self, asking: Asking, state: State, dimension: int) -> None:
        self._asking = asking
        self._state = state
        self._slack = 2 * dimension * 2.0**-24  # of two float32 products of unit vectors, added in any order
        self._lock = Lock()
        self._gone: dict[str, Row] = {}
        self._ended = False

    @property
    def revision(self) -> int:
        """The newest revision of the records that had been applied."""
        return self._state.revision

    def keep(self, leaving: dict[str, Row]) -> None:
        """Take over rows that are about to be removed."""
        with self._lock:
            self._gone.update(
                {face: row for face, row in leaving.items() if row.change <= self._state.change}
            )

    def end(self) -> None:
        """Answer no more: what this snapshot shows is no longer there."""
        self._ended = True

    @one_sentence()
    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold."""
        here, gone = self._undisturbed(collections, self._asking.count)
        return here + len(gone)

    @one_sentence()
    def search(
        self, probes: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> list[Hits]:
        """Compare (n, D) probes with every face of these collections; see Snapshot.

        Raises IndexUnavailable where the server, or a part of it, does not answer in time, and where more
        than 16,384 faces score the same.
        """

        def ask(where: str) -> tuple[list[dict[str, np.float32]], int]:
            found = self._found(probes, where, min_score, limit)
            return found, self._asking.count(where)  # counted last: what left meanwhile was not compared

        (found, covered), gone = self._undisturbed(collections, ask)
        if gone:
            vectors = np.stack([row.vector for row in gone.values()])
            for probe, scores in zip(probes, found, strict=True):
                scores.update(zip(gone, exact(vectors, probe), strict=True))
        return [_hits(scores, covered + len(gone), min_score, limit) for scores in found]

    def _undisturbed(
        self, collections: Collection[str], ask: Callable[[str], _T]
    ) -> tuple[_T, dict[str, Row]]:
        """Ask under this snapshot's condition until nothing was removed meanwhile.

        All faces must be in sight before and after, whatever a server that is just starting, or loses a part,
        makes of that.
        Returns the answer, and the rows of these collections that it leaves out because they are kept here.
        """
        for _ in range(_TRIES):
            with self._lock:
                gone = dict(self._gone)
            where = f"change <= {self._state.change}"
            if gone:
                where += f" and face not in {literal(gone)}"
            before = self._asking.count(where)
            answer = ask(f"collection in {literal(collections)} and {where}")
            in_sight = min(before, self._asking.count(where))
            if self._ended:
                raise IndexUnavailable("The index was cleared while it was searched.")
            if len(self._gone) > len(gone):
                continue
            if in_sight < self._state.faces - len(gone):
                raise IndexUnavailable(f"Milvus shows {in_sight} of {self._state.faces - len(gone)} faces.")
            return answer, {face: row for face, row in gone.items() if row.collection in collections}
        raise IndexUnavailable("Faces are removed faster than the index can be searched.")

    def _found(
        self, probes: NDArray[np.float32], where: str, min_score: float, limit: int
    ) -> list[dict[str, np.float32]]:
        """Return for each probe the exact scores, by face, of all that can be in its list, and of others."""
        depth = min(limit + _SPARE, DEPTH_MAX)
        together = max(1, DEPTH_MAX // depth)
        found = []
        for start in range(0, len(probes), together):
            some = probes[start : start + together]
            for probe, page in zip(some, self._asking.best(some, where, depth, ["vector"]), strict=True):
                found.append(self._deepened(probe, page, depth, where, min_score, limit))
        return found

    def _deepened(
        self,
        probe: NDArray[np.float32],
        page: list[dict[str, Any]],
        depth: int,
        where: str,
        min_score: float,
        limit: int,
    ) -> dict[str, np.float32]:
        """Page on, from the best rows down, until nobody who belongs in the list can be missing."""
        scores: dict[str, np.float32] = {}
        top = np.inf
        while True:
            if page:
                vectors = np.asarray([row["entity"]["vector"] for row in page], np.float32)
                scores.update(zip([row["id"] for row in page], exact(vectors, probe), strict=True))
            if len(page) < depth:
                return scores  # there are no more
            reached = float(page[-1]["distance"])  # as the server rounds it
            needed = min_score
            if len(scores) > limit:
                needed = max(needed, float(sorted(scores.values(), reverse=True)[limit]))
            if reached < needed - self._slack:
                return scores
            if reached + self._slack >= top:
                raise IndexUnavailable(f"More than {depth} faces score {reached:.6f}, as good as equal.")
            top, depth = reached + self._slack, DEPTH_MAX
            band = {"radius": needed - 2 * self._slack, "range_filter": top}  # radius < score <= range_filter
            (page,) = self._asking.best(probe[np.newaxis], where, depth, ["vector"], band)


def _hits(scores: dict[str, np.float32], covered: int, min_score: float, limit: int) -> Hits:
    passing = sorted((-score, face) for face, score in scores.items() if score >= min_score)
    best = passing[:limit]
    return Hits(
        ids=[face for _, face in best],
        scores=np.array([-score for score, _ in best], np.float32),
        covered=covered,
        truncated=len(passing) > limit,
    )
