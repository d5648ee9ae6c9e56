"""IIIF Presentation manifests and collections, versions 2 and 3: what museums and libraries publish.

A collection is walked document by document, each fetched when its turn comes; photographs are fetched when
they are read. The hosts that documents name are hosts like any other: ``fetch`` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lineament.core.words import is_web_address, plain
from lineament.errors import FileMissing, NetworkOff, SourceError, SourceUnreadable
from lineament.sources.files import FILE_BYTES_MAX, read_file
from lineament.sources.iiif_image import image_address, service_of
from lineament.sources.iiif_json import Node, address_of, id_of, kind_of, nodes, read_document
from lineament.sources.iiif_manifest import IMAGES_MAX, Photograph, photographs
from lineament.sources.protocol import Item, Unreadable

if TYPE_CHECKING:
    from lineament.sources.fetch import Fetcher

DEPTH_MAX = 10  # collections within collections
DOCUMENTS_MAX = 100_000  # of one source
DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
INFO_BYTES_MAX = 1024 * 1024
_LISTS = ("items", "collections", "manifests", "members")
_DOCUMENT = "application/ld+json, application/json;q=0.9"
_IMAGE = "image/jpeg, image/*;q=0.9"


def open_iiif(place: str | Path, fetch: Fetcher | None) -> IiifSource:
    """Open a manifest or collection at a web address, or in a file; its images are on the web either way.

    Without ``fetch`` the network is off. Raises SourceUnreadable for what is neither, and what ``read_file``
    and ``Fetcher.fetch`` raise.
    """
    web, name = _Web(fetch), str(place)
    data = web.get(name, DOCUMENT_BYTES_MAX, _DOCUMENT) if "://" in name else read_file(Path(place))
    root = read_document(data, name)
    if kind_of(root) not in {"Manifest", "Collection"}:
        raise SourceUnreadable(f"{plain(name)} is not a IIIF manifest or collection.")
    return IiifSource(root, web)


@dataclass(frozen=True)
class _Web:
    """The web, where there is one."""

    fetch: Fetcher | None

    def get(self, address: str, max_bytes: int, accept: str) -> bytes:
        if self.fetch is None:
            raise NetworkOff("The network is off: no host may be fetched from.")
        return self.fetch.fetch(address, max_bytes, accept).data

    def document(self, address: str, max_bytes: int = DOCUMENT_BYTES_MAX) -> Node:
        return read_document(self.get(address, max_bytes, _DOCUMENT), address)


class IiifSource:
    """The photographs of a manifest, or of all manifests below a collection, in the documents' order."""

    def __init__(self, root: Node, web: _Web) -> None:
        self._root, self._web = root, web

    @property
    def size(self) -> int | None:
        """How many photographs a manifest has; not known of a collection."""
        return len(photographs(self._root)) or 1 if kind_of(self._root) == "Manifest" else None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        return self._walk(self._root, {address_of(self._root)}, 0)

    def _walk(self, node: Node, seen: set[str], depth: int) -> Iterator[Item | Unreadable]:
        """Yield what is in a document and below it; ``seen`` are the documents that there were before."""
        if kind_of(node) == "Manifest":
            yield from self._items(node)
        elif kind_of(node) != "Collection":
            yield _unreadable(node, "It is not a IIIF manifest or collection.")
        elif depth > DEPTH_MAX:
            yield _unreadable(node, f"It lies below more than {DEPTH_MAX} collections.")
        else:
            for child in self._children(node, seen):
                yield from [child] if isinstance(child, Unreadable) else self._walk(child, seen, depth + 1)

    def _children(self, collection: Node, seen: set[str]) -> Iterator[Node | Unreadable]:
        """Yield the documents that a collection lists, on all of its pages, each of them once."""
        page: Node | Unreadable | None = collection
        while isinstance(page, dict):
            for child in (one for name in _LISTS for one in nodes(page.get(name))):
                if _is_new(child, seen):
                    yield child if _is_whole(child) else self._fetched(child)
            following = page.get("first") or page.get("next")
            page = self._fetched(following) if following and _is_new(following, seen) else None
        if page:
            yield page

    def _fetched(self, document: object) -> Node | Unreadable:
        address = address_of(document)
        try:
            return self._web.document(address)
        except SourceError as error:
            return Unreadable(plain(address) or "a document without an id", error)

    def _items(self, manifest: Node) -> Iterator[Item | Unreadable]:
        found = photographs(manifest)
        for one in found[:IMAGES_MAX]:
            try:
                yield self._item(one)
            except SourceError as error:
                yield Unreadable(one.path, error)
        if not found:
            yield _unreadable(manifest, "It has no canvas.")
        if len(found) > IMAGES_MAX:
            yield _unreadable(manifest, f"It has more than {IMAGES_MAX:,} images; the rest is left out.")

    def _item(self, one: Photograph) -> Item:
        if one.image is None:
            raise FileMissing("The canvas has no image.")
        address = self._image_address(one.image)
        return Item(
            path=one.path,
            read=partial(self._web.get, address, FILE_BYTES_MAX, _IMAGE),
            source_url=address,
            page_url=one.page,
            caption=one.caption,
            date=one.date,
            credit=one.credit,
            licence=one.licence,
            extra=one.extra,
        )

    def _image_address(self, image: Node) -> str:
        """Return where an image is fetched: from its service at the size we want, or as it stands."""
        if service := service_of(image):
            return image_address(service, self._web.document(f"{service}/info.json", INFO_BYTES_MAX))
        address = address_of(image)
        if not is_web_address(address):
            raise FileMissing(f"The image '{plain(address[:80])}' has no web address.")
        return address


def _is_new(document: object, seen: set[str]) -> bool:
    address = address_of(document)
    if address and address in seen:
        return False
    if len(seen) >= DOCUMENTS_MAX:
        raise SourceUnreadable(f"There are more than {DOCUMENTS_MAX:,} documents; open a part of them.")
    seen.add(address)
    return True


def _is_whole(document: Node) -> bool:
    """Say whether a document is there, and not only named: where it is, its parts are."""
    return any(nodes(document.get(part)) for part in (*_LISTS, "sequences"))


def _unreadable(document: Node, why: str) -> Unreadable:
    return Unreadable(plain(id_of(document)) or "a document without an id", SourceUnreadable(why))
