"""The rows of a protocol's CSV files, each checked; what is wrong is named by its row."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath

from lineament.core.words import is_plain, plain
from lineament.errors import ProtocolInvalid

ROWS_MAX = 5_000_000
BYTES_MAX = 2**30  # of one CSV file
CELL_MAX = 1_000  # characters
LABELS_MAX = 20  # columns


def header_of(source: Path) -> list[str]:
    """Return the names of a file's columns. Raises ProtocolInvalid for what is no ordinary file."""
    check_file(source)
    with source.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader([file.readline(CELL_MAX * LABELS_MAX)]), [])


def rows_of(
    source: Path, needed: set[str], own: set[str]
) -> Iterator[tuple[int, dict[str, str], dict[str, str]]]:
    """Yield each row's number as a spreadsheet counts, its own cells, and its labels."""
    name = plain(source.name)
    check_file(source)
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            _check_header(name, header, needed, own)
            for number, cells in enumerate(reader, start=2):
                if not cells:
                    continue
                if number > ROWS_MAX:
                    raise ProtocolInvalid(f"'{name}' has more than {ROWS_MAX:,} rows.")
                if len(cells) != len(header):
                    raise ProtocolInvalid(f"Row {number} of '{name}' has not as many cells as the header.")
                if any(len(cell) > CELL_MAX or not is_plain(cell) for cell in cells):
                    raise ProtocolInvalid(
                        f"Row {number} of '{name}' has a cell that is no plain text of at most {CELL_MAX:,} "
                        "characters."
                    )
                row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
                yield number, row, {column: row[column] for column in header if column not in own}
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProtocolInvalid(f"'{name}' is no CSV file in UTF-8.") from error


def check_file(source: Path) -> None:
    """Raise ProtocolInvalid for what is no ordinary file of a bounded size."""
    name = plain(source.name)
    if not source.is_file():
        raise ProtocolInvalid(f"'{name}' is not there, or is no ordinary file.")
    if source.stat().st_size > BYTES_MAX:
        raise ProtocolInvalid(f"'{name}' has more than the {BYTES_MAX:,} bytes that are read of one file.")


def _check_header(name: str, header: Sequence[str], needed: set[str], own: set[str]) -> None:
    for column in sorted(needed - set(header)):
        raise ProtocolInvalid(f"'{name}' has no column '{column}'.")
    if len(set(header)) < len(header):
        raise ProtocolInvalid(f"'{name}' names a column twice.")
    if len(set(header) - own) > LABELS_MAX:
        raise ProtocolInvalid(f"'{name}' has more than {LABELS_MAX} columns of labels.")
    if not all(is_plain(column) and 0 < len(column) <= 100 for column in header):
        raise ProtocolInvalid(f"'{name}' has a column whose name is empty, too long or no plain text.")


def place_of(number: int, path: str) -> str:
    """Return a place below the root. Raises ProtocolInvalid for one that is not."""
    place = PurePosixPath(path)
    if not path or place.is_absolute() or ".." in place.parts:
        raise ProtocolInvalid(f"Row {number}: '{path}' is no place of a photograph below the root.")
    return place.as_posix()


def folder_of(path: str) -> str:
    """Return the folder of a photograph, which is its person; one that is in none is a person of its own."""
    folder = PurePosixPath(path).parent.as_posix()
    return path if folder == "." else folder


def filled(number: int, row: Mapping[str, str], column: str) -> str:
    """Return a cell. Raises ProtocolInvalid where it is empty."""
    if not row[column]:
        raise ProtocolInvalid(f"Row {number}: '{column}' is empty.")
    return row[column]


def flag_of(number: int, row: Mapping[str, str], column: str) -> bool:
    """Return whether a cell says yes: 1 or true. Raises ProtocolInvalid unless it says yes or no."""
    value = row[column].lower()
    if value not in {"0", "1", "false", "true"}:
        raise ProtocolInvalid(f"Row {number}: '{column}' is neither 1 nor 0.")
    return value in {"1", "true"}


def fold_of(number: int, value: str | None) -> int | None:
    """Return the number of a fold, or None without one. Raises ProtocolInvalid for anything else."""
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise ProtocolInvalid(f"Row {number}: 'fold' is no whole number.")
    return int(value)


def score_of(number: int, value: str) -> float:
    """Return a score; minus infinity for an empty cell. Raises ProtocolInvalid for what is no number."""
    if not value:
        return -math.inf
    try:
        score = float(value)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise ProtocolInvalid(f"Row {number}: 'score' is no number.")
    return score


def digest_of(files: Sequence[Path]) -> str:
    """Return ``sha256:`` and the digest over those of files, in this order."""
    made = sha256()
    for file in files:
        with file.open("rb") as opened:
            made.update(file_digest(opened, "sha256").digest())
    return "sha256:" + made.hexdigest()
