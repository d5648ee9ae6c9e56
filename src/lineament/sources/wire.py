"""One https request over a connection whose address was looked up once, checked, and then connected to.

A library for HTTP looks names up itself and follows the environment; here the socket is ours, TLS is Python's
and h11 reads the protocol, so that each limit stands in one loop that can be read.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import h11

from lineament.core.words import plain
from lineament.errors import AddressRefused, FetchFailed, FileTooLarge
from lineament.sources.public_internet import is_public
from lineament.sources.web_address import WebAddress

PORT = 443
HEADER_BYTES_MAX = 32 * 1024
_PART = 16 * 1024  # bytes read at once
_ADDRESSES_MAX = 4  # that are tried, of those that a name has


def _resolve(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _connect(address: str, seconds: float) -> socket.socket:
    return socket.create_connection((address, PORT), seconds)


@dataclass(frozen=True)
class Wire:
    """How the world outside is reached. Tests bring their own; no setting leads here.

    ``resolve`` returns the IP addresses of a host; ``connect`` opens a connection to one of them, port 443.
    """

    resolve: Callable[[str], Sequence[str]] = _resolve
    connect: Callable[[str, float], socket.socket] = _connect
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    idle_seconds: float = 20.0  # without a byte
    total_seconds: float = 120.0  # for one exchange


@dataclass(frozen=True)
class Answer:
    """What a server said. Header names are in lower case; the body is as it was sent."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value, its first one where there are several, or None."""
        return next((value for known, value in self.headers if known == name), None)

    @property
    def media_type(self) -> str:
        """The media type without its parameters, such as 'text/plain'; empty where none is said."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def is_packed(self) -> bool:
        """Whether the body was sent in an encoding such as gzip, although none was asked for."""
        return (self.header("content-encoding") or "identity").strip().lower() != "identity"


def get(wire: Wire, address: WebAddress, headers: Sequence[tuple[str, str]], max_bytes: int) -> Answer:
    """Ask for an address once; no redirect is followed and nothing is decoded.

    Raises AddressRefused when one of the host's addresses is not public, FileTooLarge beyond ``max_bytes``,
    and FetchFailed for whatever else goes wrong.
    """
    deadline = wire.monotonic() + wire.total_seconds

    def patience() -> float:
        left = deadline - wire.monotonic()
        if left <= 0:
            raise FetchFailed(f"{address} takes longer than {wire.total_seconds:.0f} seconds.")
        return min(left, wire.idle_seconds)

    try:
        with _secured(wire, address.host, patience) as connection:
            return _ask(connection, address, headers, max_bytes, patience)
    except TimeoutError as error:
        raise FetchFailed(f"{address} sends nothing for too long.") from error
    except (OSError, UnicodeError, h11.ProtocolError) as error:
        raise FetchFailed(f"{address} cannot be fetched: {plain(str(error))}.") from error


def _secured(wire: Wire, host: str, patience: Callable[[], float]) -> ssl.SSLSocket:
    """Look the host up, check every address it has, connect to the first that answers, and begin TLS."""
    addresses = wire.resolve(host)
    for one in addresses:
        if not is_public(one):
            raise AddressRefused(f"{host} has the address {one}, which is not on the public internet.")
    failure: OSError = OSError("it has no address")
    for one in addresses[:_ADDRESSES_MAX]:
        try:
            opened = wire.connect(one, patience())
        except OSError as error:
            failure = error
            continue
        try:
            opened.settimeout(patience())
            return wire.trust.wrap_socket(opened, server_hostname=host, suppress_ragged_eofs=False)
        except BaseException:
            opened.close()
            raise
    raise failure


def _ask(
    connection: ssl.SSLSocket,
    address: WebAddress,
    headers: Sequence[tuple[str, str]],
    max_bytes: int,
    patience: Callable[[], float],
) -> Answer:
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_BYTES_MAX)
    fixed = [("Host", address.host), ("Accept-Encoding", "identity"), ("Connection", "close")]
    request = h11.Request(method="GET", target=address.path, headers=[*fixed, *headers])
    connection.settimeout(patience())
    connection.sendall((protocol.send(request) or b"") + (protocol.send(h11.EndOfMessage()) or b""))
    head, body, before = None, bytearray(), 0
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            connection.settimeout(patience())
            part = connection.recv(_PART)
            protocol.receive_data(part)
            before += len(part) if head is None else 0
            if before > HEADER_BYTES_MAX:
                raise FetchFailed(f"{address} sends more than {HEADER_BYTES_MAX // 1024} KB of headers.")
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > max_bytes:
                raise FileTooLarge(f"{address} has more than the {max_bytes:,} bytes that are read of it.")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            break
        elif not isinstance(event, h11.InformationalResponse):
            raise FetchFailed(f"{address} ends before its answer is whole.")
    pairs = [(name.decode("ascii").lower(), value.decode("latin-1")) for name, value in head.headers]
    return Answer(head.status_code, pairs, bytes(body))
