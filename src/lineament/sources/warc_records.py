"""The records of a WARC file that may be hostile, by warcio, which leaves damage and limits open.

WARC is ISO 28500:2017, written out at iipc.github.io/warc-specifications.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import IO

from warcio.archiveiterator import WARCIterator
from warcio.bufferedreaders import ChunkedDataReader
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser, StatusAndHeadersParserException

from lineament.errors import FileChanged, FileMissing, FileTooLarge, SourceUnreadable
from lineament.limits import PHOTOGRAPH_MB_MAX
from lineament.sources.files import FILE_BYTES_MAX
from lineament.sources.members import MEMBERS_MAX
from lineament.sources.unpacked import Unpacked

_LINE_BYTES_MAX = 16 * 1024
_PIECE = 128 * 1024  # bytes
_HEADERS_BYTES_MAX = 256 * 1024  # of one record, and as much again of HTTP

_ANSWER = StatusAndHeadersParser(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2"])
_QUESTION = StatusAndHeadersParser(["GET ", "HEAD ", "POST "])

logging.getLogger("warcio").addHandler(logging.NullHandler())  # it would print addresses as they are


class _Lines:
    """What warcio reads: a stream that is unpacked already, and in which headers have an end."""

    decompressor = None

    def __init__(self, stream: Unpacked) -> None:
        self._stream = stream
        self._offset = 0
        self.headers_left = 0  # bytes, of the record at hand

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        return self._passed(self._stream.read(size))

    def readline(self, size: int = _LINE_BYTES_MAX) -> bytes:
        """Return the next line of a header. Raises ValueError where it does not end."""
        line = self._passed(self._stream.readline(min(size, _LINE_BYTES_MAX)))
        self.headers_left -= len(line)
        if self.headers_left < 0 or (len(line) == _LINE_BYTES_MAX and not line.endswith(b"\n")):
            raise ValueError("A header does not end.")
        return line

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._offset

    def rem_length(self) -> int:
        """Say that nothing was read ahead."""
        return 0

    def close_decompressor(self) -> None:
        """Do nothing: there is none."""

    def _passed(self, data: bytes) -> bytes:
        self._offset += len(data)
        return data


def records(stream: Unpacked, name: str) -> Iterator[tuple[ArcWarcRecord, int]]:
    """Yield every record with its offset in the unpacked file. Raises SourceUnreadable."""
    lines = _Lines(stream)
    found = WARCIterator(lines, no_record_parse=True)
    found.reader = lines  # in place of its own, whose lines may be of any length
    found.INC_RECORD = ""  # what it would print
    before: ArcWarcRecord | None = None
    for _ in range(MEMBERS_MAX):
        lines.headers_left = _HEADERS_BYTES_MAX
        try:
            record = next(found, None)
        except SourceUnreadable:
            raise
        except Exception as error:  # warcio raises what it happens upon
            raise SourceUnreadable(f"{name} is no WARC file, or is damaged.") from error
        if found.err_count:
            raise SourceUnreadable(f"{name} is damaged: a record is longer than it says.")
        if before and before.raw_stream.limit:
            raise SourceUnreadable(f"{name} breaks off.")
        if record is None:
            return
        if record.length is None:
            raise SourceUnreadable(f"{name} is damaged: a record does not say how long it is.")
        lines.headers_left = _HEADERS_BYTES_MAX
        yield record, found.offset
        before = record
    raise SourceUnreadable(f"{name} has more than {MEMBERS_MAX:,} records; split it.")


def read_answer(record: ArcWarcRecord) -> StatusAndHeaders | None:
    """Read the HTTP headers of an answer; None where there are none. What is left is its body."""
    return _parsed(_ANSWER, record)


def read_question(record: ArcWarcRecord) -> StatusAndHeaders | None:
    """Read the HTTP headers of a request; None where there are none."""
    return _parsed(_QUESTION, record)


def read_body(record: ArcWarcRecord, answer: StatusAndHeaders | None) -> bytes:
    """Return the decoded body of an answer, or the block of a resource.

    Raises FileMissing where it is not all there, FileTooLarge, and FileChanged where it has another digest
    than the record states.
    """
    headers, size = record.rec_headers, record.raw_stream.limit
    if headers.get_header("WARC-Truncated") or headers.get_header("WARC-Segment-Number"):
        raise FileMissing("The record holds only a part of the image.")
    if size > FILE_BYTES_MAX:
        raise _too_large()
    sent: bytes = record.raw_stream.read(size)
    if len(sent) < size:
        raise FileMissing("The archive breaks off in this image.")
    chunked = answer and answer.get_header("Transfer-Encoding", "").lower() == "chunked"
    body: bytes = ChunkedDataReader(BytesIO(sent)).read() if chunked else sent
    stated = headers.get_header("WARC-Payload-Digest") or ""
    # The standard means the body without its chunks; some archives mean it as it was sent.
    if not any(has_digest(BytesIO(data), stated) for data in (body, sent)):
        raise FileChanged("The image does not have the digest that its record states.")
    return _decoded(body, answer.get_header("Content-Encoding", "") if answer else "")


def has_digest(file: IO[bytes], stated: str) -> bool:
    """Say whether a file has a digest such as 'sha1:B2LTWWPUOYAH7UIPQ7ZUPQ4VMBSVC36A', in base 16 or 32.

    True, too, where none of a known kind is stated.
    """
    kind, _, value = stated.partition(":")
    kind = kind.lower().replace("-", "")
    if kind not in ("md5", "sha1", "sha256", "sha512"):
        return True
    digest = hashlib.new(kind, usedforsecurity=False)
    while piece := file.read(_PIECE):
        digest.update(piece)
    written = (digest.hexdigest(), base64.b32encode(digest.digest()).decode().rstrip("=").lower())
    return value.rstrip("=").lower() in written


def _decoded(body: bytes, encoding: str) -> bytes:
    """Undo an HTTP content encoding. Archives keep the header where the body is decoded already."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise FileMissing("The image was sent in an encoding that is not read: gzip and deflate are.")
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # with a header of gzip or zlib, or without
        try:
            decoded = zlib.decompressobj(window).decompress(body, FILE_BYTES_MAX + 1)
        except zlib.error:
            continue
        if len(decoded) > FILE_BYTES_MAX:
            raise _too_large()
        return decoded
    return body


def _too_large() -> FileTooLarge:
    return FileTooLarge(f"The image has more than the {PHOTOGRAPH_MB_MAX} MB that are read from one file.")


def _parsed(parser: StatusAndHeadersParser, record: ArcWarcRecord) -> StatusAndHeaders | None:
    try:
        return parser.parse(record.raw_stream)
    except (StatusAndHeadersParserException, EOFError, ValueError):
        return None
