"""Every photograph of LFW as a vector, embedded once and kept in the user's cache folder."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from rich.progress import track

from lineament.errors import PhotographError
from lineament.vision.pack import ModelPack
from lineament.vision.pipeline import Vision


@dataclass(frozen=True)
class Templates:
    """One template a photograph, (n, D) float32; a row of zeros where no face was found.

    ``quality`` (n,) are the unified quality scores.
    """

    paths: list[str]
    rows: NDArray[np.float32]
    quality: NDArray[np.int64]

    def of(self, paths: list[str]) -> NDArray[np.float32]:
        """Return the rows of these paths."""
        place = {path: i for i, path in enumerate(self.paths)}
        return self.rows[[place[path] for path in paths]]


def embedded(vision: Vision, folder: Path, threads: int) -> Templates:
    """Embed every photograph once; later runs under the same contract read the cache."""
    name = f"lfw-{vision.contract.removeprefix('sha256:')[:16]}.npz"
    cache = platformdirs.user_cache_path("lineament") / name
    if not cache.exists():
        paths = sorted(path.relative_to(folder).as_posix() for path in folder.glob("lfw/*/*.jpg"))
        with ThreadPoolExecutor(threads) as pool:
            work = pool.map(lambda path: central_template(vision, (folder / path).read_bytes()), paths)
            rows, quality = zip(*track(work, "Embedding", total=len(paths)), strict=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, paths=np.array(paths), rows=np.stack(rows), quality=np.array(quality))
    with np.load(cache, allow_pickle=False) as stored:
        return Templates(stored["paths"].tolist(), stored["rows"], stored["quality"])


def centre_of(pack: ModelPack) -> NDArray[np.float32]:
    if pack.centre is None:
        return np.zeros(pack.embedder.dimension, np.float32)
    return np.array(json.loads(pack.content(pack.centre)), np.float32) * np.float32(pack.centre.weight)


def without(rows: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take a centre from (n, D) rows as the pipeline does; rows of zeros stay."""
    moved = np.where(rows.any(axis=1, keepdims=True), rows - centre, 0)
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), np.float32(1e-9))


def central_template(vision: Vision, file: bytes) -> tuple[NDArray[np.float32], int]:
    """Return template and quality of the face nearest the image's centre, which is the labelled one.

    Zeros where there is none.
    """
    nothing = np.zeros(vision.dimension, np.float32), 0
    try:
        photograph = vision.read(file)
    except PhotographError:
        return nothing
    faces = vision.detect(photograph)
    if not faces:
        return nothing
    middle = np.array([photograph.width, photograph.height]) / 2
    central = min(faces, key=lambda face: float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - middle)))
    return vision.embed(photograph, [central])[0], central.quality.unified_score


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "protocols" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
