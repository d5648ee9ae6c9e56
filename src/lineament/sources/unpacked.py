"""Read a file forwards and once, unpacked on the way: never more of it in memory than was asked for."""

from __future__ import annotations

import bz2
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol

from lineament.errors import SourceUnreadable

RATIO_MAX = 200  # photographs are packed already; text seldom shrinks to a fiftieth
_FREE_BYTES = 256 * 1024 * 1024  # that may be unpacked before the ratio counts
_XZ_BYTES_MAX = 128 * 1024 * 1024  # of memory; what `xz -9` packed needs 65 MB
_PIECE = 128 * 1024  # bytes
_FAR = 2**40  # bytes: beyond the end of any archive

# What unpacking may raise over bytes that are damaged, cut off or hostile; OSError is also that of the disk.
DAMAGE = (OSError, EOFError, ValueError, OverflowError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_PACKINGS: dict[bytes, Callable[[], _Unpacker]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_BYTES_MAX),
}


class Unpacked:
    """The bytes of ``file``, unpacked where it begins like gzip, bzip2 or xz.

    ``name`` is what the sentences call it. Every method raises SourceUnreadable where the file is damaged,
    breaks off, or unpacks to far more than what is honestly packed does.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._held = bytearray()
        self._is_packed: bool | None = None  # not known yet
        self._pieces = self._read()

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes; fewer only at the end."""
        while len(self._held) < size and self._hold_more():
            pass
        return self._take(size)

    def readline(self, size: int) -> bytes:
        """Return the rest of the line with its end, and at most ``size`` bytes of it."""
        while (end := self._held.find(b"\n", 0, size)) < 0 and len(self._held) < size and self._hold_more():
            pass
        return self._take(size if end < 0 else end + 1)

    def skip(self, size: int) -> None:
        """Pass over the next ``size`` bytes. Where there are not so many, the next read finds none."""
        size -= len(self._take(size))
        if size and self._is_packed is False:
            self._file.seek(min(size, _FAR), os.SEEK_CUR)
            return
        while size and self._hold_more():
            size -= len(self._take(size))

    def _hold_more(self) -> bool:
        try:
            piece = next(self._pieces, b"")
        except DAMAGE as error:
            raise SourceUnreadable(f"{self._name} is damaged or breaks off: {error}.") from error
        self._held += piece
        return bool(piece)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _read(self) -> Iterator[bytes]:
        data = self._file.read(_PIECE)
        new = next((new for magic, new in _PACKINGS.items() if data.startswith(magic)), None)
        self._is_packed = new is not None
        if new:
            yield from self._unpacked(data, new)
        while data and not new:
            yield data
            data = self._file.read(_PIECE)

    def _unpacked(self, data: bytes, new: Callable[[], _Unpacker]) -> Iterator[bytes]:
        out = 0
        while data:  # one turn for each packed stream: they may lie one after the other
            unpacker, ended = new(), False
            while not unpacker.eof:
                if not data and getattr(unpacker, "needs_input", True):
                    data = self._file.read(_PIECE)
                    ended = not data
                piece = unpacker.decompress(data, _PIECE)
                data = getattr(unpacker, "unconsumed_tail", b"")  # the others keep what they did not consume
                if ended and not piece and not unpacker.eof:
                    raise EOFError("it has no end")
                out += len(piece)
                if out > max(_FREE_BYTES, RATIO_MAX * self._file.tell()):
                    raise SourceUnreadable(
                        f"{self._name} unpacks to more than {RATIO_MAX} times its size, as no photographs do."
                    )
                if piece:
                    yield piece
            data = (unpacker.unused_data or self._file.read(_PIECE)).lstrip(b"\0")  # what fills up a block
