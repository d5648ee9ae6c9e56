"""A manifest gives every photograph its provenance, however it is written; hostile ones do no harm."""

import json
import tracemalloc
from pathlib import Path

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from lineament.errors import BadRow, FileChanged, FileMissing, SourceUnreadable
from lineament.sources import Item, Unreadable, bucket_store, open_source
from lineament.sources.bucket_store import Bucket
from tests.sources import made

HEADER = "path,source_url,page_url,caption,credit,person\n"


def manifest(folder: Path, *rows: str) -> Path:
    file = folder / "manifest.csv"
    file.write_text(HEADER + "".join(row + "\n" for row in rows), "utf-8")
    return file


def test_a_manifest_gives_every_photograph_its_source(tmp_path: Path):
    """Known columns are named, others are kept; empty cells are absent."""
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    manifest(tmp_path, 'a.jpg,https://example.org/a,,"A caption, with a comma",,Ada')
    (item,) = open_source(tmp_path)
    assert isinstance(item, Item)
    assert item.read() == b"bytes"
    assert (item.source_url, item.page_url) == ("https://example.org/a", None)
    assert (item.caption, dict(item.extra)) == ("A caption, with a comma", {"person": "Ada"})


def test_bad_rows_are_named_and_the_rest_goes_on(tmp_path: Path):
    """Each gets its row number and what is wrong with it."""
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    (tmp_path.parent / "secret.jpg").write_bytes(b"not yours")
    manifest(
        tmp_path,
        "gone.jpg,https://example.org/1",
        "../secret.jpg,https://example.org/2",
        "a.jpg,javascript:alert(1)",
        "a.jpg,",
        ",https://example.org/5",
        "a.jpg,https://example.org/6,,,,,,too,many",
        "a.jpg,https://example.org/7",
    )
    items = list(open_source(tmp_path))
    kinds = [type(one.error) if isinstance(one, Unreadable) else Item for one in items]
    assert kinds == [FileMissing, BadRow, BadRow, BadRow, BadRow, BadRow, Item]
    assert str(items[0].error) == "Row 2: the file 'gone.jpg' is not there."
    assert "leads out of" in str(items[1].error)
    assert "web address" in str(items[2].error)
    assert "more cells" in str(items[5].error)


def test_a_row_that_is_not_utf8_is_one_bad_row(tmp_path: Path):
    """A single Latin-1 caption does not cost the whole manifest."""
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    file = manifest(tmp_path, "a.jpg,https://example.org/1")
    file.write_bytes(file.read_bytes() + b"a.jpg,https://example.org/2,,caf\xe9\n")
    first, second = open_source(file)
    assert isinstance(first, Item)
    assert isinstance(second, Unreadable)
    assert "UTF-8" in str(second.error)


@pytest.mark.parametrize("text", ["", "name,link\na,b\n", "path\nx\n", "\x00\x01\x02"])
def test_a_file_that_is_no_manifest_is_refused_whole(tmp_path: Path, text: str):
    """The sentence says which column is missing."""
    file = tmp_path / "list.csv"
    file.write_text(text)
    with pytest.raises(SourceUnreadable, match="has no column"):
        open_source(file)


def test_odd_paths_of_a_manifest_are_bad_rows(tmp_path: Path):
    """A name that is too long, a circle of links, control characters in a caption."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    rows = (f"{'x' * 300}.jpg,https://example.org/1", "loop,https://example.org/2")
    hostile = 'a.jpg,https://example.org/3,,"\x1b[2Jgone"'
    lines = 'a.jpg,https://example.org/4,,"two\nlines"'
    items = list(open_source(manifest(tmp_path, *rows, hostile, lines)))
    assert [type(one) for one in items] == [Unreadable, Unreadable, Unreadable, Item]
    assert isinstance(items[3], Item)
    assert items[3].caption == "two lines"


def test_a_header_that_is_not_utf8_is_refused(tmp_path: Path):
    """Its names would be kept with every image."""
    file = tmp_path / "list.csv"
    file.write_bytes(b"path,source_url,caf\xe9\na.jpg,https://example.org,x\n")
    with pytest.raises(SourceUnreadable, match="column names"):
        open_source(file)


@settings(max_examples=150, deadline=None)
@given(junk=st.binary(max_size=400))
def test_any_bytes_at_all_are_rows_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, junk: bytes):
    """No manifest brings a traceback, and nothing outside the folder is read."""
    folder = tmp_path_factory.mktemp("junk")
    (folder / "manifest.csv").write_bytes(HEADER.encode() + junk)
    try:
        items = list(open_source(folder))
    except SourceUnreadable:
        return
    for one in items:
        assert isinstance(one, Unreadable) or one.path == "manifest.csv"


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path):
    """Empty rows count, and are passed over."""
    manifest(tmp_path, "", ",", "", "gone.jpg,https://example.org/1")
    first, second = open_source(tmp_path)
    assert isinstance(first, Unreadable)
    assert isinstance(second, Unreadable)
    assert (str(first.error)[:6], str(second.error)[:6]) == ("Row 3:", "Row 5:")


def test_a_column_that_is_named_twice_is_refused(tmp_path: Path):
    """Nobody can say which of the two cells counts."""
    (tmp_path / "manifest.csv").write_text("path,source_url,path\na.jpg,https://example.org/a,b.jpg\n")
    with pytest.raises(SourceUnreadable, match="names a column twice"):
        open_source(tmp_path)


# --- the three ways to write one ------------------------------------------------------------------------

TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(",\"'\n\r\t; \\"), max_size=40
)
NAMES = st.text(st.characters(categories=["Ll", "Nd", "Lo"]), min_size=1, max_size=12).filter(
    lambda name: name not in {"path", "key", "sha256", "caption", "date", "credit", "licence"}
)


@st.composite
def manifests(draw: st.DrawFn) -> list[dict[str, str]]:
    """Rows that all have the same columns."""
    extra = draw(st.lists(NAMES, max_size=3, unique=True))
    columns = ["caption", "date", "credit", "licence", *extra]
    rows = []
    for _ in range(draw(st.integers(1, 20))):
        page = draw(st.sampled_from(["", "https://example.org/page", "not an address"]))
        row = {"path": draw(st.sampled_from(["a.jpg", "a.jpg", "gone.jpg", "../a.jpg", ""]))}
        row |= {"source_url": "https://example.org/a", "page_url": page}
        rows.append(row | {column: draw(TEXT) for column in columns})
    return rows


@settings(max_examples=12)
@given(rows=manifests())
def test_the_three_kinds_of_manifest_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
):
    """Random rows come out of CSV, JSONL and Parquet as equal items, and as equal complaints."""
    folder = tmp_path_factory.mktemp("manifest")
    (folder / "a.jpg").write_bytes(b"bytes")
    found = []
    for name, written in made.MANIFESTS.items():
        (folder / name).write_bytes(written(rows))
        found.append([described(one) for one in open_source(folder / name)])
    assert found[0] == found[1] == found[2]


def described(one: Item | Unreadable) -> tuple[object, ...]:
    """An item without what reads it, or a complaint without the number of its row."""
    if isinstance(one, Unreadable):
        return (one.path.partition(" ")[0], type(one.error), str(one.error).partition(":")[2])
    return tuple(value for name, value in vars(one).items() if name != "read")


# --- what all of them have --------------------------------------------------------------------------------


def jsonl(folder: Path, *rows: dict[str, object] | str) -> Path:
    """A manifest of JSON lines beside a photograph."""
    (folder / "a.jpg").write_bytes(b"bytes")
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "manifest.jsonl").write_text("".join(line + "\n" for line in lines), "utf-8")
    return folder / "manifest.jsonl"


ROW = {"path": "a.jpg", "source_url": "https://example.org/a"}


def test_a_digest_that_is_stated_is_checked(tmp_path: Path):
    """Other bytes than those are not taken in; a digest that is none is a bad row."""
    right = made.sha256(b"bytes")
    place = jsonl(
        tmp_path, ROW | {"sha256": right.upper()}, ROW | {"sha256": "0" * 64}, ROW | {"sha256": "x"}
    )
    good, other, bad = open_source(place)
    assert isinstance(good, Item)
    assert (good.read(), good.version, dict(good.extra)) == (b"bytes", f"sha256:{right}", {})
    assert isinstance(other, Item)
    with pytest.raises(FileChanged, match=r"'a\.jpg'"):
        other.read()
    assert isinstance(bad, Unreadable)


def test_a_key_says_where_the_bytes_lie_and_the_path_what_they_are_called(tmp_path: Path):
    """So an export can name its files as it likes."""
    address = {"source_url": "https://example.org/a"}
    both, only_key, out = open_source(
        jsonl(
            tmp_path,
            address | {"path": "reel 3.zip/0012.jpg", "key": "a.jpg"},
            address | {"key": "a.jpg"},
            address | {"path": "a.jpg", "key": "../a.jpg"},
        )
    )
    assert isinstance(both, Item)
    assert (both.path, both.read()) == ("reel 3.zip/0012.jpg", b"bytes")
    assert (only_key.path, type(out)) == ("a.jpg", Unreadable)


def test_a_place_may_be_an_address_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is read when its turn comes, and not before."""
    store = MemoryStore()
    obstore.put(store, "reel/1.jpg", b"one")
    monkeypatch.setattr(bucket_store, "open_store", lambda root: Bucket(root, store))
    address = {"source_url": "https://example.org/a"}
    key = {"path": "1.jpg", "key": "s3://archive/reel/1.jpg", "sha256": made.sha256(b"one")}
    gone, web = {"path": "gs://archive/gone.jpg"}, {"path": "https://example.org/1.jpg"}
    first, second, third = open_source(jsonl(tmp_path, *(address | row for row in (key, gone, web))))
    assert isinstance(first, Item)
    assert (first.path, first.read()) == ("1.jpg", b"one")
    assert isinstance(second, Item)
    with pytest.raises(FileMissing):
        second.read()
    assert isinstance(third, Unreadable)


def test_what_has_no_column_of_its_own_is_kept_as_text(tmp_path: Path):
    """Numbers, lists and objects too; 'extra.' keeps what would otherwise be a field of its own."""
    row = ROW | {"year": 1927, "people": ["Ada", {"born": 1815}], "old": True, "none": None, "empty": ""}
    (item,) = open_source(
        jsonl(tmp_path, row | {"date": 1927, "extra.date": "about 1927", "extra.extra.x": "y"})
    )
    assert isinstance(item, Item)
    assert dict(item.extra) == {
        "year": "1927",
        "people": '["Ada", {"born": 1815}]',
        "old": "true",
        "date": "about 1927",
        "extra.x": "y",
    }
    assert item.date == "1927"
    (twice,) = open_source(jsonl(tmp_path, ROW | {"note": "a", "extra.note": "b"}))
    assert isinstance(twice, Unreadable)


def test_only_null_says_that_there_is_no_source_link(tmp_path: Path):
    """As an export writes it; a field that is missing or empty was forgotten."""
    known, *forgotten = open_source(
        jsonl(tmp_path, ROW | {"source_url": None}, {"path": "a.jpg"}, ROW | {"source_url": " "})
    )
    assert isinstance(known, Item)
    assert known.source_url is None
    assert [type(one) for one in forgotten] == [Unreadable, Unreadable]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        '"path"',
        "\ufeff{}",
        "{}" * 2,
        '{"path": "a.jpg", "path": "b.jpg", "source_url": "https://example.org"}',
        '{"path": ["a.jpg"], "source_url": "https://example.org"}',
        '{"path": "a.jpg", "source_url": {"a": 1}}',
        '{"path": "a\\u0000.jpg", "source_url": "https://example.org"}',
        '{"path": "a.jpg", "source_url": "https://example.org", "caption": "\\ud800"}',
        '{"path": "a.jpg", "source_url": "https://example.org", "\\u001b[2J": "x"}',
        '{"path": "a.jpg", "source_url": "https://example.org", "x": %s}' % ("[" * 100_000),
        '{"path": "a.jpg", "source_url": "https://example.org", "x": %s}' % ("9" * 5000),
        '{"path": "a.jpg", "source_url": "https://example.org", "%s": 1}' % ("x" * 101),
        '{"path": "a.jpg", "source_url": "https://example.org", "x": "%s"}' % ("x" * 4001),
        json.dumps(ROW | {str(number): "x" for number in range(200)}),
        json.dumps(ROW | {"page_url": "file:///etc/passwd"}),
        json.dumps(ROW | {"path": "/etc/passwd"}),
        json.dumps(ROW | {"path": "/dev/zero"}),
        json.dumps(ROW | {"path": "x" * 3000}),
        json.dumps(ROW | {"path": "."}),
    ],
)
def test_a_line_that_is_no_row_costs_itself(tmp_path: Path, line: str):
    """It is reported with its number, and the next one is read."""
    bad, good = open_source(jsonl(tmp_path, line, "", ROW))
    assert isinstance(bad, Unreadable)
    assert str(bad.error).startswith("Row 1: ")
    assert isinstance(good, Item)


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.jsonl"])
def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path, name: str):
    """What came before it counts."""
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    with (tmp_path / name).open("wb") as file:
        file.write(made.MANIFESTS[name]([ROW] * 3))
        file.truncate(300_000_000)
    found: list[Item | Unreadable] = []
    tracemalloc.start()
    try:
        with pytest.raises(SourceUnreadable, match="a line of more than"):
            found.extend(open_source(tmp_path))
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()
    assert [type(one) for one in found] == [Item] * 3
    assert open_source(tmp_path).size is None


def test_a_manifest_of_many_rows_is_not_held_in_memory(tmp_path: Path):
    """Five thousand rows of 400 bytes pass through a few hundred kilobytes."""
    (tmp_path / "a.jpg").write_bytes(b"bytes")
    rows = [ROW | {"caption": f"{number} " + "x" * 300} for number in range(5_000)]
    for name in ("manifest.csv", "manifest.jsonl"):
        (tmp_path / name).write_bytes(made.MANIFESTS[name](rows))
        source = open_source(tmp_path / name)
        tracemalloc.start()
        try:
            assert source.size == sum(1 for _ in source) == 5_000
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()
