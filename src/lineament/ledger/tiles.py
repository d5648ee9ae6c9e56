"""Tiles, c2sp.org/tlog-tiles v0.1: a log as static files. Nothing here touches a disk or a network.

A hash tile holds up to 256 hashes of 32 bytes; an entry bundle up to 256 entries, each after its length as
a big-endian uint16. The rightmost ones are *partial*: narrower, and named by their width. A bundle is the
tile of level ``ENTRIES``, under the leaf hashes of level 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count

from .errors import EntryInvalid, LogInconsistent, TileInvalid
from .merkle import EMPTY_ROOT, HASH_SIZE, Subtree, leaf_hash, node_hash, root, split

HEIGHT = 8  # tlog-tiles: a tile is a subtree of this height
WIDTH = 1 << HEIGHT
ENTRIES = -1
MAX_ENTRY_BYTES = 0xFFFF  # tlog-tiles "Log entries": the length is a uint16

Entries = Callable[[int, int], Iterable[bytes]]  # (start, stop) -> entries start .. stop-1


@dataclass(frozen=True)
class Tile:
    """One file of a log: its level, its index within the level, and its width, 1 to 256."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The file's path in the log's folder, such as ``tile/0/x001/234.p/56``."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        level = "entries" if self.level == ENTRIES else self.level
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return "/".join(["tile", str(level), *(f"x{group}" for group in groups[:-1]), groups[-1]]) + partial

    @property
    def max_bytes(self) -> int:
        """The most bytes that the file can have."""
        return self.width * (HASH_SIZE if self.level != ENTRIES else 2 + MAX_ENTRY_BYTES)


def span(level: int, old: int, size: int) -> Iterator[Tile]:
    """Yield, left to right, the tiles of one level that ``size`` entries have and ``old`` entries had not."""
    shift = HEIGHT * max(level, 0)
    before, after = old >> shift, size >> shift
    if before < after:
        for index in range(before // WIDTH, -(-after // WIDTH)):
            yield Tile(level, index, min(WIDTH, after - index * WIDTH))


def layout(size: int) -> Iterator[Tile]:
    """Yield every tile of a log of ``size`` entries, bundles first, then upwards."""
    yield from span(ENTRIES, 0, size)
    level = 0
    while size >> HEIGHT * level:
        yield from span(level, 0, size)
        level += 1


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of an entry bundle. Raises ``EntryInvalid`` for an entry over 65,535 bytes."""
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise EntryInvalid(f"An entry has at most {MAX_ENTRY_BYTES} bytes.")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle. Raises ``TileInvalid`` where it breaks off."""
    entries, at = list[bytes](), 0
    while at < len(data):
        if len(entries) == WIDTH:
            raise TileInvalid(f"An entry bundle holds more than {WIDTH} entries.")
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise TileInvalid("An entry bundle breaks off within an entry.")
        entries.append(data[start:at])
    return entries


def split_hashes(data: bytes) -> list[bytes]:
    """Return the 32-byte hashes of a hash tile."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def narrow(tile: Tile, data: bytes) -> bytes:
    """Return the bytes of ``tile``, given those of the same tile at its width or wider.

    Raises ``TileInvalid`` if ``data`` is too short.
    """
    if tile.level == ENTRIES:
        entries = decode_bundle(data)
        whole, narrowed = len(entries) >= tile.width, encode_bundle(entries[: tile.width])
    else:
        length = tile.width * HASH_SIZE
        whole, narrowed = len(data) >= length, data[:length]
    if not whole:
        raise TileInvalid(f"{tile.path} is too short.")
    return narrowed


def derive(
    entries: Entries, old: int, size: int, read: Callable[[Tile], bytes]
) -> Iterator[tuple[Tile, bytes]]:
    """Yield each file that ``size`` entries have and ``old`` entries had not, lowest level first.

    Asks ``entries`` for one bundle at a time, from the one that entry ``old`` is in, and ``read`` for at most
    one tile of the old log per level. Raises ``LogInconsistent`` if ``entries`` gives more or fewer.
    """
    fresh = list[bytes]()  # what the next level gains: roots of the tiles that became full
    for tile in span(0, old, size):
        start = tile.index * WIDTH
        bundle = list(entries(start, start + tile.width))
        if len(bundle) != tile.width:
            raise LogInconsistent(f"{tile.width} entries from {start} on were asked for; {len(bundle)} came.")
        leaves = [leaf_hash(entry) for entry in bundle]
        yield replace(tile, level=ENTRIES), encode_bundle(bundle)
        yield tile, b"".join(leaves)
        if tile.width == WIDTH:
            fresh.append(root(leaves))
    for level in count(1):
        if not fresh:
            return
        index, width = divmod(old >> HEIGHT * level, WIDTH)
        row = (split_hashes(read(Tile(level, index, width))) if width else []) + fresh
        fresh = []
        for tile in span(level, old, size):
            at = (tile.index - index) * WIDTH
            hashes = row[at : at + tile.width]
            yield tile, b"".join(hashes)
            if tile.width == WIDTH:
                fresh.append(root(hashes))


def subtrees(read: Callable[[Tile], bytes], size: int) -> Subtree:
    """Return MTH(D[start:stop]) over the hash tiles of a log of ``size`` entries, for the ranges of RFC 9162.

    ``read`` gives a tile's bytes and is asked once for each. The root, ``subtrees(read, size)(0, size)``,
    reads one tile per level.
    """

    @cache
    def hashes(level: int, index: int) -> list[bytes]:
        width = min(WIDTH, (size >> HEIGHT * level) - index * WIDTH)
        return split_hashes(read(Tile(level, index, width)))

    def subtree(start: int, stop: int) -> bytes:
        length = stop - start
        if length == 0:
            return EMPTY_ROOT
        if length & (length - 1):
            middle = start + split(length)
            return node_hash(subtree(start, middle), subtree(middle, stop))
        level, rest = divmod(length.bit_length() - 1, HEIGHT)
        index, at = divmod(start >> HEIGHT * level, WIDTH)
        return root(hashes(level, index)[at : at + (1 << rest)])

    return subtree
