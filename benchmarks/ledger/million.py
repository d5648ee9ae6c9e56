"""Appending, publishing and checking a log of many entries, beside the hashing that nobody can do without.

    python benchmarks/ledger/million.py [--entries 1000000]

The limit is one SHA-256 over each entry and one over each inner node, in one thread of the same Python.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from lineament.app.journal import act
from lineament.ledger import Signer, check, decode, encode, fsck, publish
from lineament.testing import make_installation

TIME = "2026-11-25T12:00:00.000Z"


def entry(number: int) -> bytes:
    """Return a short entry, unlike every other."""
    return encode("session.opened", at=TIME, who=f"{number:032x}")


def entries(start: int, stop: int) -> Iterator[bytes]:
    """Yield entries by number."""
    return map(entry, range(start, stop))


def main() -> None:
    """Print the times and their ratios to the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    size = parser.parse_args().entries
    made = list(entries(0, size))
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; {size:,} entries of {len(made[0])} bytes\n"
    )
    limit = seconds(lambda: hash_all(made))
    print("| what | seconds | entries a second | times the hashing |")
    print("|---|---|---|---|")
    row("hashing alone", limit, size, limit)
    row("decoding strictly, alone", seconds(lambda: [decode(one) for one in made]), size, limit)
    with tempfile.TemporaryDirectory() as name:
        folder, signer = Path(name) / "log", Signer.generate("log.example/benchmark")

        def read(start: int, stop: int) -> list[bytes]:
            return made[start:stop]

        row("publish, all at once", seconds(lambda: publish(folder, read, size, signer)), size, limit)
        row(
            "check, at a server's start",
            seconds(lambda: check(folder, read, size, signer.verifier)),
            size,
            limit,
        )
        row("fsck, from the files alone", seconds(lambda: fsck(folder, signer.verifier)), size, limit)
        grown = [*made, *entries(size, size + 1)]
        once = seconds(lambda: publish(folder, lambda start, stop: grown[start:stop], size + 1, signer))
        print(f"\nOne more entry is published in {1000 * once:.1f} ms.")
    acts()


def acts() -> None:
    """Print how many acts a second are recorded, committed and published, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        installation = make_installation(Path(name))

        def record(number: int) -> None:
            with act(installation) as doing:
                doing.record("session.opened", at=TIME, who=f"{number:032x}")

        record(0)
        number = 1000
        took = seconds(lambda: [record(one) for one in range(1, number + 1)])
        disk = seconds(lambda: fsyncs(Path(name), number))
        print(
            f"{number / took:.0f} acts a second, each durable and published before the next: "
            f"{took / disk:.1f} times as long as one write and fsync each."
        )
        installation.close()


def fsyncs(folder: Path, number: int) -> None:
    """Write and fsync a short file again and again."""
    with (folder / "disk").open("wb") as file:
        for _ in range(number):
            file.write(b"x" * 100)
            file.flush()
            os.fsync(file.fileno())


def hash_all(made: list[bytes]) -> None:
    """Hash every entry and every inner node of the tree."""
    level = [sha256(b"\x00" + one).digest() for one in made]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]


def seconds(run: Callable[[], object]) -> float:
    """Return how long it takes once."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def row(what: str, took: float, size: int, limit: float) -> None:
    """Print one row of the table."""
    print(f"| {what} | {took:.1f} | {size / took:,.0f} | {took / limit:.1f} |", flush=True)


if __name__ == "__main__":
    main()
