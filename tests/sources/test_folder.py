"""A folder or a manifest yields every photograph with its provenance, and says what it could not read."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineament.errors import BadRow, FileMissing, FileTooLarge, SourceUnreadable
from lineament.sources import Item, Unreadable, open_source, read_file

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


def test_a_place_that_is_not_there_is_refused(tmp_path: Path):
    """No folder, no source."""
    with pytest.raises(SourceUnreadable, match="no file or folder"):
        open_source(tmp_path / "nowhere")


def test_a_folder_without_a_manifest_yields_its_files_in_order(tmp_path: Path):
    """Hidden files stay out, and so do links that lead out of the folder."""
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    for name in ("b/2.jpg", "1.jpg", ".hidden.jpg"):
        (folder / name).write_bytes(name.encode())
    (tmp_path / "outside.jpg").write_bytes(b"not yours")
    (folder / "z.jpg").symlink_to(tmp_path / "outside.jpg")
    items = list(open_source(folder))
    assert [one.path for one in items] == ["1.jpg", "b/2.jpg", "z.jpg"]
    assert isinstance(items[2], Unreadable)


def test_a_huge_file_is_not_read_into_memory(tmp_path: Path):
    """33 MB of nothing are refused by their size alone."""
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    (item,) = open_source(tmp_path)
    with pytest.raises(FileTooLarge, match="32 MB"):
        item.read()


def test_names_that_no_terminal_should_show_are_refused_one_by_one(tmp_path: Path):
    """Control characters and bytes that are not UTF-8 cost one file each and nothing else."""
    for name in (b"good.jpg", b"caf\xe9.jpg", b"two\nlines.jpg", b"\x1b[2J.jpg"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"bytes")
    items = list(open_source(tmp_path))
    assert [one.path for one in items if isinstance(one, Item)] == ["good.jpg"]
    assert sorted(one.path for one in items if isinstance(one, Unreadable)) == [
        "?[2J.jpg",
        "caf?.jpg",
        "two?lines.jpg",
    ]


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


def test_what_never_ends_is_not_read(tmp_path: Path):
    """A pipe, a device and a folder are refused at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/zero"), tmp_path, tmp_path / "nothing", Path("a\0b")):
        with pytest.raises(FileMissing):
            read_file(place)


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
