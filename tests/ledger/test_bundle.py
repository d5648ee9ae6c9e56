"""Bundles: no file in them can be changed, added or taken out, and their openings are true."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import (
    Bundle,
    BundleInvalid,
    LedgerError,
    Opening,
    ReceiptInvalid,
    Signer,
    Steps,
    WitnessPolicy,
    commitment,
    digest,
    encode,
    make_manifest,
    make_receipt,
    publish,
    verify,
)

SALT = bytes(range(32))
TIME = "2026-11-22T21:04:05.123Z"
WHO = "0123456789abcdef"


def search_entry() -> bytes:
    return encode(
        "search.shown",
        at=TIME,
        who=WHO,
        role="searcher",
        search=WHO,
        list=commitment(SALT, b"1 face"),
        shown=1,
        withheld=0,
    )


Make = Callable[[dict[str, bytes], list[Opening]], bytes]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Make:
    """Return a function that records and makes a bundle; the log's first entry is the one of a search."""

    def made(extra: dict[str, bytes], openings: list[Opening]) -> bytes:
        folder = tmp_path_factory.mktemp("log")
        entries = [search_entry()]
        publish(folder, lambda start, stop: entries[start:stop], 1, signer)
        note = (folder / "checkpoint").read_bytes()
        proof = make_receipt(folder, entries[0], 0, note, signer.verifier)
        files = {"receipts/0.tlog-proof": proof.data, **extra}
        manifest = make_manifest(files, openings)
        entries.append(
            encode("export.made", at=TIME, who=WHO, search=WHO, files=len(files), content=digest(manifest))
        )
        publish(folder, lambda start, stop: entries[start:stop], 2, signer)
        note = (folder / "checkpoint").read_bytes()
        return Bundle(files, manifest, make_receipt(folder, entries[1], 1, note, signer.verifier).data).data

    return made


FILES = {"read-me.txt": b"Hello.\n", "search.json": b'{"a":1}', "empty": b""}
OPENING = Opening("receipts/0.tlog-proof", "list", SALT.hex(), "1 face")


@pytest.fixture(scope="module")
def bundle(make: Make) -> bytes:
    return make(FILES, [OPENING])


def check(data: bytes, signer: Signer) -> list[str]:
    said: list[str] = []
    verify(data, WitnessPolicy.of_log_alone(signer.verifier), None, Steps(said.append))
    return said


def test_a_sound_bundle_passes_every_step(bundle: bytes, signer: Signer) -> None:
    """Whole, signed, in the log, named by its entry, receipts and openings."""
    said = check(bundle, signer)
    assert len(said) == 7
    assert said[0].startswith("1. The bundle is whole: 4 files")
    assert said[6] == "7. 1 commitments in these entries are to the values in the bundle."


def test_the_same_files_make_the_same_bytes(bundle: bytes) -> None:
    """So that a bundle can be compared with another by its digest."""
    assert Bundle.parse(bundle).data == bundle


def test_each_byte_of_it_was_tried(bundle: bytes, signer: Signer) -> None:
    """Every byte in turn, files and the zip's own ones alike: none can be changed."""
    for at, byte in enumerate(bundle):
        with pytest.raises(LedgerError):
            check(bundle[:at] + bytes([byte ^ 1]) + bundle[at + 1 :], signer)


@given(data=st.data())
def test_it_cannot_be_cut_or_extended(bundle: bytes, signer: Signer, data: st.DataObject) -> None:
    """At either end, by anything."""
    more = data.draw(st.binary(min_size=1, max_size=40))
    at = data.draw(st.integers(0, len(bundle) - 1))
    for changed in (bundle[:at], bundle + more, more + bundle, bundle[:at] + more + bundle[at:]):
        with pytest.raises(LedgerError):
            check(changed, signer)


def rewritten(bundle: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return the bundle with other files, as somebody with a zip program would make it."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    manifest, receipt = files.pop("manifest.json", b"{}"), files.pop("receipt.tlog-proof", b"")
    return Bundle(files, manifest, receipt).data


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda files: files.pop("read-me.txt"), "read-me.txt is missing"),
        (lambda files: files.update({"read-me.txt": b"Hallo.\n"}), "read-me.txt was changed"),
        (lambda files: files.update({"more.txt": b""}), "more.txt was added"),
        (lambda files: files.update({"manifest.json": b"[]"}), "manifest.json is not version 1"),
        (lambda files: files.update({"manifest.json": b"{"}), "manifest.json is not JSON"),
    ],
)
def test_what_was_done_to_it_is_named(
    bundle: bytes, signer: Signer, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    """Taken out, changed, added: with the file's name."""
    with pytest.raises(BundleInvalid, match=sentence):
        check(rewritten(bundle, change), signer)


def test_a_new_manifest_is_not_the_one_on_record(bundle: bytes, signer: Signer) -> None:
    """Who changes a file and the manifest with it is found out by the entry."""

    def forge(files: dict[str, bytes]) -> None:
        files["read-me.txt"] = b"Hallo.\n"
        named = {
            name: data for name, data in files.items() if name not in {"manifest.json", "receipt.tlog-proof"}
        }
        files["manifest.json"] = make_manifest(named, [OPENING])

    with pytest.raises(BundleInvalid, match="does not name this"):
        check(rewritten(bundle, forge), signer)


@pytest.mark.parametrize(
    "opening",
    [
        Opening("receipts/0.tlog-proof", "list", SALT.hex(), "2 face"),
        Opening("receipts/0.tlog-proof", "list", (SALT[:-1] + b"x").hex(), "1 face"),
        Opening("receipts/0.tlog-proof", "probe", SALT.hex(), "1 face"),
        Opening("receipts/0.tlog-proof", "list/0", SALT.hex(), "1 face"),
        Opening("receipts/0.tlog-proof", "list", "salt", "1 face"),
        Opening("receipts/0.tlog-proof", "list", "", "1 face"),
    ],
)
def test_a_false_opening_is_refused(make: Make, signer: Signer, opening: Opening) -> None:
    """Although it is on record: the operator who made the bundle can lie in it, and is found out."""
    with pytest.raises(BundleInvalid):
        check(make(FILES, [opening]), signer)


def test_an_opening_needs_its_receipt(make: Make, signer: Signer) -> None:
    """One that is not there proves nothing."""
    with pytest.raises(ReceiptInvalid, match="not in the bundle"):
        check(make(FILES, [Opening("receipts/9.tlog-proof", "list", SALT.hex(), "1 face")]), signer)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("compression", "names"), [(zipfile.ZIP_DEFLATED, ["a"]), (zipfile.ZIP_STORED, ["a", "a"])]
)
def test_compressed_and_repeated_files_are_refused(
    signer: Signer, compression: int, names: list[str]
) -> None:
    """Nothing is decompressed, and no name is read twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name in names:
            archive.writestr(name, bytes(1000))
    with pytest.raises(BundleInvalid):
        check(out.getvalue(), signer)


def test_it_can_be_read_without_lineament(bundle: bytes, tmp_path: Path) -> None:
    """It is an ordinary zip."""
    (tmp_path / "b.zip").write_bytes(bundle)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("read-me.txt") == FILES["read-me.txt"]
