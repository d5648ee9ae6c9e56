"""Some hundred thousand faces on disk, written once: ids and templates are mapped, codes are in memory.

A segment is a folder, and all of it is sealed; see sealed.py:

    segment          its shape in JSON, and the key of each of the other files; under the index's key
    ids.bin          n ids of equal width, collection by collection and in order in each of them
    templates.bin    (n, D) float32, little-endian, in the same order
    codes-0.bin ...  the codes of each block of rows, as their library writes them

Nothing in it changes. Faces that were removed are left out of every answer, and a purge writes the segment
anew without them, under new keys.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from lineament.index.codes import Codes
from lineament.index.nearest import Near, products
from lineament.index.sealed import Damaged, SealedRows, new_key, read_sealed, rows_together, seal, write_rows

BLOCK_NUMBERS = 2**25  # a scan keeps a list for each block: short lists are quicker, and so are few blocks
WIDEST = 256  # rows that a scan sorts out quickly; for more, the templates themselves are read
_READ_NUMBERS = 2**20  # of templates, so many of which are unsealed at once
_WRITTEN_BYTES = 2**20  # of templates, so many of which go to the disk at once
_SHAPE = "segment"
_IDS, _TEMPLATES = _ROWS = ("ids.bin", "templates.bin")


class _Described(TypedDict):
    dimension: int
    rows: int
    id_width: int
    collections: list[tuple[str, int, int]]
    keys: dict[str, str]  # of the other files, in hex; those of codes in their order


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a matrix, in order, read when they are asked for: they may not fit in memory together."""

    matrix: SealedRows
    at: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return those of these (m,) places, which are in order."""
        at = self.at[rows]
        vectors: NDArray[np.float32] = self.matrix.between(at[0], at[-1] + 1)[at - at[0]]
        return vectors


@dataclass(frozen=True, eq=False)
class Piece:
    """Faces of one collection that go into a segment: n ids (n,) bytes and their float32 templates (n, D)."""

    collection: str
    ids: NDArray[np.bytes_]
    vectors: NDArray[np.float32] | Rows


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment that was opened. ``gone`` (m,) are the rows that were removed, in order.

    ``guides`` has the first id of each group of ids, or of each part of one, that a collection has.
    """

    folder: Path
    ranges: dict[str, tuple[int, int]]  # the rows of each collection
    guides: dict[str, NDArray[np.bytes_]]
    ids: SealedRows
    templates: SealedRows
    blocks: Sequence[Codes]
    gone: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.ids) - len(self.gone)

    @property
    def bits(self) -> int:
        """How many bits a dimension the codes have."""
        return self.blocks[0].bits

    @property
    def size(self) -> int:
        """The bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.iterdir())

    def without(self, rows: NDArray[np.int64]) -> Segment:
        """Return the segment with these rows gone too."""
        return replace(self, gone=np.union1d(self.gone, rows)) if len(rows) else self

    def rows_of(self, wanted: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Return the rows of those of these (m,) ids, which are in order, that are here and not gone."""
        found = [np.zeros(0, np.int64)]
        for collection, guide in self.guides.items():
            groups = np.unique(np.searchsorted(guide, wanted, "right"))
            groups = groups[groups > 0] - 1  # 0: comes before the first id of all
            if len(groups):
                rows, there = self._grouped(collection, groups)
                places = np.minimum(np.searchsorted(there, wanted), len(rows) - 1)
                found.append(rows[places[there[places] == wanted]])
        return np.setdiff1d(np.concatenate(found), self.gone)

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of these rows."""
        return [face.decode() for face in self.ids[rows].tolist()]

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold here."""
        rows = 0
        for start, stop in self._chosen(collections):
            first, last = np.searchsorted(self.gone, [start, stop])
            rows += stop - start - int(last - first)
        return rows

    def parts(self, collections: Collection[str]) -> list[BlockPart]:
        """Return the faces of these collections, as one search compares them: block by block."""
        chosen, mask = self._chosen(collections), None
        if len(self.gone) or len(chosen) < len(self.ranges):
            mask = np.zeros(len(self.ids), bool)
            for start, stop in chosen:
                mask[start:stop] = True
            mask[self.gone] = False
        parts = []
        start = 0
        for codes in self.blocks:
            mine = None if mask is None else mask[start : start + len(codes)]
            count = len(codes) if mine is None else int(np.count_nonzero(mine))
            if count:
                parts.append(BlockPart(self, start, codes, mine, count))
            start += len(codes)
        return parts

    def pieces(self) -> list[Piece]:
        """Return the faces that are not gone, to be written into another segment."""
        kept = np.ones(len(self.ids), bool)
        kept[self.gone] = False
        pieces = []
        for collection, (start, stop) in self.ranges.items():
            rows = start + np.flatnonzero(kept[start:stop])
            if len(rows):
                ids = self.ids.between(start, stop)[rows - start]
                pieces.append(Piece(collection, ids, Rows(self.templates, rows)))
        return pieces

    def verify(self, key: bytes) -> list[str]:
        """Unseal every file; return a sentence for each that is not what was written."""
        try:
            described = _described(self.folder, key)
        except Damaged as error:
            return [str(error)]
        findings = []
        for name in described["keys"]:
            try:
                if name in _ROWS:
                    _rows(self.folder, described, name).verify()
                else:
                    _unsealed(self.folder, described, name)
            except Damaged as error:
                findings.append(str(error))
        return findings

    def _chosen(self, collections: Collection[str]) -> list[tuple[int, int]]:
        return [self.ranges[name] for name in set(collections) if name in self.ranges]

    def _grouped(
        self, collection: str, groups: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bytes_]]:
        """Return the rows that a collection has in some of its groups of ids, and those ids."""
        (start, stop), together = self.ranges[collection], self.ids.together
        numbers = start // together + groups
        rows = (numbers[:, np.newaxis] * together + np.arange(together)).ravel()
        mine = (rows >= start) & (rows < stop)
        return rows[mine], self.ids.groups(numbers)[mine]


@dataclass(frozen=True, eq=False)
class BlockPart:
    """The ``count`` faces of a block that one search compares: those where the ``mask`` holds, or all.

    ``start`` is the segment's row at which the block begins. See Part.
    """

    segment: Segment
    start: int
    codes: Codes
    mask: NDArray[np.bool_] | None
    count: int

    def __len__(self) -> int:
        return self.count

    @property
    def margin(self) -> float:
        """How far a scanned score may lie from the exact one."""
        return self.codes.margin

    def near(self, probes: NDArray[np.float32], best: int) -> Near:
        """Scan the codes, or read the templates themselves where too many rows are asked for; see Part."""
        best = min(best, self.count)
        if best <= WIDEST:
            scores, rows = self.codes.scan(probes, best, self.mask)
            return rows, scores
        rows = np.arange(len(self.codes)) if self.mask is None else np.flatnonzero(self.mask)
        every = Rows(self.segment.templates, self.start + rows)
        parts = _read_together(np.arange(len(rows)), probes.shape[1])
        scores = np.concatenate([products(every[part], probes) for part in parts], axis=1)
        return np.broadcast_to(rows, (len(probes), len(rows))), scores

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return templates; see Part."""
        return self.segment.templates[self.start + rows]

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return ids; see Part."""
        return self.segment.names(self.start + rows)


def write_segment(
    parent: Path, pieces: Sequence[Piece], dimension: int, key: bytes, codes: type[Codes], bits: int
) -> Segment:
    """Write faces into a new segment below ``parent`` and open it; it is there whole or not at all.

    It is sealed under ``key``, and its codes have ``bits`` a dimension.
    Raises OSError, and Damaged where the faces come from a segment that is.
    """
    name = os.urandom(8).hex()
    draft, folder = parent / f"draft-{name}", parent / f"segment-{name}"
    try:
        described, blocks = _write(draft, pieces, dimension, codes, bits, folder.name)
        text = json.dumps(described).encode()
        (draft / _SHAPE).write_bytes(seal(key, text, f"{folder.name}/{_SHAPE}"))
        for path in (*draft.iterdir(), draft):
            sync(path)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # it may have filled the disk
        raise
    sync(parent)
    return _opened(folder, described, blocks)


def _write(
    draft: Path, pieces: Sequence[Piece], dimension: int, codes: type[Codes], bits: int, segment: str
) -> tuple[_Described, list[Codes]]:
    """Write what the segment of this name is to hold into a new folder; return its shape, and the codes."""
    draft.mkdir(mode=0o700)
    every = np.concatenate([piece.ids for piece in pieces])
    names = np.repeat([piece.collection for piece in pieces], [len(piece.ids) for piece in pieces])
    order = np.lexsort((every, names))
    keys = {_IDS: new_key(), _TEMPLATES: new_key()}
    with (draft / _IDS).open("wb") as ids:
        write_rows(ids, keys[_IDS], every[order], 0)
    blocks: list[Codes] = []
    with (draft / _TEMPLATES).open("wb", _WRITTEN_BYTES) as templates:
        for start, stop in _blocks(len(order), dimension):
            vectors = _gathered(pieces, order[start:stop], dimension).astype("<f4", copy=False)
            write_rows(templates, keys[_TEMPLATES], vectors, start)
            file, key, written = f"codes-{len(blocks)}.bin", new_key(), codes.of(vectors, bits).to_bytes()
            keys[file] = key
            (draft / file).write_bytes(seal(key, written, f"{segment}/{file}"))
            blocks.append(codes.from_bytes(written))  # what is read needs half the memory of what was made
    starts = np.flatnonzero(np.r_[True, names[order][1:] != names[order][:-1]]).tolist()
    stops = [*starts[1:], len(order)]
    described = _Described(
        dimension=dimension,
        rows=len(order),
        id_width=every.dtype.itemsize,
        collections=[
            (str(names[order[start]]), start, stop) for start, stop in zip(starts, stops, strict=True)
        ],
        keys={name: key.hex() for name, key in keys.items()},
    )
    return described, blocks


def _blocks(rows: int, dimension: int) -> list[tuple[int, int]]:
    """Divide rows into blocks that begin where groups of templates do."""
    together = rows_together(4 * dimension)
    count = max(1, round(rows * dimension / BLOCK_NUMBERS))
    size = -(-rows // (count * together)) * together
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


def open_segment(folder: Path, key: bytes, codes: type[Codes]) -> Segment:
    """Open a segment. What is parsed was unsealed first, and so were all ids; ``verify`` tries all templates.

    Raises Damaged.
    """
    described = _described(folder, key)
    try:
        blocks = [
            codes.from_bytes(_unsealed(folder, described, name))
            for name in described["keys"]
            if name not in _ROWS
        ]
        return _opened(folder, described, blocks)
    except (OSError, ValueError) as error:
        raise Damaged(f"{folder.name} cannot be read: {error}.") from error


def sync(path: Path) -> None:
    """Make a file, or what was created or renamed in a folder, outlive a crash of the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _opened(folder: Path, described: _Described, blocks: Sequence[Codes]) -> Segment:
    ids = _rows(folder, described, _IDS)
    every, together = ids.between(0, len(ids)), ids.together
    ranges = {name: (start, stop) for name, start, stop in described["collections"]}
    guides = {
        name: every[np.maximum(start, together * np.arange(start // together, -(-stop // together)))]
        for name, (start, stop) in ranges.items()
    }
    return Segment(folder, ranges, guides, ids, _rows(folder, described, _TEMPLATES), blocks)


def _described(folder: Path, key: bytes) -> _Described:
    described: _Described = json.loads(read_sealed(folder / _SHAPE, key, f"{folder.name}/{_SHAPE}"))
    return described


def _rows(folder: Path, described: _Described, name: str) -> SealedRows:
    row = f"S{described['id_width']}" if name == _IDS else ("<f4", (described["dimension"],))
    return SealedRows(folder / name, _key(described, name), np.dtype(row), described["rows"])


def _unsealed(folder: Path, described: _Described, name: str) -> bytes:
    return read_sealed(folder / name, _key(described, name), f"{folder.name}/{name}")


def _key(described: _Described, name: str) -> bytes:
    return bytes.fromhex(described["keys"][name])


def _gathered(pieces: Sequence[Piece], rows: NDArray[np.int64], dimension: int) -> NDArray[np.float32]:
    """Return the vectors of these rows of all pieces laid end to end, each piece's in order."""
    vectors, start = np.empty((len(rows), dimension), np.float32), 0
    for piece in pieces:
        stop = start + len(piece.ids)
        mine = np.flatnonzero((rows >= start) & (rows < stop))
        for part in _read_together(mine, dimension) if len(mine) else ():
            vectors[part] = piece.vectors[rows[part] - start]
        start = stop
    return vectors


def _read_together(rows: NDArray[np.int64], dimension: int) -> list[NDArray[np.int64]]:
    """Divide rows into parts whose templates take a few megabytes each."""
    return np.array_split(rows, -(-len(rows) * dimension // _READ_NUMBERS))
