"""A folder yields every photograph in it, and says what it could not read."""

import os
from pathlib import Path

import pytest

from lineament.errors import FileMissing, FileTooLarge
from lineament.sources import Item, Unreadable, open_source, read_file


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


def test_what_never_ends_is_not_read(tmp_path: Path):
    """A pipe, a device and a folder are refused at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, Path("/dev/zero"), tmp_path, tmp_path / "nothing", Path("a\0b")):
        with pytest.raises(FileMissing):
            read_file(place)


def test_folders_come_in_the_order_of_their_paths(tmp_path: Path):
    """As many as the folder says that it holds, each time; a folder that cannot be read is one of them."""
    names = ["a/1.jpg", "a/b/2.jpg", "a.jpg", "b/3.jpg", "b/4.jpg", "c.jpg"]
    for name in reversed(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"bytes")
    source = open_source(tmp_path)
    assert source.size == len(names)
    assert [one.path for one in source] == [one.path for one in source] == names
    deep = tmp_path / "c"
    for _ in range(900):  # far deeper than functions may call one another
        deep = deep / "d"
        deep.mkdir(parents=True)
    (deep / "5.jpg").write_bytes(b"bytes")
    assert [one.path[-5:] for one in open_source(tmp_path)][-2:] == ["5.jpg", "c.jpg"]


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path):
    """Nor one that leads round in a circle; each is one that cannot be read."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "1.jpg").write_bytes(b"bytes")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "circle").symlink_to(tmp_path / "real")
    read = {}
    for one in open_source(tmp_path):
        assert isinstance(one, Item)
        try:
            read[one.path] = one.read()
        except FileMissing:
            read[one.path] = b""
    assert read == {"link": b"", "real/1.jpg": b"bytes", "real/circle": b""}
