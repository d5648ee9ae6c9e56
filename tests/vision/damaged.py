"""Photographs in every format that is read, and seeded damage to them: the tests' supply of hostile files."""

from __future__ import annotations

import io
import random
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from tests.samples import OBAMA

# Nothing that is installed here writes HEIF: pillow-heif 1.8 made this one, turned, with EXIF and a profile.
HEIF = Path(__file__).with_name("portrait.heic").read_bytes()

EXTREMES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the file that Pillow writes of an image."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def photographs() -> dict[str, list[bytes]]:
    """Return small whole files of one portrait: by format, in the ways that each can hold it."""
    with Image.open(OBAMA) as whole:
        image = whole.convert("RGB").resize((96, 120))
    image.info.clear()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    meta = {"exif": exif, "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    see_through = image.copy()
    see_through.putalpha(image.convert("L"))
    two = {"save_all": True, "append_images": [image.rotate(180)]}
    return {
        "JPEG": [
            encoded(image, "JPEG", **meta),
            encoded(image, "JPEG", progressive=True),
            encoded(image.convert("CMYK"), "JPEG", restart_marker_blocks=4),
            encoded(image, "MPO", **two),
        ],
        "PNG": [
            encoded(image, "PNG", **meta),
            encoded(see_through, "PNG", **two),
            encoded(image.convert("P"), "PNG", transparency=3),
            encoded(image.convert("I;16"), "PNG"),
        ],
        "WEBP": [
            encoded(image, "WEBP", **meta),
            encoded(see_through, "WEBP", lossless=True),
            encoded(image, "WEBP", **two),
        ],
        "AVIF": [encoded(image, "AVIF", speed=10, **meta), encoded(image, "AVIF", speed=10, **two)],
        "HEIF": [HEIF],
        "TIFF": [
            encoded(image, "TIFF", compression=packing, **meta)
            for packing in (
                None,
                "tiff_lzw",
                "tiff_adobe_deflate",
                "jpeg",
                "packbits",
                "zstd",
                "lzma",
            )
        ]
        + [encoded(image.convert("1"), "TIFF", compression="group4")],
        "BMP": [encoded(image, "BMP"), encoded(image.convert("P"), "BMP"), encoded(see_through, "BMP")],
        "GIF": [encoded(image, "GIF"), encoded(image, "GIF", **two)],
    }


def damaged(wholes: dict[str, list[bytes]], number: int) -> tuple[str, bytes]:
    """Return the number-th damaged file, and the format it began as: always the same ones."""
    chance = random.Random(number)  # noqa: S311 - seeded on purpose
    kind = list(wholes)[number % len(wholes)]
    whole = chance.choice(wholes[kind])
    if chance.random() < 0.1:
        data = _spliced(whole, chance.choice(chance.choice(list(wholes.values()))), chance)
    else:
        data = chance.choice(WAYS)(whole, chance)
    if data.startswith(b"\x89PNG") and chance.random() < 0.7:
        data = _with_right_checksums(data)
    return kind, data


def _spliced(one: bytes, other: bytes, chance: random.Random) -> bytes:
    return one[: chance.randrange(12, len(one))] + other[chance.randrange(len(other)) :]


def _bits(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(chance.choice((1, 3, 20, 200))):
        data[chance.randrange(8, len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _header_bytes(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(chance.choice((1, 3, 20))):
        data[chance.randrange(8, min(len(data), 400))] = chance.randrange(256)
    return bytes(data)


def _broken_off(whole: bytes, chance: random.Random) -> bytes:
    return whole[: chance.randrange(8, len(whole))]


def _hole(whole: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(8, len(whole))
    return whole[:start] + whole[start + chance.randrange(1, 64) :]


def _extreme_number(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    _overwrite(data, chance.randrange(4, min(len(data), 1024)), chance)
    return bytes(data)


def _extreme_field(whole: bytes, chance: random.Random) -> bytes:
    """Change the size of the picture, or numbers in EXIF, the profile, and what describes the other data."""
    data = bytearray(whole)
    sizes, reach = chance.choice(((True, 1), (False, 160)))
    places = [found.end() for found in (SIZES if sizes else TABLES).finditer(whole)]
    for _ in range(chance.choice((1, 2, 4))):
        place = chance.choice(places or [8])
        _overwrite(data, place + chance.randrange(reach) + chance.choice((0, 2, 4)), chance)
    return bytes(data)


def _pieces_moved(whole: bytes, chance: random.Random) -> bytes:
    """Double, drop or exchange segments, chunks or boxes."""
    parts = _pieces(whole)
    for _ in range(chance.choice((1, 2, 5))):
        one, other = chance.randrange(len(parts)), chance.randrange(len(parts))
        times = chance.choice((0, 1, 1, 2, 50))
        parts[one], parts[other] = parts[other], parts[one] * times
    return b"".join(parts)


WAYS = (
    _bits,
    _header_bytes,
    _broken_off,
    _hole,
    _extreme_number,
    _extreme_field,
    _extreme_field,
    _pieces_moved,
)

# What stands before a picture's size in each format, and before the tables that say where the rest is.
SIZES = re.compile(
    rb"\xff[\xc0\xc2]...|IHDR|VP8X....|\x9d\x01\x2a|ispe....|[\0\x01][\0\x01]\x03\0\x01\0\0\0|BM.{16}|GIF8[79]a",
    re.DOTALL,
)
TABLES = re.compile(
    rb"Exif\0\0|II\*\0|MM\0\*|acsp|ICC_PROFILE|colr|clap|irot|iloc|iinf|ipma|hvcC|av1C|ANIM|ANMF|fcTL|\x21\xf9"
)


def _overwrite(data: bytearray, place: int, chance: random.Random) -> None:
    size = chance.choice((1, 2, 4))
    value = (chance.choice(EXTREMES) + chance.randrange(-1, 2)) % (1 << 8 * size)
    data[place : place + size] = value.to_bytes(size, chance.choice(("big", "little")))


def _pieces(data: bytes) -> list[bytes]:
    """Cut a file where its own format does: segments, chunks or boxes; else in equal parts."""
    if data.startswith(b"\xff\xd8"):
        return re.split(rb"(?=\xff[^\x00\xd0-\xd7\xff])", data)
    if data.startswith(b"\x89PNG"):
        return _cut(data, 8, lambda at: 12 + struct.unpack_from(">I", data, at)[0])
    if data.startswith(b"RIFF"):
        return _cut(data, 12, lambda at: 8 + (struct.unpack_from("<I", data, at + 4)[0] + 1) // 2 * 2)
    if data[4:8] == b"ftyp":
        return _cut(data, 0, lambda at: struct.unpack_from(">I", data, at)[0])
    step = len(data) // 16 + 1
    return [data[at : at + step] for at in range(0, len(data), step)]


def _cut(data: bytes, at: int, length: Callable[[int], int]) -> list[bytes]:
    found = [data[:at]]
    while at + 8 <= len(data):
        size = max(8, length(at))
        found.append(data[at : at + size])
        at += size
    return found


def _with_right_checksums(data: bytes) -> bytes:
    """Let a PNG's damage pass its first check."""
    start, *chunks = _pieces(data)
    return start + b"".join(
        chunk[:-4] + struct.pack(">I", zlib.crc32(chunk[4:-4])) if len(chunk) >= 12 else chunk
        for chunk in chunks
    )
