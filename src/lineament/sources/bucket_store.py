"""One bucket behind obstore, with limits of size and time, and sentences for what goes wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import obstore
from obstore import exceptions as wrong
from obstore.store import ObjectStore, from_url

from lineament.core.words import plain
from lineament.errors import FetchFailed, FileMissing, FileTooLarge, SourceUnreadable
from lineament.sources.files import FILE_BYTES_MAX

_HTTP_ALLOWED_BY = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
_TRIES = 3
_SECONDS, _CONNECT_SECONDS = 60, 10  # for one request
_PIECE = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Listed:
    """What a bucket says of one object. ``etag`` changes when the bytes do; None where it says none."""

    key: str
    size: int
    etag: str | None


@dataclass(frozen=True)
class Bucket:
    """One bucket. ``root`` is its address, such as 's3://archive'; keys begin without a slash."""

    root: str
    store: ObjectStore

    def head(self, key: str) -> Listed:
        """Return what is said of an object. Raises FileMissing or FetchFailed."""
        with self._explained(key):
            said = obstore.head(self.store, key)
            return Listed(said["path"], said["size"], said["e_tag"])

    def has(self, key: str) -> bool:
        """Say whether there is an object. Raises FetchFailed."""
        try:
            return bool(self.head(key))
        except FileMissing:
            return False

    def pieces(self, key: str, etag: str | None, bytes_max: int) -> Iterator[bytes]:
        """Yield an object's bytes; with an ETag, those of that version or none.

        Raises FileMissing, FileTooLarge or FetchFailed.
        """
        left = bytes_max
        with self._explained(key):
            answer = obstore.get(self.store, key, options={"if_match": etag} if etag else {})
            for piece in answer.stream(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise FileTooLarge(f"'{plain(key)}' has more than {bytes_max >> 20} MB.")
                yield bytes(piece)

    def read(self, key: str, etag: str | None = None) -> bytes:
        """Return an object's bytes. Raises what ``pieces`` raises."""
        return b"".join(self.pieces(key, etag, FILE_BYTES_MAX))

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield what is said of the objects below a prefix, in key order. Raises FetchFailed."""
        with self._explained(prefix):
            for page in obstore.list(self.store, prefix or None, chunk_size=1_000):
                for said in page:
                    yield Listed(said["path"], said["size"], said["e_tag"])

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        where = plain(f"{self.root}/{key}")
        try:
            yield
        except FileNotFoundError as error:
            raise FileMissing(f"'{where}' is not there.") from error
        except (wrong.PermissionDeniedError, wrong.UnauthenticatedError) as error:
            raise FetchFailed(f"'{where}' may not be read with the credentials that are set.") from error
        except wrong.PreconditionError as error:
            raise FetchFailed(f"'{where}' has changed since it was listed.") from error
        except (wrong.BaseError, OSError, ValueError) as error:
            raise FetchFailed(f"'{where}' cannot be read: {_why(error)}.") from error


@lru_cache(maxsize=8)  # a store keeps its connections
def open_store(root: str) -> Bucket:
    """Open the bucket at an address such as 's3://archive'. Raises SourceUnreadable.

    Plain HTTP is spoken only where the environment says so, with AWS_ALLOW_HTTP and the like.
    """
    allows_http = os.environ.get(_HTTP_ALLOWED_BY[root.partition(":")[0]], "").lower() in {"1", "true"}
    try:
        store = from_url(
            root,
            client_options={
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "timeout": timedelta(seconds=_SECONDS),
                "allow_http": allows_http,
            },
            retry_config={"max_retries": _TRIES - 1, "retry_timeout": timedelta(seconds=_SECONDS)},
        )
    except (wrong.BaseError, ValueError) as error:
        raise SourceUnreadable(f"{root} cannot be opened: {_why(error)}.") from error
    return Bucket(root, store)


def _why(error: Exception) -> str:
    """Return the first line of what the library says, without what the server wrote."""
    return plain(str(error).partition("\n")[0].partition(": <")[0][:300])
