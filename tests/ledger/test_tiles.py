"""Tiles: the paths, counts and bundles of the specification's own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import EntryInvalid, TileInvalid
from lineament.ledger.tiles import ENTRIES, Tile, decode_bundle, encode_bundle, layout


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999, 1), "tile/0/999.p/1"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(0, 1234, 56), "tile/0/x001/234.p/56"),
        (Tile(2, 1234067), "tile/2/x001/x234/067"),  # the example in tlog-tiles
        (Tile(ENTRIES, 1234067), "tile/entries/x001/x234/067"),
        (Tile(ENTRIES, 5, 255), "tile/entries/005.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    """Three digits to an element, an x before all but the last, the width after .p/."""
    assert tile.path == path


def test_a_log_of_70000_entries_has_the_tiles_that_the_specification_counts() -> None:
    """The example in tlog-tiles "Partial Tiles": 273 full and 112 wide, one full and 17 wide, one 1 wide."""
    tiles = list(layout(70_000))
    assert [tile for tile in tiles if tile.width < 256] == [
        Tile(ENTRIES, 273, 112),
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    full = [tile.level for tile in tiles if tile.width == 256]
    assert (full.count(ENTRIES), full.count(0), full.count(1), len(full)) == (273, 273, 1, 547)
    assert list(layout(256)) == [Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)]
    assert list(layout(0)) == []


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    """Entries of any bytes, empty ones too, come back; a bundle that breaks off says so."""
    bundle = encode_bundle(entries)
    assert decode_bundle(bundle) == entries
    if entries:
        with pytest.raises(TileInvalid, match="breaks off"):
            decode_bundle(bundle[:-1])


def test_the_longest_entry_has_65535_bytes() -> None:
    """The length before an entry is a uint16; one byte more does not fit."""
    longest = b"x" * 65_535
    assert decode_bundle(encode_bundle([longest])) == [longest]
    with pytest.raises(EntryInvalid, match="65535"):
        encode_bundle([longest + b"x"])


def test_lengths_are_big_endian() -> None:
    """As the specification writes them."""
    assert encode_bundle([b"a" * 258, b""]) == b"\x01\x02" + b"a" * 258 + b"\x00\x00"


def test_a_bundle_of_more_entries_than_a_tile_holds_is_cut_short() -> None:
    """A file full of zeros is not read as millions of empty entries."""
    with pytest.raises(TileInvalid, match="more than 256"):
        decode_bundle(bytes(2 * 257))
    assert decode_bundle(bytes(2 * 256)) == [b""] * 256
