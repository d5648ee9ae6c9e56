"""What it costs that the index is encrypted on disk: the index beside itself from before it was.

    git worktree add FOLDER COMMIT
    LINEAMENT_EVAL=FOLDER python benchmarks/index/sealed.py FOLDER [FOLDER ...]
        [--faces 1000000] [--dimensions 128 512] [--work FOLDER]

Each tree runs in a process of its own, and they take turns, call by call, so that whatever else the machine
does befalls them all. A line says what the median call took here; then, for each of the other trees, what it
took there, and this tree's time as a multiple of that. See vectors.py for the templates.
"""

from __future__ import annotations

import argparse
import inspect
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

HERE = Path(__file__).parents[2]
COLLECTIONS = ("a thousandth", "a tenth", "the rest")
LISTED = 10
KEY = bytes(range(32))
_ADDED = 10_000  # faces in one call
_REMOVED = 1_000  # likewise
_SEARCHES = 300
_TURN = 10  # searches
_BATCH = 64
_REST = 0.2  # seconds, in which threads that wait for work go to sleep


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("others", type=Path, nargs="+", help="checkouts of other commits")
    arguments.add_argument("--faces", type=int, default=1_000_000)
    arguments.add_argument("--dimensions", type=int, nargs="+", default=[128, 512])
    arguments.add_argument("--work", type=Path, help="a folder on the disk that is measured")
    chosen = arguments.parse_args()
    for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
        del os.environ[name]  # numpy chooses its kernels itself
    from vectors import NoEvaluationData, generator  # noqa: PLC0415 - a tree's process has its own lineament

    try:
        generators = [generator(dimension) for dimension in chosen.dimensions]
    except NoEvaluationData as error:
        print(f"Skipped: {error}")
        return
    for one in generators:
        with tempfile.TemporaryDirectory(dir=chosen.work) as name:
            folder, start = Path(name), 0
            shape = (chosen.faces, one.dimension)
            gallery = np.lib.format.open_memmap(folder / "gallery.npy", "w+", np.float32, shape)
            for vectors in one.gallery(chosen.faces):
                gallery[start : start + len(vectors)] = vectors
                start += len(vectors)
            gallery.flush()
            np.save(folder / "probes.npy", one.probes(chosen.faces).mated)
            print(f"\n{chosen.faces:,} faces, {one.dimension}-D", flush=True)
            compare([HERE, *chosen.others], folder, chosen.faces)


def compare(trees: Sequence[Path], folder: Path, faces: int) -> None:
    """Let the trees do everything in turns, and print what it took: first where it was built, then anew."""
    alone = [(start, _TURN, 1) for start in range(0, _SEARCHES, _TURN)]
    removed = np.random.default_rng(1).choice(faces, (10, _REMOVED), replace=False).tolist()
    with processes(trees, folder) as lines:
        measure(lines, "10,000 faces added, ms", "add", [(start,) for start in range(0, faces, _ADDED)])
        measure(lines, "one search, ms", "search", alone)
        measure(lines, "64 searches together, ms", "search", [(0, _BATCH, _BATCH)] * 10)
    with processes(trees, folder) as lines:
        measure(lines, "memory a face, bytes", "memory", [()])
        measure(lines, "disk a face, bytes", "disk", [()])
        measure(lines, "opened, ms", "open", [()] * 7)
        measure(lines, "one search, ms", "search", alone)
        measure(lines, "64 searches together, ms", "search", [(0, _BATCH, _BATCH)] * 10)
        measure(lines, "1,000 faces removed, ms", "remove", [(rows,) for rows in removed])
        measure(lines, "purged, ms", "purge", [()])
        measure(lines, "verified, ms", "verify", [()] * 3)


@contextmanager
def processes(trees: Sequence[Path], folder: Path) -> Iterator[list[Connection]]:
    """Start a process for each tree, and stop it afterwards."""
    context, lines = multiprocessing.get_context("spawn"), []
    for number, tree in enumerate(trees):
        line, other = context.Pipe()
        context.Process(target=work, args=(other, tree, folder, f"index-{number}"), daemon=True).start()
        lines.append(line)
    yield lines
    for line in lines:
        line.send(("stop",))
        line.recv()


def measure(lines: Sequence[Connection], what: str, call: str, rounds: Sequence[tuple[Any, ...]]) -> None:
    """Let each process do the same in each round, and print the medians."""
    taken: list[list[float]] = [[] for _ in lines]
    for number, arguments in enumerate(rounds):
        for at in sorted(range(len(lines)), reverse=bool(number % 2)):
            time.sleep(_REST)
            lines[at].send((call, *arguments))
            taken[at] += lines[at].recv()
    here, *others = map(median, taken)
    beside = "".join(f"{other:12.2f}{here / other:7.2f}" for other in others)
    print(f"{what:28}{here:10.2f}{beside}", flush=True)


# --- in a tree's process -----------------------------------------------------------------------------------


def work(line: Connection, tree: Path, folder: Path, name: str) -> None:
    """Do what is asked with this tree's index, and answer with milliseconds, or with bytes."""
    sys.path.insert(0, str(tree / "src"))
    from lineament.index.embedded import EmbeddedIndex  # noqa: PLC0415 - this tree's

    gallery, probes = np.load(folder / "gallery.npy", mmap_mode="r"), np.load(folder / "probes.npy")
    key = {"key": KEY} if "key" in inspect.signature(EmbeddedIndex).parameters else {}

    def opened() -> EmbeddedIndex:
        return EmbeddedIndex(folder / name, "sha256:benchmark", gallery.shape[1], **key)

    empty = anonymous_bytes()
    index, call = opened(), ""
    while call != "stop":
        call, *given = line.recv()
        if call == "add":
            rows = range(given[0], min(given[0] + _ADDED, len(gallery)))
            names = [COLLECTIONS[2 if row % 10 else 1 if row % 1000 else 0] for row in rows]
            faces = ([f"{row:032x}" for row in rows], names, np.array(gallery[rows.start : rows.stop]))
            taken = [milliseconds(index.add, *faces, rows.stop)]
        elif call == "search":
            start, count, together = given
            with index.snapshot() as snapshot:
                lots = [probes[at : at + together] for at in range(start, start + count, together)]
                taken = [milliseconds(snapshot.search, lot, COLLECTIONS, -1, LISTED) for lot in lots]
        elif call == "memory":
            taken = [(anonymous_bytes() - empty) / len(gallery)]
        elif call == "disk":
            taken = [sum(file.stat().st_size for file in (folder / name).rglob("*.*")) / len(gallery)]
        elif call == "open":
            index.close()
            del index
            began = time.perf_counter()
            index = opened()
            taken = [1000 * (time.perf_counter() - began)]
        elif call == "remove":
            taken = [milliseconds(index.remove, [f"{row:032x}" for row in given[0]], len(gallery))]
        else:
            taken = [milliseconds({"purge": index.purge, "verify": index.verify, "stop": index.close}[call])]
        line.send(taken)


def milliseconds(run: Callable[..., object], *arguments: object) -> float:
    """Return how long it takes once."""
    began = time.perf_counter()
    run(*arguments)
    return 1000 * (time.perf_counter() - began)


def anonymous_bytes() -> int:
    """Return the memory of this process that no file backs."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("RssAnon:"))
    return int(kilobytes) * 1024


if __name__ == "__main__":
    main()
