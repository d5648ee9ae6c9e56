"""Photographs come out of zip and tar archives with their provenance, and hostile archives do no harm."""

import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineament.errors import BadRow, FileMissing, FileTooLarge, SourceError, SourceUnreadable
from lineament.sources import Item, Unreadable, open_source, tar_file, unpacked, zip_file
from tests.sources import made

MEGABYTE = 1024 * 1024


def outcome(place: Path) -> list[tuple[str, object]]:
    """Every path with the length of its bytes, or with the error that stands in their way."""
    found: list[tuple[str, object]] = []
    try:
        for one in open_source(place):
            try:
                found.append((one.path, len(one.read()) if isinstance(one, Item) else type(one.error)))
            except SourceError as error:
                found.append((one.path, type(error)))
    except SourceUnreadable as error:
        found.append(("", type(error)))
    return found


def make_zip(place: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place


def test_a_zip_is_read_in_the_order_of_its_names(tmp_path: Path):
    """Folders and hidden files are left out; a nested archive is a file like any other."""
    place = make_zip(
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
    assert outcome(place) == [
        ("reel.zip/1.jpg", 1),
        ("reel.zip/b/10.jpg", 2),
        ("reel.zip/b/2.jpg", 2),
        ("reel.zip/inner.zip", 4),
    ]


def test_many_threads_read_one_zip(tmp_path: Path):
    """Each gets its own member's bytes, also long after the iteration has ended."""
    chance = made.chance(1)
    files = {f"{number}.jpg": chance.randbytes(20_000 + number) for number in range(64)}
    items = list(open_source(make_zip(tmp_path / "reel.zip", **files)))
    with ThreadPoolExecutor(16) as threads:
        read = threads.map(lambda one: (one.path.removeprefix("reel.zip/"), one.read()), items * 4)
    assert dict(read) == files


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/etc/passwd", "a/../../b.jpg", "..\\out.jpg", "C:\\x.jpg", "a\x1b[2J.jpg", "a\nb"]
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out_or_are_not_plain_are_refused_one_by_one(tmp_path: Path, name: str, kind: str):
    """The rest of the archive is read."""
    place = tmp_path / f"reel.{kind}"
    if kind == "zip":
        make_zip(place, **{name: b"evil", "ok.jpg": b"good"})
    else:
        with tarfile.open(place, "w") as archive:
            made.add(archive, name, b"evil")
            made.add(archive, "ok.jpg", b"good")
    found = outcome(place)
    assert ("reel." + kind + "/ok.jpg", 4) in found
    assert [error for _, error in found if error != 4] == [FileMissing]
    assert "\x1b" not in str(found)


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
    encrypted = edit_zip(make_zip(tmp_path / "e.zip", **plain), 8, b"\x01\x00", also_local=6)
    patched = edit_zip(make_zip(tmp_path / "p.zip", **plain), 8, b"\x20\x00", also_local=6)
    for place in (*links, *packed, encrypted, patched):
        assert outcome(place) == [(f"{place.name}/a.jpg", FileMissing)], place


def test_a_damaged_member_costs_itself(tmp_path: Path):
    """One byte in its middle; the other member is whole."""
    chance = made.chance(2)
    place = make_zip(tmp_path / "reel.zip", **{"a.jpg": chance.randbytes(5000), "b.jpg": b"whole"})
    data = bytearray(place.read_bytes())
    data[2000] ^= 0xFF
    place.write_bytes(data)
    assert outcome(place) == [("reel.zip/a.jpg", FileMissing), ("reel.zip/b.jpg", 5)]


def test_a_zip_that_is_none_or_was_cut_is_refused_whole(tmp_path: Path):
    """Without its directory nobody knows what is in it."""
    whole = make_zip(tmp_path / "whole.zip", **{"a.jpg": b"bytes" * 1000}).read_bytes()
    place = tmp_path / "cut.zip"
    for data in (b"", b"PK\3\4", b"no zip", whole[:-1], whole[: len(whole) // 2], whole[:-30]):
        place.write_bytes(data)
        with pytest.raises(SourceUnreadable, match="zip"):
            open_source(place)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path):
    """What is packed a thousandfold is refused unread; what lies about its size is read no further."""
    bomb = make_zip(tmp_path / "bomb.zip", **{"a.jpg": bytes(20 * MEGABYTE), "b.jpg": bytes(40 * MEGABYTE)})
    assert outcome(bomb) == [("bomb.zip/a.jpg", FileMissing), ("bomb.zip/b.jpg", FileMissing)]
    liar = make_zip(tmp_path / "liar.zip", **{"a.jpg": bytes(40 * MEGABYTE)})
    edit_zip(liar, 24, struct.pack("<I", 1000))  # the size that the directory states
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w") as archive:
        archive.writestr("a.jpg", bytes(33 * MEGABYTE))
    tracemalloc.start()
    try:
        assert outcome(liar) == [("liar.zip/a.jpg", FileMissing)]
        assert outcome(large) == [("large.zip/a.jpg", FileTooLarge)]
        assert tracemalloc.get_traced_memory()[1] < 4 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_members_that_overlap_are_read_once(tmp_path: Path):
    """A directory with a thousand entries for the same bytes, as in a bomb that is not nested."""
    data = make_zip(tmp_path / "one.zip", **{"a.jpg": b"bytes"}).read_bytes()
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 1000, 1000, 1000 * (end - start))
    place = tmp_path / "many.zip"
    place.write_bytes(data[:start] + data[start:end] * 1000 + bytes(tail))
    found = outcome(place)
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


def test_an_archive_with_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A zip before anything is read; a tar once it is there, and what came before counts."""
    monkeypatch.setattr(zip_file, "MEMBERS_MAX", 5)
    monkeypatch.setattr(tar_file, "MEMBERS_MAX", 5)
    files = {f"{number}.jpg": b"x" for number in range(9)}
    assert outcome(make_zip(tmp_path / "reel.zip", **files)) == [("", SourceUnreadable)]
    with tarfile.open(tmp_path / "reel.tar", "w") as archive:
        for name, data in files.items():
            made.add(archive, name, data)
    assert [error for _, error in outcome(tmp_path / "reel.tar")] == [1, 1, 1, 1, 1, SourceUnreadable]


def test_names_that_are_not_utf8_although_they_say_so(tmp_path: Path):
    """The directory cannot be trusted, and is refused with a sentence."""
    place = make_zip(tmp_path / "reel.zip", **{"äa.jpg": b"bytes"})
    place.write_bytes(place.read_bytes().replace("ä".encode(), b"\xff\xfe"))
    assert outcome(place) == [("", SourceUnreadable)]


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
        assert outcome(place) == [
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
    found = outcome(place)
    assert [error for _, error in found] == [FileMissing] * 7 + [4]
    old = bytearray(tarfile.TarInfo("old.jpg").tobuf(tarfile.GNU_FORMAT))
    old[156:157], old[482] = b"S", 1  # its map goes on in the next block
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + 8 * 32 + sum(old[156:512]))
    place.write_bytes(bytes(old) + bytes(512) + place.read_bytes())
    assert [error for _, error in outcome(place)] == [FileMissing] * 8 + [4]


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
        found = outcome(cut)
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
        found = outcome(damaged_tar(tmp_path / "reel.tar", field))
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
    assert outcome(place) == [("reel.tar/name", 1)]
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
        assert outcome(place)[-1] == ("", SourceUnreadable), bad[:600].strip(b"\0")


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_packed_tar_does_not_unpack_without_end(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
):
    """A member of 64 MB of zeros, in a few kilobytes: nothing of it is kept, and it is not gone through."""
    monkeypatch.setattr(unpacked, "_FREE_BYTES", 16 * MEGABYTE)
    place = tmp_path / f"bomb.tar.{packing}"
    with tarfile.open(place, f"w:{packing}") as archive:
        made.add(archive, "a.jpg", b"a")
        made.add(archive, "b.jpg", bytes(64 * MEGABYTE))
        made.add(archive, "c.jpg", b"c")
    tracemalloc.start()
    try:
        assert [error for _, error in outcome(place)] == [1, FileTooLarge, SourceUnreadable]
        assert tracemalloc.get_traced_memory()[1] < 24 * MEGABYTE  # 8 of them the dictionary of xz
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
    assert outcome(tmp_path / "reel.tar.xz") == [("", SourceUnreadable)]
    (tmp_path / "small.tar.xz").write_bytes(small)
    assert outcome(tmp_path / "small.tar.xz") == [("small.tar.xz/a.jpg", 1)]


def test_packed_streams_may_follow_one_another(tmp_path: Path):
    """As `cat a.gz b.gz` makes them, and as a tape pads them."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        made.add(archive, "a.jpg", b"a" * 3000)
    half = len(whole.getvalue()) // 2
    data = gzip.compress(whole.getvalue()[:half]) + bytes(700)
    (tmp_path / "reel.tgz").write_bytes(data + gzip.compress(whole.getvalue()[half:]) + bytes(5000))
    assert outcome(tmp_path / "reel.tgz") == [("reel.tgz/a.jpg", 3000)]


@pytest.mark.parametrize("data", [b"", b"no tar", bytes(511), b"\x1f\x8b", b"BZh9", b"x" * 5000])
def test_a_file_that_is_no_tar_is_refused_whole(tmp_path: Path, data: bytes):
    """When it is opened, and not half-way."""
    (tmp_path / "reel.tar").write_bytes(data)
    with pytest.raises(SourceUnreadable):
        open_source(tmp_path / "reel.tar")


ROWS = made.sample_rows()[:3]


@pytest.mark.parametrize(("name", "make"), [("reel.zip", made.make_zip), ("reel.tgz", made.make_tar)])
def test_a_manifest_counts_at_the_top_or_in_the_only_folder(tmp_path: Path, name: str, make):
    """Paths are relative to it, and files that it does not list are left out, as in a folder."""
    for inside in ("", "photos/"):
        items = list(open_source(make(tmp_path / name, ROWS, "manifest.csv", inside)))
        assert [one.path for one in items] == [f"{name}/{inside}{row['path']}" for row in ROWS]
        assert [one.source_url for one in items] == [row["source_url"] for row in ROWS]
    make(tmp_path / name, ROWS, "manifest.csv", "one/two/")
    assert all(one.source_url is None for one in open_source(tmp_path / name))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_rows_about_what_is_not_in_the_archive_are_reported(tmp_path: Path, kind: str):
    """With their numbers; and a row that leads out of the archive, or to a link, is refused."""
    rows = (
        b"path,source_url\n"
        b"gone.jpg,https://example.org/1\n"
        b"../a.jpg,https://example.org/2\n"
        b"link.jpg,https://example.org/3\n"
        b"a.jpg,https://example.org/4\n"
        b"a.jpg,nowhere\n"
        b"./a.jpg,https://example.org/6\n"
    )
    place = tmp_path / f"reel.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            link = zipfile.ZipInfo("link.jpg")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
            archive.writestr("a.jpg", b"a")
            archive.writestr("manifest.csv", rows)
    else:
        with tarfile.open(place, "w") as archive:
            made.add(archive, "link.jpg", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
            made.add(archive, "a.jpg", b"a")
            made.add(archive, "manifest.csv", rows)
    items = list(open_source(place))
    assert [one.source_url[-1] for one in items if isinstance(one, Item)] == ["4", "6"]
    errors = {str(one.error)[:6]: type(one.error) for one in items if isinstance(one, Unreadable)}
    assert errors == {"Row 2:": FileMissing, "Row 3:": BadRow, "Row 4:": FileMissing, "Row 6:": BadRow}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_two_manifests_in_one_archive_are_refused(tmp_path: Path, kind: str):
    """Nobody can say which of them counts."""
    place = tmp_path / f"reel.{kind}"
    files = {"manifest.csv": made.csv_bytes(ROWS), "manifest.jsonl": made.jsonl_bytes(ROWS)}
    if kind == "zip":
        make_zip(place, **files)
    else:
        with tarfile.open(place, "w") as archive:
            for name, data in files.items():
                made.add(archive, name, data)
    with pytest.raises(SourceUnreadable, match=r"manifest\.csv and manifest\.jsonl"):
        list(open_source(place))


def test_a_manifest_that_is_a_bomb_or_no_file_stops_the_archive(tmp_path: Path):
    """Without it nobody would know where the photographs come from."""
    bomb = make_zip(tmp_path / "bomb.zip", **{"manifest.csv": bytes(40 * MEGABYTE), "a.jpg": b"a"})
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        made.add(archive, "manifest.csv", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        made.add(archive, "a.jpg", b"a")
    with tarfile.open(tmp_path / "large.tar", "w") as archive:
        made.add(archive, "manifest.csv", bytes(65 * MEGABYTE))
    for place in (bomb, tmp_path / "link.tar", tmp_path / "large.tar"):
        with pytest.raises(SourceUnreadable, match=r"manifest\.csv in"):
            list(open_source(place))


@pytest.mark.parametrize("name", ["reel.zip", "reel.tar", "reel.tar.gz"])
def test_no_byte_that_is_changed_brings_a_traceback(tmp_path: Path, name: str):
    """Whatever is damaged, it is photographs, sentences, or the end with a sentence."""
    chance = made.chance(4)
    make = made.make_zip if name.endswith("zip") else made.make_tar
    whole = make(tmp_path / name, ROWS, "manifest.jsonl").read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 40))):
            where = chance.randrange(len(data)) if chance.random() < 0.5 else -chance.randrange(1, 600)
            data[where] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        (tmp_path / name).write_bytes(data)
        outcome(tmp_path / name)
