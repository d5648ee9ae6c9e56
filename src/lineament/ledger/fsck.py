"""Check a log's folder from the outside: every file, re-derived from the entry bundles.

Reading tiles alone would miss a changed upper tile, so every tile is made again from the entries. Needs the
folder and the verifier key, and the key must have come by another way than the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from .checkpoint import Checkpoint
from .errors import CheckpointInvalid, TileInvalid
from .log import CHECKPOINT, canonical, check, read_checkpoint, read_tile
from .note import Verifier
from .tiles import ENTRIES, WIDTH, Tile, decode_bundle, layout, narrow

VKEY = "vkey"  # the operator may put the verifier key beside the log, to be compared with one from elsewhere


def fsck(folder: Path, verifier: Verifier, progress: Callable[[int, int], None] | None = None) -> Checkpoint:
    """Return the folder's checkpoint if every byte is as it must be; raise the first thing that is not.

    ``progress(done, size)`` is called with numbers of entries. Raises ``NoteInvalid``, ``CheckpointInvalid``,
    ``TileInvalid``, ``EntryInvalid`` or ``LogInconsistent``.
    """
    # 1. The checkpoint is of this log and signed.
    if not (folder / CHECKPOINT).is_file():
        raise CheckpointInvalid(f"There is no checkpoint in {folder}.")
    checkpoint = read_checkpoint(folder, verifier)

    # 2. Every file that this size has is there.
    found = _files(folder)
    edge = list[Tile]()
    for tile in layout(checkpoint.size):
        if tile.path not in found:
            raise TileInvalid(f"{tile.path} is missing.")
        found.remove(tile.path)
        if tile.width < WIDTH:
            edge.append(tile)

    # 3. Nothing else is there but earlier widths of the right edge, which say the same. (tlog-tiles keeps
    #    them for those who hold an earlier checkpoint, until the full tile is there.)
    found -= {CHECKPOINT, VKEY}
    for tile in edge:
        data = read_tile(folder, tile)
        for width in range(1, tile.width):
            earlier = replace(tile, width=width)
            if earlier.path in found:
                found.remove(earlier.path)
                if read_tile(folder, earlier) != narrow(earlier, data):
                    raise TileInvalid(f"{earlier.path} differs from {tile.path}.")
    if found:
        raise TileInvalid(f"{min(found)} does not belong to a log of {checkpoint.size} entries.")

    # 4. A verifier key beside the log is the one that was used.
    if (folder / VKEY).exists() and (folder / VKEY).read_bytes().removesuffix(
        b"\n"
    ) != verifier.vkey.encode():
        raise TileInvalid("The file vkey does not hold the verifier key that was given.")

    # 5. Every entry is canonical, every tile follows from the entries, and the last one from the checkpoint.
    def entries(start: int, stop: int) -> Iterator[bytes]:
        bundle = Tile(ENTRIES, start // WIDTH, stop - start)
        yield from decode_bundle(read_tile(folder, bundle))
        if progress:
            progress(stop, checkpoint.size)

    return check(folder, canonical(entries), checkpoint.size, verifier)


def _files(folder: Path) -> set[str]:
    """Return the paths of all files under the folder. Raises ``TileInvalid`` for what is no plain file."""
    files = set[str]()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            files.add(name)
        elif not path.is_dir():
            raise TileInvalid(f"{name} is not a plain file.")
    return files
