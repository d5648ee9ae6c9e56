"""The engine on a graphics card, by PyTorch on the processor; and on a card where there is one."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lineament.errors import IndexUnavailable
from lineament.index.gpu import GpuIndex
from lineament.index.protocol import Index
from tests.index.contract import DIMENSION, IndexContract, Reference, count, search, unit


def device_or_skip(device: str) -> str:
    """Return a device that is there."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no graphics card")
    return device


class TestOnTheProcessor(IndexContract):
    """The same code, in one block."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        device = device_or_skip("cpu")
        return lambda: GpuIndex(DIMENSION, device)


class TestInManyBlocks(IndexContract):
    """Blocks that are soon full."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        device = device_or_skip("cpu")
        return lambda: GpuIndex(DIMENSION, device, block_rows=4)


class TestOnACard(IndexContract):
    """What it is for."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        device = device_or_skip("cuda")
        return lambda: GpuIndex(DIMENSION, device, block_rows=16)


def test_many_faces_answer_as_exactly_as_few():
    """What float16 leaves open is settled in float32, however close the scores."""
    index, reference = GpuIndex(64, device_or_skip("cpu"), block_rows=1_000), Reference()
    vectors = unit(5_000, dimension=64)
    vectors[1_000:1_400] = unit(1, seed=3, dimension=64) + 1e-4 * unit(400, seed=4, dimension=64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids, collections = [f"{row:04}" for row in range(5_000)], ["x", "y"] * 2_500
    index.add(ids, collections, vectors, revision=1)
    reference.add(ids, collections, vectors)
    index.remove(ids[::7], revision=2)
    reference.remove(ids[::7])
    for probe in vectors[[0, 1_100, 4_999]]:
        reference.check(index, probe, {"x"}, -1, 10)
        reference.check(index, probe, {"x", "y"}, 0.2, 500)
    assert index.purge().faces == len(ids[::7])
    reference.check(index, vectors[1_100], {"x", "y"}, -1, 50)


def test_a_purge_does_not_change_what_a_reader_holds():
    """A search that began before it ends as it began."""
    index, vectors = GpuIndex(DIMENSION, device_or_skip("cpu"), block_rows=4), unit(9)
    index.add(list("abcdefghi"), ["x"] * 9, vectors, revision=1)
    with index.snapshot() as before:
        index.remove("b", revision=2)
        index.purge()
        index.add(["j"], ["x"], vectors[[1]], revision=3)
        assert before.search(vectors[[1]], ["x"], -1, 1)[0].ids == ["b"]
    assert (search(index, vectors[1], ["x"], -1, 1).ids, count(index, ["x"])) == (["j"], 9)


def test_a_full_device_is_said_and_nothing_is_half_added(monkeypatch: pytest.MonkeyPatch):
    """What did not fit is added when there is room, in the rows that it would have had."""
    device_or_skip("cpu")
    import torch

    index, vectors = GpuIndex(DIMENSION, "cpu", block_rows=2), unit(4)
    index.add(["a"], ["x"], vectors[:1], revision=1)

    def full(*_arguments: object, **_options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nDetails")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "cat", full)
        with pytest.raises(IndexUnavailable, match=r"fails: CUDA out of memory\.$"):
            index.add(["b", "c"], ["x", "x"], vectors[1:3], revision=2)
        with pytest.raises(IndexUnavailable):
            search(index, vectors[0], ["x"], -1, 1)
    assert (index.revision, count(index, ["x"])) == (1, 1)
    index.add(["d", "c"], ["x", "y"], vectors[[3, 2]], revision=2)
    assert search(index, vectors[2], ["x", "y"], -1, 1).ids == ["c"]
    assert search(index, vectors[3], ["x"], -1, 9).ids[0] == "d"


def test_a_missing_device_is_refused():
    """Not found out in the middle of a search."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if torch.cuda.is_available():
        pytest.skip("the device is there")
    with pytest.raises(IndexUnavailable, match="'cuda'"):
        GpuIndex(DIMENSION)


def test_missing_pytorch_is_refused(monkeypatch: pytest.MonkeyPatch):
    """It is an optional dependency, and the sentence says so."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(IndexUnavailable, match="PyTorch is not installed"):
        GpuIndex(DIMENSION)
