"""The embedded index over its size: what it finds and costs, beside exact search and memory's own speed.

    LINEAMENT_EVAL=FOLDER python benchmarks/index/scan.py [--faces 10000 100000 1000000]
        [--dimensions 128 512] [--bits] [--work FOLDER] [--json FILE] [--write]

Each size is built in one process and opened again in another. What is found is compared with a product of all
float32 templates; the time of one search with that of reading the bytes that it scans, at the speed at which
two threads read memory in the same run. ``--bits`` measures what other roundings find, and what is found
without exact scoring.

Figures join those of earlier runs in the JSON file, so that 10,000,000 faces can be measured alone (12 GB of
disk at 128-D, 45 GB at 512-D while a purge runs). ``--write`` puts what the file holds into
``docs/index-performance.md`` and ``docs/pictures/``; it needs matplotlib, and ``--faces`` without a number
measures nothing first. See vectors.py for the templates.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from peer import face_of, row_of
from report import told, write_report
from rich.console import Console
from rich.progress import Progress
from truth import LISTED, Truth
from vectors import Floats, Generator, NoEvaluationData, generator

from lineament.index.embedded import EmbeddedIndex
from lineament.index.protocol import Snapshot

FIGURES = Path(__file__).with_name("figures.json")
CONTRACT, KEY = "sha256:benchmark", bytes(range(32))
IDENTIFIED = 50  # the longest list that a policy allows
SMALL, MIDDLE, LARGE = "a thousandth", "a tenth", "the rest"
SHARES = {1.0: (SMALL, MIDDLE, LARGE), 0.1: (SMALL, MIDDLE), 0.001: (SMALL,)}
_BATCH = 64
_ADDED = 10_000  # faces in one call
_REMOVED = 1_000  # likewise
_REMOVALS = 10_000  # faces at most
_NEWEST = 1_000_000  # faces among which these are
_PATIENCE = 30.0  # seconds for one figure; fewer searches where one takes long
_MANY = 2_000_000  # faces, above which a fifth of the mated probes is compared with exact search
_MEGABYTES_READ = 1_024


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--faces", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--dimensions", type=int, nargs="+", default=[128, 512])
    arguments.add_argument("--bits", action="store_true")
    arguments.add_argument("--work", type=Path, help="a folder on the disk that is measured")
    arguments.add_argument("--json", type=Path, default=FIGURES)
    arguments.add_argument("--write", action="store_true")
    chosen = arguments.parse_args()
    for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
        del os.environ[name]  # numpy chooses its kernels itself
    print(machine())
    try:
        for faces in chosen.faces:
            for dimension in chosen.dimensions:
                generator(dimension)  # fitted here, if it never was
                keep(chosen.json, {"kind": "scan", **measure(dimension, faces, chosen.work)})
                if chosen.bits and faces <= _MANY:
                    keep(chosen.json, {"kind": "bits", **alone(other_roundings, dimension, faces)})
    except NoEvaluationData as error:
        print(f"Skipped: {error}")
        return
    if chosen.write:
        write_report(json.loads(chosen.json.read_text(encoding="utf-8")))


def machine() -> str:
    """Return what is measured, on what, and when."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, numpy {version('numpy')}, turbovec {version('turbovec')}, "
        f"{datetime.now(UTC):%d %B %Y}"
    )


def keep(file: Path, figures: dict[str, Any]) -> None:
    """Print figures, and put them into the file in place of earlier ones of the same size."""
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    kept = [one for one in earlier if _size(one) != _size(figures)]
    every = sorted([*kept, {"machine": machine(), **figures}], key=_size)
    file.write_text(json.dumps(every, indent=1) + "\n", encoding="utf-8")
    print(f"\n{figures['faces']:,} faces, {figures['dimension']}-D", *told(figures), sep="\n", flush=True)


def _size(figures: dict[str, Any]) -> tuple[str, int, int]:
    return figures["kind"], figures["dimension"], figures["faces"]


def measure(dimension: int, faces: int, work: Path | None) -> dict[str, Any]:
    """Measure one size."""
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name) / "index"
        return alone(build_and_search, dimension, faces, folder) | alone(open_again, dimension, folder)


def alone(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Do it in a process of its own, whose memory holds nothing else."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


# --- in the first process ----------------------------------------------------------------------------------


def build_and_search(dimension: int, faces: int, folder: Path) -> dict[str, Any]:
    """Fill an index, search in it, and take faces out again."""
    one = generator(dimension)
    probes = one.probes(faces)
    truth = Truth(probes, len(probes.mated) // (5 if faces > _MANY else 1))
    figures: dict[str, Any] = {"dimension": dimension, "faces": faces, "memory": bytes_a_second()}
    index, adding = EmbeddedIndex(folder, CONTRACT, dimension, KEY), 0.0
    next(one.gallery(faces)) @ probes.mated.T  # what drawing and multiplying need is not the index's
    before = anonymous_bytes()
    for start, vectors in numbered(one, faces):
        truth.see(start, vectors)
        adding += seconds(lambda start=start, vectors=vectors: fill(index, start, vectors))
    del vectors
    gc.collect()
    figures |= {"adds": faces / adding, "ram": (anonymous_bytes() - before) / faces}
    with index.snapshot() as snapshot:
        in_memory, written = len(snapshot.tail), bytes_of(folder, "*")
        figures["in_memory"] = in_memory
        figures["disk"] = written / (faces - in_memory) if faces > in_memory else 0
        figures["scanned"] = bytes_of(folder, "codes*") + in_memory * dimension * 4
        figures |= found(snapshot, truth) | times(snapshot, truth)
    figures |= removed(index, faces, truth)
    index.close()
    return figures


def numbered(one: Generator, faces: int) -> Iterator[tuple[int, Floats]]:
    """Yield a gallery in parts, each with its first row, and show how far it is."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task, start = progress.add_task(f"{faces:,} faces, {one.dimension}-D", total=faces), 0
        for vectors in one.gallery(faces):
            yield start, vectors
            start += len(vectors)
            progress.update(task, completed=start)


def fill(index: EmbeddedIndex, start: int, vectors: Floats) -> None:
    """Add (n, D) templates, the first of which is in row ``start`` of the gallery."""
    for first in range(0, len(vectors), _ADDED):
        part = vectors[first : first + _ADDED]
        rows = range(start + first, start + first + len(part))
        names = [LARGE if row % 10 else MIDDLE if row % 1000 else SMALL for row in rows]
        index.add([face_of(row) for row in rows], names, part, rows.stop)


def found(snapshot: Snapshot, truth: Truth) -> dict[str, Any]:
    """Return what is found of what the exact search finds."""
    lists, above = [], 0
    for probe, mate in zip(truth.mated[:, np.newaxis], truth.mates, strict=True):
        lists.append([row_of(face) for face in snapshot.search(probe, SHARES[1], -1, LISTED)[0].ids])
        above += face_of(mate) in snapshot.search(probe, SHARES[1], truth.threshold, IDENTIFIED)[0].ids
    exact = truth.rows == truth.mates[:, np.newaxis]
    return {
        "probes": len(truth.mated),
        "exact_first": float(exact[:, 0].mean()),
        "exact_in_ten": float(exact.any(axis=1).mean()),
        "exact_above": float(truth.above.mean()),
        "threshold": truth.threshold,
        **truth.compare(lists),
        "above": above / int(truth.above.sum()),
    }


def times(snapshot: Snapshot, truth: Truth) -> dict[str, Any]:
    """Return how long searches take: one in each mode, many at once, and one in few collections."""
    each = [truth.mated[at : at + 1] for at in range(len(truth.mated))]
    batches = [truth.mated[at : at + _BATCH] for at in range(0, len(each) - _BATCH + 1, _BATCH)]
    strangers = [truth.strangers[at : at + 1] for at in range(len(truth.strangers))]

    def identify(probe: Floats) -> None:
        snapshot.search(probe, SHARES[1], truth.threshold, IDENTIFIED)

    def investigate(probe: Floats) -> None:
        snapshot.search(probe, SHARES[1], -1, LISTED)

    def within(names: Sequence[str]) -> Callable[[Floats], object]:
        return lambda probe: snapshot.search(probe, names, -1, LISTED)

    return {
        "identification": quantiles(identify, each),
        "identification_of_strangers": quantiles(identify, strangers),
        "investigation": quantiles(investigate, each),
        "batch": _BATCH / (quantiles(investigate, batches)["p50"] / 1000),
        "within": {str(share): quantiles(within(names), each) for share, names in SHARES.items()},
    }


def removed(index: EmbeddedIndex, faces: int, truth: Truth) -> dict[str, Any]:
    """Take faces out that lie scattered among the newest, search, and purge."""
    newest = min(faces, _NEWEST)
    count = min(newest // 10, _REMOVALS)
    rows = faces - newest + np.random.default_rng(1).choice(newest, count, replace=False)
    parts = [[face_of(row) for row in part] for part in np.array_split(rows, -(-count // _REMOVED))]
    removing = seconds(lambda: [index.remove(part, faces + at) for at, part in enumerate(parts)])
    each = [truth.mated[at : at + 1] for at in range(len(truth.mated))]
    with index.snapshot() as snapshot:
        after = quantiles(lambda probe: snapshot.search(probe, SHARES[1], -1, LISTED), each)
        there = snapshot.search(truth.mated, SHARES[1], -1, LISTED)
    began = time.perf_counter()
    purged = index.purge()
    purging = time.perf_counter() - began
    return {
        "removes": count / removing,
        "removed": count,
        "still_found": sum(row_of(face) in set(rows.tolist()) for hits in there for face in hits.ids),
        "investigation_after": after,
        "purge": purging,
        "purged": purged.faces,
        "rewritten": purged.rewritten,
    }


# --- in the second process ---------------------------------------------------------------------------------


def open_again(dimension: int, folder: Path) -> dict[str, Any]:
    """Open what is on disk, from the disk as far as the system lets go of what it has read."""
    for file in folder.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)
    before, read = anonymous_bytes(), bytes_read()
    began = time.perf_counter()
    index = EmbeddedIndex(folder, CONTRACT, dimension, KEY)
    opened, read = time.perf_counter() - began, bytes_read() - read
    with index.snapshot() as snapshot:
        probe = generator(dimension).probes(1_000, 1).mated
        first = seconds(lambda: snapshot.search(probe, SHARES[1], -1, LISTED))
        faces = snapshot.count(SHARES[1])
    figures = {"open": opened, "opened": faces, "open_read": read, "first_search": first}
    figures["open_ram"] = (anonymous_bytes() - before) / max(1, faces)
    index.close()
    return figures


# --- other roundings ---------------------------------------------------------------------------------------


def other_roundings(dimension: int, faces: int) -> dict[str, Any]:
    """Return what codes of 1 to 4 bits find, all scanned: alone, and with their best scored exactly."""
    from turbovec import TurboQuantIndex  # noqa: PLC0415 - the index sets it to scan all bits, before

    one = generator(dimension)
    truth = Truth(one.probes(faces), 200)
    rounded = {bits: TurboQuantIndex(dimension, bits) for bits in (2, 3, 4)}
    signs, exact = np.empty((faces, dimension // 64), np.uint64), np.empty((faces, dimension), np.float32)
    for start, vectors in numbered(one, faces):
        truth.see(start, vectors)
        for index in rounded.values():
            index.add(vectors)
        exact[start : start + len(vectors)] = vectors
        signs[start : start + len(vectors)] = _signs(vectors)
    ranked = {bits: index.search(truth.mated, 300)[1].astype(np.int64) for bits, index in rounded.items()}
    ranked[1] = np.stack([_nearest_signs(signs, _signs(probe)) for probe in truth.mated[:, np.newaxis]])
    curves: dict[str, Any] = {}
    for bits, rows in sorted(ranked.items()):
        curves[str(bits)] = {"alone": truth.compare(rows[:, :LISTED])}
        for most in (100, 300):
            scores = np.einsum("pkd,pd->pk", exact[rows[:, :most]], truth.mated)
            order = np.argsort(-scores, axis=1)[:, :LISTED]
            best = np.take_along_axis(rows, order, axis=1)
            curves[str(bits)][f"best {most} scored exactly"] = truth.compare(best)
    return {"dimension": dimension, "faces": faces, "probes": len(truth.mated), "bits": curves}


def _signs(vectors: Floats) -> np.ndarray:
    return np.packbits(vectors > 0, axis=1).view(np.uint64)


def _nearest_signs(signs: np.ndarray, probe: np.ndarray) -> np.ndarray:
    """Return the 300 rows whose signs differ from the probe's in the fewest places."""
    differing = np.bitwise_count(signs ^ probe).sum(axis=1, dtype=np.int64)
    best = np.argpartition(differing, 300)[:300]
    return best[np.argsort(differing[best], kind="stable")]


# --- measuring ---------------------------------------------------------------------------------------------


def quantiles(run: Callable[[Floats], object], inputs: Sequence[Floats]) -> dict[str, float]:
    """Run once for each input, or until patience ends: milliseconds, and of all processors for ``cpu``."""
    run(inputs[0])
    taken: list[float] = []
    cpu = time.process_time()
    for one in inputs:
        if sum(taken) > _PATIENCE * 1000:
            break
        taken.append(1000 * seconds(lambda one=one: run(one)))
    cpu = 1000 * (time.process_time() - cpu) / len(taken)
    p50, p99 = np.quantile(taken, [0.5, 0.99])
    return {"p50": float(p50), "p99": float(p99), "cpu": cpu, "runs": len(taken)}


def seconds(run: Callable[[], object]) -> float:
    """Return how long it takes once."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def bytes_a_second() -> float:
    """Return how fast two threads read a large array between them: the median of seven times."""
    array = np.ones(_MEGABYTES_READ * 2**20 // 8, np.int64)
    with ThreadPoolExecutor(2) as pool:
        halves = np.split(array, 2)
        taken = [seconds(lambda: list(pool.map(np.bitwise_or.reduce, halves))) for _ in range(7)]
    return array.nbytes / float(np.median(taken))


def bytes_of(folder: Path, pattern: str) -> int:
    """Return the size of the files in a folder and below."""
    return sum(file.stat().st_size for file in folder.rglob(pattern) if file.is_file())


def anonymous_bytes() -> int:
    """Return the memory of this process that no file backs."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("RssAnon:"))
    return int(kilobytes) * 1024


def bytes_read() -> int:
    """Return what this process has made the system read from disks."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    (count,) = (line.split()[1] for line in lines if line.startswith("read_bytes:"))
    return int(count)


if __name__ == "__main__":
    main()
