"""Read one file that somebody named: an ordinary file of a bounded size, and nothing that never ends."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lineament.core.words import plain
from lineament.errors import FileMissing, FileTooLarge
from lineament.limits import PHOTOGRAPH_BYTES_MAX, PHOTOGRAPH_MB_MAX

FILE_BYTES_MAX = PHOTOGRAPH_BYTES_MAX


def read_file(path: Path, name: str | None = None) -> bytes:
    """Return a file's bytes. Raises FileMissing or FileTooLarge; ``name`` is what the sentence calls it.

    A pipe or device is refused without waiting for it.
    """
    shown = plain(name or str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileMissing(f"'{shown}' is not an ordinary file.")
            data = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise FileMissing(f"'{shown}' cannot be read: {why}.") from error
    if len(data) > FILE_BYTES_MAX:
        raise FileTooLarge(f"'{shown}' has more than the {PHOTOGRAPH_MB_MAX} MB that are read from one file.")
    return data


def is_inside(path: Path, folder: Path) -> bool:
    """Say whether a path, once its links are followed, lies in a folder, which is given resolved."""
    try:
        return path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # links that lead in a circle
        return False
