"""Publishing: from the entries to the folder of static files, step by step.

Whatever moment a publication is cut short at, the last checkpoint stays true and the next publication goes on
from it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from .checkpoint import Checkpoint
from .errors import LogInconsistent, LogShrunk
from .log import CHECKPOINT, WITNESSED, canonical, read_checkpoint, read_note, read_tile, read_witnessed
from .merkle import leaf_hash
from .note import Note, Signature, Signer
from .tiles import ENTRIES, HEIGHT, WIDTH, Entries, Tile, decode_bundle, derive, split_hashes, subtrees
from .verify import cosigners
from .witness_policy import WitnessPolicy

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
        (folder / TEMPORARY).unlink(missing_ok=True)  # of a publication that was cut short
        old = read_checkpoint(folder, signer.verifier)
        witnessed = read_witnessed(folder, signer.verifier)
        if witnessed and old.size < witnessed[1].size:
            raise LogShrunk(f"Witnesses have cosigned more than the {old.size} entries of the checkpoint.")
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
        for tile, data in derive(canonical(entries, old.size), old.size, size, partial(read_tile, folder)):
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


def keep_cosignatures(
    folder: Path, note: bytes, cosignatures: Sequence[Signature], signer: Signer, policy: WitnessPolicy
) -> bytes:
    """Put cosignatures under a checkpoint that this folder has published, and keep it as the witnessed one.

    The newest cosignature of each witness is kept, those that were there before included. What is witnessed
    stays where it is larger, or where it meets the policy's quorum and the new one does not yet. Returns the
    note with its cosignatures.
    """
    with _locked(folder):
        current, before = read_note(folder), read_witnessed(folder, signer.verifier)
        given, head = Note.parse(note), Checkpoint.open(note, signer.verifier)
        known = [Note.parse(one) for one in (note, current, *(before or ())[:1])]
        there = [line for one in known if one.text == given.text for line in one.signatures]
        cosigned = replace(given, signatures=_newest([*there, *cosignatures])).data
        keeps_quorum = before is None or _is_met(cosigned, policy) or not _is_met(before[0], policy)
        if keeps_quorum and (before is None or head.size >= before[1].size):
            _write(folder, WITNESSED, cosigned)
        if known[1].text == given.text:
            _write(folder, CHECKPOINT, cosigned)
        _sync(folder)
    return cosigned


def _is_met(note: bytes, policy: WitnessPolicy) -> bool:
    return policy.is_met(cosigners(note, policy))


def _newest(signatures: Sequence[Signature]) -> tuple[Signature, ...]:
    """Return one line for each key: cosignatures begin with their time, so the largest is the newest."""
    newest: dict[tuple[str, bytes], Signature] = {}
    for one in signatures:
        key = one.name, one.key_id
        newest[key] = max(one, newest.get(key, one), key=lambda line: line.blob)
    return tuple(newest.values())


def _check_edge(folder: Path, entries: Entries, old: Checkpoint) -> None:
    """Raise ``LogInconsistent`` unless checkpoint, right edge of the tiles, and last entries agree.

    Only the tiles of the right edge are read; ``check`` compares everything.
    """
    read = partial(read_tile, folder)
    if subtrees(read, old.size)(0, old.size) != old.root:
        raise LogInconsistent("The tiles do not lead to the checkpoint's root.")
    if old.size:
        index = (old.size - 1) >> HEIGHT
        edge = Tile(0, index, old.size - index * WIDTH)
        last = list(entries(index * WIDTH, old.size))
        leaves = [leaf_hash(entry) for entry in last]
        bundle = decode_bundle(read(replace(edge, level=ENTRIES)))
        if leaves != split_hashes(read(edge)) or last != bundle:
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
