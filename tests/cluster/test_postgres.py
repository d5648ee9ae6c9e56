"""PostgreSQL with pgvector, for real: one server, and an index that lies on three of them."""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import numpy as np
import psycopg
import pytest

from lineament.errors import IndexCannotForget, IndexUnavailable
from lineament.index.postgres import PostgresIndex, open_postgres
from lineament.index.postgres_scan import margin, scan_query
from lineament.index.postgres_tables import Tables, connect, shard
from tests.cluster.postgres_nodes import Node, postgres_nodes
from tests.index.contract import DIMENSION, IndexContract, Reference, count, search, unit

CLUSTER = "one server", "three nodes"


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Node]]:
    """Three servers. The first is the one that is searched; all of them can be nodes."""
    with postgres_nodes(3) as nodes:
        yield nodes


_contracts = itertools.count()


def new_contract() -> str:
    """Return a contract that no other test uses: its index is empty."""
    return f"contract {next(_contracts)}"


def lay_out(servers: list[Node], layout: str, dimension: int = DIMENSION) -> Callable[[], PostgresIndex]:
    """Return what opens a new index, on the first server or over all of them."""
    contract, url = new_contract(), servers[0].url("searched")
    if layout == "three nodes":
        shard(url, contract, dimension, [node.url("node") for node in servers])
    return lambda: open_postgres(url, contract, dimension)


@pytest.fixture(params=CLUSTER)
def layout(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def opening(servers: list[Node], layout: str) -> Callable[[], PostgresIndex]:
    return lay_out(servers, layout)


@pytest.fixture
def index(opening: Callable[[], PostgresIndex]) -> Iterator[PostgresIndex]:
    with closing(opening()) as opened:
        yield opened


class _OnServers(IndexContract):
    layout: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _take(self, servers: list[Node]) -> None:
        self._servers = servers

    def opener(self, folder: Path) -> Callable[[], PostgresIndex]:
        return lay_out(self._servers, self.layout)


class TestOneServer(_OnServers):
    """What every engine must do, on one server."""

    layout, examples = "one server", 15


class TestThreeNodes(_OnServers):
    """The same, with the faces on three."""

    layout, examples = "three nodes", 8


# --- exactness -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [16, 128, 512, 2048])
def test_no_product_of_codes_is_further_off_than_the_margin(dimension: int):
    """Random vectors come nowhere near it; numbers that all lie halfway between two halves come close."""
    vectors = unit(400, dimension=dimension)
    halfway = np.full((1, dimension), 1 / np.sqrt(dimension), np.float16).astype(np.float64)
    step = np.spacing(halfway.astype(np.float16)).astype(np.float64)
    worst = (halfway + step * 0.499).astype(np.float32)
    for some in (vectors, worst / np.linalg.norm(worst)):
        codes = some.astype(np.float16).astype(np.float64)
        exact = some.astype(np.float64)
        assert np.abs(codes @ codes.T - exact @ exact.T).max() < margin(dimension)


def test_an_order_that_rounding_turns_over_is_put_right(index: PostgresIndex):
    """Three thousand faces nearly alike: their codes say little about who is nearest."""
    random = np.random.default_rng(5)
    vectors = unit(1) + random.normal(scale=3e-4, size=(3000, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids, reference = [f"{row:04}" for row in range(3000)], Reference()
    index.add(ids, ["x"] * 3000, vectors, revision=1)
    reference.add(ids, ["x"] * 3000, vectors)
    for probe, limit in itertools.product(unit(3, seed=1), [1, 10, 300]):
        reference.check(index, probe, ["x"], -1, limit)


@pytest.mark.parametrize("layout", CLUSTER)
def test_nobody_is_missed_however_few_are_chosen(servers: list[Node], layout: str):
    """All of 20,000 faces, a tenth of them, and one in a thousand."""
    vectors = unit(20_000, dimension=128)
    ids = [f"{row:05}" for row in range(20_000)]
    names = ["rare" if row % 1000 == 0 else "some" if row % 10 == 1 else "most" for row in range(20_000)]
    reference = Reference()
    reference.add(ids, names, vectors)
    with closing(lay_out(servers, layout, 128)()) as index:
        index.add(ids, names, vectors, revision=1)
        for chosen in (["most", "some", "rare"], ["some"], ["rare"]):
            for probe in np.concatenate([unit(3, seed=1, dimension=128), vectors[[1000]]]):
                reference.check(index, probe, chosen, -1, 50)
                reference.check(index, probe, chosen, 0.2, 500)


def test_a_name_with_a_percent_sign_is_only_a_name(index: PostgresIndex):
    """And one with quotes and braces too."""
    names = ["100%", "%s", 'it\'s {1,2} "quoted" \\']
    index.add(["a", "b", "c"], names, unit(3), revision=1)
    for name in names:
        assert search(index, unit(1)[0], [name], -1, 5).covered == 1


def plan(url: str, tables: Tables) -> str:
    """Return how PostgreSQL would search, with vectors left out."""
    with connect(url) as connection:
        partitions = tables.partitions(connection, url)
        query = scan_query(tables, partitions, ["x"], 300)
        text = query.as_string(connection) % {"probe": "$1"}
        connection.execute(f"PREPARE scan(halfvec) AS {text}")  # a parameter, as it is in a search
        probe = str(unit(1)[0].tolist())
        return "\n".join(line for (line,) in connection.execute(f"EXPLAIN (VERBOSE) EXECUTE scan('{probe}')"))


def test_each_node_sorts_and_cuts_for_itself_and_all_work_at_once(servers: list[Node]):
    """What comes back from a node is its best, not all that it holds; the probe stands in no statement."""
    with closing(lay_out(servers, "three nodes")()) as index:
        index.add([f"{row:05}" for row in range(6000)], ["x"] * 6000, unit(6000), revision=1)
        before = plan(servers[0].url("searched"), index._tables)
        for server in servers:
            with psycopg.connect(server.url("node"), autocommit=True) as node:
                node.execute("ANALYZE")
        text = plan(servers[0].url("searched"), index._tables)
    assert len(re.findall("Remote SQL: .* ORDER BY ", before)) == 3  # no statistics yet: the batch is the cut
    assert text.count("Async Foreign Scan") == 3
    remote = re.findall("Remote SQL: (.*)", text)
    assert len(remote) == 3
    assert all("ORDER BY" in one and "DESC" in one and "LIMIT" in one for one in remote)
    assert all("$1" in one and "[-" not in one and "[0" not in one for one in remote)


def test_an_approximate_index_that_somebody_made_is_not_used(servers: list[Node]):
    """It would return a short list where few of the nearest are in the chosen collections."""
    with closing(lay_out(servers, "one server")()) as index:
        index.add([f"{row:05}" for row in range(3000)], ["y"] * 2990 + ["x"] * 10, unit(3000), revision=1)
        with psycopg.connect(servers[0].url("searched"), autocommit=True) as server:
            create = "CREATE INDEX near ON {codes} USING hnsw (code halfvec_ip_ops)"
            server.execute(index._tables.query(create))
            server.execute("SET enable_seqscan = off")
        assert "near" not in plan(servers[0].url("searched"), index._tables)
        assert len(search(index, unit(1)[0], ["x"], -1, 20).ids) == 10


# --- many at once ----------------------------------------------------------------------------------------


def test_a_change_is_seen_on_all_nodes_or_on_none(index: PostgresIndex):
    """Faces are added in threes that lie on several nodes; no snapshot ever holds a part of three."""
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with index.snapshot() as snapshot:
                faces = snapshot.count(["x"])
                assert faces == 3 * snapshot.revision
                assert snapshot.count(["x"]) == faces
                seen.add(faces)

    with ThreadPoolExecutor() as threads:
        readers = [threads.submit(read) for _ in range(3)]
        vectors = unit(120)
        for revision in range(1, 41):
            ids = [f"{revision}-{number}" for number in range(3)]
            index.add(ids, ["x"] * 3, vectors[3 * revision - 3 : 3 * revision], revision)
        done.set()
        for reader in readers:
            reader.result()
    assert len(seen) > 3


def test_two_processes_write_one_after_the_other(opening: Callable[[], PostgresIndex]):
    """Nothing is lost, and nothing is there twice."""
    with closing(opening()) as one, closing(opening()) as other, ThreadPoolExecutor() as threads:
        vectors = unit(40)

        def write(index: PostgresIndex) -> None:
            for row in range(40):
                index.add([f"{row:02}"], ["x"], vectors[[row]], revision=row)
                index.remove([f"{row - 20:02}"], revision=row)

        for writing in [threads.submit(write, one), threads.submit(write, other)]:
            writing.result()
        # Whoever was behind brought back what the other had removed, and took it out again.
        assert sorted(search(one, vectors[0], ["x"], -1, 99).ids) == [f"{row:02}" for row in range(20, 40)]
        assert one.verify() == []


def test_searches_go_on_while_the_disk_is_purged(index: PostgresIndex):
    """Each of them is over all faces, and nobody waits for the whole of the purge."""
    vectors, done = unit(4000), threading.Event()
    index.add([f"{row:04}" for row in range(4000)], ["x"] * 4000, vectors, revision=1)

    def read() -> int:
        searches = 0
        while not done.is_set():
            hits = search(index, vectors[-1], ["x"], -1, 5)
            assert (hits.ids[0], hits.covered % 10) == ("3999", 0)
            searches += 1
        return searches

    with ThreadPoolExecutor() as threads:
        readers = [threads.submit(read) for _ in range(2)]
        for turn in range(5):
            index.remove([f"{row:04}" for row in range(10 * turn, 10 * turn + 10)], revision=2 + turn)
            assert index.purge().faces == 10
        done.set()
        assert all(reader.result() > 0 for reader in readers)
    assert index.verify() == []


# --- erasure ---------------------------------------------------------------------------------------------


def traces(servers: list[Node], vectors: np.ndarray) -> set[str]:
    """Return the files of all servers in which a piece of one of (n, D) vectors, or of its code, stands."""
    pieces = []
    for vector in vectors:
        little, half = vector.astype("<f4").tobytes(), vector.astype("<f2").tobytes()
        pieces += [little[:24], little[24:48], little[-24:], half[:16], half[-16:]]
    found = set()
    for server in servers:
        for file in filter(Path.is_file, server.data.rglob("*")):
            content = file.read_bytes().rstrip(b"\0")  # the rest of a file of the log
            if any(piece in content for piece in pieces):
                found.add(f"{file.relative_to(server.data)}")
    return found


@pytest.mark.parametrize("layout", CLUSTER)
@pytest.mark.parametrize("dimension", [128, 600])  # the longer templates lie apart from their rows
def test_after_a_purge_no_file_of_any_server_holds_a_piece_of_what_was_removed(
    servers: list[Node], layout: str, dimension: int
):
    """Not its tables, nor their statistics, nor the write-ahead log."""
    vectors = unit(300, seed=dimension, dimension=dimension)
    ids = [f"{row:03}" for row in range(300)]
    with closing(lay_out(servers, layout, dimension)()) as index:
        index.add(ids, ["x"] * 300, vectors, revision=1)
        assert any(
            "pg_wal/" in file for file in traces(servers, vectors[[7]])
        )  # so the look finds what is there
        for server in servers:
            for database in ("searched", "node"):
                with psycopg.connect(server.url(database), autocommit=True) as connection:
                    connection.execute("ANALYZE")
                    connection.execute("CHECKPOINT")
        assert any(
            "base/" in file for file in traces(servers, vectors[[7]])
        )  # so the look finds what is there
        index.remove(ids[:100], revision=2)
        purged = index.purge()
        assert purged.faces == 100
        assert purged.rewritten > 200 * dimension * 6
        assert traces(servers, vectors[:100:20]) == set()
        assert any("base/" in file for file in traces(servers, vectors[[200]]))
        assert search(index, vectors[200], ["x"], -1, 1).ids == ["200"]


def test_what_a_change_wrote_in_vain_is_purged_too(servers: list[Node], index: PostgresIndex):
    """It broke off, nobody can search it, and its bytes were on the disk."""
    vectors = unit(30, seed=77)
    with pytest.raises(RuntimeError), index._change(revision=5) as connection:
        for row in range(30):
            values = [f"{row:02}", str(vectors[row].tolist())]
            connection.execute(index._tables.query("INSERT INTO {templates} VALUES (%s, %s)"), values)
        raise RuntimeError("the power fails")
    with psycopg.connect(servers[0].url("searched"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    assert (index.revision, count(index, ["x"])) == (0, 0)
    assert traces(servers, vectors[[3]])
    assert index.purge().rewritten > 0
    assert traces(servers, vectors[[3]]) == set()


def test_a_server_that_would_keep_what_was_removed_in_its_log_is_refused(
    servers: list[Node], index: PostgresIndex
):
    """Files of the log that are used again, and a replica that has not fetched them."""
    index.add(["a"], ["x"], unit(1), revision=1)
    index.remove(["a"], revision=2)
    with psycopg.connect(servers[0].url("postgres"), autocommit=True) as server:
        server.execute("ALTER SYSTEM SET wal_recycle = on")
        server.execute("SELECT pg_reload_conf()")
        with pytest.raises(IndexCannotForget, match="set wal_recycle to off there"):
            index.purge()
        server.execute("ALTER SYSTEM RESET wal_recycle")
        server.execute("SELECT pg_reload_conf()")
        server.execute("SELECT pg_create_physical_replication_slot('behind', true)")
        with pytest.raises(IndexCannotForget, match="a replication slot"):
            index.purge()
        server.execute("SELECT pg_drop_replication_slot('behind')")
    assert index.purge().faces == 1


# --- what breaks -----------------------------------------------------------------------------------------


def test_damage_is_found(servers: list[Node], index: PostgresIndex):
    """A template that was changed, a code that was, a row that is missing on one side."""
    index.add(list("abcdef"), ["x"] * 6, unit(6), revision=1)
    assert index.verify() == []
    with connect(servers[0].url("searched")) as connection:
        partitions = index._tables.partitions(connection, servers[0].url("searched"))
    for partition in partitions:
        with psycopg.connect(partition.url, autocommit=True) as node:
            for change in (
                "UPDATE {templates} SET template = template + template",
                "DELETE FROM {codes} WHERE face = 'a'",
            ):
                node.execute(index._tables.query(change, partition.suffix))
    said = "\n".join(index.verify())
    assert "not of length 1" in said
    assert "not those of their templates" in said
    assert "1 faces have a code and no template, or a template and no code" in said


def test_what_a_server_says_is_passed_on_and_the_probe_stands_in_no_log(
    servers: list[Node], index: PostgresIndex
):
    """PostgreSQL logs a statement that fails, on both sides of a foreign table."""
    index.add(["a"], ["x"], unit(1), revision=1)
    with connect(servers[0].url("searched")) as connection:
        first, *_ = index._tables.partitions(connection, servers[0].url("searched"))
    with psycopg.connect(first.url, autocommit=True) as node:
        for change in (
            "ALTER TABLE {codes} ALTER code TYPE halfvec",
            "INSERT INTO {codes} VALUES ('b', 'x', '[1,2]')",
        ):
            node.execute(index._tables.query(change, first.suffix))
    probe = unit(1, seed=3)[0]
    with pytest.raises(IndexUnavailable, match=r"broke off: different halfvec dimensions 2 and 16\.$"):
        search(index, probe, ["x"], -1, 5)
    logs = "".join(server.log.read_text(errors="replace") for server in servers)
    assert "different halfvec dimensions" in logs
    for some in (probe, probe.astype(np.float16).astype(np.float32)):
        assert str(some[0])[:8] not in logs


def test_a_database_that_is_not_there_is_said_to_be_so():
    """Where it should be, without the password."""
    with pytest.raises(
        IndexUnavailable, match=r"does not answer: 127\.0\.0\.1:9/faces \(Connection refused\)\.$"
    ) as caught:
        open_postgres("postgresql://somebody:secret@127.0.0.1:9/faces", "contract", DIMENSION)
    assert "secret" not in caught.value.diagnostics()


def test_an_index_is_not_spread_over_servers_twice(servers: list[Node]):
    """Its faces would be searched in one of the two places only."""
    contract, url = new_contract(), servers[0].url("searched")
    open_postgres(url, contract, DIMENSION).close()
    with pytest.raises(ValueError, match="already"):
        shard(url, contract, DIMENSION, [servers[1].url("node")])


def test_a_node_killed_during_searches_is_named_and_never_a_shorter_list(servers: list[Node]):
    """Every search before, meanwhile and after is over all faces or an error; then it works as before."""
    faces, killed = 3000, servers[2]
    vectors = unit(faces)
    reference = Reference()
    ids = [f"{row:04}" for row in range(faces)]
    reference.add(ids, ["x"] * faces, vectors)
    with closing(lay_out(servers, "three nodes")()) as index:
        index.add(ids, ["x"] * faces, vectors, revision=1)
        new = [f"new-{row}" for row in range(30)]
        answers, errors, done = [0], [], threading.Event()

        def read(probe: np.ndarray) -> None:
            while not done.is_set():
                try:
                    reference.check(index, probe, ["x"], -1, 300)
                    answers[-1] += 1
                except IndexUnavailable as error:
                    errors.append(str(error))

        def wait_for(reached: Callable[[], bool]) -> None:
            until = time.monotonic() + 60
            while not reached() and time.monotonic() < until:
                time.sleep(0.01)
            assert reached()

        with ThreadPoolExecutor() as threads:
            readers = [threads.submit(read, probe) for probe in unit(4, seed=3)]
            try:
                wait_for(lambda: answers[-1] > 10)
                killed.kill()
                wait_for(lambda: len(errors) > 10)
                answers.append(0)
                time.sleep(0.2)
                assert answers[-1] == 0
                with pytest.raises(IndexUnavailable, match=f":{killed.port}/node"):
                    index.add(new, ["x"] * 30, unit(30, seed=8), revision=2)
                assert index.revision == 1
                killed.start()
                wait_for(lambda: answers[-1] > 10)
            finally:
                done.set()
                if killed._process.poll() is not None:
                    killed.start()
            for reader in readers:
                reader.result()
        assert any(f"does not answer: 127.0.0.1:{killed.port}/node" in error for error in errors)
        index.add(new, ["x"] * 30, unit(30, seed=8), revision=2)
        assert count(index, ["x"]) == faces + 30
