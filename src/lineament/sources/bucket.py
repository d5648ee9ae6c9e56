"""Buckets of S3, Google Cloud Storage and Azure, and of what speaks as they do.

A bucket is the operator's own: its server and credentials come from the environment, as obstore reads them,
and the server may stand in the operator's own network. What ``fetch`` asks of a site is not asked of it.
"""

from __future__ import annotations

import re
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import IO, TYPE_CHECKING

from lineament.core.words import is_plain, plain
from lineament.errors import BadRow, FetchFailed, FileMissing, FileTooLarge, SourceUnreadable
from lineament.sources.extras import require_extra
from lineament.sources.manifest import NAMES, Manifest, Row
from lineament.sources.members import the_one
from lineament.sources.protocol import Item, Source, Unreadable

if TYPE_CHECKING:
    from lineament.sources.bucket_store import Bucket

MANIFEST_BYTES_MAX = 1024 * 1024 * 1024
_ADDRESS = re.compile(r"((?:s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{1,62})(?:/(.*))?")
_MANIFESTS = (".csv", ".jsonl", ".parquet")
_STEPS = {"", ".", ".."}


def open_bucket(address: str) -> Source:
    """Open a manifest in a bucket, or a prefix: with the manifest that lies in it, if one does.

    ``address`` is such as 's3://archive/photographs' or 's3://archive/manifest.csv'. Raises ExtraMissing, and
    SourceUnreadable where the bucket or the manifest cannot be opened.
    """
    bucket, key = _find(address)
    return open_in(bucket, key)


def open_in(bucket: Bucket, key: str) -> Source:
    """Open a manifest or a prefix of a bucket that is open. Raises SourceUnreadable."""
    try:
        if key.lower().endswith(_MANIFESTS):
            return BucketManifest(bucket, key)
        found = the_one([name for name in NAMES if bucket.has(_join(key, name))])
        return BucketManifest(bucket, _join(key, found)) if found else BucketSource(bucket, key)
    except (FileMissing, FileTooLarge, FetchFailed) as error:
        raise SourceUnreadable(str(error)) from error


def read_object(address: str) -> bytes:
    """Return the bytes of one object, such as 's3://archive/photographs/1.jpg'.

    Raises ExtraMissing, SourceUnreadable, FileMissing, FileTooLarge or FetchFailed.
    """
    bucket, key = _find(address)
    return bucket.read(key)


class BucketSource:
    """The objects below a prefix, in the order of their keys. No source links."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix

    @property
    def size(self) -> int | None:
        """Not known: a bucket is listed as it is read."""
        return None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        is_empty = True
        try:
            for one in self._bucket.list(self._prefix):
                is_empty = False
                path = one.key.removeprefix(f"{self._prefix}/" if self._prefix else "")
                if not is_plain(path):
                    yield Unreadable(plain(path), FileMissing("The key is not plain text; rename it."))
                elif one.size or "." in path.rpartition("/")[2]:  # the rest are marks of folders
                    read = partial(self._bucket.read, one.key, one.etag)
                    where = {"object": f"{self._bucket.root}/{one.key}"}
                    yield Item(path, read, extra=where, version=one.etag)
        except FetchFailed as error:
            raise SourceUnreadable(str(error)) from error
        if is_empty:
            raise SourceUnreadable(f"There is nothing at {_join(self._bucket.root, self._prefix)}.")


class BucketManifest:
    """The objects that a manifest in a bucket lists, in the order of its rows.

    Their places are relative to the manifest's folder and stay inside it, or whole addresses in this bucket.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._folder = bucket, key.rpartition("/")[0]
        self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the source is gone
        weakref.finalize(self, self._copy.close)
        for piece in bucket.pieces(key, None, MANIFEST_BYTES_MAX):
            self._copy.write(piece)
        self._copy.flush()
        self._manifest = Manifest(key, self._opened)

    @property
    def size(self) -> int | None:
        """How many rows there are."""
        return self._manifest.size

    def __iter__(self) -> Iterator[Item | Unreadable]:
        return self._manifest.items(self._item)

    def _item(self, row: Row) -> Item:
        key = self._key(row)
        etag = self._bucket.head(key).etag
        item = row.item(row.place, partial(self._bucket.read, key, etag))
        return replace(item, version=item.version or etag)

    def _opened(self) -> IO[bytes]:
        return open(f"/proc/self/fd/{self._copy.fileno()}", "rb")  # a reader with a place of its own

    def _key(self, row: Row) -> str:
        key = row.place.removeprefix(f"{self._bucket.root}/")
        if key == row.place:
            key = _join(self._folder, key)
        if "://" in key:
            raise BadRow(f"'{row.place}' is not in this bucket.")
        if set(key.split("/")) & _STEPS:
            raise BadRow(f"'{row.place}' is not the place of an object in the manifest's folder.")
        return key


def _find(address: str) -> tuple[Bucket, str]:
    """Return the bucket and the key of an address. Raises ExtraMissing or SourceUnreadable."""
    require_extra("buckets", "obstore")
    from lineament.sources.bucket_store import open_store

    parts = _ADDRESS.fullmatch(address)
    key = (parts[2] or "").removesuffix("/") if parts else ""
    if parts is None or not is_plain(key) or (key and set(key.split("/")) & _STEPS):
        raise SourceUnreadable(f"'{plain(address)}' is not an address such as s3://bucket/prefix.")
    return open_store(parts[1]), key


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name
