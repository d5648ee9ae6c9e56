"""The log as a folder of static files: reading it, holding it against the entries, and proving from it.

The folder holds ``checkpoint`` and ``tile/`` as in c2sp.org/tlog-tiles v0.1, and can be served or copied as
it is. Beside them lies ``witnessed``, the newest checkpoint that witnesses have cosigned, once any have.
Entries are the truth and come from a function ``entries(start, stop)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from .checkpoint import Checkpoint
from .entries import decode
from .errors import CheckpointInvalid, EntryInvalid, LogInconsistent, LogShrunk, TileInvalid
from .merkle import EMPTY_ROOT, consistency_proof, inclusion_proof, verify_consistency
from .note import MAX_NOTE_BYTES, Verifier
from .places import Log, read_file
from .tiles import WIDTH, Entries, Tile, derive, narrow, subtrees

CHECKPOINT = "checkpoint"  # tlog-tiles "Checkpoints"
WITNESSED = "witnessed"


def check(folder: Path, entries: Entries, size: int, verifier: Verifier) -> Checkpoint:
    """Compare the folder with all ``size`` entries and return its checkpoint; for the start of a server.

    There may be more entries than are published, and tiles of a publication that was cut short. A folder in
    which nothing was ever published has the checkpoint of the empty log. Raises ``LogShrunk``,
    ``LogInconsistent``, ``TileInvalid``, ``NoteInvalid``, ``CheckpointInvalid``, or ``ProofInvalid`` where
    witnesses have cosigned another log; changes nothing.
    """
    checkpoint = read_checkpoint(folder, verifier)
    if size < checkpoint.size:
        raise LogShrunk(f"The checkpoint promises {checkpoint.size} entries; there are {size}.")
    check_tiles(folder, entries, checkpoint)
    check_witnessed(folder, checkpoint, verifier)
    return checkpoint


def check_tiles(log: Log, entries: Entries, checkpoint: Checkpoint) -> None:
    """Raise ``LogInconsistent`` unless every tile follows from the entries, and the root from the tiles."""
    read = partial(read_tile, log)
    for tile, data in derive(entries, 0, checkpoint.size, read):
        if read(tile) != data:
            raise LogInconsistent(f"{tile.path} does not follow from the entries.")
    if subtrees(read, checkpoint.size)(0, checkpoint.size) != checkpoint.root:
        raise LogInconsistent(f"The checkpoint's root is not that of the {checkpoint.size} entries.")


def check_witnessed(log: Log, checkpoint: Checkpoint, verifier: Verifier) -> tuple[bytes, Checkpoint] | None:
    """Return what ``read_witnessed`` returns, once the log is seen to begin with it.

    Raises ``LogShrunk``, ``ProofInvalid`` and what ``read_witnessed`` and ``read_tile`` raise.
    """
    witnessed = read_witnessed(log, verifier)
    if witnessed:
        _, seen = witnessed
        if seen.size > checkpoint.size:
            raise LogShrunk(f"Witnesses have cosigned {seen.size} entries; there are {checkpoint.size}.")
        proof = prove_consistency(log, seen.size, checkpoint.size)
        verify_consistency(seen.size, checkpoint.size, proof, seen.root, checkpoint.root)
    return witnessed


def prove_inclusion(log: Log, index: int, size: int) -> list[bytes]:
    """Return the proof (32-byte hashes) that entry ``index`` is in the log as published with ``size``.

    Raises ``ProofInvalid`` if there is no such entry, ``TileInvalid`` if no such size was published.
    """
    return inclusion_proof(index, size, subtrees(partial(read_tile, log), size))


def prove_consistency(log: Log, first: int, second: int) -> list[bytes]:
    """Return the proof (32-byte hashes) that the log as published with ``second`` begins with ``first``.

    Raises ``ProofInvalid`` if ``first`` is more, ``TileInvalid`` if the size ``second`` was never published.
    """
    return consistency_proof(first, second, subtrees(partial(read_tile, log), second))


def read_checkpoint(log: Log, verifier: Verifier) -> Checkpoint:
    """Return the log's checkpoint, or that of the empty log in a folder where nothing was ever published.

    Raises ``NoteInvalid`` or ``CheckpointInvalid``, also if the checkpoint is gone and other files are there.
    """
    known = (CHECKPOINT, "tile", WITNESSED)
    if isinstance(log, Path) and not any((log / name).exists() for name in known):
        return Checkpoint(verifier.name, 0, EMPTY_ROOT)
    return Checkpoint.open(read_note(log), verifier)


def read_note(log: Log) -> bytes:
    """Return the log's checkpoint as the signed note that it is. Raises ``CheckpointInvalid``."""
    try:
        return read_file(log, CHECKPOINT, MAX_NOTE_BYTES)
    except FileNotFoundError as error:
        raise CheckpointInvalid(f"There is no checkpoint in {log}.") from error
    except OSError as error:
        raise CheckpointInvalid(f"The checkpoint cannot be read: {error.strerror}.") from error


def read_witnessed(log: Log, verifier: Verifier) -> tuple[bytes, Checkpoint] | None:
    """Return the newest checkpoint that witnesses have cosigned: the note, and what the log's key signed.

    None where nothing was cosigned. The cosignatures are not checked here.

    Raises ``NoteInvalid`` or ``CheckpointInvalid``.
    """
    try:
        note = read_file(log, WITNESSED, MAX_NOTE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointInvalid(f"The witnessed checkpoint cannot be read: {error.strerror}.") from error
    return note, Checkpoint.open(note, verifier)


def read_tile(log: Log, tile: Tile) -> bytes:
    """Return a tile's bytes, those of a partial tile that has gone from the full one.

    Raises ``TileInvalid`` if it is missing or has another length.
    """
    try:
        try:
            data = read_file(log, tile.path, tile.max_bytes)
        except FileNotFoundError:
            full = replace(tile, width=WIDTH)
            return narrow(tile, read_file(log, full.path, full.max_bytes))
    except OSError as error:
        raise TileInvalid(f"{tile.path} cannot be read: {error.strerror or 'it is not there'}.") from error
    narrowed = narrow(tile, data)
    if narrowed != data:
        raise TileInvalid(f"{tile.path} is too long.")
    return narrowed


def canonical(entries: Entries, since: int = 0) -> Entries:
    """Return the same entries, each from ``since`` on strictly decoded on its way.

    Raises ``EntryInvalid`` with its number.
    """

    def checked(start: int, stop: int) -> Iterator[bytes]:
        for number, entry in enumerate(entries(start, stop), start):
            try:
                if number >= since:
                    decode(entry)
            except EntryInvalid as error:
                raise EntryInvalid(f"Entry {number}: {error}") from error
            yield entry

    return checked
