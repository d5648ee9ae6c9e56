"""Check a log from the outside: every file, re-derived from the entry bundles.

Reading tiles alone would miss a changed upper tile, so every tile is made again from the entries. Needs the
log and the verifier key, and the key must have come by another way than the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .checkpoint import Checkpoint
from .entries import decode
from .errors import LogInconsistent, QuorumMissing, TileInvalid
from .log import CHECKPOINT, WITNESSED, canonical, check_tiles, check_witnessed, read_note, read_tile
from .note import Verifier
from .places import Log, Site, read_given
from .tiles import ENTRIES, WIDTH, Entries, Tile, decode_bundle, layout, narrow
from .verify import Steps, cosigners, require_quorum
from .witness_policy import NONE, WitnessPolicy

VKEY = "vkey"  # the operator may put the verifier key beside the log, to be compared with one from elsewhere


def fsck(
    log: Log,
    verifier: Verifier,
    progress: Callable[[int, int], None] | None = None,
    steps: Steps | None = None,
    policy: WitnessPolicy | None = None,
) -> Checkpoint:
    """Return the log's checkpoint if everything that its key vouches for is as it must be.

    ``progress(done, size)`` is called with numbers of entries, ``steps`` with each step that passed; with a
    ``policy``, its quorum must have cosigned this checkpoint or an earlier one that the log begins with. At a
    web address one file after the other is asked for, so that what does not belong there cannot be seen.

    Raises ``NoteInvalid``, ``CheckpointInvalid``, ``TileInvalid``, ``EntryInvalid``, ``LogInconsistent``,
    ``LogShrunk``, ``ProofInvalid``, ``QuorumMissing`` or ``LogUnreachable``.
    """
    steps, policy = steps or Steps(lambda _step: None), policy or WitnessPolicy.of_log_alone()

    # 1. The checkpoint is of this log and signed. It is read once: a server could show another one later.
    note = read_note(log)
    checkpoint = Checkpoint.open(note, verifier)
    key = verifier.key_id.hex()
    steps.passed(f"The checkpoint of {checkpoint.size:,} entries is signed by {verifier.name}, key {key}.")

    # 2. Every file that this size has is there, and nothing else is.
    if isinstance(log, Site):
        steps.passed("Read over the web: files that do not belong there cannot be seen from here.")
    else:
        _check_files(log, checkpoint.size, verifier)
        steps.passed("Every file that a log of this size has is there, and no other is.")

    # 3. Every entry is canonical, the acts of each case are numbered without a gap, every tile follows from
    # the entries, and the root from the tiles.
    def entries(start: int, stop: int) -> Iterator[bytes]:
        bundle = Tile(ENTRIES, start // WIDTH, stop - start)
        yield from decode_bundle(read_tile(log, bundle))
        if progress:
            progress(stop, checkpoint.size)

    check_tiles(log, numbered(canonical(entries)), checkpoint)
    steps.passed(f"All {checkpoint.size:,} entries are canonical; every tile and the root follow from them.")

    # 4. What witnesses have cosigned is a beginning of this log, and as many have as the policy asks for.
    witnessed = check_witnessed(log, checkpoint, verifier)
    if policy.is_met(cosigners(note, policy)) and policy.quorum != NONE:
        steps.passed(f"The quorum '{policy.quorum}' is met: cosigned by {require_quorum(note, policy)}.")
    elif witnessed:
        earlier, seen = witnessed
        by = require_quorum(earlier, policy) or "witnesses whose keys were not given"
        steps.passed(f"The log begins with the {seen.size:,} entries that were cosigned by {by}.")
    elif policy.quorum != NONE:
        raise QuorumMissing(f"The policy asks for the quorum '{policy.quorum}'; nobody has cosigned.")
    else:
        steps.passed("No witness has cosigned: that everybody is shown this same log is not proved here.")
    return checkpoint


def numbered(entries: Entries) -> Entries:
    """Return the same entries, once those of each case are seen to be numbered from 1 on without a gap.

    They are read from the first one on. Raises ``LogInconsistent``.
    """
    last: dict[str, tuple[int, int]] = {}  # of each case: the number of the newest entry, and how many acts

    def checked(start: int, stop: int) -> Iterator[bytes]:
        for number, entry in enumerate(entries(start, stop), start):
            if b'"case":{' in entry:
                case: Any = decode(entry)["case"]
                before, acts = last.get(case["id"], (-1, 0))
                if number > before:
                    if case["number"] != acts + 1:
                        raise LogInconsistent(
                            f"Entry {number} is act {acts + 1} of its case, and says that it is act "
                            f"{case['number']}."
                        )
                    last[case["id"]] = number, acts + 1
            yield entry

    return checked


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
    own = verifier.vkey.encode()
    if (folder / VKEY).is_file() and read_given(folder / VKEY, len(own)).removesuffix(b"\n") != own:
        raise TileInvalid("The file vkey does not hold the verifier key that was given.")


def _files(folder: Path) -> set[str]:
    """Return the paths of all files under the folder. Raises ``TileInvalid`` for what is no plain file."""
    files = set[str]()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink():
            files.add(name)
        elif path.is_symlink() or not path.is_dir():
            raise TileInvalid(f"{name} is not a plain file.")
    return files
