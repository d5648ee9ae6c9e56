"""The file that says which segments count: written whole, renamed into place, and checked before it is read.

Two lines: a JSON object, and its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lineament.index.codes import Codes
from lineament.index.segment import Damaged, Segment, open_segment, sync

FORMAT = 1
_NAME = "manifest.json"


@dataclass(frozen=True)
class Kept:
    """What is on disk: ``revision`` is the one up to which the segments hold everything."""

    segments: tuple[Segment, ...]
    revision: int


def write_manifest(
    folder: Path, contract: str, codes: type[Codes], segments: Sequence[Segment], revision: int
) -> None:
    """Make these segments count, and no others, also after a crash."""
    text = json.dumps(
        {
            "format": FORMAT,
            "contract": contract,
            "codes": codes.library,
            "revision": revision,
            "segments": [[one.folder.name, one.digest, one.gone.tolist()] for one in segments],
        }
    )
    draft = folder / "draft-manifest"
    with draft.open("w") as file:
        file.write(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / _NAME)
    sync(folder)


def read_manifest(folder: Path, contract: str, codes: type[Codes]) -> Kept:
    """Open the segments that count. Those of another contract, library or format are as good as none.

    Raises Damaged.
    """
    file = folder / _NAME
    if not file.exists():
        return Kept((), 0)
    read = file.read_bytes()
    while True:
        try:
            return _opened(folder, read, contract, codes)
        except Damaged:
            before, read = read, file.read_bytes()
            if read == before:  # or else another process has just deleted what this one was about to open
                raise


def _opened(folder: Path, read: bytes, contract: str, codes: type[Codes]) -> Kept:
    lines = read.split(b"\n")
    if len(lines) != 3 or hashlib.sha256(lines[0]).hexdigest().encode() != lines[1]:
        raise Damaged(f"{_NAME} is not what was written.")
    manifest = json.loads(lines[0])
    if [manifest.get(name) for name in ("format", "contract", "codes")] != [FORMAT, contract, codes.library]:
        return Kept((), 0)
    opened = [
        open_segment(folder / name, digest, codes).without(np.array(gone, np.int64))
        for name, digest, gone in manifest["segments"]
    ]
    return Kept(tuple(opened), manifest["revision"])
