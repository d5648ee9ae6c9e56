"""Zip and tar archives of photographs, with or without a manifest in them. Nothing is put on the disk."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from functools import partial
from io import BytesIO
from pathlib import Path

from lineament.core.words import plain
from lineament.errors import BadRow, FileMissing, SourceUnreadable
from lineament.sources.files import FILE_BYTES_MAX
from lineament.sources.manifest import Manifest, Row
from lineament.sources.members import find_manifest, name_refusal, visible
from lineament.sources.protocol import Item, Unreadable
from lineament.sources.tar_file import TarMember, read_tar
from lineament.sources.unpacked import Unpacked
from lineament.sources.zip_file import ZipFile

MANIFEST_BYTES_MAX = 64 * 1024 * 1024  # of one in a tar, which is held in memory


class ZipSource:
    """The files of a zip archive in the order of their names, or in that of the manifest in it.

    Raises SourceUnreadable where the archive or its manifest is none.
    """

    def __init__(self, place: Path) -> None:
        self._name = plain(place.name)
        self._zip = ZipFile(place)
        self._manifest: Manifest | None = None
        if found := find_manifest(name for name, _ in self._zip.members):
            self._folder = found.rpartition("/")[0]
            self._named = dict(self._zip.members)
            self._manifest = Manifest(found, partial(self._zip.open, self._named[found]))

    @property
    def size(self) -> int | None:
        """How many files there are, or rows in the manifest."""
        return self._manifest.size if self._manifest else len(self._zip.members)

    def __iter__(self) -> Iterator[Item | Unreadable]:
        if self._manifest:
            yield from self._manifest.items(self._item)
            return
        for name, member in self._zip.members:
            path, refusal = _shown(self._name, "", name), self._zip.refusal(member)
            yield Unreadable(path, refusal) if refusal else Item(path, partial(self._zip.read, member))

    def _item(self, row: Row) -> Item:
        member = self._named.get(_inside(self._folder, row.place))
        if member is None:
            raise FileMissing(f"the file '{row.place}' is not in the archive.")
        if refusal := self._zip.refusal(member):
            raise refusal
        return row.item(_shown(self._name, self._folder, row.place), partial(self._zip.read, member))


class TarSource:
    """The files of a tar archive in the order in which they lie there, packed by gzip, bzip2 or xz or not.

    It is gone through first, for a manifest. A photograph's bytes are taken while it passes. Raises
    SourceUnreadable where it is no archive, and half-way where it is damaged or breaks off.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._name = plain(place.name)
        with closing(self._members(lambda _: 0)) as members:
            next(members, None)  # it begins like a tar

    @property
    def size(self) -> None:
        """Not known before the end."""
        return None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        if found := self._read_manifest():
            yield from self._by_manifest(*found)
            return
        for member in self._members(lambda _: FILE_BYTES_MAX):
            path = _shown(self._name, "", member.name)
            if member.refusal:
                yield Unreadable(path, member.refusal)
            else:
                yield Item(path, partial(bytes, member.data))

    def _members(self, bytes_max: Callable[[str], int]) -> Generator[TarMember, None, None]:
        try:
            with self._place.open("rb") as file:
                yield from read_tar(Unpacked(file, self._name), self._name, bytes_max)
        except OSError as error:
            raise SourceUnreadable(f"{self._name} cannot be read: {error.strerror}.") from error

    def _read_manifest(self) -> tuple[str, bytes] | None:
        """Return the manifest's name and bytes, if there is one."""
        found = find_manifest(self._names())
        for member in self._members(lambda name: MANIFEST_BYTES_MAX if name == found else 0) if found else ():
            if member.name == found and member.refusal:
                raise SourceUnreadable(f"{found} in {self._name} cannot be read. {member.refusal}")
            if member.name == found:
                return found, member.data
        return None

    def _names(self) -> Iterator[str]:
        """Yield the names of all files, up to where the archive may be damaged."""
        with suppress(SourceUnreadable):
            for member in self._members(lambda _: 0):
                yield member.name

    def _by_manifest(self, found: str, data: bytes) -> Iterator[Item | Unreadable]:
        folder = found.rpartition("/")[0]
        waiting: dict[str, list[Row]] = {}
        for row in Manifest(found, partial(BytesIO, data)).rows():
            if isinstance(row, Unreadable):
                yield row
                continue
            try:
                waiting.setdefault(_inside(folder, row.place), []).append(row)
            except BadRow as error:
                yield row.unreadable(error)
        for member in self._members(lambda name: FILE_BYTES_MAX if name in waiting else 0):
            for row in waiting.pop(member.name, ()):
                if member.refusal:
                    yield row.unreadable(member.refusal)
                else:
                    path = _shown(self._name, folder, row.place)
                    yield row.item(path, partial(bytes, member.data))
        for rows in waiting.values():
            for row in rows:
                yield row.unreadable(FileMissing(f"the file '{row.place}' is not in the archive."))


def _shown(archive: str, folder: str, place: str) -> str:
    """Return what a file in an archive is called elsewhere."""
    return plain("/".join(part for part in (archive, folder, place) if part))


def _inside(folder: str, place: str) -> str:
    """Return the name of the member that a row of a manifest means. Raises BadRow."""
    if name_refusal(place):
        raise BadRow(f"the path '{place}' leads out of the manifest's folder.")
    return "/".join(part for part in (folder, visible(place)) if part)
