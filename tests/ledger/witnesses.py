"""A witness for tests, and an HTTP server on loopback that answers what it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineament.ledger import Witness, WitnessPolicy
from lineament.ledger.note import Note, Signature

ANY = WitnessPolicy.of_log_alone()  # asks for no witness
Answer = tuple[int, dict[str, str], bytes]


class TestWitness:
    """Signs any checkpoint at any time it is told to."""

    __test__ = False

    def __init__(self, name: str) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public = Witness(name, self._key.public_key().public_bytes_raw())

    def cosign(self, note: bytes, time: int = 1_700_000_000) -> Signature:
        """Return its cosignature on a checkpoint."""
        text = Note.parse(note).text
        signature = self._key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        return Signature(self.public.name, self.public.key_id, time.to_bytes(8, "big") + signature)


def both_of(one: TestWitness, two: TestWitness) -> WitnessPolicy:
    """Return the policy that asks for both."""
    lines = [
        f"witness one {one.public.vkey}",
        f"witness two {two.public.vkey}",
        "group g all one two",
        "quorum g",
    ]
    return WitnessPolicy.parse("\n".join([*lines, ""]).encode())


@contextmanager
def answering(answer: Callable[[str, str, bytes], Answer]) -> Iterator[str]:
    """Run an HTTP server on loopback that gives each request (method, path, body) to ``answer``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, data = answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST  # noqa: N815 - the base class names them so

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
