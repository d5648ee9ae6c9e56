"""A small internet on loopback: https servers under public names, and a canary where everything else leads.

Only names, addresses and ports are not real: what is resolved here are addresses of the public internet, and
a connection to one of them ends at the server on loopback that stands for it. A connection to any other
address ends at the canary, which must not hear a byte.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Event, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lineament.sources.fetch import Fetcher
from lineament.sources.site_permission import PERMISSION_PATH
from lineament.sources.wire import Wire
from lineament.testing import Clock

MUSEUM, MUSEUM_IP = "museum.example.org", "151.101.1.1"
OTHER, OTHER_IP = "other.example.org", "151.101.2.2"
OPERATOR, CONTACT, PURPOSE = "search.example.net", "mailto:curator@search.example.net", "archive-research"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Parts = bytes | Iterable[bytes]


def permission(host: str = MUSEUM, **changes: str | None) -> str:
    """A permission file that is in force at NOON, or one with other values; None leaves a field out."""
    fields: dict[str, str | None] = {
        "Canonical": f"https://{host}{PERMISSION_PATH}",
        "Grantor": "The Museum",
        "Contact": "mailto:rights@museum.example.org",
        "Operator": OPERATOR,
        "Scope": "/",
        "Purposes": f"{PURPOSE}, family-reunion",
        "Expires": "2027-01-31T00:00:00Z",
        **changes,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)


def http(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer as bytes; underscores in header names stand for hyphens."""
    data = body.encode() if isinstance(body, str) else body
    lines = {"Content-Length": str(len(data)), **{name.replace("_", "-"): v for name, v in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + data


def text(body: str) -> bytes:
    """A file of plain text, as HTTP sends it."""
    return http(body, Content_Type="text/plain; charset=utf-8")


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for the servers of this internet, with one certificate for both names, and for who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(MUSEUM), x509.DNSName(OTHER)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(pem + secret)
        server.load_cert_chain(file.name)
    return server, ssl.create_default_context(cadata=pem.decode())


@dataclass
class Time:
    """Seconds that pass when somebody sleeps, and ``each`` time that somebody looks."""

    now: float = 1_000.0
    each: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        self.now += self.each
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Server:
    """A server on loopback. ``answer`` gets a request's path and returns the bytes to send, or parts."""

    def __init__(self, answer: Callable[[str], Parts], tls: ssl.SSLContext | None) -> None:
        self._answer, self._tls = answer, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[str] = []  # the heads of the requests, as they came
        self.connections = 0
        self.closing = Event()
        self._start(self._accept)

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.split(" ")[1] for request in self.requests]

    def close(self) -> None:
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, run: Callable[..., None], *args: object) -> None:
        thread = Thread(target=run, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, suppress(OSError):
            if self._tls is None:  # a canary: it hears one word, and that is too much
                self.requests.append(connection.recv(4096).decode("latin-1"))
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                head = b""
                while b"\r\n\r\n" not in head and (part := secured.recv(4096)):
                    head += part
                if not head:
                    return
                self.requests.append(head.decode("latin-1"))
                answer = self._answer(head.decode("latin-1").split(" ")[1])
                for part in [answer] if isinstance(answer, bytes) else answer:
                    if self.closing.is_set():
                        return
                    secured.sendall(part)


class Internet:
    """The names, addresses and servers of one test, and a Fetcher that has them for the whole internet."""

    def __init__(self) -> None:
        self.time, self.clock = Time(), Clock()
        self.names: dict[str, list[str] | Callable[[], list[str]]] = {}
        self.resolved: list[str] = []
        self.connected: list[str] = []
        self.sites: dict[str, Server] = {}  # the newest one of each host
        self.canary = Server(lambda _path: b"", None)
        self._servers = [self.canary]
        self._ports: dict[str, int] = {}

    def site(
        self,
        files: Mapping[str, Parts | Callable[[], Parts]],
        host: str = MUSEUM,
        address: str = MUSEUM_IP,
        allows: str | None = "yes",
    ) -> Server:
        """Run a site that serves these files and, unless ``allows`` is None, a permission file."""
        served: dict[str, Parts | Callable[[], Parts]] = dict(files)
        if allows is not None:
            served = {PERMISSION_PATH: text(permission(host) if allows == "yes" else allows), **served}

        def answer(path: str) -> Parts:
            found = served.get(path, NOT_FOUND)
            return found() if callable(found) else found

        server = Server(answer, contexts()[0])
        self._servers.append(server)
        self.sites[host], self.names[host], self._ports[address] = server, [address], server.port
        return server

    def wire(self, idle_seconds: float = 20.0, total_seconds: float = 120.0) -> Wire:
        """A wire that knows no other internet than this."""
        return Wire(
            resolve=self._resolve,
            connect=self._connect,
            trust=contexts()[1],
            monotonic=self.time.monotonic,
            sleep=self.time.sleep,
            idle_seconds=idle_seconds,
            total_seconds=total_seconds,
        )

    def fetcher(
        self,
        hosts: Iterable[str] = (MUSEUM,),
        purposes: Iterable[str] = (PURPOSE,),
        wire: Wire | None = None,
    ) -> Fetcher:
        """A Fetcher of the operator that ``permission`` names."""
        return Fetcher(OPERATOR, CONTACT, list(hosts), list(purposes), self.clock, wire or self.wire())

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def _resolve(self, host: str) -> list[str]:
        self.resolved.append(host)
        found = self.names.get(host)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found() if callable(found) else found

    def _connect(self, address: str, seconds: float) -> socket.socket:
        self.connected.append(address)
        assert ipaddress.ip_address(address)
        port = self._ports.get(address, self.canary.port)
        return socket.create_connection(("127.0.0.1", port), seconds)


@contextmanager
def an_internet() -> Iterator[Internet]:
    """An internet that is gone at the end of the block."""
    made = Internet()
    try:
        yield made
    finally:
        made.close()
