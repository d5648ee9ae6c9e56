"""The engine inside the process: the contract in memory, on disk and in between, and what its files keep."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lineament.errors import IndexDamaged, IndexUnavailable, StorageFailed
from lineament.index.codes import Codes
from lineament.index.embedded import EmbeddedIndex
from lineament.index.faiss_codes import FaissCodes
from lineament.index.protocol import Index
from lineament.index.turbovec_codes import TurbovecCodes
from tests.index.contract import DIMENSION, KEY, IndexContract, Reference, count, search, unit


class TestInMemory(IndexContract):
    """A small installation: everything is in the tail."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        return lambda: EmbeddedIndex(folder, "sha256:a", DIMENSION, KEY)


class TestOnDisk(IndexContract):
    """Every change becomes a segment at once."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        return lambda: EmbeddedIndex(folder, "sha256:a", DIMENSION, KEY, segment_rows=1)


class TestInBetween(IndexContract):
    """A tail that often fills."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        return lambda: EmbeddedIndex(folder, "sha256:a", DIMENSION, KEY, segment_rows=7)


class TestFaiss(IndexContract):
    """The other library for codes."""

    def opener(self, folder: Path) -> Callable[[], Index]:
        return lambda: EmbeddedIndex(folder, "sha256:a", DIMENSION, KEY, FaissCodes, segment_rows=5)


class TestFewAtATime(TestOnDisk):
    """Scans of codes that return so few faces that they must be asked again and again."""

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("lineament.index.nearest.FIRST", 1)
        monkeypatch.setattr("lineament.index.segment.WIDEST", 16)


class TestSmallBlocks(TestFewAtATime):
    """Segments of several blocks, and a group for every few of their rows."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("lineament.index.segment.BLOCK_NUMBERS", 8 * DIMENSION)
        monkeypatch.setattr("lineament.index.sealed.GROUP_BYTES", 8)  # a template, four ids

    def opener(self, folder: Path) -> Callable[[], Index]:
        return lambda: EmbeddedIndex(folder, "sha256:a", DIMENSION, KEY, segment_rows=30)


def many(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Return unit vectors in which people look alike: a third of them lie near one of 20 hubs."""
    vectors, hubs = unit(count, seed, dimension), unit(20, seed + 1, dimension)
    alike = np.random.default_rng(seed).random(count) < 1 / 3
    vectors[alike] += 0.8 * hubs[np.arange(alike.sum()) % len(hubs)]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(
    scope="module",
    params=[(128, 4, TurbovecCodes), (512, 4, TurbovecCodes), (512, 2, TurbovecCodes), (128, 4, FaissCodes)],
    ids=lambda param: f"{param[0]}-{param[1]}-{param[2].library}",
)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Twelve thousand faces on disk and a thousand in memory, in one large collection and two small ones."""
    dimension, bits, codes = request.param
    vectors = many(13_000, dimension)
    ids = [f"{row:05}" for row in range(len(vectors))]
    collections = [
        "small" if row % 10 == 3 else "tiny" if row % 1000 == 7 else "large" for row in range(13_000)
    ]
    folder, reference = tmp_path_factory.mktemp("filled"), Reference()
    index = EmbeddedIndex(folder, "sha256:a", dimension, KEY, codes, segment_rows=6_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lineament.index.embedded.bits_for", lambda *_of_what: bits)
        for start in range(0, 13_000, 1_000):
            stop = start + 1_000
            index.add(ids[start:stop], collections[start:stop], vectors[start:stop], revision=start + 1)
    reference.add(ids, collections, vectors)
    yield index, reference, vectors
    index.close()


@pytest.mark.parametrize("chosen", [{"large", "small", "tiny"}, {"small"}, {"tiny"}])
@pytest.mark.parametrize(("floor", "limit"), [(-1.0, 1), (-1.0, 10), (0.3, 50), (0.3, 10_000), (-1.0, 3_000)])
def test_compressed_faces_are_found_as_exact_ones_are(filled, chosen: set[str], floor: float, limit: int):
    """Codes never cost a face, whichever share of them is searched and however long the list is."""
    index, reference, vectors = filled
    hubs = unit(20, 1, vectors.shape[1])
    for probe in (vectors[17], hubs[3], unit(1, 99, vectors.shape[1])[0]):
        reference.check(index, probe, chosen, floor, limit)


def test_several_probes_at_once_get_what_each_gets_alone(filled):
    """A batch changes the order of the work and nothing else."""
    index, _, vectors = filled
    with index.snapshot() as snapshot:
        together = snapshot.search(vectors[:8], ["large"], 0.2, 30)
        alone = [snapshot.search(vectors[[row]], ["large"], 0.2, 30)[0] for row in range(8)]
    assert [hits.ids for hits in together] == [hits.ids for hits in alone]


def name_of(row: int) -> str:
    """Return an id as long as the real ones."""
    return f"{row:032x}"


@pytest.mark.parametrize(
    ("codes", "bits"), [(TurbovecCodes, 2), (TurbovecCodes, 4), (FaissCodes, 4)], ids=str
)
@pytest.mark.parametrize("dimension", [100, 128, 256, 512, 1024])
def test_scanned_scores_lie_within_their_margin(codes: type[Codes], bits: int, dimension: int):
    """The margin is four standard deviations of the rounding: at most one in 10,000 lies beyond it."""
    vectors, probes = many(4_000, dimension), many(20, dimension, seed=7)
    scores, rows = codes.of(vectors, bits).scan(probes, len(vectors), None)
    exact = np.take_along_axis(probes @ vectors.T, rows, axis=1)
    errors = np.abs(scores - exact) / codes.of(vectors[:50], bits).margin
    assert np.mean(errors > 1) < 2e-4
    assert np.std(scores - exact) * 4 / codes.of(vectors[:50], bits).margin > 0.5  # and it is no wider


def on_disk(folder: Path, rows: int = 40) -> tuple[EmbeddedIndex, np.ndarray]:
    """Return an index that has all its faces in one segment, 'a' to the left and 'b' to the right."""
    vectors = unit(rows)
    index = EmbeddedIndex(folder, "sha256:a", DIMENSION, KEY, segment_rows=rows)
    ids = [name_of(row) for row in range(rows)]
    index.add(ids, ["a"] * (rows // 2) + ["b"] * (rows - rows // 2), vectors, revision=1)
    return index, vectors


def test_a_purge_reports_what_it_took_and_wrote(tmp_path: Path):
    """Removed faces are left out at once; test_sealed.py looks for their bytes after a purge."""
    index, _ = on_disk(tmp_path)
    index.remove([name_of(7), name_of(31)], revision=2)
    purged = index.purge()
    assert purged.faces == 2
    assert purged.rewritten > 38 * DIMENSION * 4
    index.close()


def test_codes_are_coarsened_when_the_index_outgrows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Many faces get half the bits each, those that came first too, and nobody is lost."""
    monkeypatch.setattr("lineament.index.codes.FINE_ROWS", 2_500)
    vectors, reference = many(6_000, 512), Reference()
    ids = [name_of(row) for row in range(6_000)]
    index = EmbeddedIndex(tmp_path, "sha256:a", 512, KEY, segment_rows=1_000)
    bits = []
    for start in range(0, 6_000, 1_000):
        rows = slice(start, start + 1_000)
        index.add(ids[rows], ["x"] * 1_000, vectors[rows], revision=start + 1)
        with index.snapshot() as snapshot:
            bits.append({segment.bits for segment in snapshot.segments})
    assert (bits[1], bits[-1]) == ({4}, {2})
    reference.add(ids, ["x"] * 6_000, vectors)
    reference.check(index, vectors[17], ["x"], -1.0, 10)
    index.close()


def test_segments_that_shrank_are_put_together(tmp_path: Path):
    """A purge leaves no more segments than their faces fill."""
    index = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY, segment_rows=10)
    vectors = unit(50)
    for row in range(50):
        index.add([name_of(row)], ["x"], vectors[[row]], revision=row + 1)
    assert len(list(tmp_path.glob("segment-*"))) == 5
    index.remove([name_of(row) for row in range(50) if row % 10 not in {3, 4, 5}], revision=51)
    assert index.purge().faces == 35
    assert len(list(tmp_path.glob("segment-*"))) == 2
    assert search(index, vectors[13], ["x"], -1, 99).covered == 15
    index.close()


def changed_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "lock")


def test_no_changed_byte_of_any_file_goes_unnoticed(tmp_path: Path):
    """What is parsed is unsealed before; templates are when they are read, and all of them by `verify`."""
    index, vectors = on_disk(tmp_path)
    index.close()
    random = np.random.default_rng(5)
    for file in changed_files(tmp_path):
        original = file.read_bytes()
        for place in random.choice(len(original), size=min(40, len(original)), replace=False):
            file.write_bytes(
                original[:place] + bytes([original[place] ^ 1 << random.integers(8)]) + original[place + 1 :]
            )
            keep = {path: path.read_bytes() for path in changed_files(tmp_path)}
            opened = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
            if file.name == "templates.bin":
                assert [finding for finding in opened.verify() if "templates.bin" in finding]
                with pytest.raises(IndexDamaged, match=r"templates\.bin is not what was written"):
                    search(opened, vectors[0], ["a", "b"], -1, 40)
            else:
                assert (opened.revision, count(opened, ["a", "b"])) == (0, 0)  # and is built anew
                opened.add(["x"], ["a"], vectors[:1], revision=1)
                assert search(opened, vectors[0], ["a"], -1, 5).ids == ["x"]
            opened.close()
            for path, content in keep.items():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        file.write_bytes(original)
    opened = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
    assert (opened.verify(), count(opened, ["a", "b"])) == ([], 40)
    opened.close()


def test_an_index_of_another_contract_counts_for_nothing(tmp_path: Path):
    """After a change of the model pack the old codes are deleted, and the records bring the new templates."""
    index, _ = on_disk(tmp_path)
    index.close()
    other = EmbeddedIndex(tmp_path, "sha256:b", DIMENSION, KEY)
    assert (other.revision, count(other, ["a", "b"])) == (0, 0)
    assert not list(tmp_path.glob("segment-*"))
    other.close()


def test_a_second_process_reads_what_the_first_one_writes_and_writes_nothing(tmp_path: Path):
    """A command beside a running server answers in full, keeps its changes in memory and deletes nothing."""
    server, vectors = on_disk(tmp_path)
    command = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY, segment_rows=1)
    command.add(["new"], ["a"], vectors[:1], revision=2)
    command.remove([name_of(3)], revision=3)
    assert search(command, vectors[0], ["a"], -1, 99).covered == 20
    with pytest.raises(IndexUnavailable):
        command.purge()
    command.close()
    assert count(server, ["a", "b"]) == 40
    server.close()
    again = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
    assert (again.revision, count(again, ["a", "b"])) == (1, 40)
    again.close()


def test_a_reader_goes_on_while_segments_are_rewritten(tmp_path: Path):
    """A snapshot outlives the files that it was made from."""
    index, vectors = on_disk(tmp_path)
    with index.snapshot() as snapshot:
        index.remove([name_of(3)], revision=2)
        index.purge()
        index.clear()
        assert snapshot.search(vectors[[3]], ["a", "b"], -1, 1)[0].ids == [name_of(3)]
        assert snapshot.count(["a", "b"]) == 40
    index.close()


def full(*_arguments: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_loses_nothing_and_the_next_add_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Faces that cannot be written stay in memory and are searched."""
    index = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY, segment_rows=2)
    vectors = unit(4)

    with monkeypatch.context() as broken:
        broken.setattr("lineament.index.segment.os.fsync", full)
        index.add(["a", "b", "c"], ["x"] * 3, vectors[:3], revision=1)
        assert not list(tmp_path.glob("draft-*"))
    assert search(index, vectors[1], ["x"], -1, 1).ids == ["b"]
    index.add(["d"], ["x"], vectors[3:], revision=2)
    index.close()
    again = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
    assert (again.revision, count(again, ["x"])) == (2, 4)
    assert not list(tmp_path.glob("draft-*"))
    again.close()


def test_a_removal_that_cannot_be_written_is_an_error_and_not_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Who was to be removed is there until the removal outlives a restart."""
    index, vectors = on_disk(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr("lineament.index.manifest.os.fsync", full)
        for change in (lambda: index.remove([name_of(3)], 2), index.clear):
            with pytest.raises(StorageFailed, match="No space left"):
                change()
    assert search(index, vectors[3], ["a"], -1, 1).ids == [name_of(3)]
    index.remove([name_of(3)], 2)
    assert search(index, vectors[3], ["a"], -1, 1).ids != [name_of(3)]
    index.close()


def test_codes_that_cannot_be_coarsened_are_left_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """FAISS has no fewer bits to offer: nothing is written again for their sake."""
    monkeypatch.setattr("lineament.index.codes.FINE_ROWS", 20)
    index = EmbeddedIndex(tmp_path, "sha256:a", 512, KEY, FaissCodes, segment_rows=20)
    written = []
    for start in range(0, 60, 20):
        index.add([name_of(start + row) for row in range(20)], ["x"] * 20, unit(20, start, 512), start + 1)
        written.append({segment.name for segment in tmp_path.glob("segment-*")})
    assert written[0] < written[1] < written[2]
    index.close()


KILLED = """
import sys
from pathlib import Path
import numpy as np
from lineament.index.codes import Codes
from lineament.index.embedded import EmbeddedIndex
from tests.index.contract import DIMENSION, KEY, unit
vectors = unit(4000)
index = EmbeddedIndex(Path(sys.argv[1]), "sha256:a", DIMENSION, KEY, segment_rows=20)
start = index.revision
for row in range(start, 4000):
    index.add([f"{row:04}"], ["x"], vectors[[row]], row + 1)
    if row % 3 == 0:
        index.remove([f"{row - 1:04}"], row + 1)
        print(row - 1, flush=True)
    if row % 20 == 0:
        index.purge()
"""


def test_a_kill_at_any_moment_loses_nothing_settled_and_brings_nothing_back(tmp_path: Path):
    """After a kill the index opens; what it says it holds is there, and what was removed from disk is not."""
    vectors, random, removed = unit(4000), np.random.default_rng(3), set()
    for _ in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": "."},
        )
        wanted = int(random.integers(1, 60))
        for _ in range(wanted):
            line = child.stdout.readline()
            if line:
                removed.add(int(line))
        child.send_signal(signal.SIGKILL)
        removed |= {int(line) for line in child.stdout.read().split()}
        child.wait()
        child.stdout.close()
        index = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
        assert index.verify() == []
        present = set(search(index, vectors[0], ["x"], -1, 5000).ids)
        settled = index.revision
        assert not present & {f"{row:04}" for row in removed}
        kept = {row for row in range(settled) if row % 3 != 2}
        assert {f"{row:04}" for row in kept} <= present
        assert not list(tmp_path.glob("draft-*"))
        index.close()
