"""What one search costs as collections grow, beside what the models alone need for its photograph.

    python benchmarks/app/search_by_size.py [--faces 1000 10000 100000]

Each size is a whole installation with synthetic templates (their values do not matter to the time). The ratio
is the time of the use case, ledger entry and all, over the time of decode, detect and embed.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import sqlalchemy
from rich.console import Console
from rich.progress import track

from lineament.app import following, sign_in
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.records import collections, images
from lineament.records.images import Image, Provenance
from lineament.testing import make_collection, make_face, make_installation

PHOTOGRAPH = Path(__file__).parents[2] / "samples" / "mated" / "obama2.jpg"
RUNS = 9
NO_SOURCE = Provenance("synthetic", None, None, None, None, {})
SOME_FACE = make_face()


def main() -> None:
    """Print one row a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    sizes = parser.parse_args().faces
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, numpy {np.__version__}, "
        f"SQLAlchemy {sqlalchemy.__version__}; medians of {RUNS}\n"
    )
    print("| faces | models alone | one search | ratio | index from nothing |")
    print("|---|---|---|---|---|")
    for size in sizes:
        print(_row(size))


def _row(size: int) -> str:
    photo = PHOTOGRAPH.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        installation = make_installation(Path(folder))
        _fill(installation, size)
        who, request = sign_in.operator(installation), Request("archive-research", ("archive",))
        began = time.perf_counter()
        following.catch_up(installation)
        caught_up = time.perf_counter() - began
        models = _milliseconds(lambda: _models_alone(installation, photo))
        search = _milliseconds(lambda: open_search(installation, who, request, [photo]))
        installation.close()
    return f"| {size:,} | {models:.0f} ms | {search:.0f} ms | {search / models:.2f} | {caught_up:.2f} s |"


def _models_alone(installation: Installation, photo: bytes) -> None:
    vision = installation.vision
    photograph = vision.decode(photo)
    vision.embed(photograph, vision.detect(photograph)[:1])


def _milliseconds(run: Callable[[], object]) -> float:
    def timed() -> Iterator[float]:
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            run()
            yield 1000 * (time.perf_counter() - began)

    return median(list(timed())[1:])


def _fill(installation: Installation, size: int) -> None:
    """Write as many images with one face each as an ingest would, without the photographs."""
    make_collection(installation, "archive")
    contract, random = installation.vision.contract, np.random.default_rng(1)
    with installation.records.write() as tx:
        (archive,) = collections.list_collections(tx, ["archive"])
        revision = collections.next_revision(tx, archive.id)
        for number in track(range(size), f"{size:,} faces", transient=True, console=Console(stderr=True)):
            vector = random.standard_normal(installation.vision.dimension).astype(np.float32)
            image = Image(installation.new_id(), archive.id, f"{number:064x}", "image/jpeg", 1, 1, NO_SOURCE)
            image_id = images.put_image(tx, image, contract, "synthetic")
            images.add_face(
                tx,
                installation.new_id(),
                image_id,
                archive.id,
                SOME_FACE,
                contract,
                vector / np.linalg.norm(vector),
                revision,
            )


if __name__ == "__main__":
    main()
