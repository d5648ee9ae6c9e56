"""AES-256-GCM (NIST SP 800-38D) over everything that the embedded engine keeps on disk.

What is read whole is sealed whole. A matrix of which single rows are read is sealed a few rows at a time, in
groups that prove themselves whole: so a mapped file gives any row for the price of its group.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

KEY_BYTES = 32
GROUP_BYTES = 4096  # of rows that are sealed together, at most; a longer row is sealed alone
_AT_ONCE = 1024  # groups
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Damaged(Exception):
    """A file of the index is not what was written, or was written under another key."""


def new_key() -> bytes:
    """Return 32 random bytes."""
    return AESGCM.generate_key(8 * KEY_BYTES)


def seal(key: bytes, data: bytes, about: str) -> bytes:
    """Encrypt ``data``. ``about`` says what it is, and must be said again to open it.

    A random nonce comes first: a key seals far fewer than the 2**32 messages that those allow (8.3).
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def unseal(key: bytes, sealed: bytes | memoryview, about: str) -> bytes:
    """Return what was sealed. Raises Damaged."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise _damaged(about) from error


def read_sealed(file: Path, key: bytes, about: str) -> bytes:
    """Return what was sealed and written to a file. Raises Damaged."""
    try:
        mapped = np.memmap(file, np.uint8, "r").data if file.stat().st_size else b""
        return unseal(key, mapped, about)
    except OSError as error:
        raise _unreadable(about, error) from error


def rows_together(row_bytes: int) -> int:
    """Return how many rows of so many bytes make a group."""
    return max(1, GROUP_BYTES // row_bytes)


def write_rows(file: BinaryIO, key: bytes, rows: NDArray[Any], start: int) -> None:
    """Write some rows of a matrix to its file, sealed; the first is its row ``start``, where a group begins.

    The key is for this file alone, in which nothing is written twice: so a group's number is its nonce.
    Raises OSError.
    """
    cipher, row_bytes = AESGCM(key), rows.nbytes // len(rows)
    together = rows_together(row_bytes)
    plain = np.ascontiguousarray(rows).view(np.uint8).reshape(-1).data
    for number in range(-(-len(rows) // together)):
        group = plain[number * together * row_bytes : (number + 1) * together * row_bytes]
        file.write(cipher.encrypt(_nonce(start // together + number), group, None))


class SealedRows:
    """The n rows of a matrix in a file that ``write_rows`` wrote: mapped, and opened as they are asked for.

    ``row`` is the type of a row: of ``np.dtype("S32")``, m of them are an (m,) array, and of
    ``np.dtype((np.float32, 512))`` an (m, 512) one.
    """

    def __init__(self, file: Path, key: bytes, row: np.dtype[Any], rows: int) -> None:
        """Map the file. Raises Damaged where it cannot be read, or has not the size of so many rows."""
        self._file, self._cipher, self._row, self._rows = file, AESGCM(key), row, rows
        self.together = rows_together(row.itemsize)
        self._groups = -(-rows // self.together)
        try:
            if file.stat().st_size != rows * row.itemsize + self._groups * _TAG_BYTES:
                raise _damaged(self._name)
            self._mapped = np.memmap(file, np.uint8, "r").data
        except OSError as error:
            raise _unreadable(self._name, error) from error

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return these (m,) rows, few and scattered: the group of each is opened. Raises Damaged."""
        firsts = np.arange(0, len(rows) * self.together, self.together)
        opened: NDArray[Any] = self.groups(rows // self.together)[firsts + rows % self.together]
        return opened

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Return the rows from ``start`` up to ``stop``. Raises Damaged."""
        first = start // self.together
        opened = self.groups(np.arange(first, -(-stop // self.together)))
        return opened[start - first * self.together : stop - first * self.together]

    def groups(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows of these (m,) groups, ``together`` of each: some of the very last may be no rows.

        Raises Damaged.
        """
        rows = np.empty(len(numbers) * self.together, self._row)
        size = self.together * self._row.itemsize
        sealed, opened = size + _TAG_BYTES, rows.view(np.uint8).reshape(-1).data
        try:
            for place, number in enumerate(numbers.tolist()):
                group = self._mapped[number * sealed : (number + 1) * sealed]
                into = opened[place * size : place * size + len(group) - _TAG_BYTES]
                self._cipher.decrypt_into(_nonce(number), group, None, into)
        except InvalidTag as error:
            raise _damaged(self._name) from error
        return rows

    def verify(self) -> None:
        """Open every group. Raises Damaged."""
        for first in range(0, self._groups, _AT_ONCE):
            self.groups(np.arange(first, min(first + _AT_ONCE, self._groups)))

    @property
    def _name(self) -> str:
        return f"{self._file.parent.name}/{self._file.name}"


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _damaged(name: str) -> Damaged:
    return Damaged(f"{name} is not what was written under this key.")


def _unreadable(name: str, error: OSError) -> Damaged:
    return Damaged(f"{name} cannot be read: {error.strerror}.")
