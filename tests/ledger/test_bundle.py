"""Bundles: no file in them can be changed, added or taken out, and their openings are true."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
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
    field_salt,
    make_manifest,
    make_receipt,
    publish,
    verify,
)

SALT = bytes(range(32))
TIME = "2026-11-22T21:04:05.123Z"
WHO = "0123456789abcdef"
DIGEST = "sha256:" + 64 * "0"
PROBE = b"a photograph"
SHA256 = sha256(PROBE).hexdigest()
EDITS = [{"kind": "rotate", "values": [7.5], "pixels": 64 * "1"}]
EDITED = sha256(b'[{"kind":"rotate","pixels":"%s","values":[7.5]}]' % (64 * b"1")).hexdigest()
VALUES = {
    "probes/0": f"{SHA256} 1 drawn 10.0 20.5 30.0 40.0 edits {EDITED}",
    "candidates/0": "1 face 0.746000",
}
FACE = {"box": [10.0, 20.5, 30.0, 40.0], "drawn": True}
CANDIDATE = {"rank": 1, "score": 0.746, "withdrawn": 0, "sources": [{"face": "face"}]}
PHOTOGRAPH = {"sha256": SHA256, "face": 1, "faces": [FACE], "edits": EDITS}


def committed(field: str) -> str:
    return commitment(field_salt(SALT, field), VALUES[field].encode())


SEARCH = {
    "started": TIME,
    "ended": TIME,
    "who": WHO,
    "search": WHO,
    "outcome": "candidates",
    "code": None,
    "purpose": "archive-research",
    "case": {"id": WHO, "number": 4},
    "obtained": "evidence",
    "edited_from": WHO,
    "policy": DIGEST,
    "contract": DIGEST,
    "mode": "identification",
    "threshold": "0.345600",
    "limit": 10,
    "collections": [{"id": WHO, "revision": 3}],
    "probes": [committed("probes/0")],
    "candidates": [committed("candidates/0")],
}
DOCUMENT = {
    "id": WHO,
    "person_id": WHO,
    "started_at": TIME,
    "ended_at": TIME,
    "outcome": "candidates",
    "purpose": "archive-research",
    "case_reference": "K-17",
    "case_id": WHO,
    "obtained": "evidence",
    "edited_from": WHO,
    "policy": DIGEST,
    "contract": DIGEST,
    "mode": "identification",
    "threshold": 0.3456,
    "limit": 10,
    "collections": [{"id": WHO, "name": "archive", "revision": 3}],
    "probes": [PHOTOGRAPH],
    "candidates": [CANDIDATE],
}
ENTRY = encode("search", **SEARCH)
OPENINGS = [Opening(0, field, field_salt(SALT, field).hex(), value) for field, value in VALUES.items()]
FILES = {
    "entries/0.json": ENTRY,
    "read-me.txt": b"Hello.\n",
    "search.json": json.dumps(DOCUMENT).encode(),
    "probes/0": PROBE,
    "empty": b"",
}

Make = Callable[..., bytes]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Make:
    """Return a function that records and makes a bundle, as an operator who may lie in it would."""

    def made(
        files: dict[str, bytes] = FILES,
        openings: list[Opening] = OPENINGS,
        entry: bytes = ENTRY,
        counted: int | None = None,
    ) -> bytes:
        folder, manifest = tmp_path_factory.mktemp("log"), make_manifest(files, openings)
        number, content = len(files) if counted is None else counted, digest(manifest)
        export = encode("export.made", at=TIME, who=WHO, search=WHO, files=number, content=content)
        entries = [entry, export]
        publish(folder, lambda start, stop: entries[start:stop], 2, signer)
        note = (folder / "checkpoint").read_bytes()
        proofs = [make_receipt(folder, one, at, note, signer.verifier).data for at, one in enumerate(entries)]
        return Bundle(files, manifest, proofs[1], {0: proofs[0]}).data

    return made


@pytest.fixture(scope="module")
def bundle(make: Make) -> bytes:
    return make()


def check(data: bytes, signer: Signer) -> list[str]:
    said: list[str] = []
    verify(data, WitnessPolicy.of_log_alone(signer.verifier), None, Steps(said.append))
    return said


def test_a_sound_bundle_passes_every_step(bundle: bytes, signer: Signer) -> None:
    """Whole, signed, in the log, named by its entry; its entries, openings, photograph and search."""
    said = check(bundle, signer)
    assert len(said) == 9
    assert said[0].startswith("1. The bundle is whole: 5 files")
    assert said[6] == "7. 2 commitments in these entries are to the values in manifest.json."


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
    further = {0: files.pop("receipts/0.tlog-proof")} if "receipts/0.tlog-proof" in files else {}
    return Bundle(files, manifest, receipt, further).data


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda files: files.pop("read-me.txt"), "read-me.txt is missing"),
        (lambda files: files.update({"read-me.txt": b"Hallo.\n"}), "read-me.txt was changed"),
        (lambda files: files.update({"more.txt": b""}), "more.txt was added"),
        (lambda files: files.pop("receipts/0.tlog-proof"), "one receipt for each"),
        (lambda files: files.update({"manifest.json": b"[]"}), "manifest.json cannot be read"),
        (lambda files: files.update({"manifest.json": b"{"}), "manifest.json cannot be read"),
        (lambda files: files.update({"manifest.json": files["manifest.json"] + b" "}), "in the one form"),
        (
            lambda files: files.update(
                {"manifest.json": files["manifest.json"].replace(b'"v": 1', b'"v": true')}
            ),
            "in the one form",
        ),
    ],
)
def test_what_was_done_to_it_is_named(
    bundle: bytes, signer: Signer, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    """Taken out, changed, added: with the file's name."""
    with pytest.raises(LedgerError, match=sentence):
        check(rewritten(bundle, change), signer)


def test_a_new_manifest_is_not_the_one_on_record(bundle: bytes, signer: Signer) -> None:
    """Who changes a file and the manifest with it is found out by the entry."""

    def forge(files: dict[str, bytes]) -> None:
        files["manifest.json"] = make_manifest(FILES | {"read-me.txt": b"Hallo.\n"}, OPENINGS)
        files["read-me.txt"] = b"Hallo.\n"

    with pytest.raises(BundleInvalid, match="does not name this"):
        check(rewritten(bundle, forge), signer)


SALTED = field_salt(SALT, "probes/0").hex()


@pytest.mark.parametrize(
    "opening",
    [
        Opening(0, "probes/0", SALTED, "another"),
        Opening(0, "probes/0", field_salt(SALT, "case").hex(), VALUES["probes/0"]),
        Opening(0, "case", SALTED, VALUES["probes/0"]),
        Opening(0, "probes", SALTED, VALUES["probes/0"]),
        Opening(0, "candidates/1", SALTED, VALUES["probes/0"]),
        Opening(0, "candidates/00", SALTED, VALUES["probes/0"]),
        Opening(0, "candidates/" + 5000 * "9", SALTED, VALUES["probes/0"]),
        Opening(0, "probes/0", "salt", VALUES["probes/0"]),
        Opening(0, "probes/0", "", VALUES["probes/0"]),
        Opening(0, "probes/0", SALTED.upper(), VALUES["probes/0"]),
        Opening(9, "probes/0", SALTED, VALUES["probes/0"]),
        Opening("0", "probes/0", SALTED, VALUES["probes/0"]),  # type: ignore[arg-type]
        Opening(0, 7, SALTED, VALUES["probes/0"]),  # type: ignore[arg-type]
        Opening(0, "probes/0", None, VALUES["probes/0"]),  # type: ignore[arg-type]
        Opening(True, "probes/0", SALTED, VALUES["probes/0"]),
    ],
)
def test_a_false_opening_is_refused(make: Make, signer: Signer, opening: Opening) -> None:
    """Although it is on record: the operator who made the bundle can lie in it, and is found out."""
    with pytest.raises(BundleInvalid):
        check(make(openings=[*OPENINGS[1:], opening]), signer)


def test_an_opening_is_not_counted_twice(make: Make, signer: Signer) -> None:
    """Three times the same proves no more than once."""
    with pytest.raises(BundleInvalid, match="opens a commitment twice"):
        check(make(openings=[*OPENINGS, OPENINGS[0]]), signer)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 32 * "f"),
        ("outcome", "empty"),
        ("purpose", "own-likeness"),
        ("threshold", 0.1),
        ("threshold", "0.3456"),
        ("collections", []),
        ("collections", [{"id": WHO, "revision": 2}]),
        ("case_id", None),
        ("case_id", 32 * "f"),
        ("obtained", "published"),
        ("edited_from", None),
        ("probes", []),
        ("probes", [PHOTOGRAPH | {"sha256": 64 * "0"}]),
        ("probes", [PHOTOGRAPH | {"face": None}]),
        ("probes", [PHOTOGRAPH | {"faces": [FACE | {"drawn": False}]}]),
        ("probes", [PHOTOGRAPH | {"faces": [FACE | {"box": [10.0, 20.5, 30.0, 41.0]}]}]),
        ("probes", [PHOTOGRAPH | {"face": 2}]),
        ("probes", [PHOTOGRAPH | {"face": 0}]),
        ("probes", [PHOTOGRAPH | {"edits": []}]),
        ("probes", [PHOTOGRAPH | {"edits": [EDITS[0] | {"values": [7.6]}]}]),
        ("probes", [PHOTOGRAPH | {"edits": [EDITS[0] | {"pixels": 64 * "2"}]}]),
        ("probes", [PHOTOGRAPH | {"edits": EDITS + EDITS}]),
        ("candidates", []),
        ("candidates", [CANDIDATE | {"score": 0.8}]),
        ("candidates", [CANDIDATE | {"sources": [{"face": "another"}]}]),
        ("candidates", [CANDIDATE | {"withdrawn": 1}]),
        ("candidates", [CANDIDATE, CANDIDATE | {"rank": 2, "withdrawn": 1, "sources": []}]),
        ("candidates", 7),
    ],
)
def test_a_search_file_that_says_something_else_than_the_entry_is_refused(
    make: Make, signer: Signer, name: str, value: object
) -> None:
    """Whatever the operator writes into it after the fact."""
    files = FILES | {"search.json": json.dumps(DOCUMENT | {name: value}).encode()}
    with pytest.raises(BundleInvalid, match=r"search\.json"):
        check(make(files=files), signer)


def test_another_photograph_or_a_search_without_its_entry_is_refused(make: Make, signer: Signer) -> None:
    """The files have to be those that the entries speak of."""
    for more in ({"probes/0": b"another photograph"}, {"probes/1": PROBE}):
        with pytest.raises(BundleInvalid, match="not those that the entries speak of"):
            check(make(files=FILES | more), signer)
    other = encode("search", **SEARCH | {"search": 32 * "f"})
    with pytest.raises(BundleInvalid, match="about something else"):
        check(make(files=FILES | {"entries/0.json": other}, entry=other), signer)
    with pytest.raises(BundleInvalid, match="names 9 files"):
        check(make(counted=9), signer)


def test_every_entry_is_under_the_checkpoint_of_the_bundle(
    bundle: bytes, signer: Signer, tmp_path: Path
) -> None:
    """A receipt from a fork that the same key signed is no proof in this log."""
    fork = [encode("search", **SEARCH | {"purpose": "own-likeness"})]
    publish(tmp_path, lambda start, stop: fork[start:stop], 1, signer)
    note = (tmp_path / "checkpoint").read_bytes()
    forked = make_receipt(tmp_path, fork[0], 0, note, signer.verifier).data

    def exchange(files: dict[str, bytes]) -> None:
        files["receipts/0.tlog-proof"] = forked

    with pytest.raises(ReceiptInvalid, match="another entry or another checkpoint"):
        check(rewritten(bundle, exchange), signer)


def test_a_zip_whose_files_overlap_is_refused_before_it_is_read(signer: Signer) -> None:
    """Many names for the same bytes: together they would be far larger than the zip."""
    names, size = 100, 50_000
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a0", bytes(size))
        first = archive.infolist()[0]
        for number in range(1, names):
            again = zipfile.ZipInfo(f"a{number}", first.date_time)
            again.CRC, again.file_size, again.compress_size = first.CRC, size, size
            again.header_offset = first.header_offset
            archive.filelist.append(again)
    with pytest.raises(BundleInvalid, match="plain uncompressed"):
        check(out.getvalue(), signer)


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
