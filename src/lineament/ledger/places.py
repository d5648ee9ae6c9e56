"""Where a log is read from: a folder on this machine, or a web address that serves such a folder."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .errors import LogUnreachable

SECONDS = 30.0  # for one whole exchange, and for each wait in it


@dataclass(frozen=True)
class Site:
    """A log at a web address, such as ``https://archive.example/ledger``."""

    url: str

    def __str__(self) -> str:
        return self.url


Log = Path | Site


def log_at(place: str) -> Log:
    """Return the log at a web address, or else in a folder."""
    return Site(place.rstrip("/")) if place.startswith(("https://", "http://")) else Path(place)


def read_file(log: Log, path: str, limit: int) -> bytes:
    """Return a file of the log, at most ``limit`` + 1 bytes: what is longer is refused by its reader.

    Raises ``OSError``, of which ``FileNotFoundError`` says that it is not there, or ``LogUnreachable``.
    """
    if isinstance(log, Site):
        status, data = exchange("GET", f"{log.url}/{path}", limit=limit)
        if status == http.HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(path)
        if status != http.HTTPStatus.OK:
            raise LogUnreachable(f"{log.url}/{path} answers with status {status}.")
        return data
    with (log / path).open("rb") as file:
        return file.read(limit + 1)


def exchange(method: str, url: str, body: bytes | None = None, limit: int = 0) -> tuple[int, bytes]:
    """Send one HTTP request; return the status and at most ``limit`` + 1 bytes of the answer.

    No redirect is followed: the address that was given is the one that is asked. Raises ``LogUnreachable``.
    """
    deadline = time.monotonic() + SECONDS
    try:
        parts = urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        if parts.scheme not in kinds or not parts.hostname:
            raise LogUnreachable(f"{url} is not a web address.")
        connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=SECONDS)
        try:
            connection.request(method, parts.path or "/", body)
            answer = connection.getresponse()
            data = b""
            while len(data) <= limit and (part := answer.read1(limit + 1 - len(data))):
                data += part
                if time.monotonic() > deadline:
                    raise TimeoutError("it takes too long")
            return answer.status, data
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise LogUnreachable(f"{url} cannot be reached: {error}.") from error
