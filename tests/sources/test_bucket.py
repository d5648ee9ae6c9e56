"""A bucket yields its objects in order, with provenance where a manifest lies in it, and within limits."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path
from urllib.parse import quote

import pyarrow
import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore
from pyarrow import parquet

from lineament.errors import (
    BadRow,
    FetchFailed,
    FileChanged,
    FileMissing,
    FileTooLarge,
    SourceUnreadable,
)
from lineament.sources.bucket import open_bucket, open_in, read_object
from lineament.sources.bucket_store import Bucket, open_store
from lineament.sources.protocol import Item, Unreadable
from tests.ledger.witnesses import Answer, answering

ROW = {
    "path": "1.jpg",
    "source_url": "https://archive.example/1",
    "page_url": "https://archive.example/page",
    "caption": "On the steps",
    "date": "1936",
    "credit": "The archive",
    "licence": "https://creativecommons.org/publicdomain/mark/1.0/",
    "reel": "3",
}


HEADERS = {"Content-Type": "image/jpeg", "Authorization": "AWS somebody:signed"}  # only real S3 looks closer


class S3:
    """A client of the S3 server that is not the one under test."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._buckets = 0

    def put(self, place: str, data: bytes = b"") -> None:
        self._connection.request("PUT", quote(f"/{place}"), data, HEADERS)
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()

    def bucket(self, **objects: bytes) -> str:
        """Make a bucket and return its name."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        self.put(name)
        for key, data in objects.items():
            self.put(f"{name}/{key}", data)
        return name

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 server in a process of its own, and the environment that leads to it."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    said = tmp_path_factory.mktemp("s3") / "said"
    with (
        said.open("w") as out,
        subprocess.Popen(
            command, stdout=out, stderr=out, env=os.environ | {"MOTO_S3_DEFAULT_MAX_KEYS": "5"}
        ) as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        while not (found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", said.read_text())):
            assert server.poll() is None, said.read_text()
            time.sleep(0.05)
        set_environment(environment, f"http://127.0.0.1:{found[1]}")
        client = S3(int(found[1]))
        yield client
        client.close()
        server.kill()


def set_environment(environment: pytest.MonkeyPatch, endpoint: str) -> None:
    open_store.cache_clear()
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "AWS_REGION": "eu-central-1",
    }.items():
        environment.setenv(name, value)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment that leads to another server, for one test."""
    yield monkeypatch
    open_store.cache_clear()


def etag(data: bytes) -> str:
    return f'"{md5(data).hexdigest()}"'  # noqa: S324 - what S3 says of an object


def test_a_prefix_yields_its_objects_in_the_order_of_their_keys(s3: S3):
    """Those of the prefix alone, each with the version that the bucket states; marks of folders are none."""
    name = s3.bucket(
        **{"a/2.jpg": b"two", "a/10.jpg": b"ten", "a/é b%c.jpg": b"odd", "ab/1.jpg": b"not asked for"}
    )
    s3.put(f"{name}/a/sub/")
    s3.put(f"{name}/a/sub/3.jpg", b"three")
    source = open_bucket(f"s3://{name}/a/")
    assert source.size is None
    items = list(source)
    assert all(isinstance(one, Item) for one in items)
    assert [one.path for one in items] == ["10.jpg", "2.jpg", "sub/3.jpg", "é b%c.jpg"]
    assert [one.read() for one in items if isinstance(one, Item)] == [b"ten", b"two", b"three", b"odd"]
    first = items[0]
    assert isinstance(first, Item)
    assert (first.version, first.source_url) == (etag(b"ten"), None)
    assert first.extra == {"object": f"s3://{name}/a/10.jpg"}
    assert len(list(open_bucket(f"s3://{name}"))) == 5


def test_a_long_listing_comes_page_by_page(s3: S3):
    """The server names five at once."""
    paths = [f"{number:02}.jpg" for number in range(12)]
    name = s3.bucket(**dict.fromkeys(paths, b"x"))
    assert [one.path for one in open_bucket(f"s3://{name}")] == paths


def test_what_changes_after_it_was_listed_is_not_taken_for_what_was_listed(s3: S3):
    """Or new bytes would be known by the old version."""
    name = s3.bucket(**{"1.jpg": b"before"})
    (item,) = open_bucket(f"s3://{name}")
    assert isinstance(item, Item)
    s3.put(f"{name}/1.jpg", b"after")
    with pytest.raises(FetchFailed, match="has changed since it was listed"):
        item.read()
    (item,) = open_bucket(f"s3://{name}")
    assert isinstance(item, Item)
    assert (item.read(), item.version) == (b"after", etag(b"after"))


def test_a_large_object_is_not_read_into_memory(s3: S3):
    """33 MB are refused, by the one door and by the other."""
    name = s3.bucket(**{"huge.jpg": bytes(33 * 1024 * 1024)})
    (item,) = open_bucket(f"s3://{name}")
    assert isinstance(item, Item)
    with pytest.raises(FileTooLarge, match="32 MB"):
        item.read()
    with pytest.raises(FileTooLarge, match="32 MB"):
        read_object(f"s3://{name}/huge.jpg")


def as_csv(rows: list[dict[str, str]]) -> bytes:
    return "\n".join(",".join(cells) for cells in (rows[0], *(row.values() for row in rows))).encode()


def as_jsonl(rows: list[dict[str, str]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def as_parquet(rows: list[dict[str, str]]) -> bytes:
    out = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize(("kind", "write"), [("csv", as_csv), ("jsonl", as_jsonl), ("parquet", as_parquet)])
def test_a_manifest_in_a_bucket_says_where_photographs_come_from(s3: S3, kind: str, write):
    """Its places are beside it. Without a digest in the row, the bucket's word is the version."""
    name = s3.bucket(**{"p/1.jpg": b"one", "p/2.jpg": b"two", f"p/manifest.{kind}": write([ROW])})
    for address in (f"s3://{name}/p/manifest.{kind}", f"s3://{name}/p"):
        source = open_bucket(address)
        assert source.size == 1
        (item,) = source
        assert isinstance(item, Item)
        assert (item.path, item.read(), item.version) == ("1.jpg", b"one", etag(b"one"))
        assert (item.source_url, item.page_url) == (ROW["source_url"], ROW["page_url"])
        assert (item.caption, item.date, item.credit) == ("On the steps", "1936", "The archive")
        assert (item.licence, item.extra) == (ROW["licence"], {"reel": "3"})


def test_rows_of_a_manifest_that_lead_nowhere_or_elsewhere_are_named(s3: S3):
    """And the rest goes on; a digest that is stated is held against the bytes."""
    name = s3.bucket(**{"p/1.jpg": b"one", "other.jpg": b"other", "p/list.jsonl": b""})
    good, bad = sha256(b"one").hexdigest(), sha256(b"two").hexdigest()
    places = [
        {"path": "gone.jpg"},
        {"path": "../other.jpg"},
        {"path": "/other.jpg"},
        {"path": "s3://another/1.jpg"},
        {"path": "https://archive.example/1.jpg"},
        {"path": f"s3://{name}/other.jpg"},
        {"path": "1.jpg", "sha256": good},
        {"path": "1.jpg", "sha256": bad},
        {"path": "reel-3/1.jpg", "key": "1.jpg"},
    ]
    rows = [{**place, "source_url": "https://archive.example/1"} for place in places]
    s3.put(f"{name}/p/list.jsonl", as_jsonl(rows))
    items = list(open_bucket(f"s3://{name}/p/list.jsonl"))
    kinds = [type(one.error) if isinstance(one, Unreadable) else Item for one in items]
    assert kinds == [FileMissing, BadRow, BadRow, BadRow, BadRow, Item, Item, Item, Item]
    assert isinstance(items[0], Unreadable)
    assert str(items[0].error) == f"Row 1: 's3://{name}/p/gone.jpg' is not there."
    other, one, wrong, named = (item for item in items if isinstance(item, Item))
    assert (other.path, other.read()) == (f"s3://{name}/other.jpg", b"other")
    assert (one.read(), one.version) == (b"one", f"sha256:{good}")
    with pytest.raises(FileChanged):
        wrong.read()
    assert (named.path, named.read()) == ("reel-3/1.jpg", b"one")


def test_two_manifests_are_one_too_many(s3: S3):
    """Nobody can say which of them counts."""
    name = s3.bucket(**{"manifest.csv": as_csv([ROW]), "manifest.jsonl": as_jsonl([ROW])})
    with pytest.raises(SourceUnreadable, match="keep the one that counts"):
        open_bucket(f"s3://{name}")


def test_a_key_that_the_library_cannot_name_stops_the_listing(s3: S3):
    """With a sentence that names it; what came before counts."""
    name = s3.bucket(**{"a/1.jpg": b"one", "b//2.jpg": b"two"})
    with pytest.raises(SourceUnreadable, match=r"b//2\.jpg"):
        list(open_bucket(f"s3://{name}"))
    assert len(list(open_bucket(f"s3://{name}/a"))) == 1


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3:///key",
        "s3://a",
        "s3://bucket//key",
        "s3://bucket/../key",
        "s3://user:secret@bucket/key",
        "s3://bucket:80/key",
        "s3://bucket/a\nb",
        "S3://bucket/key",
        "http://bucket/key",
        "file:///etc",
        "memory:///",
    ],
)
def test_what_is_not_the_address_of_a_bucket_is_refused(address: str):
    """Nothing is connected to."""
    for door in (open_bucket, read_object):
        with pytest.raises(SourceUnreadable, match="not an address such as"):
            door(address)


def test_nothing_there_is_a_sentence(s3: S3):
    """A prefix that is empty, a bucket that is none, a manifest or object that is gone."""
    name = s3.bucket(**{"1.jpg": b"one"})
    with pytest.raises(SourceUnreadable, match=f"nothing at s3://{name}/photographs"):
        list(open_bucket(f"s3://{name}/photographs"))
    with pytest.raises(SourceUnreadable, match="404"):
        list(open_bucket("s3://no-such-bucket"))
    with pytest.raises(SourceUnreadable, match="is not there"):
        open_bucket(f"s3://{name}/manifest.csv")
    with pytest.raises(FileMissing, match="is not there"):
        read_object(f"s3://{name}/2.jpg")
    assert read_object(f"s3://{name}/1.jpg") == b"one"


@pytest.mark.parametrize(
    ("status", "said", "asked"),
    [(403, "may not be read with the credentials", 1), (500, "cannot be read", 3)],
)
def test_a_server_that_refuses_is_asked_once_and_one_that_fails_three_times(
    elsewhere: pytest.MonkeyPatch, status: int, said: str, asked: int
):
    """Then it is a sentence, without what the server wrote and without a secret."""
    requests: list[str] = []

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        requests.append(path)
        return status, {}, b"<?xml version='1.0'?><Error>a secret</Error>"

    with answering(answer) as endpoint:
        set_environment(elsewhere, endpoint)
        with pytest.raises(FetchFailed, match=said) as caught:
            read_object("s3://refused/1.jpg")
    assert requests == ["/refused/1.jpg"] * asked
    assert "secret" not in str(caught.value)


def test_no_signature_is_told_in_an_error(elsewhere: pytest.MonkeyPatch):
    """Azure's shared signatures are part of the address that its library names when something fails."""
    requests: list[str] = []

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        requests.append(path)
        return 409, {}, b""

    open_store.cache_clear()
    with answering(answer) as endpoint:
        for name, value in {
            "AZURE_STORAGE_ACCOUNT_NAME": "archive",
            "AZURE_STORAGE_ENDPOINT": endpoint,
            "AZURE_STORAGE_SAS_KEY": "sv=2024-01-01&sig=c2VjcmV0",
            "AZURE_ALLOW_HTTP": "true",
        }.items():
            elsewhere.setenv(name, value)
        with pytest.raises(FetchFailed, match="409") as caught:
            read_object("az://container/1.jpg")
    assert any("sig=" in path for path in requests)
    assert "c2VjcmV0" not in str(caught.value)


def test_plain_http_is_spoken_only_where_the_environment_says_so(elsewhere: pytest.MonkeyPatch):
    """Credentials do not travel in the clear by accident."""
    requests: list[str] = []

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        requests.append(path)
        return 200, {}, b""

    with answering(answer) as endpoint:
        set_environment(elsewhere, endpoint)
        elsewhere.delenv("AWS_ALLOW_HTTP")
        with pytest.raises(FetchFailed):
            read_object("s3://bucket/1.jpg")
    assert requests == []


def stores(folder: Path) -> list[ObjectStore]:
    return [MemoryStore(), LocalStore(folder)]


@pytest.mark.parametrize("kind", [0, 1], ids=["memory", "local"])
def test_every_kind_of_bucket_goes_the_same_way(tmp_path: Path, kind: int):
    """Google's and Azure's have no server here; what is above their client is the same code."""
    bucket = Bucket("gs://archive", stores(tmp_path)[kind])
    for key, data in {
        "p/1.jpg": b"one",
        "p/2.jpg": b"two",
        "q/manifest.csv": as_csv([ROW]),
        "q/1.jpg": b"x",
    }.items():
        bucket.store.put(key, data)
    items = {one.path: one for one in open_in(bucket, "p") if isinstance(one, Item)}
    assert {path: one.read() for path, one in items.items()} == {"1.jpg": b"one", "2.jpg": b"two"}
    assert items["1.jpg"].extra == {"object": "gs://archive/p/1.jpg"}
    assert all(one.version for one in items.values())
    (row,) = open_in(bucket, "q")
    assert isinstance(row, Item)
    assert (row.read(), row.caption) == (b"x", "On the steps")


def test_google_and_azure_are_opened_by_their_own_names(elsewhere: pytest.MonkeyPatch):
    """An account of Azure's that is not set is a sentence."""
    assert open_store("gs://archive").root == "gs://archive"
    with pytest.raises(SourceUnreadable, match="Account must be specified"):
        open_bucket("az://archive/photographs")
    elsewhere.setenv("AZURE_STORAGE_ACCOUNT_NAME", "museum")
    assert open_store("az://archive").store.config == {"container_name": "archive"}
