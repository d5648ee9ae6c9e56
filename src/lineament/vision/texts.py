"""Short texts that a limited process says of a file: written there, read here as untrusted bytes."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping

from lineament.core.words import is_plain

LENGTH = struct.Struct(">H")  # of the packed texts, before them
SIZE = struct.Struct(">I")  # of a file, before it
TEXT_MAX = 500  # characters of one text
TEXTS_BYTES_MAX = 4096


def packed(texts: Mapping[str, str]) -> bytes:
    """Return one line a text, its name before a tab, in UTF-8; what does not fit any more is left out.

    Control characters become spaces, runs of space one space, and a long text is cut.
    """
    lines = b""
    for name, said in texts.items():
        text = _tidy(said)
        line = f"{name}\t{text}\n".encode()
        if text and len(lines) + len(line) <= TEXTS_BYTES_MAX:
            lines += line
    return lines


def unpacked(data: bytes, names: Collection[str]) -> dict[str, str]:
    """Return the texts that ``packed`` wrote, of which no name is unknown.

    Raises ValueError for bytes that it never writes.
    """
    if len(data) > TEXTS_BYTES_MAX:
        raise ValueError("more bytes than texts have")
    texts: dict[str, str] = {}
    for line in data.decode().split("\n")[:-1]:
        name, text = line.split("\t")
        if name not in names or name in texts or not 0 < len(text) <= TEXT_MAX or not is_plain(text):
            raise ValueError("not a text of this kind")
        texts[name] = text
    if packed(texts) != data:
        raise ValueError("not written as texts are")
    return texts


def _tidy(text: str) -> str:
    shown = "".join(character if is_plain(character) else " " for character in text[: 8 * TEXT_MAX])
    return " ".join(shown.split())[:TEXT_MAX].strip()
