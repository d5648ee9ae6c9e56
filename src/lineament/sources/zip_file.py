"""A zip file that may be hostile."""

from __future__ import annotations

import io
import stat
import struct
import weakref
import zipfile
from pathlib import Path
from threading import Lock
from typing import IO

from lineament.core.words import plain
from lineament.errors import FileMissing, FileTooLarge, SourceError, SourceUnreadable
from lineament.sources.files import FILE_BYTES_MAX
from lineament.sources.members import MEMBERS_MAX, name_refusal, visible
from lineament.sources.unpacked import DAMAGE, RATIO_MAX

DIRECTORY_BYTES_MAX = 16 * 1024 * 1024  # about 150,000 photographs
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FREE_BYTES = 1024 * 1024  # that a member may have before the ratio counts
_DAMAGE = (*DAMAGE, RuntimeError, struct.error)  # with what zipfile itself raises besides


class ZipFile:
    """The files of a zip archive: ``members`` are they with their names, in the order of these.

    Hidden ones are left out. Raises SourceUnreadable where the archive's directory cannot be read. Any number
    of threads may call ``read``.
    """

    def __init__(self, place: Path) -> None:
        self._name = plain(place.name)
        self._lock = Lock()
        try:
            file = _Directory(io.FileIO(place))
            weakref.finalize(self, file.close)
            self._zip = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise SourceUnreadable(f"{self._name} cannot be read as a zip archive: {error}.") from error
        entries = self._zip.infolist()
        if len(entries) > MEMBERS_MAX:
            raise SourceUnreadable(f"{self._name} has more than {MEMBERS_MAX:,} members; split it.")
        files = [one for one in entries if not one.orig_filename.endswith("/")]
        named = [(visible(one.orig_filename), one) for one in files]
        self.members = sorted((pair for pair in named if pair[0]), key=lambda pair: pair[0])
        self._overlapping = _overlapping(entries)

    def refusal(self, member: zipfile.ZipInfo) -> SourceError | None:
        """Return why a member is not read, if it is not."""
        kind, method = stat.S_IFMT(member.external_attr >> 16), member.compress_type
        reasons = {
            "is a link or a device, and no file": kind not in (0, stat.S_IFREG),
            "is encrypted": member.flag_bits & 0x41,  # APPNOTE 4.4.4: encrypted, strongly encrypted
            "is packed by a method that is not read; use deflate, or none": method not in _METHODS,
            "overlaps another one, as in an archive made to do harm": member.header_offset
            in self._overlapping,
            f"unpacks to more than {RATIO_MAX} times its size, as no photograph does": (
                member.file_size > max(_FREE_BYTES, RATIO_MAX * member.compress_size)
            ),
        }
        why = next((why for why, holds in reasons.items() if holds), None)
        return name_refusal(member.orig_filename) or (FileMissing(f"The member {why}.") if why else None)

    def open(self, member: zipfile.ZipInfo) -> IO[bytes]:
        """Open a member to be read forwards, which may raise what is in DAMAGE. Raises SourceUnreadable."""
        name = f"{plain(member.filename)} in {self._name}"
        if refused := self.refusal(member):
            raise SourceUnreadable(f"{name} cannot be read. {refused}")
        try:
            return self._zip.open(member)
        except _DAMAGE as error:
            raise SourceUnreadable(f"{name} is damaged: {error}.") from error

    def read(self, member: zipfile.ZipInfo, bytes_max: int = FILE_BYTES_MAX) -> bytes:
        """Return a member's bytes. Raises FileMissing where they are damaged, or FileTooLarge."""
        name = plain(member.filename)
        if member.file_size > bytes_max:
            raise FileTooLarge(
                f"'{name}' has more than the {bytes_max >> 20} MB that are read from one file."
            )
        try:
            with self._lock, self._zip.open(member) as file:
                return file.read(member.file_size + 1)  # without a number it would unpack all there is
        except _DAMAGE as error:
            raise FileMissing(f"'{name}' is damaged in the archive: {error}.") from error


class _Directory(io.BufferedReader):
    """A zip file. zipfile reads its directory all at once, and that may not have any size."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > DIRECTORY_BYTES_MAX:
            raise zipfile.BadZipFile(f"it lists more than {DIRECTORY_BYTES_MAX >> 20} MB of names; split it")
        return super().read(size)


def _overlapping(entries: list[zipfile.ZipInfo]) -> set[int]:
    """Return where members begin that lie over what an earlier one has taken."""
    overlapping, end = set(), 0
    for one in sorted(entries, key=lambda one: one.header_offset):
        if one.header_offset < end:
            overlapping.add(one.header_offset)
        end = max(end, one.header_offset + 30 + one.compress_size)  # APPNOTE 4.3.7: 30 bytes of header
    return overlapping
