"""A zip is read in the order of its names, and a hostile one does no harm."""

import struct
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineament.errors import FileMissing, FileTooLarge, SourceUnreadable
from lineament.sources import open_source
from tests.sources import made


def test_a_zip_is_read_in_the_order_of_its_names(tmp_path: Path):
    """Folders and hidden files are left out; a nested archive is a file like any other."""
    place = made.zip_of(
        tmp_path / "reel.zip",
        **{
            "b/2.jpg": b"22",
            "b/": b"",
            "1.jpg": b"1",
            ".hidden/3.jpg": b"3",
            "__MACOSX/._1.jpg": b"4",
            "./b//10.jpg": b"10",
            "inner.zip": b"PK\3\4",
        },
    )
    source = open_source(place)
    assert source.size == 4
    assert made.outcome(place) == [
        ("reel.zip/1.jpg", 1),
        ("reel.zip/b/10.jpg", 2),
        ("reel.zip/b/2.jpg", 2),
        ("reel.zip/inner.zip", 4),
    ]


def test_many_threads_read_one_zip(tmp_path: Path):
    """Each gets its own member's bytes, also long after the iteration has ended."""
    chance = made.chance(1)
    files = {f"{number}.jpg": chance.randbytes(20_000 + number) for number in range(64)}
    items = list(open_source(made.zip_of(tmp_path / "reel.zip", **files)))
    with ThreadPoolExecutor(16) as threads:
        read = threads.map(lambda one: (one.path.removeprefix("reel.zip/"), one.read()), items * 4)
    assert dict(read) == files


def edit_zip(place: Path, offset_in_entry: int, value: bytes, also_local: int | None = None) -> Path:
    """Write bytes into the directory entry of the first member, and into its local header."""
    data = bytearray(place.read_bytes())
    entry = data.index(b"PK\1\2") + offset_in_entry
    data[entry : entry + len(value)] = value
    if also_local is not None:
        data[also_local : also_local + len(value)] = value
    place.write_bytes(data)
    return place


def test_members_of_a_zip_that_are_no_plain_files_are_refused(tmp_path: Path):
    """Encrypted, a link, a device, packed by LZMA, by bzip2, with patched data: each is one refusal."""
    plain = {"a.jpg": b"bytes" * 100}
    links = []
    for mode in (0o120777, 0o060644):
        place = tmp_path / f"{mode}.zip"
        with zipfile.ZipFile(place, "w") as archive:
            info = zipfile.ZipInfo("a.jpg")
            info.external_attr = mode << 16
            archive.writestr(info, b"/etc/passwd")
        links.append(place)
    packed = []
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        place = tmp_path / f"method{method}.zip"
        with zipfile.ZipFile(place, "w", method) as archive:
            archive.writestr("a.jpg", b"bytes" * 100)
        packed.append(place)
    encrypted = edit_zip(made.zip_of(tmp_path / "e.zip", **plain), 8, b"\x01\x00", also_local=6)
    patched = edit_zip(made.zip_of(tmp_path / "p.zip", **plain), 8, b"\x20\x00", also_local=6)
    for place in (*links, *packed, encrypted, patched):
        assert made.outcome(place) == [(f"{place.name}/a.jpg", FileMissing)], place


def test_a_damaged_member_costs_itself(tmp_path: Path):
    """One byte in its middle; the other member is whole."""
    chance = made.chance(2)
    place = made.zip_of(tmp_path / "reel.zip", **{"a.jpg": chance.randbytes(5000), "b.jpg": b"whole"})
    data = bytearray(place.read_bytes())
    data[2000] ^= 0xFF
    place.write_bytes(data)
    assert made.outcome(place) == [("reel.zip/a.jpg", FileMissing), ("reel.zip/b.jpg", 5)]


def test_a_zip_that_is_none_or_was_cut_is_refused_whole(tmp_path: Path):
    """Without its directory nobody knows what is in it."""
    whole = made.zip_of(tmp_path / "whole.zip", **{"a.jpg": b"bytes" * 1000}).read_bytes()
    place = tmp_path / "cut.zip"
    for data in (b"", b"PK\3\4", b"no zip", whole[:-1], whole[: len(whole) // 2], whole[:-30]):
        place.write_bytes(data)
        with pytest.raises(SourceUnreadable, match="zip"):
            open_source(place)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path):
    """What is packed a thousandfold is refused unread; what lies about its size is read no further."""
    bomb = made.zip_of(
        tmp_path / "bomb.zip", **{"a.jpg": bytes(20 * made.MEGABYTE), "b.jpg": bytes(40 * made.MEGABYTE)}
    )
    assert made.outcome(bomb) == [("bomb.zip/a.jpg", FileMissing), ("bomb.zip/b.jpg", FileMissing)]
    liar = made.zip_of(tmp_path / "liar.zip", **{"a.jpg": bytes(40 * made.MEGABYTE)})
    edit_zip(liar, 24, struct.pack("<I", 1000))  # the size that the directory states
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w") as archive:
        archive.writestr("a.jpg", bytes(33 * made.MEGABYTE))
    tracemalloc.start()
    try:
        assert made.outcome(liar) == [("liar.zip/a.jpg", FileMissing)]
        assert made.outcome(large) == [("large.zip/a.jpg", FileTooLarge)]
        assert tracemalloc.get_traced_memory()[1] < 4 * made.MEGABYTE
    finally:
        tracemalloc.stop()


def test_members_that_overlap_are_read_once(tmp_path: Path):
    """A directory with a thousand entries for the same bytes, as in a bomb that is not nested."""
    data = made.zip_of(tmp_path / "one.zip", **{"a.jpg": b"bytes"}).read_bytes()
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 1000, 1000, 1000 * (end - start))
    place = tmp_path / "many.zip"
    place.write_bytes(data[:start] + data[start:end] * 1000 + bytes(tail))
    found = made.outcome(place)
    assert len(found) == 1000
    assert {error for _, error in found} == {FileMissing}


def test_a_directory_of_any_size_is_not_read(tmp_path: Path):
    """Seventeen megabytes of names, and one that claims to have the size of a disk."""
    place = tmp_path / "names.zip"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 60_000, 0, 0, 0, 0, 0, 0)
    directory = (entry + b"x" * 60_000) * 300
    for size in (len(directory), 0xFFFF_FFF0):
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 300, 300, size, 0, 0)
        place.write_bytes(directory + end)
        with pytest.raises(SourceUnreadable):
            open_source(place)
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 2**62, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    place.write_bytes(
        end64 + locator + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, -1 % 2**16, 1, 2**32 - 1, 0, 0)
    )
    with pytest.raises(SourceUnreadable):
        open_source(place)


def test_names_that_are_not_utf8_although_they_say_so(tmp_path: Path):
    """The directory cannot be trusted, and is refused with a sentence."""
    place = made.zip_of(tmp_path / "reel.zip", **{"äa.jpg": b"bytes"})
    place.write_bytes(place.read_bytes().replace("ä".encode(), b"\xff\xfe"))
    assert made.outcome(place) == [("", SourceUnreadable)]
