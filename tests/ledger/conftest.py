"""What the ledger's stories share: a key, entries by number, and a published log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from lineament.ledger import Signer, encode, publish


def entry(number: int) -> bytes:
    """Return entry ``number``: always the same, and unlike every other."""
    who = sha256(str(number).encode()).hexdigest()[:32]
    if number % 3:
        return encode("session.opened", at="2026-11-22T21:04:05.123Z", who=who)
    return encode("collection.created", at="2026-11-22T21:04:05.123Z", who=who, collection=who[:16])


def entries(start: int, stop: int) -> Iterator[bytes]:
    return map(entry, range(start, stop))


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer.from_private_bytes("log.example/lineament", bytes(range(32)))


@pytest.fixture(scope="session", name="entries")
def entries_fixture() -> Callable[[int, int], Iterator[bytes]]:
    return entries


@pytest.fixture(scope="session", name="log")
def log_fixture(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Callable[[int], Path]:
    """Return a function that publishes a log of so many entries to a new folder."""

    def log(size: int) -> Path:
        folder = tmp_path_factory.mktemp("log")
        publish(folder, entries, size, signer)
        return folder

    return log
