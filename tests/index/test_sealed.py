"""What the embedded engine keeps on disk: nothing to be read there, nothing to be changed, no nonce twice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineament.errors import IndexDamaged
from lineament.index.codes import Codes
from lineament.index.embedded import EmbeddedIndex
from lineament.index.faiss_codes import FaissCodes
from lineament.index.sealed import Damaged, SealedRows, new_key, read_sealed, seal, unseal, write_rows
from lineament.index.turbovec_codes import TurbovecCodes
from tests.index.contract import DIMENSION, KEY, count, search, unit

WINDOW = 16  # bytes: a block of AES


def windows(data: bytes) -> list[bytes]:
    """Return every run of 16 bytes."""
    return [data[at : at + WINDOW] for at in range(len(data) - WINDOW + 1)]


def files(folder: Path) -> dict[str, bytes]:
    """Return what is on disk, by name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def opened(folder: Path, key: bytes = KEY) -> dict[str, bytes]:
    """Return what the files of an index hold, as who has the key reads them."""
    plain = {"manifest": unseal(key, (folder / "manifest").read_bytes(), "manifest")}
    for name, _ in json.loads(plain["manifest"])["segments"]:
        shape = f"{name}/segment"
        plain[shape] = read_sealed(folder / shape, key, shape)
        described = json.loads(plain[shape])
        rows = {
            "ids.bin": np.dtype(f"S{described['id_width']}"),
            "templates.bin": np.dtype(("<f4", (described["dimension"],))),
        }
        for file, hexadecimal in described["keys"].items():
            path, own = f"{name}/{file}", bytes.fromhex(hexadecimal)
            if file in rows:
                sealed = SealedRows(folder / path, own, rows[file], described["rows"])
                plain[path] = sealed.between(0, len(sealed)).tobytes()
            else:
                plain[path] = read_sealed(folder / path, own, path)
    return plain


def filled(folder: Path, codes: type[Codes] = TurbovecCodes, key: bytes = KEY) -> EmbeddedIndex:
    """Return an index of 60 faces in two collections, all on disk, one of them removed."""
    index = EmbeddedIndex(folder, "sha256:a", DIMENSION, key, codes, segment_rows=30)
    for start in (0, 30):
        rows = range(start, start + 30)
        index.add(
            [f"{row:032x}" for row in rows],
            ["portraits" if row % 3 else "landscapes" for row in rows],
            unit(60)[start : start + 30],
            revision=start + 1,
        )
    index.remove([f"{7:032x}"], revision=99)
    return index


@pytest.mark.parametrize("codes", [TurbovecCodes, FaissCodes])
def test_nothing_of_a_template_a_code_or_an_id_can_be_read_on_disk(tmp_path: Path, codes: type[Codes]):
    """Not sixteen bytes in a row of what the key opens; and all of it is there for who has the key."""
    filled(tmp_path, codes).close()
    on_disk, plain = files(tmp_path), opened(tmp_path)
    assert set(on_disk) == {*plain, "lock"}
    held = b"".join(plain.values())
    for row, vector in enumerate(unit(60)):
        assert vector.tobytes() in held
        assert f"{row:032x}".encode() in held
    assert b"portraits" in held
    secret = {window for data in plain.values() for window in windows(data)}
    assert len(secret) > 5_000
    assert not secret & {window for data in on_disk.values() for window in windows(data)}


def test_two_builds_of_the_same_faces_have_no_block_in_common(tmp_path: Path):
    """Nor has one of them a block twice, though faces are equal: who compares disks learns nothing."""
    blocks: list[bytes] = []
    for name in ("one", "two"):
        index = EmbeddedIndex(tmp_path / name, "sha256:a", DIMENSION, KEY, segment_rows=200)
        index.add([f"{row:032x}" for row in range(200)], ["x"] * 200, unit(100).repeat(2, axis=0), revision=1)
        index.close()
        for data in files(tmp_path / name).values():
            blocks += windows(data)
    assert len(blocks) > 2 * 200 * DIMENSION * 4
    assert len(set(blocks)) == len(blocks)


def test_no_key_seals_two_messages_under_one_nonce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """However often files are written anew: with equal faces, after restarts, and in small groups."""
    sealed: list[tuple[bytes, bytes]] = []

    class Recorded:
        """AESGCM that remembers."""

        generate_key = AESGCM.generate_key

        def __init__(self, key: bytes) -> None:
            self._key, self._real = key, AESGCM(key)
            self.decrypt, self.decrypt_into = self._real.decrypt, self._real.decrypt_into

        def encrypt(self, nonce: bytes, data: bytes, about: bytes | None) -> bytes:
            sealed.append((self._key, bytes(nonce)))
            return self._real.encrypt(nonce, data, about)

    monkeypatch.setattr("lineament.index.sealed.AESGCM", Recorded)
    monkeypatch.setattr("lineament.index.sealed.GROUP_BYTES", 128)
    monkeypatch.setattr("lineament.index.segment.BLOCK_NUMBERS", 8 * DIMENSION)
    for _ in range(3):
        index = filled(tmp_path)
        index.purge()
        index.remove([f"{row:032x}" for row in range(0, 60, 4)], revision=100)
        index.purge()
        index.clear()
        index.close()
    assert len(sealed) > 300
    assert len(set(sealed)) == len(sealed)
    assert len({key for key, _ in sealed}) > 50


def test_a_purge_leaves_no_byte_of_who_was_removed_not_even_for_who_has_the_key(tmp_path: Path):
    """What was written anew has new keys, and the old ones are in no file."""
    index = filled(tmp_path)
    before = opened(tmp_path)
    assert any(unit(60)[7].tobytes() in data for data in before.values())
    assert index.purge().faces == 1
    after = opened(tmp_path)
    index.close()
    assert set(files(tmp_path)) == {*after, "lock"}
    for content in (unit(60)[7].tobytes(), f"{7:032x}".encode()):
        assert not any(content in data for data in after.values())
    assert any(unit(60)[8].tobytes() in data for data in after.values())
    kept = {name.partition("/")[0] for name in after} & {name.partition("/")[0] for name in before}
    gone = [name for name in before if name.endswith("/segment") and name.partition("/")[0] not in kept]
    assert len(gone) == 1
    for own in json.loads(before[gone[0]])["keys"].values():
        assert not any(own.encode() in data for data in after.values())


def test_under_another_key_nothing_is_parsed_and_the_index_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A lost key costs a rebuild from the records, and what it sealed is deleted."""
    filled(tmp_path).close()
    before = set(files(tmp_path))

    def parsed(*_what: object) -> None:
        raise AssertionError("this was to be unsealed first")

    with monkeypatch.context() as watched:
        watched.setattr("lineament.index.manifest.json.loads", parsed)
        watched.setattr(TurbovecCodes, "from_bytes", parsed)
        other = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, bytes(32))
    assert "built anew from the records: manifest is not what was written under this key." in caplog.text
    assert (other.revision, count(other, ["portraits", "landscapes"])) == (0, 0)
    assert not before & {name for name in files(tmp_path) if "/" in name}
    other.close()
    again = filled(tmp_path, key=bytes(32))
    assert search(again, unit(60)[3], ["landscapes"], -1, 1).ids == [f"{3:032x}"]
    again.close()


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)], ids=len)
def test_a_key_of_another_length_is_refused(tmp_path: Path, key: bytes):
    """AES-256 and nothing weaker."""
    with pytest.raises(ValueError, match="not 32"):
        EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, key)


def test_what_is_damaged_while_it_is_open_is_an_error_and_not_a_face_that_is_missing(tmp_path: Path):
    """Templates and ids prove themselves whole each time they are read, not only when the index is opened."""
    index = filled(tmp_path)
    with index.snapshot() as snapshot:
        (folder,) = (segment.folder for segment in snapshot.segments if len(segment.gone))
    for name, change in {
        "templates.bin": index.purge,
        "ids.bin": lambda: index.remove([f"{3:032x}"], revision=100),
    }.items():
        with changed(folder / name, 40):
            for read in (lambda: search(index, unit(60)[3], ["landscapes"], -1, 5), change):
                with pytest.raises(IndexDamaged, match=f"{folder.name}/{name} is not what was written"):
                    read()
            assert [finding for finding in index.verify() if name in finding]
        assert index.verify() == []
    assert not list(tmp_path.glob("draft-*"))
    assert search(index, unit(60)[3], ["landscapes"], -1, 1).ids == [f"{3:032x}"]
    index.close()


@contextmanager
def changed(file: Path, place: int) -> Iterator[None]:
    """Change one bit of a file where it lies, and put it right afterwards."""
    right = file.read_bytes()[place]
    with file.open("r+b", buffering=0) as opened:
        for byte in (right ^ 1, right):
            opened.seek(place)
            opened.write(bytes([byte]))
            if byte != right:
                yield


def test_segments_cannot_be_swapped_nor_files_between_them(tmp_path: Path):
    """Each is sealed as what it is; a file that was moved does not open."""
    filled(tmp_path).close()
    one, other = sorted(tmp_path.glob("segment-*"))
    for first, second in ((one, other), *((file, other / file.name) for file in list(one.iterdir()))):
        keep = files(tmp_path)
        aside = first.rename(tmp_path / "aside")
        second.rename(first)
        aside.rename(second)
        index = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
        assert index.revision == 0 or [finding for finding in index.verify() if "templates.bin" in finding]
        index.close()
        for name, data in keep.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
    index = EmbeddedIndex(tmp_path, "sha256:a", DIMENSION, KEY)
    assert (index.verify(), count(index, ["portraits", "landscapes"])) == ([], 59)
    index.close()


def test_what_was_sealed_opens_only_whole_as_what_it_is_and_under_its_key():
    """Every byte counts, and so does the name."""
    key, sealed = new_key(), seal(KEY, b"a face", "a")
    assert unseal(KEY, sealed, "a") == b"a face"
    assert seal(KEY, b"a face", "a") != sealed
    others = [(key, sealed, "a"), (KEY, sealed, "b"), (KEY, sealed[:-1], "a"), (KEY, b"", "a")]
    for wrong in (*others, *((KEY, data, "a") for data in flipped(sealed))):
        with pytest.raises(Damaged, match="not what was written under this key"):
            unseal(*wrong)


def flipped(data: bytes) -> Iterator[bytes]:
    """Yield the data once for each of its bytes, with one bit of that changed."""
    for at, byte in enumerate(data):
        yield data[:at] + bytes([byte ^ 1 << at % 8]) + data[at + 1 :]


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch):
    """Make groups of three rows of 20 bytes."""
    monkeypatch.setattr("lineament.index.sealed.GROUP_BYTES", 64)


def sealed_rows(file: Path, matrix: np.ndarray, key: bytes) -> SealedRows:
    """Write a matrix in two parts, the second where a group begins, and open it."""
    with file.open("wb") as opened:
        write_rows(opened, key, matrix[:6], 0)
        if len(matrix) > 6:
            write_rows(opened, key, matrix[6:], 6)
    return SealedRows(file, key, np.dtype((matrix.dtype, matrix.shape[1:])), len(matrix))


@pytest.mark.usefixtures("small_groups")
@given(
    rows=st.integers(1, 40),
    asked=st.lists(st.integers(0, 39), max_size=60),
    cut=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_any_rows_come_back_as_they_were(tmp_path: Path, rows: int, asked: list[int], cut: tuple[int, int]):
    """In any order, again and again, or a run of them."""
    matrix = unit(rows, dimension=5)
    sealed = sealed_rows(tmp_path / "rows", matrix, new_key())
    at = np.array([row for row in asked if row < rows], np.int64)
    start, stop = sorted(min(place, rows) for place in cut)
    assert len(sealed) == rows
    assert np.array_equal(sealed[at], matrix[at])
    assert np.array_equal(sealed.between(start, stop), matrix[start:stop])


@pytest.mark.usefixtures("small_groups")
def test_rows_that_were_changed_moved_or_cut_off_do_not_open(tmp_path: Path):
    """Each group is sealed as the one that it is, and the file has the size of all of them."""
    matrix, key, file = unit(20, dimension=5), new_key(), tmp_path / "rows"
    sealed_rows(file, matrix, key)
    whole, group = file.read_bytes(), 3 * 20 + 16
    swapped = whole[group : 2 * group] + whole[:group] + whole[2 * group :]
    copied = whole[:group] * 2 + whole[2 * group :]
    for data in (swapped, copied, *flipped(whole)):
        file.write_bytes(data)
        with pytest.raises(Damaged, match=f"{tmp_path.name}/rows is not what was written"):
            SealedRows(file, key, np.dtype(("<f4", (5,))), 20).verify()
    for data in (whole[:-1], whole[:-group], whole + whole[:group], b""):
        file.write_bytes(data)
        with pytest.raises(Damaged, match=f"{tmp_path.name}/rows is not what was written"):
            SealedRows(file, key, np.dtype(("<f4", (5,))), 20)
    file.unlink()
    with pytest.raises(Damaged, match="cannot be read: No such file"):
        SealedRows(file, key, np.dtype(("<f4", (5,))), 20)
