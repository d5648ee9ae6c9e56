"""Manifests: lists of photographs with what is known of each, as CSV, as lines of JSON or as Parquet.

However it is written, a row names the place of one file and the address that it comes from. Rows are read one
by one: a manifest of millions is never in memory.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from io import TextIOWrapper
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import IO, Any

from lineament.core.words import is_plain, is_web_address, plain
from lineament.errors import BadRow, FileChanged, FileMissing, SourceError, SourceUnreadable
from lineament.sources.files import is_inside, read_file
from lineament.sources.parquet import parquet_lines
from lineament.sources.protocol import Item, Unreadable
from lineament.sources.unpacked import DAMAGE

NAMES = ("manifest.csv", "manifest.jsonl", "manifest.parquet")
SAID = ("source_url", "page_url", "caption", "date", "credit", "licence")
COLUMNS = ("path", "key", "sha256", *SAID)
EXTRA = "extra."  # before a column's name: what comes after it names no field but only what is kept beside
LINE_MAX = 1_000_000  # characters
TEXT_MAX = 4_000  # characters in one cell
_NAME_MAX = 100  # characters in one column name
_COLUMNS_MAX = 200
_BUCKETS = ("s3://", "gs://", "az://")
_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Read = Callable[[], bytes]
_Cells = Mapping[str, str | None]  # by column; None only where a row says itself that there is none
_Rows = Iterator[tuple[int, _Cells, BadRow | None]]  # with their numbers, and what is wrong with them


@dataclass(frozen=True)
class Row:
    """One row that can be used. ``place`` is where the bytes lie; ``name`` what that is called elsewhere."""

    number: int
    place: str
    name: str | None
    sha256: str | None
    said: _Cells
    extra: Mapping[str, str]

    def item(self, path: str, read: Read) -> Item:
        """Return the row's photograph; ``path`` is its place in the source unless the row names another."""
        return Item(
            path=self.name or path,
            read=partial(_checked, read, self.sha256, self.place) if self.sha256 else read,
            source_url=self.said.get("source_url"),
            page_url=self.said.get("page_url"),
            caption=self.said.get("caption"),
            date=self.said.get("date"),
            credit=self.said.get("credit"),
            licence=self.said.get("licence"),
            extra=self.extra,
            version=f"sha256:{self.sha256}" if self.sha256 else None,
        )

    def unreadable(self, error: SourceError) -> Unreadable:
        """Return what is reported where the row's file cannot be read."""
        return Unreadable(self.name or self.place, type(error)(f"Row {self.number}: {error}"))


class Manifest:
    """The rows of a manifest, each time anew. ``name`` is what the sentences call it.

    Raises SourceUnreadable for what is no manifest, and half-way where it breaks off.
    """

    def __init__(self, name: str, open_file: Callable[[], IO[bytes]]) -> None:
        self._name = plain(PurePath(name).name)
        self._open = open_file
        self._read, self._count = _KINDS[name.lower().rpartition(".")[2]]
        with closing(self.rows()) as rows:
            next(rows, None)

    @cached_property
    def size(self) -> int | None:
        """How many rows there are; None where that cannot be counted."""
        try:
            with self._opened() as file:
                return self._count(file, self._name)
        except (SourceUnreadable, *_BROKEN):
            return None

    def rows(self) -> Generator[Row | Unreadable, None, None]:
        """Yield every row, or why it cannot be used."""
        try:
            with self._opened() as file:
                for number, cells, problem in self._read(file, self._name):
                    try:
                        if problem:
                            raise problem
                        yield parse_row(number, cells)
                    except BadRow as error:
                        name = _one_line(cells.get("path") or cells.get("key") or "") or f"row {number}"
                        yield Unreadable(plain(name[:_NAME_MAX]), BadRow(f"Row {number}: {error}"))
        except _BROKEN as error:
            raise SourceUnreadable(f"{self._name} cannot be read: {error}.") from error

    def items(self, item_of: Callable[[Row], Item]) -> Iterator[Item | Unreadable]:
        """Yield every row's photograph, or why there is none. ``item_of`` may raise SourceError."""
        for row in self.rows():
            if isinstance(row, Unreadable):
                yield row
                continue
            try:
                item = item_of(row)
            except SourceError as error:
                yield row.unreadable(error)
            else:
                yield item

    def _opened(self) -> IO[bytes]:
        try:
            return self._open()
        except OSError as error:
            raise SourceUnreadable(f"{self._name} cannot be read: {error.strerror}.") from error


class ManifestSource:
    """The photographs that a manifest file lists, in the order of its rows.

    Their places are relative to the manifest's folder and stay inside it, or are addresses in a bucket, whose
    bytes ``read_object`` returns.
    """

    def __init__(self, place: Path, read_object: Callable[[str], bytes]) -> None:
        self._folder, self._read_object = place.resolve().parent, read_object
        self._manifest = Manifest(place.name, lambda: place.open("rb"))

    @property
    def size(self) -> int | None:
        """How many rows there are."""
        return self._manifest.size

    def __iter__(self) -> Iterator[Item | Unreadable]:
        return self._manifest.items(self._item)

    def _item(self, row: Row) -> Item:
        if row.place.startswith(_BUCKETS):
            return row.item(row.place, partial(self._read_object, row.place))
        path = self._folder / row.place
        if not is_inside(path, self._folder):
            raise BadRow(f"the path '{row.place}' leads out of the manifest's folder.")
        try:
            there = path.is_file()
        except OSError:  # such as a name that is too long
            there = False
        if not there:
            raise FileMissing(f"the file '{row.place}' is not there.")
        return replace(row.item(row.place, partial(read_file, path, row.place)), place=path)


def _csv_rows(file: IO[bytes], name: str) -> _Rows:
    reader = csv.reader(text_lines(file, name))
    header = next(reader, [])
    _check_columns(header, name)
    for number, cells in enumerate(reader, start=2):  # as a spreadsheet counts them
        problem = None
        if len(cells) > len(header):
            problem = BadRow("it has more cells than the header; quote cells that hold a comma.")
        if cells:
            yield number, dict(zip_longest(header, cells[: len(header)], fillvalue="")), problem


def _count_csv(file: IO[bytes], name: str) -> int:
    return sum(map(bool, csv.reader(text_lines(file, name)))) - 1


def _jsonl_rows(file: IO[bytes], name: str) -> _Rows:
    for number, line in enumerate(text_lines(file, name), start=1):
        if line.strip():
            try:
                cells = _from_json(line)
            except BadRow as error:
                yield number, {}, error
            else:
                yield number, cells, None


def _count_jsonl(file: IO[bytes], name: str) -> int:
    return sum(bool(line.strip()) for line in text_lines(file, name))


def _parquet_rows(file: IO[bytes], name: str) -> _Rows:
    with closing(parquet_lines(file, name)) as lines:
        _check_columns(next(lines)["columns"], name)
        for number, cells in enumerate(lines, start=1):
            yield number, {column: _as_text(value) or "" for column, value in cells.items()}, None


def _count_parquet(file: IO[bytes], name: str) -> int:
    with closing(parquet_lines(file, name)) as lines:
        return int(next(lines)["rows"])


_KINDS = {
    "csv": (_csv_rows, _count_csv),
    "jsonl": (_jsonl_rows, _count_jsonl),
    "parquet": (_parquet_rows, _count_parquet),
}
_BROKEN = (*DAMAGE, csv.Error)


def text_lines(file: IO[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text in UTF-8; what is none becomes lone surrogates, for its row to be refused."""
    with TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="") as text:
        while line := text.readline(LINE_MAX + 1):
            if len(line) > LINE_MAX:
                raise SourceUnreadable(f"{name} has a line of more than {LINE_MAX:,} characters.")
            yield line


def _check_columns(columns: Sequence[str], name: str) -> None:
    for column in ("path", "source_url"):
        if column not in columns and not (column == "path" and "key" in columns):
            hint = "; separate the columns by commas" if ";" in "".join(columns) else ""
            raise SourceUnreadable(f"{name} has no column '{column}'{hint}.")
    if len(set(columns)) < len(columns):
        raise SourceUnreadable(f"{name} names a column twice.")
    try:
        _check_names(columns)
    except BadRow as error:
        raise SourceUnreadable(f"{name} cannot be used: {error}") from error


def _check_names(columns: Sequence[str]) -> None:
    if len(columns) > _COLUMNS_MAX:
        raise BadRow(f"it has more than {_COLUMNS_MAX} columns.")
    if not all(is_plain(column) and len(column) <= _NAME_MAX for column in columns):
        raise BadRow(f"its column names are not plain text in UTF-8, of at most {_NAME_MAX} characters.")


def _from_json(line: str) -> _Cells:
    try:
        cells = json.loads(line, object_pairs_hook=_named_once)
        if not isinstance(cells, dict):
            raise BadRow("it is not a JSON object.")
        _check_names(list(cells))
        for column in COLUMNS:
            if isinstance(cells.get(column), dict | list):
                raise BadRow(f"'{column}' is not text.")
        return {column: _as_text(value) for column, value in cells.items()}
    except (ValueError, RecursionError) as error:
        raise BadRow("it is not JSON.") from error


def _named_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise BadRow("it names a field twice.")
    return named


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parse_row(number: int, cells: _Cells) -> Row:
    """Check a row and return it. Raises BadRow."""
    row = {column: _one_line(value) if value else value for column, value in cells.items()}
    for column, value in row.items():
        if value and len(value) > TEXT_MAX:
            raise BadRow(f"'{column}' is longer than {TEXT_MAX:,} characters.")
        if value and not is_plain(value):
            raise BadRow(f"'{column}' is not plain text in UTF-8; save the manifest as UTF-8.")
    place = row.get("key") or row.get("path")
    if not place:
        raise BadRow("'path' is empty.")
    if row.get("source_url", "") == "":
        raise BadRow("'source_url' is empty.")
    for column in ("source_url", "page_url"):
        address = row.get(column)
        if address and not is_web_address(address):
            raise BadRow(f"'{column}' is not a web address that starts with https:// or http://.")
    digest = (row.get("sha256") or "").lower()
    if digest and not _SHA256.fullmatch(digest):
        raise BadRow("'sha256' is not a digest of 64 hexadecimal digits.")
    extra: dict[str, str] = {}
    for column, value in row.items():
        kept = column.removeprefix(EXTRA)
        if value and column not in COLUMNS:
            if kept in extra:
                raise BadRow(f"'{kept}' is there twice.")
            extra[kept] = value
    said = {column: row.get(column) or None for column in SAID}
    name = row.get("path") if row.get("key") else None
    return Row(number, place, name or None, digest or None, said, extra)


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()


def _checked(read: Read, stated: str, place: str) -> bytes:
    data = read()
    if sha256(data).hexdigest() != stated:
        raise FileChanged(f"'{place}' does not have the SHA-256 digest that the manifest states.")
    return data
