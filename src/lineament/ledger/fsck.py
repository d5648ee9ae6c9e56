"""Check a log from the outside: every file, re-derived from the entry bundles.

Reading tiles alone would miss a changed upper tile, so every tile is made again from the entries. Needs the
log and the verifier key, and the key must have come by another way than the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from .checkpoint import Checkpoint
from .errors import CheckpointInvalid, TileInvalid
from .log import (
    CHECKPOINT,
    WITNESSED,
    canonical,
    check,
    prove_consistency,
    read_checkpoint,
    read_tile,
    read_witnessed,
)
from .merkle import verify_consistency
from .note import MAX_NOTE_BYTES, Verifier
from .places import Log, Site, read_file
from .tiles import ENTRIES, WIDTH, Tile, decode_bundle, layout, narrow
from .verify import Steps, cosigners
from .witness_policy import WitnessPolicy

VKEY = "vkey"  # the operator may put the verifier key beside the log, to be compared with one from elsewhere


def fsck(
    log: Log,
    verifier: Verifier,
    progress: Callable[[int, int], None] | None = None,
    steps: Steps | None = None,
    policy: WitnessPolicy | None = None,
) -> Checkpoint:
    """Return the log's checkpoint if every byte is as it must be; raise the first thing that is not.

    ``progress(done, size)`` is called with numbers of entries, ``steps`` with each step that passed; with a
    ``policy``, the cosignatures of its witnesses are checked too. At a web address one file after the other
    is asked for, so that what does not belong there cannot be seen; in a folder it is.

    Raises ``NoteInvalid``, ``CheckpointInvalid``, ``TileInvalid``, ``EntryInvalid``, ``LogInconsistent``,
    ``ProofInvalid`` or ``LogUnreachable``.
    """
    steps = steps or Steps(lambda _step: None)

    # 1. The checkpoint is of this log and signed.
    if isinstance(log, Path) and not (log / CHECKPOINT).is_file():
        raise CheckpointInvalid(f"There is no checkpoint in {log}.")
    checkpoint = read_checkpoint(log, verifier)
    key = verifier.key_id.hex()
    steps.passed(f"The checkpoint of {checkpoint.size:,} entries is signed by {verifier.name}, key {key}.")

    # 2. Every file that this size has is there, and nothing else is.
    if isinstance(log, Site):
        steps.passed("Read over the web: files that do not belong there cannot be seen from here.")
    else:
        _check_files(log, checkpoint.size, verifier)
        steps.passed("Every file that a log of this size has is there, and nothing else is.")

    # 3. Every entry is canonical, every tile follows from the entries, and the last one from the checkpoint.
    def entries(start: int, stop: int) -> Iterator[bytes]:
        bundle = Tile(ENTRIES, start // WIDTH, stop - start)
        yield from decode_bundle(read_tile(log, bundle))
        if progress:
            progress(stop, checkpoint.size)

    check(log, canonical(entries), checkpoint.size, verifier)
    steps.passed(f"All {checkpoint.size:,} entries are canonical; every tile and the root follow from them.")

    # 4. What witnesses have cosigned is a beginning of this log.
    if policy:
        cosigners(read_file(log, CHECKPOINT, MAX_NOTE_BYTES), policy)
    note = read_witnessed(log, verifier)
    if note is None:
        steps.passed("No witness has cosigned: that everybody is shown this same log is not proved here.")
        return checkpoint
    seen = Checkpoint.open(note, verifier)
    proof = prove_consistency(log, seen.size, checkpoint.size)
    verify_consistency(seen.size, checkpoint.size, proof, seen.root, checkpoint.root)
    by = ", ".join(cosigners(note, policy)) if policy else "witnesses whose keys were not given"
    steps.passed(
        f"The log begins with the {seen.size:,} entries that were cosigned by {by or 'nobody known'}."
    )
    return checkpoint


def _check_files(folder: Path, size: int, verifier: Verifier) -> None:
    """Raise ``TileInvalid`` for a file that is missing or does not belong there."""
    # Every file that this size has is there.
    found = _files(folder)
    edge = list[Tile]()
    for tile in layout(size):
        if tile.path not in found:
            raise TileInvalid(f"{tile.path} is missing.")
        found.remove(tile.path)
        if tile.width < WIDTH:
            edge.append(tile)

    # Nothing else is there but earlier widths of the right edge, which say the same. (tlog-tiles keeps them
    # for those who hold an earlier checkpoint, until the full tile is there.)
    found -= {CHECKPOINT, WITNESSED, VKEY}
    for tile in edge:
        data = read_tile(folder, tile)
        for width in range(1, tile.width):
            earlier = replace(tile, width=width)
            if earlier.path in found:
                found.remove(earlier.path)
                if read_tile(folder, earlier) != narrow(earlier, data):
                    raise TileInvalid(f"{earlier.path} differs from {tile.path}.")
    if found:
        raise TileInvalid(f"{min(found)} does not belong to a log of {size} entries.")

    # A verifier key beside the log is the one that was used.
    vkey = folder / VKEY
    if vkey.exists() and vkey.read_bytes().removesuffix(b"\n") != verifier.vkey.encode():
        raise TileInvalid("The file vkey does not hold the verifier key that was given.")


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
