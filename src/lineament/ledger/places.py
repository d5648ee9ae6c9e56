"""Where a log is read from: a folder on this machine, or a web address that serves such a folder."""

from __future__ import annotations

import http.client
import os
import socket
import stat
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Timer
from urllib.parse import urlsplit

from .errors import FileUnreadable, LogUnreachable

SECONDS = 30.0  # for one whole exchange
MAX_FILE_BYTES = 2 * 1024**3  # of a file that is named to be checked


@dataclass(frozen=True)
class Site:
    """A log at a web address, such as ``https://archive.example/ledger``."""

    url: str

    def __str__(self) -> str:
        return self.url


Log = Path | Site


def log_at(place: str) -> Log:
    """Return the log at a web address, or else in a folder."""
    is_address = place.lower().startswith(("https://", "http://"))
    return Site(place.rstrip("/")) if is_address else Path(place)


def read_file(log: Log, path: str, limit: int) -> bytes:
    """Return a file of the log, at most ``limit`` + 1 bytes: what is longer is refused by its reader.

    Raises ``OSError``, of which ``FileNotFoundError`` says that it is not there, or ``LogUnreachable``.
    """
    if isinstance(log, Site):
        status, data = exchange("GET", f"{log.url}/{path}", limit=limit)
        if status == HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(path)
        if status != HTTPStatus.OK:
            raise LogUnreachable(f"{log.url}/{path} answers with status {status}.")
        return data
    return read_given(log / path, limit)


def read_given(file: Path, limit: int) -> bytes:
    """Return at most ``limit`` + 1 bytes of a plain file; a pipe or device is refused without waiting for it.

    Raises ``OSError``.
    """
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is not a plain file")
        with os.fdopen(handle, "rb", closefd=False) as opened:
            return opened.read(limit + 1)
    finally:
        os.close(handle)


def read_whole(file: Path) -> bytes:
    """Return the bytes of a file that somebody named. Raises ``FileUnreadable``."""
    try:
        data = read_given(file, MAX_FILE_BYTES)
    except OSError as error:
        raise FileUnreadable(f"{file} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise FileUnreadable(f"{file} is larger than 2 GB.")
    return data


def exchange(
    method: str, url: str, body: bytes | None = None, limit: int = 0, seconds: float = SECONDS
) -> tuple[int, bytes]:
    """Send one HTTP request; return the status and at most ``limit`` + 1 bytes of the answer.

    No redirect is followed: the address that was given is the one that is asked. After ``seconds`` the
    connection is cut, whatever the other side still sends. Raises ``LogUnreachable``.
    """
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    try:
        parts = urlsplit(url)
        if parts.scheme not in kinds or not parts.hostname:
            raise LogUnreachable(f"{url} is not a web address.")
        connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=seconds)
        connection.connect()
        cut = Timer(seconds, connection.sock.shutdown, [socket.SHUT_RDWR])
        cut.start()
        try:
            connection.request(method, parts.path or "/", body)
            answer = connection.getresponse()
            data = b""
            while len(data) <= limit and (part := answer.read1(limit + 1 - len(data))):
                data += part
        finally:
            in_time = cut.is_alive()
            cut.cancel()
            connection.close()
        if not in_time:
            raise LogUnreachable(f"{url} takes longer than {seconds:.0f} seconds.")
        return answer.status, data
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise LogUnreachable(f"{url} cannot be reached: {error}.") from error
