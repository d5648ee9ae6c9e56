"""Parquet files, through a process of its own: the library that reads them may fall over a hostile one.

What comes from it are lines of JSON; of the file itself nothing is parsed here.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Generator
from typing import IO, Any, cast

from lineament.core.words import plain
from lineament.errors import SourceUnreadable
from lineament.sources.extras import require_extra

_LINE_BYTES_MAX = 10 * 1024 * 1024  # 200 cells of 4,001 characters, each of which JSON may write in 12 bytes
_COPY_BYTES_MAX = 64 * 1024 * 1024  # of a file in an archive
# Isolated (-I): the worker imports nothing from the user's paths. It is not imported here: it needs an extra.
_COMMAND = (sys.executable, "-I", "-m", "lineament.sources.parquet_worker")
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}


def parquet_lines(file: IO[bytes], name: str) -> Generator[dict[str, Any], None, None]:
    """Yield ``{"columns": [...], "rows": n}``, and then each row: JSON values by column.

    Raises ExtraMissing; SourceUnreadable where the file is damaged or asks for too much.
    """
    require_extra("parquet", "pyarrow")
    descriptor = _descriptor(file, name)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            _COMMAND,
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            process_group=0,  # an interrupt from the keyboard is for the parent
        )
    finally:
        os.close(descriptor)
    lines = cast(IO[bytes], process.stdout)
    try:
        while (line := lines.readline(_LINE_BYTES_MAX)).endswith(b"\n"):
            said = json.loads(line)
            if isinstance(said, str):
                raise SourceUnreadable(f"{name} {plain(said)}")
            yield said
        if line or process.wait():  # while there is more to be read, it would wait for us
            raise SourceUnreadable(f"{name} is damaged, or asks for more memory or time than it may have.")
    finally:
        process.kill()
        process.wait()
        lines.close()


def _descriptor(file: IO[bytes], name: str) -> int:
    """Return a file of the operating system's, to be closed, in which one can go back and forth."""
    try:
        return os.dup(file.fileno())
    except io.UnsupportedOperation:
        pass
    data = file.read(_COPY_BYTES_MAX + 1)
    if len(data) > _COPY_BYTES_MAX:
        raise SourceUnreadable(f"{name} has more than 64 MB; put it beside the archive.")
    descriptor = os.memfd_create("manifest")
    with open(descriptor, "r+b", closefd=False) as copy:
        copy.write(data)
        copy.seek(0)
    return descriptor
