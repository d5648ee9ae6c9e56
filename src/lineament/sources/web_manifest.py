"""A manifest on the web, with its photographs beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from lineament.errors import BadRow, NetworkOff
from lineament.sources.files import FILE_BYTES_MAX
from lineament.sources.manifest import Manifest, Row
from lineament.sources.members import name_refusal
from lineament.sources.protocol import Item, Unreadable

if TYPE_CHECKING:
    from lineament.sources.fetch import Fetcher

MANIFEST_BYTES_MAX = 64 * 1024 * 1024  # held in memory


class WebManifest:
    """The photographs that a manifest at an https address lists, in the order of its rows.

    Their places are relative to the manifest's address, below it, and fetched when they are read. Raises what
    ``Fetcher.fetch`` raises, NetworkOff without one, and SourceUnreadable for what is no manifest.
    """

    def __init__(self, address: str, fetch: Fetcher | None) -> None:
        if fetch is None:
            raise NetworkOff("The network is off: no host may be fetched from.")
        self._fetch = fetch
        data = fetch.fetch(address, MANIFEST_BYTES_MAX).data
        place = re.split(r"[?#]", address)[0]
        self._folder = place.rpartition("/")[0]
        self._manifest = Manifest(place, partial(BytesIO, data))

    @property
    def size(self) -> int | None:
        """How many rows there are."""
        return self._manifest.size

    def __iter__(self) -> Iterator[Item | Unreadable]:
        return self._manifest.items(self._item)

    def _item(self, row: Row) -> Item:
        if name_refusal(row.place) or "://" in row.place:
            raise BadRow(f"the path '{row.place}' leads out of the manifest's folder.")
        below = PurePosixPath(row.place)  # without steps such as './'
        return row.item(row.place, partial(self._read, f"{self._folder}/{quote(str(below))}"))

    def _read(self, address: str) -> bytes:
        return self._fetch.fetch(address, FILE_BYTES_MAX, "image/*").data
