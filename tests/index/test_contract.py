"""What every index engine must do; engines are added to ENGINES and to nothing else."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.index.exact import ExactIndex
from lineament.index.protocol import Index

DIMENSION = 16
ENGINES: list[Callable[[int], Index]] = [ExactIndex]


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest) -> Index:
    engine: Callable[[int], Index] = request.param
    return engine(DIMENSION)


def unit(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_best_faces_come_first_and_equal_scores_by_id(index: Index):
    """Order does not depend on the order of adding."""
    vectors = unit(3)
    index.add(["c", "a", "b"], ["x"] * 3, np.stack([vectors[0], vectors[0], vectors[1]]), revision=1)
    hits = index.search(vectors[0], ["x"], min_score=-1, limit=3)
    assert hits.ids == ["a", "c", "b"]
    assert hits.scores[0] == pytest.approx(1.0)
    assert (hits.covered, hits.truncated) == (3, False)


def test_only_the_chosen_collections_are_compared(index: Index):
    """A collection that was not asked for is neither returned nor counted; an unknown one is empty."""
    vectors = unit(4)
    index.add(["a", "b", "c", "d"], ["x", "y", "x", "z"], vectors, revision=1)
    hits = index.search(vectors[1], ["x", "z", "nowhere"], min_score=-1, limit=10)
    assert sorted(hits.ids) == ["a", "c", "d"]
    assert hits.covered == index.count(["x", "z", "nowhere"]) == 3


def test_all_faces_at_or_above_the_threshold_are_returned_or_said_to_be_more(index: Index):
    """A limit never hides silently that more passed."""
    vectors = unit(1).repeat(5, axis=0)
    index.add(list("abcde"), ["x"] * 5, vectors, revision=1)
    floor = float(vectors[0] @ vectors[0]) - 1e-5
    assert len(index.search(vectors[0], ["x"], floor, limit=5).ids) == 5
    cut = index.search(vectors[0], ["x"], floor, limit=4)
    assert (len(cut.ids), cut.truncated) == (4, True)


def test_adding_again_changes_nothing_and_the_revision_never_falls(index: Index):
    """A follower may apply the same change twice, and late."""
    vectors = unit(2)
    index.add(["a", "b"], ["x", "x"], vectors, revision=7)
    index.add(["a"], ["x"], vectors[1:], revision=5)
    assert index.count(["x"]) == 2
    assert index.revision == 7
    assert index.search(vectors[0], ["x"], -1, 1).ids == ["a"]


def test_an_empty_index_answers_with_nothing(index: Index):
    """No faces, no error."""
    hits = index.search(unit(1)[0], ["x"], -1, 10)
    assert (hits.ids, hits.covered, hits.truncated) == ([], 0, False)


def test_vectors_of_another_dimension_are_refused(index: Index):
    """Templates of two contracts never meet."""
    with pytest.raises(ValueError, match="expected"):
        index.add(["a"], ["x"], np.ones((1, DIMENSION + 1), np.float32), revision=1)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 30), st.sampled_from("xyz")),
            st.tuples(st.just("remove"), st.integers(0, 30), st.just("")),
        ),
        max_size=40,
    ),
    chosen=st.sets(st.sampled_from("xyz")),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("engine", ENGINES)
def test_any_order_of_adds_and_removes_agrees_with_a_plain_model(
    engine: Callable[[int], Index], steps: list[tuple[str, int, str]], chosen: set[str]
):
    """The reference is a dictionary and a float64 product."""
    vectors, model, index = unit(31), {}, engine(DIMENSION)
    for revision, (step, number, collection) in enumerate(steps, start=1):
        face = f"{number:02}"
        if step == "add" and face not in model:
            index.add([face], [collection], vectors[[number]], revision)
            model[face] = collection
        elif step == "remove":
            index.remove([face], revision)
            model.pop(face, None)
    probe = unit(1, seed=1)[0]
    expected = {
        face: float(vectors[int(face)].astype(np.float64) @ probe.astype(np.float64))
        for face, collection in model.items()
        if collection in chosen
    }
    hits = index.search(probe, sorted(chosen), -1, limit=100)
    assert hits.covered == len(expected)
    assert set(hits.ids) == set(expected)
    assert hits.scores == pytest.approx([expected[face] for face in hits.ids], abs=1e-6)
    assert list(hits.scores) == sorted(hits.scores, reverse=True)
