"""Face templates by the million, drawn from a generator that was fitted to real ones.

    LINEAMENT_EVAL=FOLDER python benchmarks/index/vectors.py

FOLDER holds ``lfw/<Name>/<Name>_NNNN.jpg``, ``protocols/*.csv`` and ``tools/synth_embeddings.py``, which is
the generator: identities around a mean, photographs around each identity, and look-alikes, without which no
stranger would score high. It is fitted once to the default pack's templates of LFW, 128-D, and kept in the
user's cache folder. No 512-D embedder ships with Lineament, so 512-D templates have the fitted variances
drawn out over four times as many axes, in a random basis: as far apart on average, with the same look-alikes,
and less scattered by chance.

Run as a script, it prints the scores of real and of drawn templates beside each other.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import platformdirs
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[1] / "accuracy"))

from templates import Templates, centre_of, embedded, without

from lineament.vision.pack import load_pack
from lineament.vision.pipeline import Vision

Floats = NDArray[np.float32]

PROBES = 1_000  # of each kind
CHUNK = 50_000  # identities drawn together
_SPREAD = 20  # chunks that probes come from
_SEED = 20_261_125
_GALLERY, _MATED, _ORDER = range(3)  # what a random sequence is for


class NoEvaluationData(Exception):
    """LINEAMENT_EVAL does not name a folder with the photographs and the generator."""


@dataclass(frozen=True)
class Probes:
    """What is searched: (p, D) templates each of the ``mated`` and of the ``strangers``.

    The mated ones are other photographs of the identities in rows ``mates`` (p,) of the gallery. Strangers
    are not in it, but may look like somebody who is. Any first part of them is spread as evenly as the whole.
    """

    mated: Floats
    mates: NDArray[np.int64]
    strangers: Floats


@dataclass(frozen=True)
class Generator:
    """Draws templates of one dimension, always the same ones. See ``generator``.

    ``fit`` are the generator's parameters: the mean ``mu`` (D,) of all identities, and ``B`` and ``W``
    (D, D), whose products with their transposes are the covariances between and within identities.
    """

    tool: ModuleType
    fit: dict[str, NDArray[np.float64]]

    @property
    def dimension(self) -> int:
        """The length D of a template."""
        return len(self.fit["mu"])

    def gallery(self, faces: int) -> Iterator[Floats]:
        """Yield one template for each of so many identities, (n, D) unit vectors at a time."""
        for number in range(_chunks(faces)):
            random = _random(_GALLERY, number)
            yield self._templates(self._identities(faces, number, random)[0], random)

    def probes(self, faces: int, count: int = PROBES) -> Probes:
        """Draw another template of ``count`` identities of such a gallery, and as many strangers to it."""
        numbers = np.unique(np.linspace(0, _chunks(faces) - 1, _SPREAD).astype(int))
        mated, mates, strangers = [], [], []
        for number, wanted in zip(numbers, _shares(count, len(numbers)), strict=True):
            enrolled, others = self._identities(faces, number, _random(_GALLERY, number))
            random = _random(_MATED, number)
            chosen = random.choice(len(enrolled), wanted, replace=False)
            mated.append(self._templates(enrolled[chosen], random))
            mates.append(number * CHUNK + chosen)
            strangers.append(self._templates(others[:wanted], random))
        order = _random(_ORDER, 0).permutation(count)
        return Probes(*(np.concatenate(part)[order] for part in (mated, mates, strangers)))

    def _identities(self, faces: int, number: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw the identities of one chunk: those of the gallery, and strangers who may look like them."""
        enrolled = min(CHUNK, faces - number * CHUNK)
        every = self.tool.centres(self.fit, enrolled + PROBES, random)
        return every[:enrolled], every[enrolled:]

    def _templates(self, identities: Floats, random: np.random.Generator) -> Floats:
        """Draw one template of each identity."""
        return np.ascontiguousarray(self.tool.draw(self.fit, identities, 1, random), np.float32)


def generator(dimension: int) -> Generator:
    """Return the generator of 128-D templates, or of 512-D ones.

    Raises NoEvaluationData.
    """
    folder = Path(os.environ.get("LINEAMENT_EVAL", "does-not-exist"))
    tool = folder / "tools" / "synth_embeddings.py"
    if not tool.is_file() or not (folder / "lfw").is_dir():
        raise NoEvaluationData("Set LINEAMENT_EVAL to a folder that holds lfw/, protocols/ and tools/.")
    with closing(Vision(replace(load_pack(), centre=None))) as vision:
        cache = platformdirs.user_cache_path("lineament") / f"lfw-generator-{vision.contract[7:23]}.npz"
        if not cache.exists():
            _fit(tool, real_templates(vision, folder), cache)
    with np.load(cache, allow_pickle=False) as stored:
        fit = {name: stored[name] for name in stored.files}
    if dimension != len(fit["mu"]):
        fit = _stretched(fit, dimension)
    sys.path.append(str(tool.parent))
    return Generator(importlib.import_module(tool.stem), fit)


def real_templates(vision: Vision, folder: Path) -> Templates:
    """Return the templates of LFW as the default pack makes them: with the centre taken away."""
    vectors = embedded(vision, folder, os.cpu_count() or 1)
    return replace(vectors, rows=without(vectors.rows, centre_of(load_pack())))


def _fit(tool: Path, templates: Templates, cache: Path) -> None:
    """Let the tool choose all its parameters, which takes half a minute, and keep them."""
    found = templates.rows.any(axis=1)
    names = [Path(path).parent.name for path, there in zip(templates.paths, found, strict=True) if there]
    with tempfile.TemporaryDirectory() as name:
        vectors, labels, fitted = (Path(name) / file for file in ("vectors.npy", "labels.txt", "fitted.npz"))
        np.save(vectors, templates.rows[found])
        labels.write_text("\n".join(names), encoding="utf-8")
        subprocess.run([sys.executable, tool, "fit", vectors, labels, fitted], check=True, stdout=sys.stderr)  # noqa: S603
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_bytes(fitted.read_bytes())


def _stretched(fit: dict[str, NDArray[np.float64]], dimension: int) -> dict[str, NDArray[np.float64]]:
    """Draw the fitted variances out over more axes: the same sums, the same shape, a random basis."""
    random = np.random.default_rng(_SEED)

    def covariance(factor: NDArray[np.float64]) -> NDArray[np.float64]:
        variances = np.sort((factor**2).sum(axis=0))[::-1]
        places = (np.arange(dimension) + 0.5) / dimension * len(variances) - 0.5
        drawn_out = np.interp(places, np.arange(len(variances)), variances)
        basis, _ = np.linalg.qr(random.standard_normal((dimension, dimension)))
        return basis * np.sqrt(drawn_out * variances.sum() / drawn_out.sum())

    mean = random.standard_normal(dimension)
    mean *= np.linalg.norm(fit["mu"]) / np.linalg.norm(mean)
    return {**fit, "mu": mean, "B": covariance(fit["B"]), "W": covariance(fit["W"])}


def _chunks(faces: int) -> int:
    return -(-faces // CHUNK)


def _random(purpose: int, number: int) -> np.random.Generator:
    return np.random.default_rng((_SEED, purpose, number))


def _shares(count: int, parts: int) -> list[int]:
    """Divide a number into parts that differ by one at most."""
    return [count // parts + (part < count % parts) for part in range(parts)]


def main() -> None:
    """Print quantiles of the scores of strangers and of the same person: real templates, and drawn ones."""
    try:
        drawn = [generator(128), generator(512)]
    except NoEvaluationData as error:
        print(f"Skipped: {error}")
        return
    with closing(Vision(replace(load_pack(), centre=None))) as vision:
        real = real_templates(vision, Path(os.environ["LINEAMENT_EVAL"]))
    found = real.rows.any(axis=1)
    names = [Path(path).parent.name for path, there in zip(real.paths, found, strict=True) if there]
    _, people = np.unique(names, return_inverse=True)
    tool, random = drawn[0].tool, np.random.default_rng(_SEED)
    tool.show("real", *tool.stats(real.rows[found], people, random))
    for one in drawn:
        identities = tool.centres(one.fit, people.max() + 1, random)
        rows, owners = tool.draw(one.fit, identities, 2, random), np.arange(len(identities)).repeat(2)
        tool.show(f"{one.dimension}-D", *tool.stats(rows, owners, random))


if __name__ == "__main__":
    main()
