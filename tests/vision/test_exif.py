"""What a photograph says of who made it and when is told; where it was made is not; nothing in it harms."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineament.core.words import is_plain
from lineament.errors import DecoderStopped
from lineament.vision import decode
from lineament.vision.decode import Decoder
from lineament.vision.exif import EXIF_NAMES, exif_texts
from lineament.vision.texts import TEXT_MAX, TEXTS_BYTES_MAX, packed, unpacked
from tests.vision.damaged import HEIF, encoded

SQUARE = Image.new("RGB", (32, 32), (200, 30, 30))
ASCII, SHORT, LONG, UTF8 = 2, 3, 4, 129
ARTIST, DESCRIPTION, EXIF_POINTER, DATE = 0x013B, 0x010E, 0x8769, 0x9003


def as_a_camera_writes() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0110] = "The square", "Maker", "Model 1"
    exif[0x013B], exif[0x8298] = "A. Photographer", "(c) The archive"
    exif.get_ifd(0x8769)[0x9003] = "2019:03:04 12:00:00"
    exif.get_ifd(0x8769)[0x9011] = "+01:00"
    exif.get_ifd(0x8769)[0x927C] = b"the maker's own secret"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 26.0)
    return exif


TOLD = {
    "ImageDescription": "The square",
    "Make": "Maker",
    "Model": "Model 1",
    "Artist": "A. Photographer",
    "Copyright": "(c) The archive",
}
DATES = {"DateTimeOriginal": "2019:03:04 12:00:00", "OffsetTimeOriginal": "+01:00"}


def block(
    first: Sequence[tuple[int, int, Any]], second: Sequence[tuple[int, int, Any]] = (), order: str = "<"
) -> bytes:
    """Return an EXIF block of two directories; a value is bytes, or a raw (count, number)."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    after = 8 + 2 + 12 * (len(first) + bool(second)) + 4
    entries = [*first, (EXIF_POINTER, LONG, (1, after))] if second else [*first]
    data = after + (2 + 12 * len(second) + 4 if second else 0)
    values = b""
    directories = b""
    for directory in (entries, second):
        if not directory:
            continue
        directories += struct.pack(order + "H", len(directory))
        for tag, kind, value in directory:
            if isinstance(value, tuple):
                directories += struct.pack(order + "HHII", tag, kind, *value)
            elif len(value) <= 4:
                directories += struct.pack(order + "HHI", tag, kind, len(value)) + value.ljust(4, b"\0")
            else:
                directories += struct.pack(order + "HHII", tag, kind, len(value), data + len(values))
                values += value
        directories += bytes(4)
    return start + struct.pack(order + "I", 8) + directories + values


def in_png(exif: bytes) -> bytes:
    """Return a PNG with this EXIF, of any length, after its pixels."""
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    whole = encoded(SQUARE, "PNG")
    return whole[:-12] + chunk + whole[-12:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "MPO"])
def test_what_a_camera_wrote_is_told(decoder: Decoder, kind: str) -> None:
    """Every format that carries EXIF, whole or smaller."""
    expected = TOLD if kind == "TIFF" else TOLD | DATES  # Pillow writes no second directory into TIFF
    more = {"save_all": True, "append_images": [SQUARE]} if kind == "MPO" else {}
    stored = encoded(SQUARE, kind, exif=as_a_camera_writes(), **more)
    assert decoder.decode(stored).exif == expected
    assert decoder.decode(stored, 8).exif == expected


def test_the_dates_of_a_tiff_and_of_a_heif_are_told(decoder: Decoder) -> None:
    """A TIFF file is one EXIF block by itself; HEIF keeps one in a box."""
    plain = encoded(SQUARE, "TIFF")
    (count,) = struct.unpack_from("<H", plain, 8)
    (last,) = struct.unpack_from("<I", plain, 10 + 12 * count)
    assert last == 0
    first = plain[10 : 10 + 12 * count] + struct.pack("<HHII", EXIF_POINTER, LONG, 1, len(plain))
    second = struct.pack("<HHHII", 1, DATE, ASCII, 20, len(plain) + 18) + bytes(4) + b"2001:02:03 04:05:06\0"
    moved = len(plain) + len(second)
    tiff = plain[:4] + struct.pack("<I", moved) + plain[8:] + second
    tiff += struct.pack("<H", count + 1) + first + bytes(4)
    assert decoder.decode(tiff).exif == {"DateTimeOriginal": "2001:02:03 04:05:06"}
    assert decoder.decode(HEIF).exif == {"Make": "maker"}


def test_formats_without_exif_say_nothing(decoder: Decoder) -> None:
    """And neither does a photograph that has none."""
    for kind in ("BMP", "GIF", "JPEG", "PNG"):
        assert decoder.decode(encoded(SQUARE, kind)).exif == {}


def test_where_a_photograph_was_taken_is_not_read(decoder: Decoder) -> None:
    """Neither GPS nor the maker's notes come out of the limited process, by any name."""
    exif = decoder.decode(encoded(SQUARE, "JPEG", exif=as_a_camera_writes())).exif
    assert exif.keys() == EXIF_NAMES
    assert not {name for name in exif if "GPS" in name or "Note" in name}
    assert "secret" not in "".join(exif.values())
    assert "51" not in "".join(exif.values())


@pytest.mark.parametrize("order", ["<", ">"])
def test_names_keep_their_letters(order: str) -> None:
    """UTF-8 as EXIF 3.0 and everybody writes it, and what Windows wrote before that."""
    name = "José Ñ €"
    assert exif_texts(block([(ARTIST, UTF8, name.encode())], order=order)) == {"Artist": name}
    assert exif_texts(block([(ARTIST, ASCII, name.encode())], order=order)) == {"Artist": name}
    assert exif_texts(block([(ARTIST, ASCII, name.encode("cp1252"))], order=order)) == {"Artist": name}
    assert exif_texts(block([(ARTIST, ASCII, b"Al\0")], order=order)) == {"Artist": "Al"}


def test_a_text_is_one_short_line(decoder: Decoder) -> None:
    """Control characters become spaces, and what is too long is cut: 500 characters, 4 KB in all."""
    long = "Öl €€ ".encode() * 20_000
    tags = (DESCRIPTION, 0x010F, 0x0110, ARTIST, 0x8298)
    exif = decoder.decode(in_png(block([(tag, ASCII, long) for tag in tags]))).exif
    assert all(len(text) <= TEXT_MAX for text in exif.values())
    assert exif["ImageDescription"].startswith("Öl €€ Öl €€ Öl")
    assert list(exif) == ["ImageDescription", "Make", "Model", "Artist"]  # a fifth is too much
    assert sum(len(text.encode()) for text in exif.values()) <= TEXTS_BYTES_MAX
    two_lines = block([(DESCRIPTION, ASCII, b"one\r\n\ttwo\x1b[31m\0three\0")])
    assert decoder.decode(in_png(two_lines)).exif == {"ImageDescription": "one two [31m three"}


MANY = struct.pack("<HHII", ARTIST, ASCII, 60_000, 8)
HOSTILE = {
    "the second directory is the first": block([(EXIF_POINTER, LONG, (1, 8)), (ARTIST, ASCII, b"A. B.")]),
    "the second directory is itself": block([], [(EXIF_POINTER, LONG, (1, 26)), (DATE, ASCII, b"2001")]),
    "a directory at the very end": b"II*\0" + struct.pack("<I", 0xFFFFFFFF),
    "a directory in the header": b"II*\0" + bytes(4),
    "65,535 entries of the same 60,000 bytes": b"II*\0\x08\0\0\0\xff\xff" + MANY * 65_535,
    "more entries than bytes": b"II*\0\x08\0\0\0\xff\xff" + MANY,
    "a text of four gigabytes": block([(ARTIST, ASCII, (0xFFFFFFFF, 8))]),
    "a text that begins after the end": block([(ARTIST, ASCII, (100, 0xFFFFFFF0))]),
    "a number where a text belongs": block([(ARTIST, SHORT, (1, 7)), (DESCRIPTION, LONG, (1, 9))]),
    "a type that does not exist": block([(ARTIST, 0xFFFF, (9, 8))]),
    "text in no encoding": block([(ARTIST, UTF8, bytes(range(128, 256)))]),
    "nothing": b"",
    "half a header": b"II*",
    "another magic": b"XX*\0" + bytes(40),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_exif_does_not_cost_the_picture(decoder: Decoder, name: str) -> None:
    """Circles, lengths without end and wrong types: the photograph is read, and what is told stays short."""
    photograph = decoder.decode(in_png(HOSTILE[name]))
    assert photograph.width == 32
    assert photograph.exif.keys() <= {"Artist", "DateTimeOriginal", "ImageDescription"}
    assert all(len(text) <= TEXT_MAX for text in photograph.exif.values())


@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_no_bytes_harm_the_reader(data: bytes, start: bytes) -> None:
    """Whatever stands there, texts come back or none."""
    assert exif_texts(start + data).keys() <= EXIF_NAMES


@given(st.dictionaries(st.sampled_from(sorted(EXIF_NAMES)), st.text(max_size=1200)))
def test_texts_come_back_as_they_were_packed(texts: dict[str, str]) -> None:
    """Tidy, short and whole: packing what was unpacked changes nothing any more."""
    back = unpacked(packed(texts), EXIF_NAMES)
    assert packed(back) == packed(texts)
    assert all(is_plain(text) and 0 < len(text) <= TEXT_MAX for text in back.values())


BAD = [
    b"\xff\xff",
    struct.pack(">H", TEXTS_BYTES_MAX + 1) + b"x" * (TEXTS_BYTES_MAX + 1),
    *(
        struct.pack(">H", len(text)) + text
        for text in (
            b"GPSLatitude\t51\n",
            b"Artist\tA\nArtist\tB\n",
            b"Artist\t\n",
            b"Artist\tno end",
            b"Artist\tA\tB\n",
            b"Artist\n",
            b"Artist\t\xff\n",
            b"Artist\tred\x1b[31m\n",
            b"Artist\t" + b"x" * 501 + b"\n",
            b"Artist\ttwo  spaces\n",
        )
    ),
]


@pytest.mark.parametrize("answer", BAD)
def test_a_worker_that_tells_nonsense_is_not_believed(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Texts from a process that a file has taken over are checked like its pixels."""
    reply = struct.pack(">BBIIII", 0, 0, 1, 1, 1, 1) + answer + bytes(3)
    program = (
        "import sys; sys.stdout.buffer.write(b'R'); sys.stdout.flush(); sys.stdin.buffer.read(9); "
        f"sys.stdout.buffer.write({reply!r}); sys.stdout.flush()"
    )
    monkeypatch.setattr(decode, "_COMMAND", (sys.executable, "-I", "-c", program))
    with closing(Decoder(workers=1)) as decoder, pytest.raises(DecoderStopped):
        decoder.decode(encoded(SQUARE, "JPEG"))
