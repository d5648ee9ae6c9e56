"""The check from the outside: whatever is changed, added, cut, reordered or removed, it is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineament.ledger
from lineament.ledger import (
    Checkpoint,
    CheckpointInvalid,
    EntryInvalid,
    LedgerError,
    LogInconsistent,
    NoteInvalid,
    Signer,
    TileInvalid,
    fsck,
    leaf_hash,
    publish,
)
from lineament.ledger.merkle import root
from lineament.ledger.tiles import decode_bundle, encode_bundle

Entries = Callable[[int, int], Iterator[bytes]]


@pytest.fixture(scope="module")
def folder(log: Callable[[int], Path]) -> Path:
    """A log of 600 entries: full and partial bundles, two levels of tiles."""
    return log(600)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_sound_log_passes_and_tells_how_far_it_is(folder: Path, signer: Signer) -> None:
    """The checkpoint comes back, and progress goes bundle by bundle to the end."""
    steps = list[tuple[int, int]]()
    checkpoint = fsck(folder, signer.verifier, lambda done, size: steps.append((done, size)))
    assert (checkpoint.origin, checkpoint.size) == ("log.example/lineament", 600)
    assert steps == [(256, 600), (512, 600), (600, 600)]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_byte_of_any_file_can_be_changed(folder: Path, signer: Signer, data: st.DataObject) -> None:
    """Another value of any byte, one byte less, or one more, anywhere in the folder."""
    path = data.draw(st.sampled_from(files(folder)))
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    flip = bytes([good[at] ^ data.draw(st.integers(1, 255))])
    more = data.draw(st.binary(min_size=1, max_size=3))
    changed = data.draw(
        st.sampled_from([good[:at] + flip + good[at + 1 :], good[:at], good + more, more + good, b""])
    )
    path.write_bytes(changed)
    try:
        with pytest.raises(LedgerError):
            fsck(folder, signer.verifier)
    finally:
        path.write_bytes(good)


def test_in_a_small_log_each_byte_was_tried(log: Callable[[int], Path], signer: Signer) -> None:
    """Three entries, every byte of every file in turn, no sample."""
    folder = log(3)
    for path in files(folder):
        good = path.read_bytes()
        for at, byte in enumerate(good):
            path.write_bytes(good[:at] + bytes([byte ^ 1]) + good[at + 1 :])
            with pytest.raises(LedgerError):
                fsck(folder, signer.verifier)
        path.write_bytes(good)
    assert fsck(folder, signer.verifier).size == 3


def test_no_file_can_be_removed_swapped_or_added(folder: Path, signer: Signer, tmp_path: Path) -> None:
    """Each file is needed and in its place, and there are no others."""
    for path in files(folder):
        aside = path.rename(tmp_path / "aside")
        with pytest.raises((TileInvalid, CheckpointInvalid), match=r"missing|no checkpoint"):
            fsck(folder, signer.verifier)
        aside.rename(path)

    for level in ("entries", "0"):
        one, two = folder / f"tile/{level}/000", folder / f"tile/{level}/001"
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)
        with pytest.raises(LogInconsistent, match="tile/0/000 does not follow"):
            fsck(folder, signer.verifier)
        one.write_bytes(first)
        two.write_bytes(second)

    extra = [
        "notes.txt",
        "tile/0/003",
        "tile/0/002.p/89",
        "tile/0/001.p/7",
        "tile/0/002.p/0",
        "tile/2/000.p/1",
        ".new",
    ]
    for name in extra:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(32))
        with pytest.raises(TileInvalid, match=f"{name} does not belong to a log of 600 entries"):
            fsck(folder, signer.verifier)
        (folder / name).unlink()
    os.mkfifo(folder / "tile/pipe")
    with pytest.raises(TileInvalid, match="tile/pipe is not a plain file"):
        fsck(folder, signer.verifier)
    (folder / "tile/pipe").unlink()
    assert fsck(folder, signer.verifier).size == 600


def test_an_operator_who_signs_a_wrong_log_is_found_out(log: Callable[[int], Path], signer: Signer) -> None:
    """With the key in hand one can sign anything; entries and tiles still have to lead to what was signed."""
    folder = log(300)
    true = fsck(folder, signer.verifier)
    for head, error in [
        (Checkpoint(signer.name, 300, bytes(32)), "root is not that of the 300 entries"),
        (Checkpoint(signer.name, 299, true.root), "tile/entries/001.p/43 is missing"),
        (Checkpoint(signer.name, 10**17, true.root), "tile/entries/001 is missing"),
    ]:
        (folder / "checkpoint").write_bytes(head.sign(signer))
        with pytest.raises((LogInconsistent, TileInvalid), match=error):
            fsck(folder, signer.verifier)

    stranger = Signer.generate(signer.name)
    (folder / "checkpoint").write_bytes(true.sign(stranger))
    with pytest.raises(NoteInvalid, match="No signature by"):
        fsck(folder, signer.verifier)


def test_a_signed_log_of_entries_that_are_not_canonical_is_refused(
    log: Callable[[int], Path], signer: Signer
) -> None:
    """Hashes, tiles and signature may all be right: an entry with free text in it is still no entry."""
    folder = log(3)
    bundle, tile = folder / "tile/entries/000.p/3", folder / "tile/0/000.p/3"
    entries = decode_bundle(bundle.read_bytes())
    entries[1] = entries[1][:-1] + b',"remark":"saw her at the market"}'
    leaves = [leaf_hash(entry) for entry in entries]
    bundle.write_bytes(encode_bundle(entries))
    tile.write_bytes(b"".join(leaves))
    (folder / "checkpoint").write_bytes(Checkpoint(signer.name, 3, root(leaves)).sign(signer))
    with pytest.raises(EntryInvalid, match=r"Entry 1: .*'remark'"):
        fsck(folder, signer.verifier)


def test_an_upper_tile_alone_that_is_wrong_is_noticed(folder: Path, signer: Signer) -> None:
    """Reading leaf hashes and checkpoint would miss it; deriving every tile does not."""
    upper = folder / "tile/1/000.p/2"
    good = upper.read_bytes()
    upper.write_bytes(good[32:] + good[:32])
    with pytest.raises(LogInconsistent, match=r"tile/1/000\.p/2 does not follow"):
        fsck(folder, signer.verifier)
    upper.write_bytes(good)


def test_earlier_widths_of_the_edge_may_stay_and_must_be_true(
    tmp_path: Path, entries: Entries, signer: Signer
) -> None:
    """They serve those who hold an earlier checkpoint, so they are checked like everything else."""
    for size in (3, 5, 7):
        publish(tmp_path, entries, size, signer)
    for name in ("tile/entries/000.p/3", "tile/0/000.p/5"):
        path = tmp_path / name
        good = path.read_bytes()
        for bad in (good[:-1] + b"x", good[:-1], good + b"x", b"", good + good):
            path.write_bytes(bad)
            with pytest.raises(TileInvalid):
                fsck(tmp_path, signer.verifier)
        path.unlink()
        assert fsck(tmp_path, signer.verifier).size == 7
        path.write_bytes(good)
    assert fsck(tmp_path, signer.verifier).size == 7


def test_the_key_beside_the_log_is_compared_with_the_one_from_elsewhere(
    log: Callable[[int], Path], signer: Signer
) -> None:
    """The operator may put vkey into the folder; another key there is a contradiction."""
    folder = log(1)
    for good in (signer.verifier.vkey, f"{signer.verifier.vkey}\n"):
        (folder / "vkey").write_text(good)
        assert fsck(folder, signer.verifier).size == 1
    (folder / "vkey").write_text(Signer.generate(signer.name).verifier.vkey)
    with pytest.raises(TileInvalid, match="vkey does not hold"):
        fsck(folder, signer.verifier)


def test_a_log_without_entries_is_sound_and_no_folder_is_not(
    log: Callable[[int], Path], signer: Signer, tmp_path: Path
) -> None:
    """The empty log has a signed checkpoint; nothing at all has none."""
    assert fsck(log(0), signer.verifier).size == 0
    for nothing in (tmp_path, tmp_path / "absent"):
        with pytest.raises(CheckpointInvalid, match="no checkpoint"):
            fsck(nothing, signer.verifier)


def test_an_outsider_verifies_with_this_folder_alone(folder: Path, signer: Signer, tmp_path: Path) -> None:
    """The ledger's source, copied without the rest, checks a log and imports nothing else of Lineament."""
    source = Path(lineament.ledger.__file__).parent
    shutil.copytree(source, tmp_path / "ledger", ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from ledger import Verifier, fsck;"
        "print(fsck(Path(sys.argv[2]), Verifier.from_vkey(sys.argv[3])).size);"
        "print([name for name in sys.modules if name.startswith('lineament.')])"
    )
    command = [sys.executable, "-c", program, str(tmp_path), str(folder), signer.verifier.vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "600\n[]\n"
