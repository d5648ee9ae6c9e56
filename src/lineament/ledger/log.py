"""The log as a folder of static files, derived from the entries and published step by step.

The folder holds ``checkpoint`` and ``tile/`` as in c2sp.org/tlog-tiles v0.1, and can be served or copied as
it is. Entries are the truth and come from a function ``entries(start, stop)``. Whatever moment a publication
is cut short at, the last checkpoint stays true and the next publication goes on from it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from .checkpoint import Checkpoint
from .entries import decode
from .errors import CheckpointInvalid, EntryInvalid, LogInconsistent, LogShrunk, TileInvalid
from .merkle import EMPTY_ROOT, consistency_proof, inclusion_proof, leaf_hash
from .note import MAX_NOTE_BYTES, Signer, Verifier
from .tiles import HEIGHT, WIDTH, Entries, Tile, derive, narrow, split_hashes, subtrees

CHECKPOINT = "checkpoint"  # tlog-tiles "Checkpoints"
TEMPORARY = ".new"  # the one file that is being written


def publish(folder: Path, entries: Entries, size: int, signer: Signer) -> Checkpoint:
    """Bring the folder to ``size`` entries and return its new checkpoint, which ``signer`` signed.

    Reads and writes the new entries' tiles and one tile per level, however long the log. Waits while another
    process publishes to the same folder. Raises ``LogShrunk`` if the folder's checkpoint promises more,
    ``LogInconsistent`` if it disagrees with the entries, ``EntryInvalid`` for a new entry that is not
    canonical, and what ``read_checkpoint`` and ``read_tile`` raise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        # 1. What was signed last stays true. A new log starts with the signed promise of nothing.
        old = read_checkpoint(folder, signer.verifier)
        if size < old.size:
            raise LogShrunk(f"The checkpoint promises {old.size} entries; there are {size}.")
        _check_edge(folder, entries, old)
        if not (folder / CHECKPOINT).exists():
            _write(folder, CHECKPOINT, old.sign(signer))
            _sync(folder)
        elif size == old.size:
            return old
        # 2. The new tiles. A full tile under the old checkpoint is never written again.
        tiles = list[Tile]()
        for tile, data in derive(canonical(entries), old.size, size, partial(read_tile, folder)):
            _write(folder, tile.path, data)
            tiles.append(tile)
        for directory in {parent for tile in tiles for parent in Path(tile.path).parents}:
            _sync(folder / directory)
        # 3. A partial tile may go once the full one is on the disk (tlog-tiles "Partial Tiles").
        for tile in tiles:
            if tile.width == WIDTH:
                _remove(folder / f"{tile.path}.p")
        # 4. The checkpoint, last: everything that it promises is on the disk.
        new = Checkpoint(signer.name, size, subtrees(partial(read_tile, folder), size)(0, size))
        _write(folder, CHECKPOINT, new.sign(signer))
        _sync(folder)
        return new


def check(folder: Path, entries: Entries, size: int, verifier: Verifier) -> Checkpoint:
    """Compare the folder with all ``size`` entries and return its checkpoint; for the start of a server.

    There may be more entries than are published, and tiles of a publication that was cut short. A folder in
    which nothing was ever published has the checkpoint of the empty log. Raises ``LogShrunk``,
    ``LogInconsistent``, ``TileInvalid``, ``NoteInvalid`` or ``CheckpointInvalid``; changes nothing.
    """
    checkpoint = read_checkpoint(folder, verifier)
    if size < checkpoint.size:
        raise LogShrunk(f"The checkpoint promises {checkpoint.size} entries; there are {size}.")
    read = partial(read_tile, folder)
    for tile, data in derive(entries, 0, checkpoint.size, read):
        if read(tile) != data:
            raise LogInconsistent(f"{tile.path} does not follow from the entries.")
    if subtrees(read, checkpoint.size)(0, checkpoint.size) != checkpoint.root:
        raise LogInconsistent(f"The checkpoint's root is not that of the {checkpoint.size} entries.")
    return checkpoint


def prove_inclusion(folder: Path, index: int, size: int) -> list[bytes]:
    """Return the proof (32-byte hashes) that entry ``index`` is in the log as published with ``size``.

    Raises ``ProofInvalid`` if there is no such entry, ``TileInvalid`` if no such size was published.
    """
    return inclusion_proof(index, size, subtrees(partial(read_tile, folder), size))


def prove_consistency(folder: Path, first: int, second: int) -> list[bytes]:
    """Return the proof (32-byte hashes) that the log as published with ``second`` begins with ``first``.

    Raises ``ProofInvalid`` if ``first`` is more, ``TileInvalid`` if the size ``second`` was never published.
    """
    return consistency_proof(first, second, subtrees(partial(read_tile, folder), second))


def read_checkpoint(folder: Path, verifier: Verifier) -> Checkpoint:
    """Return the folder's checkpoint, or that of the empty log where nothing was ever published.

    Raises ``NoteInvalid`` or ``CheckpointInvalid``, also if the checkpoint is gone and tiles are there.
    """
    try:
        note = _read(folder / CHECKPOINT, MAX_NOTE_BYTES)
    except FileNotFoundError as error:
        if (folder / "tile").exists():
            raise CheckpointInvalid("The folder has tiles and no checkpoint.") from error
        return Checkpoint(verifier.name, 0, EMPTY_ROOT)
    except OSError as error:
        raise CheckpointInvalid(f"The checkpoint cannot be read: {error.strerror}.") from error
    return Checkpoint.open(note, verifier)


def read_tile(folder: Path, tile: Tile) -> bytes:
    """Return a tile's bytes, those of a partial tile that has gone from the full one.

    Raises ``TileInvalid`` if it is missing or has another length.
    """
    full = replace(tile, width=WIDTH)
    found = tile if (folder / tile.path).exists() else full
    try:
        data = _read(folder / found.path, found.max_bytes)
    except OSError as error:
        raise TileInvalid(f"{tile.path} cannot be read: {error.strerror}.") from error
    narrowed = narrow(tile, data)
    if found == tile and narrowed != data:
        raise TileInvalid(f"{tile.path} is too long.")
    return narrowed


def canonical(entries: Entries) -> Entries:
    """Return the same entries, each strictly decoded on its way. Raises ``EntryInvalid`` with its number."""

    def checked(start: int, stop: int) -> Iterator[bytes]:
        for number, entry in enumerate(entries(start, stop), start):
            try:
                decode(entry)
            except EntryInvalid as error:
                raise EntryInvalid(f"Entry {number}: {error}") from error
            yield entry

    return checked


def _check_edge(folder: Path, entries: Entries, old: Checkpoint) -> None:
    """Raise ``LogInconsistent`` unless checkpoint, right edge of the tiles, and last entries agree.

    Only the tiles of the right edge are read; ``check`` compares everything.
    """
    read = partial(read_tile, folder)
    if subtrees(read, old.size)(0, old.size) != old.root:
        raise LogInconsistent("The tiles do not lead to the checkpoint's root.")
    if old.size:
        index = (old.size - 1) >> HEIGHT
        leaves = [leaf_hash(entry) for entry in entries(index * WIDTH, old.size)]
        if leaves != split_hashes(read(Tile(0, index, old.size - index * WIDTH))):
            raise LogInconsistent(f"The last entries before {old.size} are not those that were published.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes that publish. The kernel lets go when the process dies."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path, limit: int) -> bytes:
    """Return the file's bytes, but not many more than ``limit``: what is longer is refused by its reader."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def _write(folder: Path, path: str, data: bytes) -> None:
    """Make the file hold ``data``, on the disk, at once or not at all."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with (folder / TEMPORARY).open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    (folder / TEMPORARY).replace(target)


def _remove(directory: Path) -> None:
    """Remove the directory and what is in it from the disk, if it is there."""
    if directory.exists():
        shutil.rmtree(directory)
        _sync(directory.parent)


def _sync(directory: Path) -> None:
    """Put the directory's names on the disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
