"""A tar is read forwards, packed or not, and a hostile one does no harm."""

import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zlib
from pathlib import Path

import pytest

from lineament.errors import FileMissing, FileTooLarge, SourceUnreadable
from lineament.sources import open_source, unpacked
from tests.sources import made


def test_a_tar_is_read_in_its_own_order(tmp_path: Path):
    """In every format that tar has; hidden files and folders are left out, long names come out whole."""
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        place = tmp_path / f"reel{form}.tar"
        long = "folder/" + "x" * 90 + "/" + "y" * 60 + ".jpg"
        with tarfile.open(place, "w", format=form) as archive:
            for name in ("./b.jpg", "a.jpg", ".hidden", long):
                made.add(archive, name, name.encode())
            made.add(archive, "folder", b"", type=tarfile.DIRTYPE)
        assert open_source(place).size is None
        assert made.outcome(place) == [
            (f"{place.name}/b.jpg", 7),
            (f"{place.name}/a.jpg", 5),
            (f"{place.name}/{long}", len(long)),
        ]


def test_members_of_a_tar_that_are_no_plain_files_are_refused(tmp_path: Path):
    """Links of both kinds, devices, pipes, sparse files of two kinds, and what nobody has heard of."""
    place = tmp_path / "reel.tar"
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"V")
    with tarfile.open(place, "w") as archive:
        for number, kind in enumerate(kinds):
            made.add(archive, f"{number}.jpg", b"", type=kind, linkname="/etc/passwd")
        made.add(archive, "sparse.jpg", b"map", pax_headers={"GNU.sparse.major": "1"})
        made.add(archive, "last.jpg", b"last")
    found = made.outcome(place)
    assert [error for _, error in found] == [FileMissing] * 7 + [4]
    old = bytearray(tarfile.TarInfo("old.jpg").tobuf(tarfile.GNU_FORMAT))
    old[156:157], old[482] = b"S", 1  # its map goes on in the next block
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + 8 * 32 + sum(old[156:512]))
    place.write_bytes(bytes(old) + bytes(512) + place.read_bytes())
    assert [error for _, error in made.outcome(place)] == [FileMissing] * 8 + [4]


@pytest.mark.parametrize("packing", ["", ".gz", ".bz2", ".xz"])
def test_a_tar_that_breaks_off_yields_what_came_before(tmp_path: Path, packing: str):
    """Cut anywhere, it yields the first so many members and then an error: never fewer without one."""
    chance = made.chance(3)
    whole = tmp_path / f"whole.tar{packing}"
    with tarfile.open(whole, f"w:{packing[1:]}") as archive:
        for number in range(5):
            made.add(archive, f"{number}.jpg", chance.randbytes(3000))
    data, cut = whole.read_bytes(), tmp_path / f"cut.tar{packing}"
    everything = [(f"cut.tar{packing}/{number}.jpg", 3000) for number in range(5)]
    for length in chance.sample(range(len(data) - 5 * 1024 if not packing else len(data)), 60):
        cut.write_bytes(data[:length])
        found = made.outcome(cut)
        assert found[-1] == ("", SourceUnreadable), length
        assert found[:-1] == everything[: len(found) - 1], length


def damaged_tar(place: Path, size_field: bytes) -> Path:
    """A tar whose second header states another size, with a right checksum."""
    with tarfile.open(place, "w") as archive:
        made.add(archive, "a.jpg", b"a")
        made.add(archive, "b.jpg", b"b")
    data = bytearray(place.read_bytes())
    header = data[1024:1536]
    header[124:136] = size_field.ljust(12, b"\0")
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:512]))
    data[1024:1536] = header
    place.write_bytes(data)
    return place


def test_sizes_that_no_member_has(tmp_path: Path):
    """Negative ones, which send tarfile round in circles (CVE-2025-8194), and those of no disk."""
    minus = b"\xff" * 11 + b"\x00"
    for field, errors in (
        (minus, [1, SourceUnreadable]),
        (b"\x80" + b"\x7f" * 11, [1, FileTooLarge, SourceUnreadable]),
        (b"77777777777", [1, FileTooLarge, SourceUnreadable]),
        (b"not octal", [1, SourceUnreadable]),
    ):
        found = made.outcome(damaged_tar(tmp_path / "reel.tar", field))
        assert [error for _, error in found] == errors, field


def test_extended_headers_have_an_end(tmp_path: Path):
    """One of a gigabyte, a chain of fifty thousand, and those that are nonsense."""

    def header(kind: bytes, size: int) -> bytes:
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, size
        return info.tobuf(tarfile.GNU_FORMAT)

    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        made.add(archive, "a.jpg", b"a")
    place = tmp_path / "reel.tar"
    chain = header(tarfile.GNUTYPE_LONGNAME, 5) + b"name\0".ljust(512, b"\0")
    place.write_bytes(chain * 50_000 + whole.getvalue())
    assert made.outcome(place) == [("reel.tar/name", 1)]
    for bad in (
        header(tarfile.XHDTYPE, 1 << 30) + bytes(1 << 20),
        header(tarfile.GNUTYPE_LONGNAME, 1 << 33),
        header(tarfile.XHDTYPE, 512) + b"9" * 512,
        header(tarfile.XHDTYPE, 20) + b"99999 path=x\n".ljust(512, b"\0"),
        header(tarfile.XHDTYPE, 20) + b"11 size=-5\n".ljust(512, b"\0"),
        header(tarfile.XHDTYPE, 20) + b"12 size=abc\n".ljust(512, b"\0"),
        header(tarfile.XHDTYPE, -512),
    ):
        place.write_bytes(bad + whole.getvalue())
        assert made.outcome(place)[-1] == ("", SourceUnreadable), bad[:600].strip(b"\0")


def test_of_extended_headers_only_what_counts_is_kept(tmp_path: Path):
    """Two hundred of 50 KB before one member, each with a field of its own, pass through one megabyte."""
    place = tmp_path / "reel.tar"
    with place.open("wb") as file:
        for number in range(200):
            info = tarfile.TarInfo("x")
            info.pax_headers = {f"field {number}": "x" * 50_000}
            file.write(info.tobuf(tarfile.PAX_FORMAT)[:-512])  # without the member's own header
        with tarfile.open(fileobj=file, mode="w") as archive:
            made.add(archive, "a.jpg", b"a")
    tracemalloc.start()
    try:
        assert made.outcome(place) == [("reel.tar/a.jpg", 1)]
        assert tracemalloc.get_traced_memory()[1] < made.MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_packed_tar_does_not_unpack_without_end(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
):
    """A member of 64 MB of zeros, in a few kilobytes: nothing of it is kept, and it is not gone through."""
    monkeypatch.setattr(unpacked, "_FREE_BYTES", 16 * made.MEGABYTE)
    place = tmp_path / f"bomb.tar.{packing}"
    with tarfile.open(place, f"w:{packing}") as archive:
        made.add(archive, "a.jpg", b"a")
        made.add(archive, "b.jpg", bytes(64 * made.MEGABYTE))
        made.add(archive, "c.jpg", b"c")
    tracemalloc.start()
    try:
        assert [error for _, error in made.outcome(place)] == [1, FileTooLarge, SourceUnreadable]
        assert tracemalloc.get_traced_memory()[1] < 24 * made.MEGABYTE  # 8 of them the dictionary of xz
    finally:
        tracemalloc.stop()


def test_xz_may_not_ask_for_a_dictionary_of_any_size(tmp_path: Path):
    """A few bytes that announce that 512 MB are needed to unpack them."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        made.add(archive, "a.jpg", b"a")
    small = lzma.compress(whole.getvalue(), filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])
    size = small.index(b"\x21\x01", 12) + 2  # xz 1.0.4, 5.3.1: the LZMA2 filter and its dictionary
    data = bytearray(small)
    data[size] = 34  # 512 MB
    header = 12 + (data[12] + 1) * 4
    struct.pack_into("<I", data, header - 4, zlib.crc32(bytes(data[12 : header - 4])))
    (tmp_path / "reel.tar.xz").write_bytes(data)
    assert made.outcome(tmp_path / "reel.tar.xz") == [("", SourceUnreadable)]
    (tmp_path / "small.tar.xz").write_bytes(small)
    assert made.outcome(tmp_path / "small.tar.xz") == [("small.tar.xz/a.jpg", 1)]


def test_packed_streams_may_follow_one_another(tmp_path: Path):
    """As `cat a.gz b.gz` makes them, and as a tape pads them."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        made.add(archive, "a.jpg", b"a" * 3000)
    half = len(whole.getvalue()) // 2
    data = gzip.compress(whole.getvalue()[:half]) + bytes(700)
    (tmp_path / "reel.tgz").write_bytes(data + gzip.compress(whole.getvalue()[half:]) + bytes(5000))
    assert made.outcome(tmp_path / "reel.tgz") == [("reel.tgz/a.jpg", 3000)]


@pytest.mark.parametrize("data", [b"", b"no tar", bytes(511), b"\x1f\x8b", b"BZh9", b"x" * 5000])
def test_a_file_that_is_no_tar_is_refused_whole(tmp_path: Path, data: bytes):
    """When it is opened, and not half-way."""
    (tmp_path / "reel.tar").write_bytes(data)
    with pytest.raises(SourceUnreadable):
        open_source(tmp_path / "reel.tar")
