"""What an ingest costs an image, and whether that grows with what is there already.

    python benchmarks/collections/ingest.py models [--images 1000]
    python benchmarks/collections/ingest.py growth [--images 100000]
    python benchmarks/collections/ingest.py cluster [--images 400]

``models`` ingests real JPEG files, as the command does. ``growth`` leaves the models out, whose work on an
image does not depend on other images: what they saw in 64 photographs is told of every image, each with
templates and a fingerprint of its own, and all else is as ever: bytes are read and hashed, copies are looked
for, photographs are sealed and stored, records and ledger written. ``cluster`` compares one machine's own
threads with two workers of Dask on the same machine.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lineament.app import collections, ingests, sign_in
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.prepare import Seen, Sight, look
from lineament.sources import Item
from lineament.testing import make_collection, make_installation
from lineament.vision.pipeline import Vision

SAMPLES = Path(__file__).parents[2] / "samples" / "congress"
STEPS = (1_000, 10_000, 100_000)
WINDOW = 1_000  # images, over which the cost at a size is measured


class Mark(NamedTuple):
    """How many images were done, by the clock and by the seconds of computing of all threads."""

    images: int
    clock: float
    computing: float


@dataclass
class Files:
    """So many images with different bytes: the samples, over and over, each with a number after its end."""

    files: Sequence[bytes]
    size: int

    def __iter__(self) -> Iterator[Item]:
        for number, data in zip(range(self.size), itertools.cycle(self.files)):
            yield Item(f"{number:07}.jpg", lambda data=data, number=number: data + number.to_bytes(8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["models", "growth", "cluster"])
    parser.add_argument("--images", type=int)
    options = parser.parse_args()
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    {"models": models, "growth": growth, "cluster": cluster}[options.what](options.images)


def sample(number: int | None = None) -> list[bytes]:
    return [file.read_bytes() for file in sorted(SAMPLES.glob("*.jpg"))[:number]]


def models(number: int | None) -> None:
    """Ingest real files, through the real models."""
    with tempfile.TemporaryDirectory() as folder:
        installation = make_installation(Path(folder))
        seconds, _ = timed(installation, Files(sample(), number or 1_000))
        print(f"{number or 1_000:,} images in {seconds:.1f} s: {(number or 1_000) / seconds:.1f} images/s")
        again, _ = timed(installation, Files(sample(), number or 1_000))
        print(f"all of them again: {again:.1f} s, {(number or 1_000) / again:.0f} images/s")
        installation.close()


def growth(number: int | None) -> None:
    """Ingest many images without the models, and print what an image costs at each size."""
    number, files = number or 100_000, sample(64)
    with tempfile.TemporaryDirectory() as folder, closing(Vision.open()) as vision:
        began = time.process_time()
        seen = [look(vision, data) for data in files]
        one_look = (time.process_time() - began) / len(files)
        print(f"the models alone: {one_look * 1e3:.1f} ms of computing an image")
        installation = make_installation(Path(folder), vision=vision)
        told = Sight(Told(files, seen).look, os.cpu_count() or 1)
        _, marks = timed(installation, Files(files, number), told)
        print("| images there | computing, ms an image | of what the models take | elapsed, ms an image |")
        print("|---|---|---|---|")
        for size in [size for size in STEPS if size <= number]:
            computing, elapsed = cost_at(marks, size)
            share = f"{computing / one_look:.1%}"
            print(f"| {size:,} | {computing * 1e3:.2f} | {share} | {elapsed * 1e3:.2f} |", flush=True)
        began = time.perf_counter()
        ingests.show(installation, sign_in.operator(installation), "all")
        print(f"the collection's page at {number:,}: {(time.perf_counter() - began) * 1e3:.0f} ms")
        installation.close()


class Told:
    """Tells of every image what was seen in the sample that it was made of, as of somebody else."""

    def __init__(self, files: Sequence[bytes], seen: Sequence[Seen]) -> None:
        self._seen = {sha256(data).digest(): one for data, one in zip(files, seen, strict=True)}

    def look(self, data: bytes) -> Seen:
        """Return it, with templates and a fingerprint of the image's own."""
        one = self._seen[sha256(data[:-8]).digest()]
        draw = np.random.default_rng(int.from_bytes(sha256(data).digest()[:8]))
        templates = draw.standard_normal(one.templates.shape, np.float32)
        templates /= np.linalg.norm(templates, axis=1, keepdims=True)
        return replace(one, phash=draw.bytes(32), templates=templates)


def cost_at(marks: Sequence[Mark], size: int) -> tuple[float, float]:
    """Return the seconds of computing and those elapsed, an image, over the last WINDOW ones up to a size."""
    before = max(mark for mark in marks if mark.images <= max(0, size - WINDOW))
    after = min(mark for mark in marks if mark.images >= size)
    images = after.images - before.images
    return (after.computing - before.computing) / images, (after.clock - before.clock) / images


def cluster(number: int | None) -> None:
    """Ingest the same files by threads of this process, and by two workers of a cluster."""
    from lineament.app.cluster_ingest import cluster_sight  # noqa: PLC0415 - only here is Dask needed

    number = number or 400
    for what in ("this process", "two workers of Dask"):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
            installation = make_installation(Path(folder))
            opened = nullcontext()
            if what != "this process":
                address = dask(running, r"Scheduler at:\s+(tcp://\S+)", "scheduler", "--port", "0")
                for _ in range(2):
                    dask(
                        running,
                        r"Registered to:\s+(tcp://\S+)",
                        "worker",
                        address,
                        "--nthreads",
                        "1",
                        "--no-nanny",
                    )
                opened = cluster_sight(installation, address)
            with opened as sight:
                timed(installation, Files(sample(), 16), sight, "warm")  # the models are opened
                seconds, _ = timed(installation, Files(sample()[20:], number), sight)
            print(f"{what}: {number / seconds:.1f} images/s")
            installation.close()


def dask(running: ExitStack, ready: str, *command: str) -> str:
    """Start a part of Dask on loopback, and return the address that it names once it is ready."""
    process = running.enter_context(
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "dask", *command, "--host", "127.0.0.1", "--no-dashboard"],
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    running.callback(process.send_signal, signal.SIGINT)
    return next(found[1] for line in process.stderr or () if (found := re.search(ready, line)))


def timed(
    installation: Installation, source: Files, sight: Sight | None = None, name: str = "all"
) -> tuple[float, list[Mark]]:
    """Ingest; return the seconds that it took, and when how many images were done."""
    if name not in {one.name for one in collections.show(installation)}:
        make_collection(installation, name)
    began = time.perf_counter()
    marks = [Mark(0, began, time.process_time())]
    report = ingest(
        installation,
        sign_in.operator(installation),
        name,
        source,
        lambda done: marks.append(Mark(done, time.perf_counter(), time.process_time())),
        sight=sight,
    )
    assert report.new + report.known + report.no_face == source.size, report.counts  # noqa: S101
    return time.perf_counter() - began, marks


if __name__ == "__main__":
    main()
