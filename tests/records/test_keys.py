"""What is kept of photographs and faces is sealed; whoever destroys a key destroys what it seals."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.errors import BlobLost, InvalidRequest, KeyLost, MasterKeyWrong
from lineament.records.blobs import Blobs, Documents
from lineament.records.keys import Keys, LocalMasterKey
from lineament.records.master_key import next_master_key, open_master_key, take_over
from lineament.records.sealed import NotWhole, new_key, seal, unseal
from lineament.records.store import Records, open_records


@pytest.fixture
def records(tmp_path: Path):
    opened = open_records(tmp_path / "records.sqlite3")
    yield opened
    opened.close()


@given(st.binary(max_size=300), st.text(max_size=40), st.integers(min_value=0))
def test_what_is_sealed_opens_whole_or_not_at_all(data: bytes, about: str, place: int):
    """With its own key and about what it was sealed about; one changed byte and it does not."""
    key = new_key()
    sealed = seal(key, data, about)
    assert unseal(key, sealed, about) == data
    changed = bytearray(sealed)
    changed[place % len(sealed)] ^= 1
    for wrong in ((key, bytes(changed), about), (new_key(), sealed, about), (key, sealed, about + "x")):
        with pytest.raises(NotWhole):
            unseal(*wrong)
    for short in (b"", sealed[:11], sealed[:-1]):
        with pytest.raises(NotWhole):
            unseal(key, short, about)


def test_nothing_is_sealed_twice_to_the_same_bytes():
    """Each time with another nonce."""
    key = new_key()
    assert len({seal(key, b"the same", "thing")[:12] for _ in range(10_000)}) == 10_000


def test_a_data_key_opens_under_its_master_key_alone(records: Records):
    """Another master key is named as the fault, and a key that is not there likewise."""
    right = Keys(LocalMasterKey(bytes(32)))
    with records.write() as tx:
        right.add(tx, "collection")
        made = right.get(tx, "collection")
    with records.read() as tx:
        assert Keys(LocalMasterKey(bytes(32))).get(tx, "collection") == made
        with pytest.raises(MasterKeyWrong):
            Keys(LocalMasterKey(bytes(31) + b"x")).get(tx, "collection")
        with pytest.raises(KeyLost):
            right.get(tx, "another")


def test_a_destroyed_key_is_gone_from_the_disk(records: Records, tmp_path: Path):
    """Its wrapped form too: not one byte of it is in the database or its log."""
    keys = Keys(LocalMasterKey(bytes(32)))
    with records.write() as tx:
        keys.add(tx, "collection")
        wrapped = tx.exec_driver_sql("SELECT wrapped FROM data_key").scalar_one()
    assert any(wrapped in file.read_bytes() for file in tmp_path.iterdir())
    with records.write() as tx:
        keys.destroy(tx, "collection")
    assert records.forget()
    assert not any(wrapped[:16] in file.read_bytes() for file in tmp_path.iterdir())
    with records.read() as tx, pytest.raises(KeyLost):
        keys.get(tx, "collection")


def test_a_log_that_somebody_reads_is_not_forgotten_and_says_so(records: Records):
    """It is tried again later."""
    with records.read() as tx:
        tx.exec_driver_sql("SELECT * FROM data_key").all()
        with records.write() as other:
            Keys(LocalMasterKey(bytes(32))).add(other, "collection")
        with records.write() as other:
            other.exec_driver_sql("PRAGMA busy_timeout = 1")
        assert not records.forget()
    assert records.forget()


def test_files_lie_sealed_and_are_told_apart(tmp_path: Path):
    """The bytes are nowhere to be read, and a file under another's name does not open."""
    blobs, key = Blobs(tmp_path), new_key()
    blobs.put("aa01", b"a photograph", key)
    blobs.put("bb02", b"another one", key)
    assert (blobs.get("aa01", key), blobs.holds("aa01", key)) == (b"a photograph", True)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"photograph" in file.read_bytes() for file in files)
    (tmp_path / "aa" / "01").replace(tmp_path / "bb" / "02")
    for name in ("aa01", "bb02"):
        with pytest.raises(BlobLost):
            blobs.get(name, key)
    blobs.remove(["bb02", "aa01", "cc03"])
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_documents_are_found_by_their_digest_and_not_named_by_it(tmp_path: Path):
    """Who has the disk alone cannot ask whether a photograph is among them."""
    key = new_key()
    documents = Documents(Blobs(tmp_path), lambda: key)
    digest = documents.put(b"a deed")
    assert documents.put(b"a deed") == digest
    assert documents.get(digest) == b"a deed"
    (file,) = (one for one in tmp_path.rglob("*") if one.is_file())
    assert digest[2:] not in file.name
    file.write_bytes(b"")
    assert documents.put(b"a deed") == digest, "a file that is no longer whole is written again"
    assert documents.get(digest) == b"a deed"
    documents.remove(digest)
    with pytest.raises(BlobLost):
        documents.get(digest)


def test_a_master_key_is_made_once_and_for_its_owner_alone(tmp_path: Path):
    """Never in place of one that is missing from a folder that has something under it."""
    place = f"file:{tmp_path / 'key'}"
    wrapped = open_master_key(place, is_new=True).wrap(bytes(32), "x")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert open_master_key(place, is_new=True).unwrap(wrapped, "x") == bytes(32)
    (tmp_path / "key").unlink()
    with pytest.raises(MasterKeyWrong):
        open_master_key(place, is_new=False)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33, "é" * 64])
def test_what_is_no_key_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In a file and in the environment."""
    (tmp_path / "key").write_text(text)
    monkeypatch.setenv("KEY", text)
    for place in (f"file:{tmp_path / 'key'}", "env:KEY", "env:NONE"):
        with pytest.raises(MasterKeyWrong):
            open_master_key(place, is_new=True)


def test_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    """In hex; it cannot be rotated in place."""
    monkeypatch.setenv("KEY", "11" * 32)
    key = open_master_key("env:KEY", is_new=False)
    assert key.unwrap(LocalMasterKey(b"\x11" * 32).wrap(bytes(32), "x"), "x") == bytes(32)
    with pytest.raises(InvalidRequest):
        next_master_key("env:KEY")


def test_a_new_key_takes_the_place_of_the_old_one(tmp_path: Path):
    """It lies beside it until then."""
    place = f"file:{tmp_path / 'key'}"
    before = open_master_key(place, is_new=True).wrap(bytes(32), "x")
    after = next_master_key(place).wrap(bytes(32), "x")
    take_over(place)
    opened = open_master_key(place, is_new=False)
    assert opened.unwrap(after, "x") == bytes(32)
    with pytest.raises(MasterKeyWrong):
        opened.unwrap(before, "x")
    assert os.listdir(tmp_path) == ["key"]


def test_a_key_management_service_is_a_program(tmp_path: Path, records: Records):
    """It wraps and unwraps; whatever else it does is a clear error."""
    program = tmp_path / "kms"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import base64, sys\n"
        "data = base64.b64decode(sys.stdin.buffer.read())\n"
        "assert sys.argv[1] in ('wrap', 'unwrap') and sys.argv[2] == 'collection'\n"
        "print(base64.b64encode(bytes(255 - one for one in data)).decode())\n"
    )
    program.chmod(0o700)
    keys = Keys(open_master_key(f"program:{program}", is_new=True))
    with records.write() as tx:
        keys.add(tx, "collection")
        made = keys.get(tx, "collection")
        assert len(made) == 32
    for nonsense in ("#!/bin/sh\nexit 1\n", "#!/bin/sh\necho '!'\n", "#!/bin/sh\necho AAAA\n"):
        program.write_text(nonsense)
        with records.read() as tx, pytest.raises(MasterKeyWrong):
            Keys(open_master_key(f"program:{program}", is_new=True)).get(tx, "collection")
    program.unlink()
    with records.read() as tx, pytest.raises(MasterKeyWrong):
        Keys(open_master_key(f"program:{program}", is_new=True)).get(tx, "collection")
