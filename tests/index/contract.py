"""What every index engine must do. An engine's test file subclasses `IndexContract` and says how to open it.

The reference is a dictionary and a float64 product.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineament.index.protocol import Hits, Index

DIMENSION = 16
KEY = bytes(range(32))  # of the files of an engine that has any
ROUNDING = 1e-6  # of a float32 product of two unit vectors of so many numbers


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> np.ndarray:
    """Return (count, dimension) float32 vectors of length 1."""
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def search(
    index: Index, probe: np.ndarray, collections: Collection[str], min_score: float, limit: int
) -> Hits:
    """Search with one probe in the index as it stands."""
    with index.snapshot() as snapshot:
        (hits,) = snapshot.search(probe[np.newaxis], collections, min_score, limit)
    return hits


def count(index: Index, collections: Collection[str]) -> int:
    """Count the faces of these collections in the index as it stands."""
    with index.snapshot() as snapshot:
        return snapshot.count(collections)


class Reference:
    """What an index should hold: faces by id, each with its collection and its vector."""

    def __init__(self) -> None:
        self.faces: dict[str, tuple[str, np.ndarray]] = {}

    def add(self, ids: Sequence[str], collections: Sequence[str], vectors: np.ndarray) -> None:
        for face, collection, vector in zip(ids, collections, vectors, strict=True):
            self.faces.setdefault(face, (collection, vector.astype(np.float64)))

    def remove(self, ids: Sequence[str]) -> None:
        for face in ids:
            self.faces.pop(face, None)

    def scores(self, probe: np.ndarray, collections: Collection[str]) -> dict[str, float]:
        """Return the float64 score of every face of these collections."""
        exact = probe.astype(np.float64)
        return {
            face: float(vector @ exact)
            for face, (collection, vector) in self.faces.items()
            if collection in collections
        }

    def check(self, index: Index, probe: np.ndarray, collections: Collection[str], floor: float, limit: int):
        """Fail unless the index answers as this reference does, roundings aside."""
        scores = self.scores(probe, collections)
        hits = search(index, probe, collections, floor, limit)
        passing = [face for face, score in scores.items() if score >= floor + ROUNDING]
        at_least = [face for face, score in scores.items() if score >= floor - ROUNDING]
        assert hits.covered == len(scores)
        assert min(len(passing), limit) <= len(hits.ids) <= min(len(at_least), limit)
        assert hits.truncated in {len(passing) > limit, len(at_least) > limit}
        assert hits.scores == pytest.approx([scores[face] for face in hits.ids], abs=ROUNDING)
        assert list(zip(-hits.scores, hits.ids, strict=True)) == sorted(
            zip(-hits.scores, hits.ids, strict=True)
        )
        if hits.ids:  # nobody who scores higher than the last of the list is left out of it
            last = scores[hits.ids[-1]] + 2 * ROUNDING
            assert {face for face, score in scores.items() if score > last} <= set(hits.ids)


class IndexContract:
    """The suite. `opener` returns what opens the engine, again and again over the same stored data."""

    examples: ClassVar[int] = 60

    def opener(self, folder: Path) -> Callable[[], Index]:
        raise NotImplementedError

    @pytest.fixture
    def open_index(self, tmp_path: Path) -> Callable[[], Index]:
        return self.opener(tmp_path)

    @pytest.fixture
    def index(self, open_index: Callable[[], Index]):
        opened = open_index()
        yield opened
        opened.close()

    def test_the_best_faces_come_first_and_equal_scores_by_id(self, index: Index):
        """Order does not depend on the order of adding."""
        vectors = unit(3)
        index.add(["c", "a", "b"], ["x"] * 3, np.stack([vectors[0], vectors[0], vectors[1]]), revision=1)
        hits = search(index, vectors[0], ["x"], -1, 3)
        assert hits.ids == ["a", "c", "b"]
        assert hits.scores[0] == pytest.approx(1.0)
        assert (hits.covered, hits.truncated) == (3, False)

    def test_of_equal_scores_the_first_ids_are_kept_when_not_all_fit(self, index: Index):
        """A list can be run again to the same faces."""
        vectors = unit(1).repeat(6, axis=0)
        index.add(list("fbdace"), ["x"] * 6, vectors, revision=1)
        hits = search(index, vectors[0], ["x"], -1, 4)
        assert (hits.ids, hits.truncated) == (list("abcd"), True)

    def test_only_the_chosen_collections_are_compared(self, index: Index):
        """A collection that was not asked for is neither returned nor counted; an unknown one is empty."""
        vectors = unit(4)
        index.add(["a", "b", "c", "d"], ["x", "y", "x", "z"], vectors, revision=1)
        hits = search(index, vectors[1], ["x", "z", "nowhere"], -1, 10)
        assert sorted(hits.ids) == ["a", "c", "d"]
        assert hits.covered == count(index, ["x", "z", "nowhere"]) == 3

    def test_a_small_collection_beside_a_large_one_is_not_starved(self, index: Index):
        """The choice of collections comes before the ranking: far better faces elsewhere do not matter."""
        near, far = unit(1).repeat(400, axis=0), unit(3, seed=4)
        index.add([f"n{row:03}" for row in range(400)], ["large"] * 400, near, revision=1)
        index.add(["f0", "f1", "f2"], ["small"] * 3, far, revision=2)
        hits = search(index, near[0], ["small"], -1, 10)
        assert (sorted(hits.ids), hits.covered) == (["f0", "f1", "f2"], 3)

    def test_all_faces_at_or_above_the_threshold_are_returned_or_said_to_be_more(self, index: Index):
        """A limit never hides silently that more passed, however many resemble the probe."""
        vectors = unit(1).repeat(300, axis=0)
        index.add([f"{row:03}" for row in range(300)], ["x"] * 300, vectors, revision=1)
        assert len(search(index, vectors[0], ["x"], 0.999, 300).ids) == 300
        cut = search(index, vectors[0], ["x"], 0.999, 299)
        assert (len(cut.ids), cut.truncated) == (299, True)

    def test_several_probes_get_an_answer_each(self, index: Index):
        """In their order, and the same as alone."""
        vectors = unit(20)
        index.add([f"{row:02}" for row in range(20)], ["x"] * 20, vectors, revision=1)
        with index.snapshot() as snapshot:
            both = snapshot.search(vectors[[7, 3]], ["x"], -1, 2)
        assert [hits.ids[0] for hits in both] == ["07", "03"]
        assert both[1].ids == search(index, vectors[3], ["x"], -1, 2).ids

    def test_adding_again_changes_nothing_and_the_revision_never_falls(self, index: Index):
        """A follower may apply the same change twice, and late."""
        vectors = unit(2)
        index.add(["a", "b"], ["x", "x"], vectors, revision=7)
        index.add(["a"], ["x"], vectors[1:], revision=5)
        assert count(index, ["x"]) == 2
        assert index.revision == 7
        assert search(index, vectors[0], ["x"], -1, 1).ids == ["a"]

    def test_an_id_that_comes_twice_in_one_batch_is_added_once(self, index: Index):
        """The first one counts."""
        vectors = unit(2)
        index.add(["a", "a"], ["x", "x"], vectors, revision=1)
        hits = search(index, vectors[0], ["x"], -1, 5)
        assert (hits.ids, hits.covered) == (["a"], 1)
        assert hits.scores[0] == pytest.approx(1.0)

    def test_what_is_removed_is_gone_at_once_and_can_come_back(self, index: Index):
        """Removing what is not there does nothing."""
        vectors = unit(3)
        index.add(["a", "b", "c"], ["x", "x", "y"], vectors, revision=1)
        index.remove(["b", "nobody"], revision=2)
        hits = search(index, vectors[1], ["x", "y"], -1, 10)
        assert (sorted(hits.ids), hits.covered, index.revision) == (["a", "c"], 2, 2)
        index.add(["b"], ["y"], vectors[[1]], revision=3)
        assert search(index, vectors[1], ["y"], -1, 1).ids == ["b"]

    def test_an_empty_index_answers_with_nothing(self, index: Index):
        """No faces, no error; and no collections, no faces."""
        hits = search(index, unit(1)[0], ["x"], -1, 10)
        assert (hits.ids, hits.covered, hits.truncated, index.revision) == ([], 0, False, 0)
        index.add(["a"], ["x"], unit(1), revision=1)
        assert search(index, unit(1)[0], [], -1, 10).covered == 0

    def test_vectors_of_another_dimension_are_refused(self, index: Index):
        """Templates of two contracts never meet."""
        with pytest.raises(ValueError, match="expected"):
            index.add(["a"], ["x"], np.ones((1, DIMENSION + 1), np.float32), revision=1)
        assert count(index, ["x"]) == 0

    def test_a_snapshot_does_not_see_what_changes_after_it(self, index: Index):
        """A search is pinned to one revision: nothing joins it and nothing leaves it half-way."""
        vectors = unit(3)
        index.add(["a", "b"], ["x", "x"], vectors[:2], revision=1)
        with index.snapshot() as snapshot:
            index.add(["c"], ["x"], vectors[2:], revision=2)
            index.remove(["a"], revision=3)
            assert (snapshot.revision, snapshot.count(["x"])) == (1, 2)
            assert sorted(snapshot.search(vectors[:1], ["x"], -1, 5)[0].ids) == ["a", "b"]
        assert (sorted(search(index, vectors[0], ["x"], -1, 5).ids), index.revision) == (["b", "c"], 3)

    def test_a_restart_finds_what_was_there(self, open_index: Callable[[], Index]):
        """What the records must bring again is what follows the revision that the index names."""
        vectors, changes = unit(6), {1: (["a", "b"], 0), 2: (["c", "d"], 2), 3: (["e"], 4)}
        index = open_index()
        for revision, (ids, first) in changes.items():
            index.add(ids, ["x"] * len(ids), vectors[first : first + len(ids)], revision)
        index.remove(["d"], revision=4)
        index.close()
        index = open_index()
        for revision, (ids, first) in changes.items():
            if revision > index.revision:
                kept = [row for row, face in enumerate(ids) if face != "d"]  # the records forgot it too
                rows = [first + row for row in kept]
                index.add([ids[row] for row in kept], ["x"] * len(kept), vectors[rows], revision)
        assert sorted(search(index, vectors[0], ["x"], -1, 9).ids) == ["a", "b", "c", "e"]
        assert index.verify() == []
        index.close()

    def test_clearing_forgets_everything(self, open_index: Callable[[], Index]):
        """The next revision that it needs is the first."""
        index = open_index()
        index.add(["a"], ["x"], unit(1), revision=9)
        index.clear()
        assert (index.revision, count(index, ["x"])) == (0, 0)
        index.close()
        index = open_index()
        assert (index.revision, count(index, ["x"])) == (0, 0)
        index.add(["a"], ["y"], unit(1), revision=1)
        assert count(index, ["y"]) == 1
        index.close()

    def test_a_purge_leaves_the_rest_as_it_was(self, index: Index):
        """What stays is found as before; a second purge finds nothing to do."""
        vectors = unit(30)
        ids = [f"{row:02}" for row in range(30)]
        index.add(ids, ["x"] * 20 + ["y"] * 10, vectors, revision=1)
        index.remove(ids[5:15], revision=2)
        index.purge()
        assert index.purge().faces == 0
        assert index.verify() == []
        hits = search(index, vectors[3], ["x", "y"], -1, 30)
        assert (sorted(hits.ids), hits.ids[0], hits.covered) == (ids[:5] + ids[15:], "03", 20)

    def test_any_order_of_changes_and_restarts_agrees_with_the_reference(
        self, tmp_path_factory: pytest.TempPathFactory
    ):
        """Adds, removals, purges, restarts and searches, as they come."""
        pool = np.concatenate([unit(25), unit(3, seed=9).repeat(2, axis=0)])  # some of them equal
        change = st.one_of(
            st.tuples(
                st.just("add"), st.lists(st.integers(0, 30), min_size=1, max_size=6), st.sampled_from("xyz")
            ),
            st.tuples(st.just("remove"), st.lists(st.integers(0, 30), max_size=4), st.just("")),
            st.tuples(st.sampled_from(["purge", "restart"]), st.just([]), st.just("")),
        )

        @given(
            steps=st.lists(change, max_size=25),
            chosen=st.sets(st.sampled_from("xyz")),
            floor=st.sampled_from([-1.0, 0.0, 0.3, 0.9]),
            limit=st.integers(1, 40),
        )
        @settings(
            max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        def agrees(steps, chosen, floor, limit):
            open_index = self.opener(tmp_path_factory.mktemp("index"))
            index, reference, history = open_index(), Reference(), []
            for revision, (step, numbers, collection) in enumerate(steps, start=1):
                ids = [f"{number:02}" for number in numbers]
                if step == "add":
                    index.add(ids, [collection] * len(ids), pool[numbers], revision)
                    reference.add(ids, [collection] * len(ids), pool[numbers])
                    history.append((revision, ids, collection, pool[numbers]))
                elif step == "remove":
                    index.remove(ids, revision)
                    reference.remove(ids)
                    history = [(r, *_without(i, c, v, ids)) for r, i, c, v in history]
                elif step == "purge":
                    index.purge()
                else:
                    index.close()
                    index = open_index()
                    for added, ids_, collection_, vectors in history:
                        if added > index.revision:
                            index.add(ids_, [collection_] * len(ids_), vectors, added)
            for probe in np.concatenate([unit(1, seed=1), pool[[26]]]):
                reference.check(index, probe, chosen, floor, limit)
            index.close()

        agrees()


def _without(
    ids: list[str], collection: str, vectors: np.ndarray, gone: list[str]
) -> tuple[list[str], str, np.ndarray]:
    kept = [row for row, face in enumerate(ids) if face not in gone]
    return [ids[row] for row in kept], collection, vectors[kept]
