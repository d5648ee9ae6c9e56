"""Every byte of a log of 3,000 entries, changed to three other values each: `fsck` misses none.

More than a million checks of the whole log. So that this takes minutes and not days, pure functions remember
what they returned for the same bytes; what was changed is computed anew each time.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import pytest
from rich.progress import track

from lineament.ledger import LedgerError, Signer, Verifier, fsck, publish
from tests.ledger.conftest import entries

ENTRIES = 3_000
VALUES = 3
FEW, MANY = 200, 20_000  # what is remembered: far more than the log has of each, so that nothing true is lost
PART = 4_000  # bytes of one file that one worker takes at a time


def _remembering() -> None:
    """Let pure functions remember what they returned for the same bytes; errors are not remembered."""
    log, tiles, check, note = (
        sys.modules[f"lineament.ledger.{name}"] for name in ("log", "tiles", "fsck", "note")
    )
    decode_bundle, encode_bundle, root = tiles.decode_bundle, tiles.encode_bundle, tiles.root
    decoded = lru_cache(FEW)(lambda data: tuple(decode_bundle(data)))
    encoded = lru_cache(FEW)(encode_bundle)
    rooted = lru_cache(FEW)(root)
    verified = lru_cache(FEW)(note.PublicKey.check)
    check.decode_bundle = lambda data: list(decoded(data))
    tiles.encode_bundle = lambda bundle: encoded(tuple(bundle))
    tiles.root = lambda leaves: rooted(tuple(leaves))
    tiles.leaf_hash = lru_cache(MANY)(tiles.leaf_hash)
    log.decode = lru_cache(MANY)(log.decode)
    note.PublicKey.check = verified


_memory: dict[Path, bytes] = {}


def _from_memory(folder: Path) -> None:
    """Read the log's files from memory, and see its folder as it is there."""
    log, check = sys.modules["lineament.ledger.log"], sys.modules["lineament.ledger.fsck"]
    _memory.update({path: path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    names = {path.relative_to(folder).as_posix() for path in _memory}

    def read(place: Path, path: str, limit: int) -> bytes:
        if place / path not in _memory:
            raise FileNotFoundError(path)
        return _memory[place / path][: limit + 1]

    log.read_file = check.read_file = read
    check._files = lambda _folder: set(names)


_ready: list[Path] = []


def missed_in(folder: Path, path: Path, start: int, stop: int, vkey: str) -> tuple[int, list[str]]:
    """Change each byte of one part of one file; return how many changes were tried and which were missed."""
    if not _ready:
        _remembering()
        _from_memory(folder)
        _ready.append(folder)
    verifier, good = Verifier.from_vkey(vkey), _memory[path]
    assert fsck(folder, verifier).size == ENTRIES
    choose, tried, missed = random.Random(start), 0, []
    for at in range(start, stop):
        for flip in choose.sample(range(1, 256), VALUES):
            _memory[path] = good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :]
            tried += 1
            try:
                fsck(folder, verifier)
                missed.append(f"{path.name} byte {at} ^ {flip}")
            except LedgerError:
                pass
    _memory[path] = good
    return tried, missed


def test_no_change_of_any_byte_is_missed(tmp_path: Path, signer: Signer) -> None:
    """Checkpoint, entry bundles and tiles of every level, in all processes that this machine has."""
    folder = tmp_path / "log"
    publish(folder, entries, ENTRIES, signer)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [
        (folder, path, start, min(start + PART, path.stat().st_size), signer.verifier.vkey)
        for path in files
        for start in range(0, path.stat().st_size, PART)
    ]
    with ProcessPoolExecutor() as workers:
        waiting = [workers.submit(missed_in, *part) for part in parts]
        results = [one.result() for one in track(waiting, "Changing bytes")]
    tried, missed = sum(tried for tried, _ in results), [one for _, names in results for one in names]
    size = sum(path.stat().st_size for path in files)
    print(
        f"\n{ENTRIES:,} entries, {size:,} bytes, {len(files)} files: {tried:,} changes, {len(missed)} missed."
    )
    assert tried == VALUES * size
    assert missed == []


@pytest.fixture
def folder(tmp_path: Path, signer: Signer) -> Path:
    publish(tmp_path / "log", entries, ENTRIES, signer)
    return tmp_path / "log"


def forged(change: Callable[[list[bytes]], list[bytes]], folder: Path, signer: Signer) -> None:
    """Write the files of another list of entries under the checkpoint that was signed for the true one."""
    true = (folder / "checkpoint").read_bytes()
    other = change(list(entries(0, ENTRIES)))

    def changed(start: int, stop: int) -> Iterator[bytes]:
        return iter(other[start:stop])

    shutil.rmtree(folder)
    publish(folder, changed, len(other), signer)
    (folder / "checkpoint").write_bytes(true)


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("kind", ["cut", "extend", "reorder", "back-date", "fork", "remove"])
def test_no_other_history_is_missed(folder: Path, signer: Signer, kind: str, seed: int) -> None:
    """Whoever can write every file, but not sign, changes the history in one of six ways, at fifty places."""
    choose = random.Random(seed)
    at, other = choose.randrange(1, ENTRIES), choose.randrange(1, ENTRIES)
    more = list(entries(ENTRIES, ENTRIES + 9))

    def swapped(true: list[bytes]) -> list[bytes]:
        other_place = other if true[other] != true[at] else at - 1
        true[at], true[other_place] = true[other_place], true[at]
        return true

    changes: dict[str, Callable[[list[bytes]], list[bytes]]] = {
        "cut": lambda true: true[:at],
        "extend": lambda true: true + more[: choose.randrange(1, 9)],
        "reorder": swapped,
        "back-date": lambda true: [*true[:at], true[at].replace(b"2026-", b"2025-"), *true[at + 1 :]],
        "fork": lambda true: true[:at] + list(entries(at + 1, ENTRIES + 1)),
        "remove": lambda true: true[:at] + true[at + 1 :],
    }
    forged(changes[kind], folder, signer)
    with pytest.raises(LedgerError):
        fsck(folder, signer.verifier)
