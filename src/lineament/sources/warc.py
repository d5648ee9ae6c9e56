"""WARC and WACZ: a site's own archive. Nothing is fetched. WACZ 1.1.1 is at specs.webrecorder.net/wacz."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableSet
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from warcio.recordloader import ArcWarcRecord

from lineament.core.words import is_plain, is_web_address, plain
from lineament.errors import FileChanged, FileMissing, SourceError, SourceUnreadable
from lineament.sources.manifest import TEXT_MAX, text_lines
from lineament.sources.protocol import Item, Unreadable
from lineament.sources.unpacked import DAMAGE, Unpacked
from lineament.sources.warc_records import has_digest, read_answer, read_body, read_question, records
from lineament.sources.zip_file import ZipFile

_FIELDS_BYTES_MAX = 64 * 1024  # of a record of metadata
_PACKAGE_BYTES_MAX = 16 * 1024 * 1024  # of a WACZ's description
_ID_MAX = 200  # characters, of a record's id or a digest


class WarcSource:
    """The images that a WARC file holds, in its order: answers with status 200, and resources.

    Raises SourceUnreadable half-way where it is damaged or breaks off.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    @property
    def size(self) -> None:
        """Not known before the end."""
        return None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        name = plain(self._place.name)
        try:
            with self._place.open("rb") as file:
                yield from _photographs(file, name)
        except OSError as error:
            raise SourceUnreadable(f"{name} cannot be read: {error.strerror}.") from error


class WaczSource:
    """The images in the WARC files of a WACZ; of those that are not as it says, only that is reported.

    Raises SourceUnreadable where it is no zip archive, or has another description than its digest says.
    """

    def __init__(self, place: Path) -> None:
        self._name = plain(place.name)
        self._zip = ZipFile(place)
        self._named = dict(self._zip.members)
        self._stated = self._read_package()

    @property
    def size(self) -> None:
        """Not known before the end."""
        return None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        page = self._only_page()
        for name, member in self._named.items():
            if name.startswith("archive/") and name.endswith((".warc", ".warc.gz")):
                path = plain(f"{self._name}/{name}")
                try:
                    self._check(name)
                    with self._zip.open(member) as file:
                        yield from _photographs(file, path, page)
                except SourceError as error:
                    yield Unreadable(path, error)

    def _read_package(self) -> Mapping[str, str] | None:
        """Return what digests are stated, by the names of the files; None where there is no description."""
        package = self._bytes("datapackage.json")
        if package is None:
            return None
        signed = self._bytes("datapackage-digest.json")
        if signed and not has_digest(BytesIO(package), _text(_json(signed), "hash")):
            raise SourceUnreadable(f"{self._name} has another datapackage.json than its digest says.")
        described = _json(package)
        listed = described.get("resources") if isinstance(described, dict) else None
        files = listed if isinstance(listed, list) else []
        return {_text(one, "path"): _text(one, "hash") for one in files}

    def _bytes(self, name: str) -> bytes | None:
        member = self._named.get(name)
        if member is None:
            return None
        try:
            if refusal := self._zip.refusal(member):
                raise refusal
            return self._zip.read(member, _PACKAGE_BYTES_MAX)
        except SourceError as error:
            raise SourceUnreadable(f"{name} in {self._name} cannot be read. {error}") from error

    def _check(self, name: str) -> None:
        """Compare a WARC file with its description. Raises FileChanged, or SourceUnreadable for damage."""
        if self._stated is None:
            return
        if name not in self._stated:
            raise FileChanged(f"{plain(name)} is not in the list of files in datapackage.json.")
        try:
            with self._zip.open(self._named[name]) as file:
                if not has_digest(file, self._stated[name]):
                    raise FileChanged(f"{plain(name)} does not have the digest that datapackage.json states.")
        except DAMAGE as error:
            raise SourceUnreadable(f"{plain(name)} is damaged in {self._name}: {error}.") from error

    def _only_page(self) -> str | None:
        """Return the address of the page that the WACZ is of, if it lists one and no more."""
        member = self._named.get("pages/pages.jsonl")
        if member is None or self._zip.refusal(member):
            return None
        pages: set[str] = set()
        try:
            with self._zip.open(member) as file:
                for line in text_lines(file, "pages.jsonl"):
                    pages.add(_text(_json(line), "url"))
                    if len(pages - {""}) > 1:
                        return None
        except (SourceUnreadable, *DAMAGE):
            return None
        return _address("".join(pages))


def _json(text: bytes | str) -> Any:
    """Return what a JSON text says; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(document: Any, name: str) -> str:
    """Return a field that is text; nothing where there is none."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""


@dataclass
class _Exchange:
    """What was asked and answered at one address, as far as it has been read."""

    address: str | None = None
    record_id: str | None = None
    photograph: Item | Unreadable | None = None
    page: str | None = None

    def photographs(self, page: str | None) -> Iterator[Item | Unreadable]:
        """Yield the photograph, if there is one; ``page`` shows it if it is not known which one does."""
        if isinstance(self.photograph, Item):
            yield replace(self.photograph, page_url=self.page or page)
        elif self.photograph:
            yield self.photograph


def _photographs(file: IO[bytes], name: str, page: str | None = None) -> Iterator[Item | Unreadable]:
    """Yield the images of a WARC file; requests and metadata say on which page, before or after.

    Raises SourceUnreadable where it is damaged or breaks off.
    """
    now, seen = _Exchange(), set[str]()
    try:
        for record, offset in records(Unpacked(file, name), name):
            headers = record.rec_headers
            address, record_id = headers.get_header("WARC-Target-URI"), headers.get_header("WARC-Record-ID")
            answers = record.rec_type in ("response", "resource", "revisit")
            about_it = not answers and headers.get_header("WARC-Concurrent-To") == now.record_id
            if address != now.address or (now.photograph and not about_it):
                yield from now.photographs(page)
                now = _Exchange(address)
            if answers:
                now.record_id = record_id
                now.photograph = _photograph(record, f"{name}#{_id(record_id, offset)}", seen)
            else:
                now.page = now.page or _page(record)
    except SourceUnreadable:
        yield from now.photographs(page)
        raise
    yield from now.photographs(page)


def _photograph(record: ArcWarcRecord, path: str, seen: MutableSet[str]) -> Item | Unreadable | None:
    """Return a record's image, or why it cannot be read; None for what is no image.

    ``seen`` holds the digests that were stated of the images before it.
    """
    headers, answer = record.rec_headers, None
    if record.rec_type != "resource":
        answer = read_answer(record)
        if answer is None or answer.get_statuscode() != "200":
            return None
    media_type = (answer or headers).get_header("Content-Type") or ""
    if not media_type.lower().startswith("image/"):
        return None
    address, stated = (
        _address(headers.get_header("WARC-Target-URI")),
        headers.get_header("WARC-Payload-Digest"),
    )
    try:
        if address is None:
            raise FileMissing("The record's WARC-Target-URI is not an address on the web.")
        if record.rec_type == "revisit":
            if stated in seen:  # its bytes have been
                return None
            raise FileMissing("The record says that the image was kept before; it is not in this archive.")
        data = read_body(record, answer)
    except SourceError as error:
        return Unreadable(path, error)
    if stated and len(stated) <= _ID_MAX:
        seen.add(stated)
    date = headers.get_header("WARC-Date") or ""
    return Item(
        path, partial(bytes, data), source_url=address, date=date if date and is_plain(date) else None
    )


def _page(record: ArcWarcRecord) -> str | None:
    """Return the page that a request came from (its Referer), or that a crawler's metadata name ('via')."""
    if record.rec_type == "request":
        question = read_question(record)
        return _address(question.get_header("Referer")) if question else None
    if record.rec_type == "metadata":
        fields = record.raw_stream.read(min(record.raw_stream.limit, _FIELDS_BYTES_MAX))
        for line in fields.decode("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.lower() == "via":
                return _address(value.strip())
    return None


def _address(text: str | None) -> str | None:
    """Return an address on the web; None for what is none."""
    usable = text and len(text) <= TEXT_MAX and is_plain(text) and is_web_address(text)
    return text if usable else None


def _id(record_id: str | None, offset: int) -> str:
    """Return what a record is called: its id without the brackets, or else where it begins."""
    name = (record_id or "").strip().removeprefix("<").removesuffix(">")
    return name if name and len(name) <= _ID_MAX and is_plain(name) else str(offset)
