"""EXIF's texts that say whose a photograph is and when it was made (EXIF 3.0, CIPA DC-008).

Only these few are read. Where a photograph was taken (GPS) and a maker's own notes say more of the people in
it than provenance needs: they are not read at all, so that nothing can store them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from lineament.vision.texts import TEXT_MAX

_EXIF_POINTER = 0x8769
_TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x013B: "Artist",
    0x8298: "Copyright",
    0x9003: "DateTimeOriginal",
    0x9011: "OffsetTimeOriginal",
}
EXIF_NAMES = frozenset(_TAGS.values())

_ASCII, _LONG, _UTF8 = 2, 4, 129
_ENTRIES_MAX = 512  # of one directory; cameras write some dozens
_BYTES_MAX = 4 * TEXT_MAX  # of one text


def exif_block(data: bytes, info: Mapping[Any, Any]) -> bytes:
    """Return the EXIF of an image that Pillow has loaded: a small TIFF file. A TIFF file is its own."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return data
    block = info.get("exif") or b""
    if not block and "Raw profile type exif" in info:  # how ImageMagick kept it in PNG
        block = bytes.fromhex("".join(str(info["Raw profile type exif"]).split("\n")[3:]))
    return bytes(block).removeprefix(b"Exif\0\0")


def exif_texts(block: bytes) -> dict[str, str]:
    """Return the texts above that a block holds, by their EXIF names; {} where it makes no sense.

    Two directories are read, each once, whatever they point at.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return {}
    texts: dict[str, str] = {}
    (first,) = struct.unpack_from(order + "I", block.ljust(8, b"\0"), 4)
    second = 0
    for tag, kind, count, place in _entries(block, first, order):
        if tag == _EXIF_POINTER and kind == _LONG:
            (second,) = struct.unpack_from(order + "I", block, place)
        elif tag in _TAGS and tag < _EXIF_POINTER:
            texts.setdefault(_TAGS[tag], _text(block, kind, count, place, order))
    for tag, kind, count, place in _entries(block, second, order) if second else ():
        if tag in _TAGS and tag > _EXIF_POINTER:
            texts.setdefault(_TAGS[tag], _text(block, kind, count, place, order))
    return {name: text for name, text in texts.items() if text}


def _entries(block: bytes, start: int, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, type, count, and where the four bytes of its value or offset are, of one directory."""
    if start + 2 > len(block):
        return
    (count,) = struct.unpack_from(order + "H", block, start)
    for place in range(start + 2, start + 2 + 12 * min(count, _ENTRIES_MAX), 12):
        if place + 12 > len(block):
            return
        tag, kind, values = struct.unpack_from(order + "HHI", block, place)
        yield tag, kind, values, place + 8


def _text(block: bytes, kind: int, count: int, place: int, order: str) -> str:
    if kind not in (_ASCII, _UTF8):
        return ""
    if count > 4:
        (place,) = struct.unpack_from(order + "I", block, place)
    raw = block[place : place + min(count, _BYTES_MAX)].rstrip(b"\0 ")
    try:
        return raw.decode()
    except UnicodeDecodeError:  # cut in the middle of a character, or what Windows wrote before UTF-8
        return raw.decode("utf-8" if kind == _UTF8 or count > _BYTES_MAX else "cp1252", "replace")
