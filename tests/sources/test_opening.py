"""Every kind of source is opened by one door, and the same photographs come out of all of them the same."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import lineament
from lineament import sources
from lineament.errors import AddressRefused, NetworkOff, SourceUnreadable
from lineament.sources import Item, Unreadable, manifest, open_source, opening
from tests.samples import REPOSITORY
from tests.sources import made
from tests.sources.internet import an_internet, http

ROWS = made.sample_rows()
EXPECTED = {
    (
        made.sha256(made.photograph(row)),
        *(row["source_url"], row["page_url"], row["caption"], row["date"], row["credit"], row["licence"]),
        (("person", row["person"]), ("remark", row["remark"])),
    )
    for row in ROWS
}


def provenance(place: Path) -> set[tuple[object, ...]]:
    """What is known of each photograph, with the digest of its bytes and without its place."""
    items = list(open_source(place))
    assert all(isinstance(one, Item) for one in items), items
    return {
        (
            made.sha256(one.read()),
            *(one.source_url, one.page_url, one.caption, one.date, one.credit, one.licence),
            tuple(sorted(one.extra.items())),
        )
        for one in items
        if isinstance(one, Item)
    }


@pytest.mark.parametrize("listed", made.MANIFESTS)
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("folder", made.make_folder),
        ("reel.zip", made.make_zip),
        ("reel.tar", made.make_tar),
        ("reel.tar.gz", made.make_tar),
        ("reel.tgz", made.make_tar),
        ("reel.tar.bz2", made.make_tar),
        ("REEL.TAR.XZ", made.make_tar),
    ],
)
def test_every_kind_yields_the_same_provenance(tmp_path: Path, name: str, make: Callable, listed: str):
    """Folder, zip and tar, with a manifest of each kind: bytes and every field are those of the rows."""
    assert provenance(make(tmp_path / name, ROWS, listed)) == EXPECTED


def test_a_web_archive_yields_what_it_can_carry(tmp_path: Path):
    """A WARC knows the address, the page and the date; captions, credits and licences have no place in it."""
    expected = {
        (digest, source, page, None, f"{date}T12:00:00Z", None, None, ())
        for digest, source, page, _, date, *_ in EXPECTED
    }
    (tmp_path / "site.warc.gz").write_bytes(made.warc_bytes(ROWS))
    (tmp_path / "site.warc").write_bytes(made.warc_bytes(ROWS, packed=False))
    made.make_wacz(tmp_path / "site.wacz", made.warc_bytes(ROWS), [])
    for name in ("site.warc.gz", "site.warc", "site.wacz"):
        assert provenance(tmp_path / name) == expected, name


def test_a_manifest_is_opened_by_its_ending_and_a_folder_by_the_one_in_it(tmp_path: Path):
    """Whatever a manifest is called; of two in one folder neither counts."""
    folder = made.make_folder(tmp_path / "folder", ROWS, "manifest.jsonl")
    (folder / "another list.CSV").write_bytes(made.csv_bytes(ROWS[:2]))
    assert open_source(folder).size == len(ROWS)
    assert open_source(str(folder / "another list.CSV")).size == 2
    (folder / "another list.CSV").rename(folder / ".csv")
    assert open_source(folder / ".csv").size == 2
    (folder / "manifest.parquet").write_bytes(b"")
    with pytest.raises(SourceUnreadable, match=r"manifest\.jsonl and manifest\.parquet"):
        open_source(folder)


@pytest.mark.parametrize(
    "place", ["nowhere", "a\0b", "x" * 5000, "ftp://example.org/a.zip", "http://example.org/"]
)
def test_what_is_not_there_or_of_no_kind_is_refused(tmp_path: Path, place: str):
    """With a sentence, and nothing is fetched without encryption."""
    with pytest.raises(SourceUnreadable):
        open_source(place if "://" in place else tmp_path / place)


@pytest.mark.parametrize("name", ["list.txt", "photo.jpg", "reel.rar", "reel.gz", "manifest", "zip"])
def test_a_file_of_no_kind_that_is_read_is_refused(tmp_path: Path, name: str):
    """The sentence says what can be read."""
    (tmp_path / name).write_bytes(made.csv_bytes(ROWS))
    with pytest.raises(SourceUnreadable, match=r"\.csv, \.jsonl or \.parquet"):
        open_source(tmp_path / name)


def test_the_names_stay_where_they_were():
    """`from lineament.sources import ...` and `lineament.open_source` are what other code uses."""
    assert importlib.import_module("lineament").open_source is open_source
    assert lineament.open_source is sources.open_source
    assert sources.__all__ == ["Item", "Source", "Unreadable", "open_source", "read_file"]


def test_the_documentation_lists_every_field_of_a_manifest():
    """In the order of the code; and every ending."""
    text = (REPOSITORY / "docs" / "sources.md").read_text("utf-8")
    fields = text.partition("| field | what it is |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", fields, re.MULTILINE) == list(manifest.COLUMNS)
    for ending in (*opening.MANIFESTS, *opening.TARS, *opening.WARCS, ".zip", ".wacz"):
        assert f"{ending}`" in text, ending


def test_a_manifest_on_the_web_is_read_where_it_lies():
    """Its photographs are fetched when they are read, below its address and nowhere else."""
    rows = [
        {"path": "a b.jpg", "source_url": "https://museum.example.org/a", "sha256": made.sha256(b"one")},
        {"path": "../b.jpg", "source_url": "https://museum.example.org/b"},
        {"path": "https://other.example.org/c.jpg", "source_url": "https://museum.example.org/c"},
        {"path": "d.jpg?x#y", "source_url": "https://museum.example.org/d"},
        {"path": "./.e//f.jpg", "source_url": "https://museum.example.org/e"},
    ]
    with an_internet() as net:
        site = net.site(
            {
                "/reel/list.jsonl?v=/2": http(made.jsonl_bytes(rows)),
                "/reel/a%20b.jpg": http(b"one"),
                "/reel/d.jpg%3Fx%23y": http(b"four"),
                "/reel/.e/f.jpg": http(b"five"),
            }
        )
        source = open_source("https://museum.example.org/reel/list.jsonl?v=/2", net.fetcher())
        assert source.size == 5
        first, second, third, fourth, fifth = source
        assert isinstance(first, Item)
        assert (first.path, first.read(), first.source_url) == ("a b.jpg", b"one", rows[0]["source_url"])
        assert (type(second), type(third)) == (Unreadable, Unreadable)
        assert isinstance(fourth, Item)
        assert fourth.read() == b"four"
        assert isinstance(fifth, Item)
        assert fifth.read() == b"five"
        assert [path for path in site.paths if "reel" in path] == [
            "/reel/list.jsonl?v=/2",
            "/reel/a%20b.jpg",
            "/reel/d.jpg%3Fx%23y",
            "/reel/.e/f.jpg",
        ]


@pytest.mark.parametrize("address", ["https://[museum/list.csv", "https://museum.example.org:8/list.csv"])
def test_what_is_no_address_of_a_manifest_is_refused(address: str):
    """With a sentence, before anything is looked up."""
    with an_internet() as net:
        with pytest.raises(AddressRefused):
            open_source(address, net.fetcher())
        assert net.resolved == []


@pytest.mark.parametrize(
    "address", ["https://museum.example.org/manifest.csv", "https://museum.example.org/album"]
)
def test_without_a_network_nothing_on_the_web_is_opened(address: str):
    """It is off unless it was turned on."""
    with pytest.raises(NetworkOff):
        open_source(address)


def test_addresses_lead_to_buckets_and_files_of_json_to_iiif(tmp_path: Path):
    """What is wrong with them, those say."""
    with pytest.raises(SourceUnreadable, match="s3://bucket/prefix"):
        open_source("s3://x")
    (tmp_path / "album.json").write_text("{}")
    with pytest.raises(SourceUnreadable, match="IIIF"):
        open_source(tmp_path / "album.json")
