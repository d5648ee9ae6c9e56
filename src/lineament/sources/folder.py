"""A folder of photographs, with or without a manifest that says where each one comes from."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import zip_longest
from pathlib import Path

from lineament.core.words import is_plain, is_web_address, plain
from lineament.errors import BadRow, FileMissing, SourceUnreadable
from lineament.sources.files import read_file
from lineament.sources.protocol import Item, Source, Unreadable

MANIFEST = "manifest.csv"
MANIFEST_BYTES_MAX = 256 * 1024 * 1024
_TEXT_MAX = 4_000  # characters in one cell
_NAME_MAX = 100  # characters in one column name
_COLUMNS = ("path", "source_url", "page_url", "caption", "credit")


def open_source(place: Path) -> Source:
    """Open a manifest file, a folder that holds one, or a folder of photographs.

    Raises SourceUnreadable when there is nothing at ``place`` or its manifest is none.
    """
    try:
        if place.is_file():
            return ManifestSource(place)
        if (place / MANIFEST).is_file():
            return ManifestSource(place / MANIFEST)
        if place.is_dir():
            return FolderSource(place)
    except OSError as error:
        raise SourceUnreadable(f"{plain(str(place))} cannot be read: {error.strerror}.") from error
    raise SourceUnreadable(f"There is no file or folder at {plain(str(place))}.")


class FolderSource:
    """Every file below a folder, hidden ones left out, in the order of their paths. No source links."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closed: list[Path] = []  # folders that cannot be read
        self._paths: list[Path] = []
        for parent, folders, names in os.walk(folder, onerror=self._skip):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            self._paths += [Path(parent, name) for name in names if not name.startswith(".")]
        self._paths.sort()

    @property
    def size(self) -> int:
        return len(self._paths) + len(self._closed)

    def __iter__(self) -> Iterator[Item | Unreadable]:
        for path in self._closed:
            yield Unreadable(plain(str(path)), FileMissing("This folder cannot be read."))
        root = self._folder.resolve()
        for path in self._paths:
            name = path.relative_to(self._folder).as_posix()
            if not is_plain(name):
                yield Unreadable(plain(name), FileMissing("The file's name is not plain text; rename it."))
            elif not _inside(path, root):
                yield Unreadable(name, FileMissing(f"'{name}' is a link that leads out of the folder."))
            else:
                yield Item(path=name, read=partial(read_file, path, name))

    def _skip(self, error: OSError) -> None:
        self._closed.append(Path(error.filename))


class ManifestSource:
    """A CSV file with a header: path and source_url, and where known page_url, caption and credit.

    Paths are relative to the manifest's folder and stay inside it. Other columns are kept as they are.
    """

    def __init__(self, manifest: Path) -> None:
        self._folder = manifest.resolve().parent
        self._header, self._rows = _rows(manifest)

    @property
    def size(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Item | Unreadable]:
        for number, cells in self._rows:
            row = dict(zip_longest(self._header, cells[: len(self._header)], fillvalue=""))
            try:
                if len(cells) > len(self._header):
                    raise BadRow("it has more cells than the header; quote cells that hold a comma.")
                yield self._item(row)
            except (BadRow, FileMissing) as error:
                name = plain(row["path"]) or f"row {number}"
                yield Unreadable(name, type(error)(f"Row {number}: {error}"))

    def _item(self, row: Mapping[str, str]) -> Item:
        _check_row(row)
        name = row["path"]
        path = self._folder / name
        if not _inside(path, self._folder):
            raise BadRow(f"the path '{name}' leads out of the manifest's folder.")
        try:
            there = path.is_file()
        except OSError:  # such as a name that is too long
            there = False
        if not there:
            raise FileMissing(f"the file '{name}' is not there.")
        known = {column: row.get(column) or None for column in _COLUMNS if column != "path"}
        extra = {column: value for column, value in row.items() if column not in _COLUMNS and value}
        return Item(path=name, read=partial(read_file, path, name), extra=extra, **known)


def _inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # links that lead in a circle
        return False


def _rows(manifest: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read the manifest; return its header, and its rows with their numbers as a spreadsheet counts them."""
    try:
        if manifest.stat().st_size > MANIFEST_BYTES_MAX:
            raise SourceUnreadable(f"{manifest.name} is larger than 256 MB; split it.")
        text = manifest.read_bytes().decode("utf-8-sig", errors="surrogateescape")
        reader = csv.reader(io.StringIO(text, newline=""))
        header = next(reader, [])
        rows = [(number, _lines(cells)) for number, cells in enumerate(reader, start=2) if cells]
    except (OSError, csv.Error) as error:
        raise SourceUnreadable(f"{manifest.name} cannot be read as CSV: {error}.") from error
    for column in ("path", "source_url"):
        if column not in header:
            hint = "; separate the columns by commas" if ";" in "".join(header) else ""
            raise SourceUnreadable(f"{manifest.name} has no column '{column}'{hint}.")
    if len(set(header)) < len(header):
        raise SourceUnreadable(f"{manifest.name} names a column twice.")
    if not all(is_plain(column) and len(column) <= _NAME_MAX for column in header):
        raise SourceUnreadable(f"The column names of {manifest.name} are not plain text in UTF-8.")
    return header, rows


def _lines(cells: list[str]) -> list[str]:
    """Return each cell on one line."""
    return [" ".join(cell.split()) for cell in cells]


def _check_row(row: Mapping[str, str]) -> None:
    for column, value in row.items():
        if len(value) > _TEXT_MAX:
            raise BadRow(f"'{column}' is longer than {_TEXT_MAX:,} characters.")
        if not is_plain(value):
            raise BadRow(f"'{column}' is not plain text in UTF-8; save the manifest as UTF-8.")
    for column in ("path", "source_url"):
        if not row[column]:
            raise BadRow(f"'{column}' is empty.")
    for column in ("source_url", "page_url"):
        if row.get(column) and not is_web_address(row[column]):
            raise BadRow(f"'{column}' is not a web address that starts with https:// or http://.")
