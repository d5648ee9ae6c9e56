"""A tar file that may be hostile, read forwards.

The standard library parses the headers. What follows from them is done here, in one pass and within limits:
tarfile itself takes extended headers of any length into memory.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lineament.errors import FileMissing, FileTooLarge, SourceError, SourceUnreadable
from lineament.sources.members import MEMBERS_MAX, name_refusal, visible
from lineament.sources.unpacked import Unpacked

_BLOCK = 512  # bytes
_EXTENDED_BYTES_MAX = 64 * 1024  # of a long name or of a pax header
_PAX_RECORD = re.compile(rb"([1-9][0-9]{0,4}) ([^=]+)=")  # its length comes first, and counts itself
_SPARSE = b"GNU.sparse"  # what the fields of sparse files begin with
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_WITHOUT_DATA = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)


@dataclass(frozen=True)
class TarMember:
    """One file in a tar: its bytes, or why they are not read."""

    name: str
    data: bytes
    refusal: SourceError | None


def read_tar(stream: Unpacked, archive: str, bytes_max: Callable[[str], int]) -> Iterator[TarMember]:
    """Yield the files of a tar as they pass, hidden ones left out.

    ``bytes_max`` says for a name how many bytes may be read; with 0 they are passed over. ``archive`` is what
    the sentences call it. Raises SourceUnreadable where it is damaged or breaks off, or has too many members.
    """
    said: dict[bytes, bytes] = {}  # by extended headers, of the member that comes after them
    for _ in range(MEMBERS_MAX):
        block = _read(stream, _BLOCK, archive)
        if not any(block):  # POSIX.1-2017, pax: zeros end an archive
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            extended = _extended(stream, header, archive)
            if extended is not None:
                said |= extended
                continue
            size = int(said.get(b"size", header.size))
            if size < 0:
                raise ValueError("a negative size")
        except (tarfile.HeaderError, ValueError) as error:
            raise SourceUnreadable(f"{archive} is no tar archive, or is damaged: {error}.") from error
        name = visible(said[b"path"].decode("utf-8", "surrogateescape") if b"path" in said else header.name)
        sparse = header.type == tarfile.GNUTYPE_SPARSE or _SPARSE in said
        said = {}
        if header.type == tarfile.GNUTYPE_SPARSE:
            _skip_sparse_map(stream, block, archive)
        if header.type in (*_WITHOUT_DATA, tarfile.DIRTYPE):
            size = 0
        most, data = bytes_max(name), b""
        refusal: SourceError | None = name_refusal(name)
        if not refusal and (sparse or header.type not in _FILES):
            refusal = FileMissing("The member is a link, a device or a sparse file.")
        elif not refusal and size > most > 0:
            refusal = FileTooLarge(f"'{name}' has more than the {most >> 20} MB that are read.")
        if most and not refusal:
            data = _read(stream, size, archive)
        if name and header.type != tarfile.DIRTYPE:
            yield TarMember(name, data, refusal)
        stream.skip(-(-size // _BLOCK) * _BLOCK - len(data))
    raise SourceUnreadable(f"{archive} has more than {MEMBERS_MAX:,} members; split it.")


def _extended(stream: Unpacked, header: tarfile.TarInfo, archive: str) -> Mapping[bytes, bytes] | None:
    """Return what an extended header says of the next member; None for the header of a member.

    Raises ValueError where it is damaged.
    """
    padded = -(-header.size // _BLOCK) * _BLOCK
    if header.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):  # of all members, and where a link leads
        stream.skip(padded)
        return {}
    if header.type not in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        return None
    if header.size > _EXTENDED_BYTES_MAX:
        raise ValueError("an extended header of more than 64 KB")
    data = _read(stream, padded, archive)[: header.size]
    return {b"path": data.rstrip(b"\0")} if header.type == tarfile.GNUTYPE_LONGNAME else _pax(data)


def _pax(data: bytes) -> dict[bytes, bytes]:
    """Return the fields that count, so that many headers one after the other hold no more than one."""
    fields, start = {}, 0
    while record := _PAX_RECORD.match(data, start):
        start += int(record[1])
        name = _SPARSE if record[2].startswith(_SPARSE) else record[2]
        if name in (b"path", b"size", _SPARSE):
            fields[name] = data[record.end() : start - 1]
    if start > len(data) or data[start:].strip(b"\0"):
        raise ValueError("a pax header that is none")
    return fields


def _skip_sparse_map(stream: Unpacked, block: bytes, archive: str) -> None:
    """Pass over the blocks that go on with the map of a sparse file (GNU tar, 'Old GNU Format')."""
    goes_on = block[482]
    while goes_on:
        goes_on = _read(stream, _BLOCK, archive)[504]


def _read(stream: Unpacked, size: int, archive: str) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise SourceUnreadable(f"{archive} breaks off.")
    return data
