"""A site's own archive yields its images with their addresses; damage and hostility cost what they touch."""

import base64
import gzip
import hashlib
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from lineament.errors import (
    ExtraMissing,
    FileChanged,
    FileMissing,
    FileTooLarge,
    SourceError,
    SourceUnreadable,
)
from lineament.sources import Item, Unreadable, extras, open_source, warc_records
from tests.sources import made

ROWS = made.sample_rows()[:4]
ADDRESS = "https://example.org/a.jpg"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"


@pytest.fixture(autouse=True)
def _nothing_is_printed(capfd: pytest.CaptureFixture[str]):
    """Nothing that a record says reaches the terminal."""
    yield
    assert capfd.readouterr() == ("", "")


def record(kind: str, block: bytes, address: str | None = ADDRESS, **headers: str) -> bytes:
    """One WARC record; a header's name is written with '_' for '-'."""
    said = {"WARC-Type": kind, "WARC-Record-ID": f"<urn:x:{made.sha256(block)[:8]}>"}
    said |= {"WARC-Target-URI": address} if address else {}
    said |= {"WARC-Date": "2020-05-06T07:08:09Z", "Content-Length": str(len(block))}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
    return b"WARC/1.0\r\n" + lines.encode() + b"\r\n" + block + b"\r\n\r\n"


def answer(body: bytes, *headers: str, kind: str = "response", address: str = ADDRESS, **said: str) -> bytes:
    block = OK + "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + body
    return record(kind, block, address, **said)


def items(folder: Path, *records: bytes, packed: bool = True) -> list[Item | Unreadable]:
    """What a WARC of these records yields, up to where it breaks off."""
    place = folder / ("site.warc.gz" if packed else "site.warc")
    place.write_bytes(b"".join(gzip.compress(one) for one in records) if packed else b"".join(records))
    return until_the_end(place)


def until_the_end(place: Path) -> list[Item | Unreadable]:
    found: list[Item | Unreadable] = []
    try:
        found.extend(open_source(place))
    except SourceUnreadable as error:
        found.append(Unreadable("", error))
    return found


def kinds(found: list[Item | Unreadable]) -> list[type[SourceError] | bytes]:
    return [one.read() if isinstance(one, Item) else type(one.error) for one in found]


def test_images_are_answers_of_status_200_and_resources(tmp_path: Path):
    """Pages, errors, moved addresses, names of hosts and everything else are passed over."""
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<img>"
    found = items(
        tmp_path,
        record("warcinfo", b"software: test\r\n", None),
        record("response", page, "https://example.org/"),
        record("response", OK.replace(b"200 OK", b"404 Not Found") + b"\r\nno"),
        record("response", OK.replace(b"200 OK", b"302 Found") + b"\r\nno"),
        record("response", b"20260101 example.org", "dns:example.org"),
        record("response", b"", Content_Length="0"),
        record("conversion", b"small", Content_Type="image/jpeg"),
        answer(b"one"),
        record("resource", b"two", "https://example.org/b.png", Content_Type="image/png"),
        record("response", OK.replace(b"HTTP/1.1", b"HTTP/2") + b"\r\nthree", "https://example.org/c.jpg"),
    )
    assert kinds(found) == [b"one", b"two", b"three"]
    assert [one.source_url for one in found if isinstance(one, Item)] == [
        "https://example.org/a.jpg",
        "https://example.org/b.png",
        "https://example.org/c.jpg",
    ]
    assert {one.date for one in found if isinstance(one, Item)} == {"2020-05-06T07:08:09Z"}


def test_places_in_an_archive_are_the_same_each_time(tmp_path: Path):
    """The record's id, packed or not; where it has none, or one that cannot be shown, where it begins."""
    (named,) = items(tmp_path, answer(b"one", WARC_Record_ID="<urn:uuid:1-2-3>"))
    assert named.path == "site.warc.gz#urn:uuid:1-2-3"
    first = answer(b"one", WARC_Record_ID="")
    hostile = answer(b"two", WARC_Record_ID="<\x1b[2J>", address="https://example.org/2")
    for packed, name in ((True, "site.warc.gz"), (False, "site.warc")):
        places = [one.path for one in items(tmp_path, first, hostile, packed=packed)]
        assert places == [f"{name}#0", f"{name}#{len(first)}"]


def test_the_page_is_found_beside_the_image(tmp_path: Path):
    """A request before or after it, or a crawler's metadata; and never that of the next image."""

    def asked(referer: str, **said: str) -> bytes:
        return record("request", f"GET /a.jpg HTTP/1.1\r\nReferer: {referer}\r\n\r\n".encode(), **said)

    def pages(*records: bytes) -> list[str | None]:
        return [one.page_url for one in items(tmp_path, *records) if isinstance(one, Item)]

    page, other = "https://example.org/page", "https://example.org/other"
    first = answer(b"one", WARC_Record_ID="<urn:x:1>")
    assert pages(asked(page), first) == [page]
    assert pages(first, asked(page, WARC_Concurrent_To="<urn:x:1>")) == [page]
    via = f"hopsFromSeed: E\r\nvia: {page}\r\n".encode()
    assert pages(first, record("metadata", via, WARC_Concurrent_To="<urn:x:1>")) == [page]
    assert pages(asked(page), first, asked(other), answer(b"two")) == [page, other]
    assert pages(first, asked(other), answer(b"two")) == [None, other]
    assert pages(first, asked(page, address="https://example.org/b")) == [None]
    for useless in (
        "javascript:alert(1)",
        "about:client",
        "https://exa\x1bmple.org",
        "https://e.org/" + "x" * 5000,
    ):
        assert pages(asked(useless), first) == [None]


def test_digests_that_records_state_are_checked(tmp_path: Path):
    """In base 32 and 16, of any known kind; one that is wrong costs its image."""
    sha1 = base64.b32encode(hashlib.sha1(b"one", usedforsecurity=False).digest()).decode()
    right = (
        f"sha1:{sha1}",
        f"SHA-256:{made.sha256(b'one')}",
        "unheard-of:1234",
        f"md5:{hashlib.md5(b'one', usedforsecurity=False).hexdigest()}",
    )
    for stated in right:
        assert kinds(items(tmp_path, answer(b"one", WARC_Payload_Digest=stated))) == [b"one"], stated
    for stated in (f"sha1:{sha1[:-1]}A", "sha256:" + "0" * 64, "sha1:", "md5:\x1b"):
        assert kinds(items(tmp_path, answer(b"one", WARC_Payload_Digest=stated))) == [FileChanged], stated


def test_bodies_come_out_decoded(tmp_path: Path):
    """In chunks, packed, both; a header that is no longer true changes nothing. Both digests hold."""
    chunks = b"3\r\none\r\n4;x=y\r\n two\r\n0\r\n\r\n"
    packed = gzip.compress(b"one two")
    raw = zlib.compressobj(wbits=-15)
    deflated = raw.compress(b"one two") + raw.flush()
    chunked = "Transfer-Encoding: chunked"
    bodies = [
        (chunks, (chunked,)),
        (b"one two", (chunked,)),
        (packed, ("Content-Encoding: gzip",)),
        (packed, ("Content-Encoding: X-GZIP",)),
        (zlib.compress(b"one two"), ("Content-Encoding: deflate",)),
        (deflated, ("Content-Encoding: deflate",)),
        (b"one two", ("Content-Encoding: gzip",)),
        (b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed), (chunked, "Content-Encoding: gzip")),
    ]
    for body, headers in bodies:
        stated = f"sha256:{made.sha256(body)}"
        assert kinds(items(tmp_path, answer(body, *headers, WARC_Payload_Digest=stated))) == [b"one two"], (
            body
        )
    without_chunks = f"sha256:{made.sha256(b'one two')}"
    assert kinds(items(tmp_path, answer(chunks, chunked, WARC_Payload_Digest=without_chunks))) == [b"one two"]
    assert kinds(items(tmp_path, answer(b"x", "Content-Encoding: br"))) == [FileMissing]


def test_what_was_kept_before_is_not_kept_twice(tmp_path: Path):
    """A revisit of an image in this archive is passed over; of one that is elsewhere it is reported."""
    stated = {"WARC_Payload_Digest": f"sha256:{made.sha256(b'one')}"}
    again = answer(b"", kind="revisit", address="https://example.org/again.jpg", **stated)
    assert kinds(items(tmp_path, answer(b"one", **stated), again)) == [b"one"]
    assert kinds(items(tmp_path, again)) == [FileMissing]
    stated = {"WARC_Payload_Digest": "other:" + "x" * 10_000}  # is not remembered
    again = answer(b"", kind="revisit", address="https://example.org/again.jpg", **stated)
    assert kinds(items(tmp_path, answer(b"one", **stated), again)) == [b"one", FileMissing]
    page = record("revisit", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", **stated)
    assert kinds(items(tmp_path, page, record("revisit", b""))) == []


def test_records_that_cannot_be_used_cost_themselves(tmp_path: Path):
    """Kept in part or in segments, without an address on the web, larger than is read."""
    found = items(
        tmp_path,
        answer(b"one", WARC_Truncated="length"),
        answer(b"two", WARC_Segment_Number="1"),
        answer(b"three", address="urn:view:https://example.org/"),
        answer(b"four", address="https://exa mple.org/\x1b[2J"),
        answer(bytes(33 * 2**20)),
        answer(b"last"),
    )
    assert kinds(found) == [FileMissing] * 4 + [FileTooLarge, b"last"]


def test_an_image_does_not_unpack_without_end(tmp_path: Path):
    """Sixty-four megabytes of zeros as gzip, in chunks and not, in a few kilobytes."""
    body = made.bomb(64 * 2**20)
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    records = (
        answer(body, "Content-Encoding: gzip"),
        answer(chunk, "Content-Encoding: gzip", "Transfer-Encoding: chunked"),
        answer(b"last"),
    )
    tracemalloc.start()
    try:
        assert kinds(items(tmp_path, *records)) == [FileTooLarge, FileTooLarge, b"last"]
        assert tracemalloc.get_traced_memory()[1] < 128 * 2**20  # zlib doubles its buffer
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [True, False])
def test_an_archive_that_breaks_off_yields_what_came_before(tmp_path: Path, packed: bool):
    """Cut anywhere, the first so many images and then an error: never fewer without one."""
    chance = made.chance(6)
    bodies = [chance.randbytes(3000) for _ in range(5)]
    html = record(
        "response", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"x" * 500, "https://e.org/"
    )
    records = [answer(body, address=f"https://example.org/{n}") for n, body in enumerate(bodies)] + [html]
    whole = [gzip.compress(one) if packed else one for one in records]
    ends, data = [], b""
    for one in whole:
        data += one
        ends.append(len(data))
    place = tmp_path / ("cut.warc.gz" if packed else "cut.warc")
    for length in chance.sample(range(1, len(data) - 4), 60):
        place.write_bytes(data[:length])
        found = kinds(until_the_end(place))
        read = [one for one in found if isinstance(one, bytes)]
        assert read == bodies[: len(read)]
        whole_ones = sum(end <= length for end in ends[:5])
        assert len(read) >= whole_ones
        between = length in ends or (not packed and any(end - 4 <= length <= end for end in ends))
        assert between or SourceUnreadable in found, length


def test_headers_have_an_end(tmp_path: Path):
    """A line, a record's headers and those of HTTP that go on for megabytes, and what is no header at all."""
    line = b"x" * (2 * 2**20)
    many = b"".join(b"X-%d: y\r\n" % number for number in range(200_000))
    length = str(len(OK + many + b"\r\n"))
    first = answer(b"first")
    for last in (
        b"WARC/1.0\r\n" + line + b"\r\n\r\n",
        b"WARC/1.0\r\n" + many + b"\r\n",
        line,
        b"\r\n" * (2 * 2**20),
        b"GET / HTTP/1.1\r\n\r\n",
        b"WARC/1.0\r\nWARC-Type: response\r\n\r\nno length",
        record("response", b"x", Content_Length="-5"),
        record("response", b"x", Content_Length="many"),
        record("response", b"x" * 500, Content_Length="5"),
        record("response", b"x", Content_Length="99999999999999999999"),
    ):
        found = kinds(items(tmp_path, first, last))
        assert found[0] == b"first", last[:80]
        assert found[-1] is SourceUnreadable, last[:80]
    endless = record("response", OK + many + b"\r\nbody", Content_Length=str(int(length) + 4))
    assert (
        kinds(items(tmp_path, first, endless, answer(b"last", address="https://example.org/2")))[0]
        == b"first"
    )


def test_an_archive_has_no_more_than_so_many_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What came before the last one counts."""
    monkeypatch.setattr(warc_records, "MEMBERS_MAX", 2)
    three = [answer(b"%d" % number, address=f"https://example.org/{number}") for number in range(3)]
    assert kinds(items(tmp_path, *three)) == [b"0", b"1", SourceUnreadable]


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b", b"PK\3\4", bytes(1000)])
def test_a_file_that_is_no_warc_is_an_error(tmp_path: Path, data: bytes):
    """An empty one holds nothing, and says nothing either."""
    (tmp_path / "site.warc.gz").write_bytes(data)
    assert kinds(until_the_end(tmp_path / "site.warc.gz")) == ([SourceUnreadable] if data else [])


def test_one_gzip_stream_over_all_records_is_read_too(tmp_path: Path):
    """Which the standard discourages, and people do."""
    (tmp_path / "site.warc.gz").write_bytes(gzip.compress(answer(b"one") + answer(b"two")))
    assert kinds(until_the_end(tmp_path / "site.warc.gz")) == [b"one", b"two"]


@pytest.mark.parametrize("name", ["site.warc.gz", "site.warc", "site.wacz"])
def test_no_byte_that_is_changed_brings_a_traceback(tmp_path: Path, name: str):
    """Whatever is damaged, it is images, sentences, or the end with a sentence."""
    chance, warc = made.chance(7), made.warc_bytes(ROWS[:2], packed=name != "site.warc")
    place = tmp_path / name
    if name == "site.wacz":
        made.make_wacz(place, warc, ["https://example.org/"])
    else:
        place.write_bytes(warc)
    whole = place.read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 40))):
            near_an_end = chance.choice((chance.randrange(2000), -chance.randrange(1, 2000)))
            data[chance.choice((chance.randrange(len(data)), near_an_end))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        place.write_bytes(data)
        until_the_end(place)


# --- WACZ -------------------------------------------------------------------------------------------------


def test_a_wacz_of_one_page_says_which_page_shows_its_images(tmp_path: Path):
    """Where there are several, and no request says which, nobody knows."""
    page = "https://example.org/page"
    for pages, expected in (([page], page), ([page, page], page), ([page, ADDRESS], None), ([], None)):
        place = made.make_wacz(tmp_path / "site.wacz", gzip.compress(answer(b"one")), pages)
        (item,) = open_source(place)
        assert isinstance(item, Item)
        assert (item.page_url, item.source_url) == (expected, ADDRESS)
        assert item.path.startswith("site.wacz/archive/data.warc.gz#urn:x:")
    for broken in (b"{", b"[]\n" * 9, b'{"url": 5}\n', b"\xff" * 100, b"x" * 2_000_000):
        made.make_wacz(tmp_path / "site.wacz", gzip.compress(answer(b"one")), [], pages__pages_jsonl=broken)
        with zipfile.ZipFile(tmp_path / "site.wacz", "a") as archive:
            archive.writestr("pages/other.jsonl", broken)
        assert kinds(until_the_end(tmp_path / "site.wacz")) == [b"one"]


def test_a_wacz_is_what_its_digests_say(tmp_path: Path):
    """Another WARC file is left out and reported; another list of files is refused whole."""
    warc, other = gzip.compress(answer(b"one")), gzip.compress(answer(b"two"))
    place = tmp_path / "site.wacz"
    made.make_wacz(place, warc, [], **{"archive__data.warc.gz": other})
    assert kinds(until_the_end(place)) == [FileChanged]
    made.make_wacz(place, warc, [], **{"archive__more.warc.gz": other})
    assert kinds(until_the_end(place)) == [b"one", FileChanged]
    made.make_wacz(place, warc, [], **{"datapackage.json": b'{"resources": []}'})
    with pytest.raises(SourceUnreadable, match="another datapackage"):
        open_source(place)


def test_a_wacz_without_digests_or_with_nonsense_for_them(tmp_path: Path):
    """No description: nothing to compare. One that is nonsense lists no file, and so all are left out."""
    place = tmp_path / "site.wacz"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("archive/data.warc", answer(b"one"))
        archive.writestr("archive/index.cdx", b"no records")
    assert kinds(until_the_end(place)) == [b"one"]
    for package in (
        b"",
        b"[]",
        b"{}",
        b'{"resources": 5}',
        b'{"resources": [1, {"path": 2}]}',
        b"[" * 100_000,
    ):
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("archive/data.warc", answer(b"one"))
            archive.writestr("datapackage.json", package)
        assert kinds(until_the_end(place)) == [FileChanged], package[:50]


def test_one_damaged_warc_of_a_wacz_costs_itself(tmp_path: Path):
    """The others are read."""
    place = tmp_path / "site.wacz"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("archive/1.warc.gz", gzip.compress(answer(b"one"))[:-20])
        archive.writestr("archive/2.warc.gz", b"no archive")
        archive.writestr("archive/3.warc.gz", gzip.compress(answer(b"three")))
        packed = zipfile.ZipInfo("archive/4.warc")
        archive.writestr(packed, bytes(20 * 2**20), zipfile.ZIP_DEFLATED)
    found = kinds(until_the_end(place))
    assert found[-3:] == [SourceUnreadable, b"three", SourceUnreadable]
    assert b"one" not in found


def test_without_warcio_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Everything else is read without it."""
    (tmp_path / "site.warc").write_bytes(answer(b"one"))
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    with pytest.raises(ExtraMissing, match=r"warcio.*'warc'"):
        open_source(tmp_path / "site.warc")
