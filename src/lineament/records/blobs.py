"""Stored files, each sealed under a key of its own or of its kind."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from lineament.errors import BlobLost, StorageFailed
from lineament.records.sealed import NotWhole, seal, unseal


class Blobs:
    """A folder of sealed files. Names are hex digits; writing is durable on return."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: bytes, key: bytes) -> None:
        """Store bytes under a name, in place of what it had. Raises StorageFailed."""
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(seal(key, data, name))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            for folder in (path.parent, self._folder):
                sync_folder(folder)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise StorageFailed(f"A file cannot be stored: {error.strerror}.") from error

    def holds(self, name: str, key: bytes) -> bool:
        """Say whether a file is here, whole."""
        try:
            self.get(name, key)
        except (BlobLost, StorageFailed):
            return False
        return True

    def is_there(self, name: str) -> bool:
        """Say whether a file lies under a name, whole or not."""
        return self._path(name).exists()

    def get(self, name: str, key: bytes) -> bytes:
        """Return what was stored under a name. Raises BlobLost, or StorageFailed where it cannot be read."""
        try:
            return unseal(key, self._path(name).read_bytes(), name)
        except FileNotFoundError as error:
            raise BlobLost(f"The stored file {name[:12]}… is missing.") from error
        except OSError as error:
            raise StorageFailed(f"A stored file cannot be read: {error.strerror}.") from error
        except NotWhole as error:
            raise BlobLost(f"The stored file {name[:12]}… was changed on disk.") from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, durably, and what a stop left of writing them; those that are not here are no error.

        Raises StorageFailed.
        """
        wanted: dict[Path, set[str]] = {}
        for name in names:
            path = self._path(name)
            wanted.setdefault(path.parent, set()).add(path.name)
        try:
            for folder in filter(Path.exists, wanted):
                for path in folder.iterdir():
                    if path.name.removeprefix(".").partition(".")[0] in wanted[folder]:
                        path.unlink(missing_ok=True)
                sync_folder(folder)
        except OSError as error:
            raise StorageFailed(f"A stored file cannot be removed: {error.strerror}.") from error

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name[2:]


class Documents:
    """Evidence, licence terms and probes: files that the records name by the SHA-256 of their content.

    On the disk they have other names, so that nobody who has it can ask whether a photograph is among them.
    ``key_of`` returns the key that they are sealed under.
    """

    def __init__(self, blobs: Blobs, key_of: Callable[[], bytes]) -> None:
        self._blobs = blobs
        self._key_of = key_of

    def put(self, data: bytes) -> str:
        """Store bytes and return their digest, 64 lower-case hex digits. Raises StorageFailed.

        A file that is there and no longer whole is written again.
        """
        digest, key = sha256(data).hexdigest(), self._key_of()
        name = keyed(key, digest)
        if not self._blobs.holds(name, key):
            self._blobs.put(name, data, key)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes with this digest. Raises BlobLost, or StorageFailed where they cannot be read."""
        key = self._key_of()
        return self._blobs.get(keyed(key, digest), key)

    def remove(self, digest: str) -> None:
        """Remove a file, if it is here. Raises StorageFailed."""
        self._blobs.remove([keyed(self._key_of(), digest)])


def keyed(key: bytes, digest: str) -> str:
    """Return a name for a digest that only who has the key can tell, 64 hex digits."""
    return hmac.digest(key, f"name {digest}".encode(), "sha256").hex()


def sync_folder(folder: Path) -> None:
    """Make what was made, renamed or removed in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
