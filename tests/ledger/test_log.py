"""The published folder: it grows, keeps its promises, costs little, and survives being cut short anywhere."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, count
from pathlib import Path

import pytest

from lineament.ledger import (
    CheckpointInvalid,
    EntryInvalid,
    LogInconsistent,
    LogShrunk,
    NoteInvalid,
    ProofInvalid,
    Signer,
    TileInvalid,
    check,
    encode,
    fsck,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    publish,
    verify_consistency,
    verify_inclusion,
)
from lineament.ledger.merkle import root

Entries = Callable[[int, int], Iterator[bytes]]


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of the folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_log_grows_and_every_promise_that_it_made_still_holds(
    tmp_path: Path, entries: Entries, signer: Signer
) -> None:
    """Each root is that of the entries; all that was ever promised can be proved in the newest folder."""
    sizes = [0, 1, 2, 5, 255, 256, 257, 300, 511, 512, 600]
    checkpoints = [publish(tmp_path, entries, size, signer) for size in sizes]
    leaves = [leaf_hash(entry) for entry in entries(0, 600)]
    assert [checkpoint.root for checkpoint in checkpoints] == [root(leaves[:size]) for size in sizes]
    assert fsck(tmp_path, signer.verifier) == checkpoints[-1]

    for first, second in combinations(checkpoints, 2):
        proof = prove_consistency(tmp_path, first.size, second.size)
        verify_consistency(first.size, second.size, proof, first.root, second.root)
    for checkpoint in checkpoints[1:]:
        for index in {0, checkpoint.size // 2, checkpoint.size - 1}:
            proof = prove_inclusion(tmp_path, index, checkpoint.size)
            verify_inclusion(leaves[index], index, checkpoint.size, proof, checkpoint.root)


def test_whether_at_once_or_step_by_step_the_files_are_the_same(
    tmp_path: Path, entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """Files depend on the entries alone; besides them only earlier widths of the edge are kept."""
    for size in (3, 40, 256, 590, 597, 600):
        publish(tmp_path, entries, size, signer)
    at_once, stepwise = contents(log(600)), contents(tmp_path)
    assert at_once.items() <= stepwise.items()
    assert {Path(path).name for path in stepwise.keys() - at_once.keys()} == {"78", "85", "1"}
    assert publish(tmp_path, entries, 600, signer).size == 600
    assert contents(tmp_path) == stepwise


def test_who_holds_an_earlier_checkpoint_still_gets_its_proofs(
    tmp_path: Path, entries: Entries, signer: Signer
) -> None:
    """The partial tiles of a published size stay until the full one is there (tlog-tiles "Partial Tiles")."""
    earlier = publish(tmp_path, entries, 3, signer)
    for size in (5, 300):
        publish(tmp_path, entries, size, signer)
        leaf = leaf_hash(next(entries(1, 2)))
        verify_inclusion(leaf, 1, 3, prove_inclusion(tmp_path, 1, 3), earlier.root)
    assert not (tmp_path / "tile/0/000.p").exists()


def test_no_proof_is_made_for_what_was_never_published(log: Callable[[int], Path]) -> None:
    """An entry beyond the size, and a size beyond the log, are said to be so."""
    folder = log(5)
    with pytest.raises(ProofInvalid, match="no entry 5"):
        prove_inclusion(folder, 5, 5)
    with pytest.raises(ProofInvalid, match="does not go on"):
        prove_consistency(folder, 5, 4)
    for size in (4, 6, 1000):
        with pytest.raises(TileInvalid, match="cannot be read"):
            prove_inclusion(folder, 0, size)


def test_publishing_a_few_entries_touches_the_right_edge_only(
    entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """With the inside of the log taken away it still goes on: it asks for the last bundles and tiles only."""
    folder, asked = log(1000), list[tuple[int, int]]()
    inside = [
        folder / "tile" / level / f"{index:03d}" for level in ("entries", "0") for index in range(1000 // 256)
    ]
    for path in inside:
        path.unlink()

    def recording(start: int, stop: int) -> Iterator[bytes]:
        asked.append((start, stop))
        return entries(start, stop)

    checkpoint = publish(folder, recording, 1003, signer)
    assert checkpoint.root == root([leaf_hash(entry) for entry in entries(0, 1003)])
    assert all(768 <= start < stop <= 1003 for start, stop in asked)
    assert not any(path.exists() for path in inside)


def test_full_tiles_are_never_written_again(
    entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """The files that an earlier checkpoint needs keep their place on the disk while the log grows."""
    folder = log(512)
    before = {path: path.stat().st_ino for path in folder.rglob("tile/*/0??")}
    assert len(before) == 4
    publish(folder, entries, 600, signer)
    assert {path: path.stat().st_ino for path in before} == before


def test_a_log_does_not_shrink(entries: Entries, signer: Signer, log: Callable[[int], Path]) -> None:
    """Fewer entries than were signed: refused at publication and at the start, and nothing is changed."""
    folder = log(300)
    before = contents(folder)
    with pytest.raises(LogShrunk, match="promises 300 entries; there are 299"):
        publish(folder, entries, 299, signer)
    with pytest.raises(LogShrunk, match="promises 300 entries; there are 0"):
        check(folder, entries, 0, signer.verifier)
    assert contents(folder) == before


@pytest.mark.parametrize("size", [300, 512])
def test_entries_that_were_rewritten_are_not_published_over(
    size: int, entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """If the last entries are not those that were signed, no more is signed; the start finds it anywhere."""
    folder = log(size)
    before = contents(folder)

    def rewritten(at: int) -> Entries:
        other = next(entries(10_000, 10_001))
        return lambda start, stop: (
            other if number == at else entry for number, entry in enumerate(entries(start, stop), start)
        )

    with pytest.raises(LogInconsistent, match="not those that were published"):
        publish(folder, rewritten(size - 1), size + 5, signer)
    for at in (0, 255, 256, size - 1):
        with pytest.raises(LogInconsistent, match="does not follow from the entries"):
            check(folder, rewritten(at), size + 5, signer.verifier)
    assert check(folder, rewritten(size), size + 5, signer.verifier).size == size
    assert contents(folder) == before


@pytest.mark.parametrize("level", ["entries", "0", "1"])
def test_a_changed_tile_is_found_at_the_start(
    level: str, entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """Every file is compared with the entries, inner ones too; at the edge no publication goes over it."""
    folder = log(600)
    for path in (folder / "tile" / level).rglob("*"):
        if path.is_file():
            good = path.read_bytes()
            path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
            with pytest.raises((LogInconsistent, TileInvalid)):
                check(folder, entries, 600, signer.verifier)
            if level != "entries" and path.parent.suffix == ".p":
                with pytest.raises(LogInconsistent):
                    publish(folder, entries, 601, signer)
            path.write_bytes(good)
    assert check(folder, entries, 600, signer.verifier).size == 600


def test_another_key_does_not_go_on_with_the_log(entries: Entries, log: Callable[[int], Path]) -> None:
    """A lost key starts a new log; it does not sign on over the old one."""
    folder = log(5)
    for stranger in (Signer.generate("log.example/lineament"), Signer.generate("log.example/other")):
        with pytest.raises(NoteInvalid, match="No signature by"):
            publish(folder, entries, 6, stranger)
        with pytest.raises(NoteInvalid, match="No signature by"):
            check(folder, entries, 6, stranger.verifier)


def test_lost_checkpoints_are_not_made_up(
    entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """Tiles without a checkpoint are no new log: what was promised is not known, so nothing is signed."""
    folder = log(5)
    (folder / "checkpoint").unlink()
    with pytest.raises(CheckpointInvalid, match="There is no checkpoint"):
        publish(folder, entries, 6, signer)
    with pytest.raises(CheckpointInvalid, match="There is no checkpoint"):
        check(folder, entries, 6, signer.verifier)


def test_a_checkpoint_that_cannot_be_read_says_so(tmp_path: Path, entries: Entries, signer: Signer) -> None:
    """A folder in its place, or a file without end: an error of the tree, and soon."""
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(CheckpointInvalid, match="cannot be read"):
        check(tmp_path, entries, 0, signer.verifier)
    (tmp_path / "checkpoint").rmdir()
    (tmp_path / "checkpoint").symlink_to("/dev/zero")
    with pytest.raises(CheckpointInvalid, match="not a plain file"):
        check(tmp_path, entries, 0, signer.verifier)


def test_before_the_first_publication_all_agrees(tmp_path: Path, entries: Entries, signer: Signer) -> None:
    """A new installation has entries and no folder; the start finds nothing wrong and makes nothing."""
    assert check(tmp_path / "new", entries, 7, signer.verifier).size == 0
    assert not (tmp_path / "new").exists()


def test_an_entry_that_nobody_could_read_is_not_published(
    entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """A new entry that is not canonical is named; a function that gives too few or too many is found out."""
    folder = log(5)

    def shouting(start: int, stop: int) -> Iterator[bytes]:
        return (
            entry.upper() if number == 6 else entry
            for number, entry in enumerate(entries(start, stop), start)
        )

    with pytest.raises(EntryInvalid, match="Entry 6: "):
        publish(folder, shouting, 8, signer)
    for slip in (-1, 1):
        with pytest.raises(LogInconsistent, match="were asked for"):
            publish(folder, lambda a, b, slip=slip: entries(a, b if b == 5 else b + slip), 8, signer)
    assert check(folder, entries, 8, signer.verifier).size == 5
    assert publish(folder, entries, 8, signer) == fsck(folder, signer.verifier)


class PowerCut(BaseException):
    """The process ends here; nothing catches it."""


def publish_until(cut: int, folder: Path, entries: Entries, signer: Signer) -> bool:
    """Publish 520 entries; return whether the power was cut before the disk was changed for the nth time."""
    steps = count()

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **rest: object) -> object:
            if next(steps) == cut:
                raise PowerCut
            return real(*args, **rest)

        return step

    with pytest.MonkeyPatch.context() as patched:
        for name in ("fsync", "mkdir", "replace", "unlink", "rmdir"):
            patched.setattr(os, name, failing(getattr(os, name)))
        try:
            publish(folder, entries, 520, signer)
        except PowerCut:
            return True
    return False


@pytest.mark.parametrize("size", [0, 250])
def test_cut_short_before_any_step_it_goes_on_as_if_nothing_had_been(
    size: int, tmp_path: Path, entries: Entries, signer: Signer, log: Callable[[int], Path]
) -> None:
    """At each step that changes the disk in turn: the folder is sound, and the next publication whole."""
    whole = contents(log(524))
    for cut in count():
        folder = tmp_path / str(cut)
        if size:
            shutil.copytree(log(size), folder)
        old = check(folder, entries, 524, signer.verifier)
        was_cut = publish_until(cut, folder, entries, signer)

        new = check(folder, entries, 524, signer.verifier)
        assert new.size in {size, 520} if was_cut else new.size == 520
        proof = prove_consistency(folder, old.size, new.size)
        verify_consistency(old.size, new.size, proof, old.root, new.root)
        publish(folder, entries, 524, signer)
        fsck(folder, signer.verifier)
        assert whole.items() <= contents(folder).items()
        if not was_cut:
            break
    assert cut > 20


def numbered(start: int, stop: int) -> Iterator[bytes]:
    for number in range(start, stop):
        yield encode("session.opened", at="2026-11-22T21:04:05.123Z", who=f"{number:032x}")


PUBLISHER = f"""
from __future__ import annotations
import sys
from itertools import count
from pathlib import Path
from lineament.ledger import Signer, encode, publish
{inspect.getsource(numbered)}
folder, start, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for size in count(start, step):
    publish(folder, numbered, size, Signer.from_private_bytes("log.example/lineament", bytes(range(32))))
    print(size, flush=True)
"""


def test_killed_again_and_again_the_log_stays_whole(tmp_path: Path, signer: Signer) -> None:
    """Twenty processes publish to one folder and are killed with SIGKILL, each at another moment."""
    folder, promised = tmp_path / "log", 0
    for turn in range(20):
        step = [1, 7, 100][turn % 3]
        command = [sys.executable, "-c", PUBLISHER, str(folder), str(promised + 100), str(step)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            seen = [process.stdout.readline()]
            time.sleep(turn * 0.0017)
            process.kill()
            seen += process.stdout.readlines()
        checkpoint = check(folder, numbered, 10**6, signer.verifier)
        assert checkpoint.size >= int(seen[-1])
        promised = checkpoint.size

    grown = publish(folder, numbered, promised + 200, signer)
    assert fsck(folder, signer.verifier) == grown


def test_two_who_publish_at_once_take_turns(tmp_path: Path, entries: Entries, signer: Signer) -> None:
    """Server and command line may publish to one folder at a time: neither tramples on the other's files."""
    with ThreadPoolExecutor(8) as pool:
        published = list(pool.map(lambda _: publish(tmp_path, entries, 700, signer), range(8)))
    assert set(published) == {fsck(tmp_path, signer.verifier)}
