"""Files named by the SHA-256 of their content."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from lineament.errors import BlobLost, StorageFailed


class Blobs:
    """A folder of content-addressed files. Writing is durable on return and idempotent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Store bytes and return their digest, 64 lower-case hex digits. Raises StorageFailed.

        A file that is there and no longer whole is written again.
        """
        digest = sha256(data).hexdigest()
        path = self._path(digest)
        if self.holds(digest):
            return digest
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            for folder in (path.parent, self._folder):
                _sync_folder(folder)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise StorageFailed(f"A file cannot be stored: {error.strerror}.") from error
        return digest

    def holds(self, digest: str) -> bool:
        """Say whether the bytes with this digest are here, whole."""
        try:
            return sha256(self._path(digest).read_bytes()).hexdigest() == digest
        except OSError:
            return False

    def get(self, digest: str) -> bytes:
        """Return the bytes with this digest. Raises BlobLost, or StorageFailed where they cannot be read."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise BlobLost(f"The stored file {digest[:12]}… is missing.") from error
        except OSError as error:
            raise StorageFailed(f"A stored file cannot be read: {error.strerror}.") from error
        if sha256(data).hexdigest() != digest:
            raise BlobLost(f"The stored file {digest[:12]}… was changed on disk.")
        return data

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
