"""Compare ways to say how many strangers would score as high, on people that none of them was fitted on.

    LINEAMENT_EVAL=FOLDER python benchmarks/accuracy/odds.py [--write]

FOLDER is as for ``measure.py``, whose vectors are used again. The people of LFW are split three ways: a
cohort to fit on, a gallery that is searched, and probes of whom nobody is in either. For every probe the
strangers expected at its highest score, lambda, are held against what happened: exp(-lambda) must lie evenly
between 0 and 1. ``--write`` puts the table into ``docs/odds-study.md``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from impostors import KNOWN_FROM, ONE_PERSON, pair_digest
from numpy.typing import NDArray
from rich.progress import track
from scipy.stats import genpareto
from templates import Templates, central_template, centre_of, embedded, without

from lineament.vision.pack import load_pack
from lineament.vision.pipeline import Vision

Vector = NDArray[np.float64]

COHORT, GALLERY = 1900, 3000  # people; the others are probes
SIZES = (300, 1000, 3000)  # of galleries
SPLITS = 5
IMAGES_MAX = 3  # of one person among the probes
TAIL = 1e-3  # the share of scores beyond which a generalised Pareto is fitted
OWN_TAIL = 0.05  # the same of one probe's own scores
SHAPE = -0.1  # of a probe's own tail: with 95 scores a free one is too unsteady
BANDS = (50, 60, 70)  # between bands of quality
SPOILED = ("gblur", "motion", "face16", "cctv_med", "cctv_hard", "lowlight")
SPOILED_PROBES = 500
FPIRS = (0.1, 0.01, 0.001)
DOCUMENT = Path(__file__).parents[2] / "docs" / "odds-study.md"


@dataclass(frozen=True)
class Tail:
    """P(score >= s): counted down to ``TAIL``, and a generalised Pareto from there on."""

    ranked: Vector  # falling
    start: float
    shape: float
    scale: float

    @classmethod
    def fit(cls, scores: Vector) -> Tail:
        """Fit it on scores of strangers."""
        ranked = np.sort(scores.ravel())[::-1]
        start = float(np.quantile(ranked, 1 - TAIL))
        shape, _, scale = genpareto.fit(ranked[ranked > start] - start, floc=0)
        return cls(ranked, start, shape, scale)

    def above(self, scores: Vector) -> Vector:
        """Return P(score >= s) for each of these scores."""
        counted = np.searchsorted(-self.ranked, -scores, side="right") / len(self.ranked)
        fitted = TAIL * genpareto.sf(scores - self.start, self.shape, 0, self.scale)
        return np.where(scores > self.start, fitted, counted)


@dataclass(frozen=True)
class Split:
    """People to fit on and to search: (n, D) rows of one photograph each, and the tails that were fitted."""

    cohort: Vector
    gallery: Vector
    names: list[str]  # of the gallery
    plain: Tail
    banded: tuple[Tail, ...]
    normal: Tail  # of scores in deviations from the mean of their own probe


Estimator = Callable[[Split, Vector, NDArray[np.int64], Vector, Vector], Vector]


def global_tail(split: Split, _probes: Vector, _quality: object, _gallery: Vector, scores: Vector) -> Vector:
    return split.plain.above(scores)


def tail_of_band(
    split: Split, _probes: Vector, quality: NDArray[np.int64], _gallery: Vector, scores: Vector
) -> Vector:
    every = np.stack([tail.above(scores) for tail in split.banded])
    return every[np.digitize(quality, BANDS), np.arange(len(scores))]


def own_pareto(split: Split, probes: Vector, _quality: object, _gallery: Vector, scores: Vector) -> Vector:
    above = np.empty(len(scores))
    for at, row in enumerate(probes @ split.cohort.T):
        ranked = np.sort(row)[::-1]
        kept = int(OWN_TAIL * len(ranked))
        start = ranked[kept]
        scale = float((ranked[:kept] - start).mean()) * (1 - SHAPE)
        fitted = OWN_TAIL * genpareto.sf(scores[at] - start, SHAPE, 0, scale)
        above[at] = fitted if scores[at] > start else np.mean(ranked >= scores[at])
    return above


def own_moments(reference: str) -> Estimator:
    """A probe's scores against everybody have mean p.m and variance p'Sp: two numbers, without a scan."""

    def estimate(split: Split, probes: Vector, _quality: object, gallery: Vector, scores: Vector) -> Vector:
        people = split.cohort if reference == "cohort" else gallery
        mean = probes @ people.mean(axis=0)
        deviation = np.sqrt(np.einsum("pd,de,pe->p", probes, np.cov(people.T), probes))
        return split.normal.above((scores - mean) / deviation)

    return estimate


ESTIMATORS: dict[str, Estimator] = {
    "one tail for all": global_tail,
    "a tail per quality band": tail_of_band,
    "generalised Pareto on the probe's own scores": own_pareto,
    "own mean and deviation, cohort": own_moments("cohort"),
    "own mean and deviation, searched collection": own_moments("gallery"),
}


def split_people(templates: Templates, seed: int) -> tuple[Split, list[int]]:
    """Return people to fit on and to search, and the places of the probes' photographs."""
    person = [Path(path).parent.name for path in templates.paths]
    names = sorted(set(person))
    drawn = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    first: dict[str, int] = {}
    for place, name in enumerate(person):
        if templates.rows[place].any():
            first.setdefault(name, place)
    cohort = [first[name] for name in drawn[:COHORT] if name in first]
    searched = [first[name] for name in drawn[COHORT : COHORT + GALLERY] if name in first]
    apart, counts, probes = set(drawn[COHORT + GALLERY :]), dict[str, int](), []
    for place, name in enumerate(person):
        counts[name] = counts.get(name, 0) + 1
        if name in apart and counts[name] <= IMAGES_MAX and templates.rows[place].any():
            probes.append(place)
    rows, quality = templates.rows[cohort].astype(np.float64), templates.quality[cohort]
    scores = rows @ rows.T
    others = ~np.eye(len(rows), dtype=bool) & ~one_person([person[i] for i in cohort], scores)
    apart_from_itself = np.where(np.eye(len(rows), dtype=bool), np.nan, scores)
    mean, deviation = np.nanmean(apart_from_itself, axis=1), np.nanstd(apart_from_itself, axis=1)
    band = np.digitize(quality, BANDS)
    made = Split(
        cohort=rows,
        gallery=templates.rows[searched].astype(np.float64),
        names=[person[i] for i in searched],
        plain=Tail.fit(scores[others]),
        banded=tuple(Tail.fit(scores[band == one][others[band == one]]) for one in range(len(BANDS) + 1)),
        normal=Tail.fit(((scores - mean[:, None]) / deviation[:, None])[others]),
    )
    return made, probes


def one_person(names: list[str], scores: Vector, others: list[str] | None = None) -> NDArray[np.bool_]:
    """Mark the pairs that show one person under two names; ``one_person.txt`` says how they were found."""
    seen = {line.split()[0] for line in ONE_PERSON.read_text().splitlines() if not line.startswith("#")}
    marked = np.zeros(scores.shape, bool)
    for one, other in np.argwhere(scores >= KNOWN_FROM):
        marked[one, other] = pair_digest(names[one], (others or names)[other]) in seen
    return marked


@dataclass(frozen=True)
class Outcome:
    """exp(-lambda) at each probe's highest score, and the log density of that score."""

    even: Vector
    log_score: Vector


def outcomes(
    split: Split, probes: Vector, quality: NDArray[np.int64], names: list[str], size: int
) -> dict[str, Outcome]:
    gallery = split.gallery[:size]
    scores = probes @ gallery.T
    scores[one_person(names, scores, split.names[:size])] = -1
    top, step = scores.max(axis=1), 1e-4
    found = {}
    for name, estimate in ESTIMATORS.items():
        expected = size * estimate(split, probes, quality, gallery, top)
        before = size * estimate(split, probes, quality, gallery, top - step)
        density = np.maximum((before - expected) / step, 1e-9)
        found[name] = Outcome(np.exp(-expected), np.log(density) - expected)
    return found


def spoiled(vision: Vision, folder: Path, templates: Templates, probes: list[int]) -> dict[str, Templates]:
    """Return some of the probes, spoiled as poor cameras do; nothing where OpenCV or the tool is missing."""
    try:
        sys.path.insert(0, str(folder / "tools"))
        import cv2  # noqa: PLC0415
        import degrade  # noqa: PLC0415
    except ImportError:
        return {}
    centre, made = centre_of(load_pack()), {}
    paths = [templates.paths[i] for i in probes[:SPOILED_PROBES]]
    for variant in SPOILED:
        rows, quality = [], []
        for path in track(paths, f"Spoiling: {variant}"):
            picture = degrade.apply(cv2.imread(str(folder / path)), variant, path)
            row, value = central_template(vision, cv2.imencode(".png", picture)[1].tobytes())
            rows.append(row)
            quality.append(value)
        moved = without(np.stack(rows), centre)
        seen = moved.any(axis=1)
        kept = [path for path, one in zip(paths, seen, strict=True) if one]
        made[variant] = Templates(kept, moved[seen], np.array(quality)[seen])
    return made


def table(title: str, rows: dict[str, list[Outcome]]) -> list[str]:
    lines = [
        " | ".join([f"| {title}", *(f"FPIR {100 * one:g} %" for one in FPIRS), "unevenness", "log score |"]),
        "|---|" + "---|" * (len(FPIRS) + 2),
    ]
    for name, every in rows.items():
        even = np.sort(np.concatenate([one.even for one in every]))
        apart = np.abs(even - (np.arange(len(even)) + 0.5) / len(even)).max()
        observed = " | ".join(f"{100 * np.mean(even > 1 - one):.2f} %" for one in FPIRS)
        log = np.concatenate([one.log_score for one in every]).mean()
        lines.append(f"| {name} | {observed} | {apart:.3f} | {log:.3f} |")
    return [*lines, ""]


def gathered(every: list[dict[str, Outcome]]) -> dict[str, list[Outcome]]:
    return {name: [one[name] for one in every] for name in ESTIMATORS}


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--write", action="store_true", help="write docs/odds-study.md")
    chosen = arguments.parse_args()
    folder = Path(os.environ.get("LINEAMENT_EVAL", "does-not-exist"))
    if not (folder / "lfw").is_dir():
        print("Skipped: set LINEAMENT_EVAL to a folder that holds lfw/.")
        return
    pack = load_pack()
    with closing(Vision(replace(pack, centre=None))) as vision:
        vectors = embedded(vision, folder, os.cpu_count() or 1)
        templates = replace(vectors, rows=without(vectors.rows, centre_of(pack)))
        clean: dict[int, list[dict[str, Outcome]]] = {size: [] for size in SIZES}
        for seed in track(range(SPLITS), "Splitting"):
            split, places = split_people(templates, seed)
            rows, quality = templates.rows[places].astype(np.float64), templates.quality[places]
            names = [Path(templates.paths[i]).parent.name for i in places]
            for size in SIZES:
                clean[size].append(outcomes(split, rows, quality, names, size))
        poor = spoiled(vision, folder, templates, places)
    lines = []
    for size, every in clean.items():
        probes = sum(len(one["one tail for all"].even) for one in every)
        lines += [f"## {size:,} people searched, {probes:,} clean probes", ""]
        lines += table("good photographs", gathered(every))
    if poor:
        every = []
        lines += [f"## {GALLERY:,} people searched, {SPOILED_PROBES} probes spoiled in each of six ways", ""]
        for variant, made in poor.items():
            names = [Path(path).parent.name for path in made.paths]
            found = outcomes(split, made.rows.astype(np.float64), made.quality, names, GALLERY)
            lines += table(variant, gathered([found]))
            every.append(found)
        lines += table("all six together", gathered(every))
    report = "\n".join(lines)
    print(report)
    if chosen.write:
        DOCUMENT.write_text(HEAD.format(contract=pack.contract, learned=LEARNED) + report, encoding="utf-8")


HEAD = """\
# A study: how many strangers would score as high

Written by `benchmarks/accuracy/odds.py`; do not edit. Template contract `{contract}`.
What the product says today comes from one tail for all ([scores](concepts/scores.md)); this study compares
what could take its place.

To repeat it, with the folder of [accuracy](accuracy.md):

```
LINEAMENT_EVAL=FOLDER python benchmarks/accuracy/odds.py --write
```

The people of LFW are split five ways into 1,900 to fit on, up to 3,000 who are searched, and about 850 whose
photographs are the probes; nobody is in two of them. For each probe every estimator says how many strangers
are expected at the highest score that it really got. If it is right, a threshold set for an FPIR of 1 % is
passed by 1 % of these probes; the *unevenness* (the largest distance of exp(-lambda) from an even spread, as
Kolmogorov and Smirnov measure it) is near 0; and the *log score* (the mean log density of the highest score)
is high.

{learned}

"""


LEARNED = """\
What is learned. A generalised Pareto on a probe's own highest scores is too unsteady: two thousand strangers
leave a hundred scores to fit. Taking only a probe's own mean and deviation, and the shape of the tail beyond
from everybody, is steady and tells most of what differs from probe to probe. Both numbers follow from the
mean and the covariance of a collection's templates, p.m and p'Sp, so that no scan is needed for them.\
"""


if __name__ == "__main__":
    main()
