"""What encryption at rest costs: each step with it and without it, turn about, in one run.

    python benchmarks/collections/sealing.py [--faces 20000]

Prints medians and their ratios. "Without" does the same work with the sealing taken out: plain bytes in the
same tables and files.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import numpy as np

from lineament.app import collections, sign_in
from lineament.app.installation import Installation
from lineament.records import blobs, images
from lineament.records import collections as recorded
from lineament.records.images import Image, Provenance
from lineament.records.sealed import new_key, seal, unseal
from lineament.testing import make_face, make_installation, make_permission

TURNS = 5
PHOTOGRAPH_BYTES = 500_000
AT_ONCE = 32  # images in a transaction, as in an ingest
DIMENSION = 128


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--faces", type=int, default=20_000)
    faces = arguments.parse_args().faces
    primitives()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files(folder / "files")
        for sealed in (True, False) * TURNS:
            whole(folder / f"{sealed}-{time.monotonic_ns()}", faces, sealed)
    for what in MEASURED:
        compare(what)


MEASURED: dict[str, dict[bool, list[float]]] = {}


def note(what: str, sealed: bool, seconds: float) -> None:
    MEASURED.setdefault(what, {True: [], False: []})[sealed].append(seconds)


def compare(what: str) -> None:
    with_, without = (statistics.median(MEASURED[what][sealed]) for sealed in (True, False))
    print(f"{what}: {with_ * 1e6:,.1f} µs sealed, {without * 1e6:,.1f} µs plain, ratio {with_ / without:.2f}")


def primitives() -> None:
    key, template = new_key(), os.urandom(4 * DIMENSION)
    sealed = seal(key, template, "a face")
    for what, run in {
        "seal a template": lambda: seal(key, template, "a face"),
        "open a template": lambda: unseal(key, sealed, "a face"),
    }.items():
        print(f"{what}: {1e6 * each(run, 20_000):.1f} µs")


def files(folder: Path) -> None:
    store, key, data = blobs.Blobs(folder), new_key(), os.urandom(PHOTOGRAPH_BYTES)
    for turn in range(TURNS):
        for sealed in (True, False):
            with as_it_is(sealed):
                name = f"{turn:02x}{sealed:02x}"
                put = each(lambda name=name: store.put(name, data, key), 20)
                get = each(lambda name=name: store.get(name, key), 200)
            note("store a photograph of 500 KB, durably", sealed, put)
            note("read it", sealed, get)


def whole(folder: Path, faces: int, sealed: bool) -> None:
    """Write images with a face each through the records, and have an index follow from nothing."""
    with as_it_is(sealed):
        made = make_installation(folder)
        who = sign_in.operator(made)
        collections.add(made, who, "many", "Many", make_permission())
        vectors = np.random.default_rng(7).normal(size=(faces, DIMENSION)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        note("record an image with its face", sealed, seconds(lambda: fill(made, vectors)) / faces)
        note("follow a face", sealed, seconds(lambda: follow(made)) / faces)
        made.close()


def fill(made: Installation, vectors: np.ndarray) -> None:
    detected = make_face()
    (one,) = collections.show(made)
    for start in range(0, len(vectors), AT_ONCE):
        with made.records.write() as tx:
            revision = recorded.next_revision(tx, one.id)
            for row, vector in enumerate(vectors[start : start + AT_ONCE], start):
                new = made.new_id()
                image = Image(
                    id=new,
                    collection_id=one.id,
                    sha256=f"{row:064x}",
                    media_type="image/jpeg",
                    width=100,
                    height=100,
                    provenance=Provenance(f"{row}.jpg"),
                    phash=bytes(32),
                    group_id=new,
                )
                image_id, key = images.put_image(tx, made.keys, image, made.contract, "ingest")
                images.add_face(
                    tx, made.new_id(), image_id, key, one.id, detected, made.contract, vector, revision
                )


def follow(made: Installation) -> None:
    with made.records.read() as tx:
        revision = recorded.current_revision(tx)
        for _ in images.templates_since(tx, made.keys, made.contract, 0, revision):
            pass


@contextmanager
def as_it_is(sealed: bool) -> Iterator[None]:
    """Take the sealing out, or leave it."""

    def kept(_key: bytes, data: bytes, _about: str) -> bytes:
        return data

    with ExitStack() as stack:
        for module in (blobs, images) if not sealed else ():
            stack.enter_context(mock.patch.multiple(module, seal=kept, unseal=kept))
        yield


def each(run: Callable[[], object], times: int) -> float:
    taken = [seconds(run) for _ in range(times)]
    return statistics.median(taken)


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
