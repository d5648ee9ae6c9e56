"""Milvus does what every engine does: a real server on loopback, killed while it is asked, started again."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from threading import Event, Thread
from typing import ClassVar

import numpy as np
import pytest
from pymilvus import MilvusClient

from lineament.errors import IndexUnavailable
from lineament.index import milvus_search
from lineament.index.milvus import MilvusIndex, open_milvus
from tests.cluster.milvus_server import DEFAULTS, FORGETFUL, MilvusServer
from tests.index.contract import DIMENSION, IndexContract, Reference, count, search, unit

PATIENCE = 20  # seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """A server with the settings that an operator is told to use."""
    with MilvusServer(tmp_path_factory.mktemp("milvus")) as started:
        yield started


@pytest.fixture
def index(server: MilvusServer, tmp_path: Path) -> Iterator[MilvusIndex]:
    opened = open_milvus(server.url, str(tmp_path), DIMENSION, PATIENCE)
    yield opened
    opened.close()


def client_of(server: MilvusServer) -> AbstractContextManager[MilvusClient]:
    """The server as others reach it."""
    return closing(MilvusClient(server.url, timeout=PATIENCE, dedicated=True))


class TestMilvus(IndexContract):
    """The suite, in a collection for each folder that it asks for."""

    examples: ClassVar[int] = 5

    @pytest.fixture(autouse=True)
    def _server(self, server: MilvusServer) -> None:
        self.server = server

    def opener(self, folder: Path) -> Callable[[], MilvusIndex]:
        return lambda: open_milvus(self.server.url, str(folder), DIMENSION, PATIENCE)


@pytest.mark.parametrize("written", ["fresh rows", "sealed segments"])
def test_no_face_is_lost_to_a_filter(server: MilvusServer, tmp_path: Path, written: str):
    """All of 20,000 faces, a tenth and a thousandth of them: the same list as by comparing each one."""
    index = open_milvus(server.url, str(tmp_path), 64, PATIENCE)
    vectors = unit(20_000, dimension=64)
    ids = [f"{row:05}" for row in range(20_000)]
    names = [
        "thousandth" if row % 1000 == 0 else "tenth" if row % 10 == 1 else "rest" for row in range(20_000)
    ]
    index.add(ids, names, vectors, revision=1)
    if written == "sealed segments":
        with client_of(server) as client:
            client.flush(index.name)
            client.compact(index.name)
    reference = Reference()
    reference.add(ids, names, vectors)
    mates = vectors[[1000, 11, 2]] + 0.13 * np.random.default_rng(1).normal(size=(3, 64))
    mates = (mates / np.linalg.norm(mates, axis=1, keepdims=True)).astype(np.float32)
    chosen = [["thousandth", "tenth", "rest"], ["tenth"], ["thousandth"]]
    assert [count(index, names) for names in chosen] == [20_000, 2_000, 20]
    for names in chosen:
        for mate, face in zip(mates, ["01000", "00011", "00002"], strict=True):
            for floor, limit in [(-1, 50), (0.3, 1000)]:
                reference.check(index, mate, names, floor, limit)
            if reference.faces[face][0] in names:
                assert search(index, mate, names, -1, 1).ids == [face]
    index.close()


def test_fresh_rows_are_found_and_an_index_that_loses_them_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    """A server at its defaults: FLAT finds every mate; IVF does not, although every list is to be probed."""
    with MilvusServer(tmp_path_factory.mktemp("milvus"), DEFAULTS) as server:
        index = open_milvus(server.url, "contract", 512, PATIENCE)
        vectors = unit(20_000, dimension=512)
        index.add([f"{row:05}" for row in range(20_000)], ["x"] * 20_000, vectors, revision=1)
        noise = 1.7 * unit(100, seed=1, dimension=512)
        mates = vectors[:100] + noise
        mates = (mates / np.linalg.norm(mates, axis=1, keepdims=True)).astype(np.float32)
        with index.snapshot() as snapshot:
            answers = snapshot.search(mates, ["x"], -1, 1)
        assert [hits.ids for hits in answers] == [[f"{row:05}"] for row in range(100)]
        index.close()

        with client_of(server) as client:  # an operator makes it "faster"
            client.release_collection(index.name)
            client.drop_index(index.name, "vector")
            parameters = MilvusClient.prepare_index_params()
            parameters.add_index("vector", index_type="IVF_FLAT", metric_type="IP", params={"nlist": 128})
            client.create_index(index.name, parameters)
            client.load_collection(index.name)
            how = {"metric_type": "IP", "params": {"nprobe": 128}}
            found = client.search(index.name, mates, limit=1, search_params=how, consistency_level="Strong")
        right = sum(rows[0]["id"] == f"{row:05}" for row, rows in enumerate(found) if rows)
        print(f"IVF_FLAT, every list probed, interim index: {right} of 100 mates found")
        assert right < 95
        with pytest.raises(IndexUnavailable, match="FLAT IP"):
            open_milvus(server.url, "contract", 512, PATIENCE)
        monkeypatch.setattr(
            MilvusClient, "describe_index", lambda *_, **__: {"index_type": "FLAT", "metric_type": "IP"}
        )
        with pytest.raises(IndexUnavailable, match="interimIndex"):  # what the server says is not relied on
            open_milvus(server.url, "contract", 512, PATIENCE)


def test_more_faces_than_one_answer_holds_come_page_by_page(
    index: MilvusIndex, monkeypatch: pytest.MonkeyPatch
):
    """Milvus returns 16,384 rows and no more; here 50, so that 300 faces are many."""
    monkeypatch.setattr(milvus_search, "DEPTH_MAX", 50)
    vectors = unit(300)
    ids = [f"{row:03}" for row in range(300)]
    index.add(ids, ["x"] * 300, vectors, revision=1)
    reference = Reference()
    reference.add(ids, ["x"] * 300, vectors)
    for floor, limit in [(-1, 300), (-1, 299), (0.0, 120), (0.2, 50), (-1, 49), (0.5, 300)]:
        reference.check(index, unit(1, seed=1)[0], ["x"], floor, limit)
    assert search(index, vectors[0], ["x"], -1, 299).truncated
    twins = unit(1, seed=7).repeat(60, axis=0)
    index.add([f"t{row:02}" for row in range(60)], ["y"] * 60, twins, revision=2)
    with pytest.raises(IndexUnavailable, match="as good as equal"):
        search(index, twins[0], ["y"], -1, 10)


def test_an_add_that_broke_off_is_not_seen_and_is_done_again(
    index: MilvusIndex, monkeypatch: pytest.MonkeyPatch
):
    """Rows count once the state says so; what is left of an add goes before the next change."""
    vectors = unit(5)
    index.add(["a"], ["x"], vectors[:1], revision=1)
    with monkeypatch.context() as broken:
        broken.setattr(index, "_keep", lambda _: (_ for _ in ()).throw(IndexUnavailable("The line is cut.")))
        with pytest.raises(IndexUnavailable, match="cut"):
            index.add(["b", "c"], ["x", "x"], vectors[1:3], revision=2)
    assert (index.revision, count(index, ["x"]), search(index, vectors[1], ["x"], -1, 9).ids) == (1, 1, ["a"])
    assert index.verify() == ["2 faces are of a change that was never finished."]
    index.add(["b"], ["x"], vectors[[4]], revision=2)  # c was withdrawn meanwhile
    assert sorted(search(index, vectors[4], ["x"], -1, 9).ids) == ["a", "b"]
    assert search(index, vectors[4], ["x"], -1, 1).ids == ["b"]
    assert (index.verify(), index.purge().faces) == ([], 2)


def test_what_others_wrote_into_the_collection_is_reported(server: MilvusServer, index: MilvusIndex):
    """A face that is there twice, and a vector that is no template."""
    index.add(["a"], ["x"], unit(1), revision=1)
    with client_of(server) as client:
        row = {"face": "a", "collection": "x", "change": 1, "vector": unit(1)[0]}
        client.insert(index.name, [row, row | {"face": "b", "vector": 3 * unit(1)[0]}])
    assert sorted(index.verify()) == [
        "Milvus counts 3 faces, and 2 different ones can be read.",
        "The vector of face b has the length 3.0.",
    ]


def test_faces_that_are_out_of_sight_are_an_error_until_the_index_is_built_anew(
    server: MilvusServer, index: MilvusIndex
):
    """Rows that Milvus lost, or does not show yet: no search is answered, and nothing is added twice."""
    index.add(["a", "b"], ["x", "y"], unit(2), revision=1)
    with client_of(server) as client:
        client.delete(index.name, ids=["b"])
    with pytest.raises(IndexUnavailable, match="shows 1 of 2 faces"):
        search(index, unit(1)[0], ["x"], -1, 5)
    with pytest.raises(IndexUnavailable, match="shows 1 of 2 faces"):
        index.add(["b"], ["y"], unit(1), revision=2)
    assert index.verify() == ["Milvus shows 1 of 2 faces."]
    index.clear()
    index.add(["a", "b"], ["x", "y"], unit(2), revision=1)
    assert (count(index, ["x", "y"]), index.verify()) == (2, [])


def test_a_snapshot_ends_when_the_index_is_cleared(index: MilvusIndex):
    """It does not say that nobody was found."""
    index.add(["a"], ["x"], unit(1), revision=1)
    with index.snapshot() as snapshot:
        index.clear()
        with pytest.raises(IndexUnavailable, match="cleared"):
            snapshot.search(unit(1), ["x"], -1, 5)


def test_removals_while_it_is_searched_never_shorten_a_list(index: MilvusIndex):
    """Whatever leaves during a search, the snapshot's list and its count stay whole."""
    vectors = unit(200)
    ids = [f"{row:03}" for row in range(200)]
    index.add(ids, ["x"] * 200, vectors, revision=1)
    with index.snapshot() as snapshot:
        leaving = Thread(target=lambda: [index.remove(ids[row : row + 10], 2) for row in range(0, 100, 10)])
        leaving.start()
        while leaving.is_alive():
            (hits,) = snapshot.search(vectors[:1], ["x"], -1, 200)
            assert (sorted(hits.ids), hits.covered) == (ids, 200)
            assert snapshot.count(["x"]) == 200
        leaving.join()
    assert search(index, vectors[0], ["x"], -1, 200).covered == 100


def test_a_killed_server_is_an_error_and_comes_back_with_everything(tmp_path_factory: pytest.TempPathFactory):
    """Searches go on while it dies: each one has the whole list or says what is wrong, at once."""
    with MilvusServer(tmp_path_factory.mktemp("milvus")) as server:
        index = open_milvus(server.url, "contract", DIMENSION, PATIENCE)
        vectors = unit(5000)
        ids = [f"{row:04}" for row in range(5000)]
        index.add(ids[:4000], ["x"] * 4000, vectors[:4000], revision=1)
        with client_of(server) as client:
            client.flush(index.name)
        # These are in its memory and in its message queue, and in no segment.
        index.add(ids[4000:], ["x"] * 1000, vectors[4000:], revision=2)
        whole = search(index, vectors[0], ["x"], -1, 100)
        answered, refused, stop = [], [], Event()

        def search_on() -> None:
            while not stop.is_set():
                try:
                    hits = search(index, vectors[0], ["x"], -1, 100)
                    answered.append((time.monotonic(), hits.ids, hits.covered))
                except IndexUnavailable as error:
                    refused.append((time.monotonic(), str(error)))

        searching = [Thread(target=search_on) for _ in range(4)]
        for thread in searching:
            thread.start()
        time.sleep(2)
        server.kill()
        killed = time.monotonic()
        time.sleep(3)
        with pytest.raises(IndexUnavailable):
            index.add(["late"], ["x"], vectors[:1], revision=3)
        with pytest.raises(IndexUnavailable):
            index.remove(["0000"], revision=3)
        server.start()
        until = time.monotonic() + 120
        while answered[-1][0] < killed and time.monotonic() < until:
            time.sleep(0.5)
        back = time.monotonic() - killed
        stop.set()
        for thread in searching:
            thread.join()
        print(
            f"{len(answered)} whole answers, {len(refused)} refusals; whole again {back:.1f} s after the kill"
        )
        print({sentence.split(":")[1].strip()[:60] for _, sentence in refused})
        assert answered[-1][0] > killed
        assert refused
        assert {(tuple(found), covered) for _, found, covered in answered} == {(tuple(whole.ids), 5000)}
        assert (index.revision, index.verify()) == (2, [])
        index.add(["late"], ["x"], vectors[:1], revision=3)
        assert search(index, vectors[0], ["x"], -1, 2).ids == ["0000", "late"]
        index.close()


def test_what_is_purged_is_in_no_file(tmp_path_factory: pytest.TempPathFactory):
    """Neither a piece of the vector nor the id: not in the segments, nor in the message queue, in a while."""
    with MilvusServer(tmp_path_factory.mktemp("milvus"), FORGETFUL) as server:
        index = open_milvus(server.url, "contract", 128, PATIENCE)
        vectors = unit(3000, dimension=128)
        ids = [f"face-{row:05}" for row in range(3000)]
        index.add(ids, ["x"] * 3000, vectors, revision=1)
        with client_of(server) as client:
            client.flush(index.name)
        gone = [17, 1234, 2999]
        assert pieces_on_disk(server, [ids[row] for row in gone], vectors[gone])
        index.remove([ids[row] for row in gone], revision=2)
        purged = index.purge()
        assert (purged.faces, purged.rewritten) == (3, 2997 * 4 * 128)
        began = time.monotonic()
        while left := pieces_on_disk(server, [ids[row] for row in gone], vectors[gone]):
            assert time.monotonic() - began < 240, left
            time.sleep(2)
        print(f"on no disk {time.monotonic() - began:.0f} s after the purge returned")
        hits = search(index, vectors[17], ["x"], -1, 3000)
        assert hits.covered == len(hits.ids) == 2997
        assert not set(hits.ids) & {ids[row] for row in gone}
        assert pieces_on_disk(server, [], vectors[[18]])  # what stays is there, so the search is able to find
        index.close()


def pieces_on_disk(server: MilvusServer, ids: list[str], vectors: np.ndarray) -> set[str]:
    """Return the files that hold 16 bytes in a row of one of these vectors, or one of these ids."""
    needles = [face.encode() for face in ids]
    for vector in vectors:
        content = vector.tobytes()
        needles += [content[start : start + 16] for start in range(0, len(content), 16)]
    found = set()
    for path in server.data.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # the server has just deleted it
            continue
        if any(needle in content for needle in needles):
            found.add(str(path.relative_to(server.data)))
    return found


def test_a_server_that_is_not_there_is_said_so_at_once():
    """One sentence, and no traceback of the client."""
    began = time.monotonic()
    with pytest.raises(IndexUnavailable, match="Milvus does not answer"):
        open_milvus("http://127.0.0.1:1", "contract", DIMENSION, patience=5)
    assert time.monotonic() - began < 60
