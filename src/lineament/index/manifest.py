"""The file that says which segments count: JSON, sealed and written whole, and renamed into place."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lineament.index.codes import Codes
from lineament.index.sealed import Damaged, seal, unseal
from lineament.index.segment import Segment, open_segment, sync

FORMAT = 2
_NAME = "manifest"


@dataclass(frozen=True)
class Kept:
    """What is on disk: ``revision`` is the one up to which the segments hold everything."""

    segments: tuple[Segment, ...]
    revision: int


def write_manifest(
    folder: Path, contract: str, key: bytes, codes: type[Codes], segments: Sequence[Segment], revision: int
) -> None:
    """Make these segments count, and no others, also after a crash."""
    text = json.dumps(
        {
            "format": FORMAT,
            "contract": contract,
            "codes": codes.library,
            "revision": revision,
            "segments": [[one.folder.name, one.gone.tolist()] for one in segments],
        }
    )
    draft = folder / "draft-manifest"
    with draft.open("wb") as file:
        file.write(seal(key, text.encode(), _NAME))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / _NAME)
    sync(folder)


def read_manifest(folder: Path, contract: str, key: bytes, codes: type[Codes]) -> Kept:
    """Open the segments that count. Those of another contract, library or format are as good as none.

    Raises Damaged.
    """
    file = folder / _NAME
    if not file.exists():
        return Kept((), 0)
    read = file.read_bytes()
    while True:
        try:
            return _opened(folder, read, contract, key, codes)
        except Damaged:
            before, read = read, file.read_bytes()
            if read == before:  # or else another process has just deleted what this one was about to open
                raise


def _opened(folder: Path, read: bytes, contract: str, key: bytes, codes: type[Codes]) -> Kept:
    manifest = json.loads(unseal(key, read, _NAME))
    if [manifest.get(name) for name in ("format", "contract", "codes")] != [FORMAT, contract, codes.library]:
        return Kept((), 0)
    opened = [
        open_segment(folder / name, key, codes).without(np.array(gone, np.int64))
        for name, gone in manifest["segments"]
    ]
    return Kept(tuple(opened), manifest["revision"])
