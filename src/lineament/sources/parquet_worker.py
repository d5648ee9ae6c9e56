"""The limited process that reads a Parquet file: from its standard input, as lines of JSON to its output.

The first line says the columns and the number of rows; a line that is a string says why there are no more.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from datetime import date, datetime, time
from typing import Any

import pyarrow
import pyarrow.parquet

MEMORY_BYTES = 2_000_000_000  # of address space; a row group of 256 MB needs half of it
GROUP_BYTES_MAX = 256 * 1024 * 1024  # unpacked
CPU_SECONDS = 3600  # millions of rows
TEXT_MAX = 4_001  # characters: one more than may be in a cell, so that it is seen
_ROWS = 256  # at once


def main() -> None:
    """Limit this process, then write every row."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),  # names of time zones are looked up in files
    ):
        resource.setrlimit(limit, (value, value))
    try:
        _write_rows()
    except (MemoryError, pyarrow.ArrowCapacityError):
        _say("asks for more memory than it may have; write it anew with smaller row groups.")
    except (pyarrow.ArrowException, OSError, ValueError, EOFError, RecursionError):
        _say("is no Parquet file, or is damaged.")


def _write_rows() -> None:
    file = pyarrow.parquet.ParquetFile(sys.stdin.buffer, pre_buffer=False)
    groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
    if any(group.total_byte_size > GROUP_BYTES_MAX for group in groups):
        _say("has a row group of more than 256 MB; write it anew with smaller ones.")
        return
    _say({"columns": file.schema_arrow.names, "rows": file.metadata.num_rows})
    for batch in file.iter_batches(_ROWS, use_threads=False):
        for row in batch.to_pylist():
            _say({column: _value(value) for column, value in row.items()})


def _value(value: Any) -> Any:
    """Return a cell as a JSON value that is not too long."""
    if isinstance(value, float) and math.isnan(value):
        return None  # how pandas writes what is missing
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return value[:TEXT_MAX].decode("utf-8", "surrogateescape")
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        value = json.dumps(value, default=str, ensure_ascii=False)
    return str(value)[:TEXT_MAX]


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    main()
