"""Some hundred thousand faces on disk, written once: ids and templates are mapped, codes are in memory.

A segment is a folder:

    segment.json     its shape, and the SHA-256 of the other files
    ids.bin          n ids of equal width, collection by collection and in order in each of them
    templates.bin    (n, D) float32, little-endian, in the same order
    codes-0.bin ...  the codes of each block of rows, as their library writes them

Nothing in it changes. Faces that were removed are left out of every answer, and a purge writes the segment
anew without them.
"""

from __future__ import annotations

import hashlib
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
from lineament.index.nearest import Near

FORMAT = 1
BLOCK_NUMBERS = 2**25  # a scan keeps a list for each block: short lists are quicker, and so are few blocks
WIDEST = 256  # rows that a scan sorts out quickly; for more, the templates themselves are read


class Damaged(Exception):
    """A file of the index is not what was written."""


class _Described(TypedDict):
    format: int
    dimension: int
    rows: int
    id_width: int
    collections: list[tuple[str, int, int]]
    files: dict[str, str]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a matrix, read when they are asked for: those of a whole segment may not fit in memory."""

    matrix: NDArray[np.float32]
    at: NDArray[np.int64]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.matrix[self.at[rows]]


@dataclass(frozen=True, eq=False)
class Piece:
    """Faces of one collection that go into a segment: n ids (n,) bytes and their float32 templates (n, D)."""

    collection: str
    ids: NDArray[np.bytes_]
    vectors: NDArray[np.float32] | Rows


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment that was opened. ``gone`` (m,) are the rows that were removed, in order."""

    folder: Path
    digest: str  # of segment.json
    ranges: dict[str, tuple[int, int]]  # the rows of each collection
    ids: NDArray[np.bytes_]
    templates: NDArray[np.float32]
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
        for start, stop in self.ranges.values():
            there = self.ids[start:stop]
            places = np.minimum(np.searchsorted(there, wanted), stop - start - 1)
            found.append(start + places[there[places] == wanted])
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
                pieces.append(Piece(collection, self.ids[rows], Rows(self.templates, rows)))
        return pieces

    def verify(self) -> list[str]:
        """Read every file and compare it with its digest; return a sentence for each that differs."""
        try:
            files = _described(self.folder, self.digest)["files"]
        except Damaged as error:
            return [str(error)]
        findings = []
        for name, digest in files.items():
            try:
                _require(self.folder / name, digest)
            except Damaged as error:
                findings.append(str(error))
        return findings

    def _chosen(self, collections: Collection[str]) -> list[tuple[int, int]]:
        return [self.ranges[name] for name in set(collections) if name in self.ranges]


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
        if best <= WIDEST:
            scores, rows = self.codes.scan(probes, min(best, self.count), self.mask)
            return rows, scores
        products = self.segment.templates[self.start : self.start + len(self.codes)] @ probes.T
        rows = np.arange(len(self.codes)) if self.mask is None else np.flatnonzero(self.mask)
        return np.broadcast_to(rows, (len(probes), len(rows))), products[rows].T

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return templates; see Part."""
        return self.segment.templates[self.start + rows]

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Return ids; see Part."""
        return self.segment.names(self.start + rows)


def write_segment(
    parent: Path, pieces: Sequence[Piece], dimension: int, codes: type[Codes], bits: int
) -> Segment:
    """Write faces into a new segment below ``parent`` and open it; it is there whole or not at all.

    Their codes have ``bits`` a dimension.
    Raises OSError.
    """
    draft = parent / f"draft-{os.urandom(8).hex()}"
    try:
        digest, described, blocks = _write(draft, pieces, dimension, codes, bits)
        folder = draft.rename(parent / draft.name.replace("draft-", "segment-"))
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # it may have filled the disk
        raise
    sync(parent)
    return _opened(folder, digest, described, blocks)


def _write(
    draft: Path, pieces: Sequence[Piece], dimension: int, codes: type[Codes], bits: int
) -> tuple[str, _Described, list[Codes]]:
    """Write all files of a segment into a new folder; return the digest of its shape, that, and the codes."""
    draft.mkdir(mode=0o700)
    every = np.concatenate([piece.ids for piece in pieces])
    names = np.repeat([piece.collection for piece in pieces], [len(piece.ids) for piece in pieces])
    order = np.lexsort((every, names))
    (draft / "ids.bin").write_bytes(every[order].tobytes())
    blocks: list[Codes] = []
    with (draft / "templates.bin").open("wb") as templates:
        for rows in np.array_split(order, max(1, round(len(order) * dimension / BLOCK_NUMBERS))):
            vectors = _gathered(pieces, rows, dimension)
            templates.write(vectors.astype("<f4", copy=False).data)
            file = draft / f"codes-{len(blocks)}.bin"
            codes.of(vectors, bits).write(file)
            blocks.append(codes.read(file))  # what is read needs half the memory of what was made
    starts = np.flatnonzero(np.r_[True, names[order][1:] != names[order][:-1]]).tolist()
    stops = [*starts[1:], len(order)]
    described = _Described(
        format=FORMAT,
        dimension=dimension,
        rows=len(order),
        id_width=every.dtype.itemsize,
        collections=[
            (str(names[order[start]]), start, stop) for start, stop in zip(starts, stops, strict=True)
        ],
        files={file.name: _digest(file) for file in sorted(draft.iterdir())},
    )
    text = json.dumps(described, indent=1).encode()
    (draft / "segment.json").write_bytes(text)
    for path in (*draft.iterdir(), draft):
        sync(path)
    return hashlib.sha256(text).hexdigest(), described, blocks


def open_segment(folder: Path, digest: str, codes: type[Codes]) -> Segment:
    """Open a segment. What is parsed is checked first: all but the templates, which ``verify`` reads.

    Raises Damaged.
    """
    described = _described(folder, digest)
    for name in described["files"]:
        if name != "templates.bin":
            _require(folder / name, described["files"][name])
    blocks = len(described["files"]) - 2
    try:
        read = [codes.read(folder / f"codes-{number}.bin") for number in range(blocks)]
        return _opened(folder, digest, described, read)
    except (OSError, ValueError) as error:
        raise Damaged(f"{folder.name} cannot be read: {error}.") from error


def sync(path: Path) -> None:
    """Make a file, or what was created or renamed in a folder, outlive a crash of the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _opened(folder: Path, digest: str, described: _Described, blocks: Sequence[Codes]) -> Segment:
    rows, dimension = described["rows"], described["dimension"]
    ids = np.memmap(folder / "ids.bin", f"S{described['id_width']}", "r", shape=(rows,))
    templates = np.memmap(folder / "templates.bin", "<f4", "r", shape=(rows, dimension))
    ranges = {name: (start, stop) for name, start, stop in described["collections"]}
    # plain arrays over the maps: a memmap is slower to index and looks the same
    return Segment(folder, digest, ranges, ids.view(np.ndarray), templates.view(np.ndarray), blocks)


def _described(folder: Path, digest: str) -> _Described:
    _require(folder / "segment.json", digest)
    described: _Described = json.loads((folder / "segment.json").read_bytes())
    return described


def _gathered(pieces: Sequence[Piece], rows: NDArray[np.int64], dimension: int) -> NDArray[np.float32]:
    """Return the vectors of these rows of all pieces laid end to end."""
    vectors, start = np.empty((len(rows), dimension), np.float32), 0
    for piece in pieces:
        stop = start + len(piece.ids)
        mine = np.flatnonzero((rows >= start) & (rows < stop))
        vectors[mine] = piece.vectors[rows[mine] - start]
        start = stop
    return vectors


def _require(file: Path, digest: str) -> None:
    try:
        actual = _digest(file)
    except OSError as error:
        raise Damaged(f"{file.parent.name}/{file.name} cannot be read: {error.strerror}.") from error
    if actual != digest:
        raise Damaged(f"{file.parent.name}/{file.name} is not what was written.")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
