"""A manifest as Parquet is read by a process of its own, and a hostile one harms only that."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from lineament.errors import BadRow, ExtraMissing, SourceUnreadable
from lineament.sources import Item, Unreadable, extras, open_source
from tests.sources import made

ROW = {"path": "a.jpg", "source_url": "https://example.org/a"}


def parquet(folder: Path, table: object, **options: object) -> Path:
    """A manifest as Parquet beside a photograph."""
    (folder / "a.jpg").write_bytes(b"bytes")
    pyarrow.parquet.write_table(table, folder / "manifest.parquet", **options)
    return folder / "manifest.parquet"


def test_columns_of_any_type_become_text(tmp_path: Path):
    """Dates and times as ISO 8601 writes them; what is missing is absent."""
    berlin = pyarrow.scalar(datetime(2026, 11, 22, 12, tzinfo=UTC), pyarrow.timestamp("ms", "Europe/Berlin"))
    columns = {
        "path": ["a.jpg"],
        "source_url": [b"https://example.org/a"],
        "date": [date(1927, 10, 29)],
        "taken": [datetime(1927, 10, 29, 11, 30)],  # noqa: DTZ001 - as cameras write it
        "seen": pyarrow.array([berlin]),
        "price": [Decimal("12.50")],
        "width": [640],
        "ratio": [float("nan")],
        "people": [["Ada", "Grace"]],
        "none": [None],
    }
    (item,) = open_source(parquet(tmp_path, pyarrow.table(columns)))
    assert isinstance(item, Item)
    assert (item.date, item.source_url) == ("1927-10-29", "https://example.org/a")
    assert dict(item.extra) == {
        "taken": "1927-10-29T11:30:00",
        "seen": "2026-11-22T13:00:00+01:00",
        "price": "12.50",
        "width": "640",
        "people": '["Ada", "Grace"]',
    }


def test_a_parquet_file_that_is_no_manifest_is_refused_whole(tmp_path: Path):
    """None at all, cut, without the columns, with one of them twice."""
    whole = made.parquet_bytes([ROW] * 100)
    place = tmp_path / "manifest.parquet"
    for data in (b"", b"PAR1", b"path,source_url\n", whole[:-1], whole[: len(whole) // 2], whole[9:]):
        place.write_bytes(data)
        with pytest.raises(SourceUnreadable, match="Parquet"):
            open_source(place)
    place.write_bytes(made.parquet_bytes([{"name": "a.jpg", "source_url": "https://example.org"}]))
    with pytest.raises(SourceUnreadable, match="has no column 'path'"):
        open_source(place)
    twice = pyarrow.Table.from_arrays(
        [["a.jpg"], ["b.jpg"], ["https://example.org"]], ["path", "path", "source_url"]
    )
    with pytest.raises(SourceUnreadable, match="names a column twice"):
        open_source(parquet(tmp_path, twice))


def test_a_row_group_that_is_too_large_is_refused(tmp_path: Path):
    """It would be in memory whole."""
    row = ROW | {"blob": bytes(3_000_000)}
    table = pyarrow.Table.from_pylist([row] * 100)
    with pytest.raises(SourceUnreadable, match="row group"):
        open_source(parquet(tmp_path, table, use_dictionary=False))
    items = list(open_source(parquet(tmp_path, table, use_dictionary=False, row_group_size=20)))
    assert len(items) == 100
    assert {type(one.error) for one in items if isinstance(one, Unreadable)} == {
        BadRow
    }  # the cells are too long


def test_names_and_cells_of_any_length_are_not_waited_for(tmp_path: Path):
    """A header of 12 MB ends it; a row of 200 cells, each one character too long, costs itself."""
    names = {f"{number}".ljust(10_000, "x"): ["1"] for number in range(1_200)}
    with pytest.raises(SourceUnreadable, match="damaged, or asks for more"):
        open_source(parquet(tmp_path, pyarrow.Table.from_pydict(names)))
    cells = {f"column {number}": "\N{GRINNING FACE}" * 4_001 for number in range(198)}
    found = list(open_source(parquet(tmp_path, pyarrow.Table.from_pylist([ROW | cells, ROW]))))
    assert [type(one) for one in found] == [Unreadable, Item]


def test_a_parquet_bomb_ends_its_own_process(tmp_path: Path):
    """One large text in every row, kept once: who reads it has less memory than they need."""
    captions = pyarrow.DictionaryArray.from_arrays([0] * 40, ["x" * 100_000_000])
    rows = {"path": ["a.jpg"] * 40, "source_url": ["https://example.org"] * 40, "caption": captions}
    options = {"dictionary_pagesize_limit": 200_000_000, "compression": "zstd", "store_schema": False}
    place = parquet(tmp_path, pyarrow.table(rows), **options)
    assert place.stat().st_size < 1_000_000
    with pytest.raises(SourceUnreadable, match="memory"):
        list(open_source(place))


def test_no_byte_of_a_parquet_file_that_is_changed_brings_a_traceback(tmp_path: Path):
    """Rows, or a sentence."""
    whole = made.parquet_bytes([ROW | {"caption": f"{number}"} for number in range(50)])
    place, chance = tmp_path / "manifest.parquet", made.chance(5)
    for _ in range(8):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 5))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        place.write_bytes(data)
        try:
            list(open_source(place))
        except SourceUnreadable as error:
            assert str(error).startswith("manifest.parquet")  # noqa: PT017 - there may be none


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Everything else is read without it."""
    (tmp_path / "manifest.parquet").write_bytes(made.parquet_bytes([ROW]))
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    with pytest.raises(ExtraMissing, match=r"pyarrow.*'parquet'"):
        open_source(tmp_path)
