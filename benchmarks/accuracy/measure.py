"""Measure the default model pack on Labeled Faces in the Wild, and write the pack's impostor tail.

    LINEAMENT_EVAL=FOLDER python benchmarks/accuracy/measure.py [--write]

FOLDER holds ``lfw/<Name>/<Name>_NNNN.jpg`` and ``protocols/*.csv``. LFW is for research use and not part of
this project. Templates are cached under the user's cache folder, by contract. ``--write`` puts the impostor
tail into the pack and the tables into ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray
from rich.progress import track

from lineament.errors import PhotographError
from lineament.vision.pack import DEFAULT_PACK
from lineament.vision.pipeline import Vision

FPIRS = (0.1, 0.05, 0.01, 0.001)
TAIL_FMRS = [digit * 10.0**-power for power in range(2, 9) for digit in (10, 5, 2)]
FEWEST_PAIRS = 20  # a rate that rests on fewer coincidences says little
INSPECTED_FROM = 0.5  # the 55 pairs above this score were looked at, side by side
ONE_PERSON = Path(__file__).with_name("one_person.txt")
PORTRAITS = Path(__file__).parents[2] / "samples" / "congress"
DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"


@dataclass(frozen=True)
class Templates:
    """One template a photograph, (n, D) float32; a row of zeros where no face was found."""

    paths: list[str]
    rows: NDArray[np.float32]

    def of(self, paths: list[str]) -> NDArray[np.float32]:
        """Return the rows of these paths."""
        place = {path: i for i, path in enumerate(self.paths)}
        return self.rows[[place[path] for path in paths]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--write", action="store_true", help="write tail.json and docs/accuracy.md")
    chosen = arguments.parse_args()
    folder = Path(os.environ.get("LINEAMENT_EVAL", "does-not-exist"))
    if not (folder / "lfw").is_dir() or not (folder / "protocols").is_dir():
        print("Skipped: set LINEAMENT_EVAL to a folder that holds lfw/ and protocols/.")
        return
    with closing(Vision.open()) as vision:
        templates = embedded(vision, folder, chosen.threads)
        paths = track(sorted(PORTRAITS.glob("*.jpg")), "Embedding the sample portraits")
        portraits = np.stack([central_template(vision, path) for path in paths])
        contract = vision.contract
    tail = impostor_tail(templates, contract)
    carried = carried_over(portraits, tail)
    tail["caution"] = caution(carried, len(portraits))
    sections = (
        pairs_report(templates, folder),
        open_set_report(templates, folder),
        tail_report(templates, tail),
        portraits_report(portraits, carried),
    )
    report = "\n".join(line for section in sections for line in section)
    print(report)
    if chosen.write:
        (DEFAULT_PACK / "tail.json").write_text(json.dumps(tail, indent=1) + "\n", encoding="utf-8")
        DOCUMENT.write_text(HEAD.format(contract=contract, **machine()) + report, encoding="utf-8")


# --- templates -------------------------------------------------------------------------------------------


def embedded(vision: Vision, folder: Path, threads: int) -> Templates:
    """Embed every photograph once; later runs under the same contract read the cache."""
    name = f"lfw-{vision.contract.removeprefix('sha256:')[:16]}.npz"
    cache = platformdirs.user_cache_path("lineament") / name
    if not cache.exists():
        paths = sorted(path.relative_to(folder).as_posix() for path in folder.glob("lfw/*/*.jpg"))
        with ThreadPoolExecutor(threads) as pool:
            work = pool.map(lambda path: central_template(vision, folder / path), paths)
            rows = np.stack(list(track(work, "Embedding", total=len(paths))))
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, paths=np.array(paths), rows=rows)
    with np.load(cache, allow_pickle=False) as stored:
        return Templates(stored["paths"].tolist(), stored["rows"])


def central_template(vision: Vision, path: Path) -> NDArray[np.float32]:
    """Return the template of the face nearest the image's centre, which is the labelled one, or zeros."""
    nothing = np.zeros(vision.dimension, np.float32)
    try:
        photograph = vision.decode(path.read_bytes())
    except PhotographError:
        return nothing
    faces = vision.detect(photograph)
    if not faces:
        return nothing
    middle = np.array([photograph.width, photograph.height]) / 2
    central = min(faces, key=lambda face: float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - middle)))
    return vision.embed(photograph, [central])[0]


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "protocols" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- verification: the official pairs --------------------------------------------------------------------


def pairs_report(templates: Templates, folder: Path) -> list[str]:
    """LFW View 2: in each of ten folds, accuracy at the threshold that is best on the other nine."""
    pairs = rows_of(folder, "lfw_pairs")
    first, second = (templates.of([pair[side] for pair in pairs]) for side in ("path1", "path2"))
    scores = np.einsum("nd,nd->n", first, second)
    same, fold = (np.array([int(pair[key]) for pair in pairs]) for key in ("same", "fold"))
    sound = np.array([pair["errata"] == "0" for pair in pairs])
    lines = [
        "## Verification: LFW View 2",
        "",
        "| pairs | number | accuracy, mean ± standard deviation of 10 folds |",
        "|---|---|---|",
    ]
    for name, used in (
        ("all, as published", np.ones(len(pairs), bool)),
        ("without known label errors", sound),
    ):
        accuracies = ten_folds(scores[used], same[used] == 1, fold[used])
        lines.append(
            f"| {name} | {used.sum():,} | {100 * accuracies.mean():.2f} ± {100 * accuracies.std():.2f} % |"
        )
    return [
        *lines,
        "",
        f"Of {len(templates.paths):,} photographs, {count_missing(templates)} gave no face.",
        "",
    ]


def ten_folds(
    scores: NDArray[np.float32], same: NDArray[np.bool_], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    accuracies = []
    for held in np.unique(fold):
        known = fold != held
        thresholds = np.unique(scores[known])
        mated, others = np.sort(scores[known & same]), np.sort(scores[known & ~same])
        right = len(mated) - np.searchsorted(mated, thresholds) + np.searchsorted(others, thresholds)
        threshold = thresholds[right.argmax()]
        accuracies.append(np.mean((scores[~known] >= threshold) == same[~known]))
    return np.array(accuracies)


def count_missing(templates: Templates) -> int:
    return int((~templates.rows.any(axis=1)).sum())


# --- identification: open set ----------------------------------------------------------------------------


def open_set_report(templates: Templates, folder: Path) -> list[str]:
    """ISO/IEC 19795-1 error rates with one image enrolled a person; a probe without a face finds nobody."""
    gallery, mated, others = (
        rows_of(folder, f"lfw_openset_A_{part}") for part in ("gallery", "mated", "nonmated")
    )
    enrolled = templates.of([row["path"] for row in gallery])
    person = {row["identity"]: i for i, row in enumerate(gallery)}
    mated_scores = templates.of([row["path"] for row in mated]) @ enrolled.T
    mate = np.array([person[row["identity"]] for row in mated])
    mate_scores = mated_scores[np.arange(len(mated)), mate]
    first = (mated_scores.argmax(axis=1) == mate) & (mate_scores != 0)
    strongest = np.sort((templates.of([row["path"] for row in others]) @ enrolled.T).max(axis=1))[::-1]
    lines = [
        "## Identification: open set A",
        "",
        f"{len(gallery):,} people enrolled with one photograph each; {len(mated):,} mated and "
        f"{len(others):,} non-mated probes. "
        f"The mate comes first in **{100 * first.mean():.2f} %** of mated searches.",
        "",
        "FNIR: the mate is not first, or scores below the threshold. FPIR: somebody reaches the threshold in "
        "a non-mated search.",
        "",
        "| FPIR | threshold | FNIR |",
        "|---|---|---|",
    ]
    for fpir in FPIRS:
        threshold = np.nextafter(strongest[int(fpir * len(strongest))], np.float32(2))
        missed = 1 - np.mean(first & (mate_scores >= threshold))
        lines.append(f"| {100 * fpir:g} % | {threshold:.3f} | {100 * missed:.2f} % |")
    return [*lines, ""]


# --- the impostor tail -----------------------------------------------------------------------------------


def impostor_tail(templates: Templates, contract: str) -> dict[str, Any]:
    """Return FMR(s) = P(score >= s | two people) over every pair of people, each by the first photograph.

    Pairs that were seen to be one person under two names are left out; ``one_person.txt`` says how.
    """
    people = sorted({Path(path).parent.name for path in templates.paths})
    rows = templates.of([f"lfw/{name}/{name}_0001.jpg" for name in people])
    people = [name for name, row in zip(people, rows, strict=True) if row.any()]
    rows = rows[rows.any(axis=1)]
    scores = rows @ rows.T
    scores[np.tril_indices(len(rows))] = -2  # each pair once
    seen = {line.split()[0] for line in ONE_PERSON.read_text().splitlines() if not line.startswith("#")}
    left_out = [
        (i, j) for i, j in np.argwhere(scores >= INSPECTED_FROM) if pair_digest(people[i], people[j]) in seen
    ]
    scores[tuple(np.transpose(left_out))] = -2
    ranked = np.sort(scores[scores > -2])[::-1]
    counts = [round(fmr * len(ranked)) for fmr in TAIL_FMRS]
    points = [
        {"score": round(float(ranked[count - 1]), 6), "fmr": count / len(ranked), "pairs": count}
        for count in [*(count for count in counts if count > FEWEST_PAIRS), FEWEST_PAIRS]
    ]
    return {
        "contract": contract,
        "measured_on": "Labeled Faces in the Wild (deep-funneled), the first photograph of each person",
        "people": len(rows),
        "pairs": len(ranked),
        "pairs_left_out_as_one_person": len(left_out),
        "points": points,
    }


def pair_digest(first: str, second: str) -> str:
    """Name a pair of people without naming them."""
    return hashlib.sha256("|".join(sorted((first, second))).encode()).hexdigest()[:16]


def tail_report(templates: Templates, tail: dict[str, Any]) -> list[str]:
    """Set the tail beside the same scores over every cross-person pair of all photographs."""
    points = tail["points"]
    edges = np.array([point["score"] for point in points], np.float32)
    found = templates.rows.any(axis=1)
    rows = templates.rows[found]
    person = np.unique([Path(path).parent.name for path in templates.paths], return_inverse=True)[1][found]
    counts, pairs = np.zeros(len(edges), np.int64), 0
    for start in track(range(0, len(rows), 1000), "Comparing all photographs"):
        scores = rows[start : start + 1000] @ rows.T
        later = np.arange(len(rows)) > np.arange(start, start + len(scores))[:, None]
        impostors = scores[later & (person[start : start + len(scores), None] != person)]
        pairs += impostors.size
        counts += [np.count_nonzero(impostors >= edge) for edge in edges]
    return [
        "## The impostor tail",
        "",
        f"`tail.json` of the pack: {tail['pairs']:,} pairs of {tail['people']:,} people, one photograph "
        f"each. {tail['pairs_left_out_as_one_person']} pairs were "
        "left out because they show one person under two "
        "names or a wrong label. Beside it the same scores over all "
        f"{pairs:,} cross-person pairs of {len(rows):,} photographs, where such pairs are left in.",
        "",
        "| score | FMR, one photograph a person | pairs | FMR, all photographs |",
        "|---|---|---|---|",
        *(
            f"| {point['score']:.3f} | {point['fmr']:.2e} | {point['pairs']:,} | {count / pairs:.2e} |"
            for point, count in zip(points, counts, strict=True)
        ),
        "",
    ]


@dataclass(frozen=True)
class Carried:
    """One point of the tail on other people: the rate there and the number of pairs that it rests on."""

    score: float
    expected: float
    fmr: float
    pairs: int

    @property
    def factor(self) -> float:
        """How many times more often strangers score this high than the tail says."""
        return self.fmr / self.expected


def carried_over(portraits: NDArray[np.float32], tail: dict[str, Any]) -> list[Carried]:
    """Measure the tail's points on the sample portraits, one a person, as far as the pairs reach."""
    scores = (portraits @ portraits.T)[np.triu_indices(len(portraits), 1)]
    counts = [int(np.count_nonzero(scores >= point["score"])) for point in tail["points"]]
    return [
        Carried(point["score"], point["fmr"], count / scores.size, count)
        for point, count in zip(tail["points"], counts, strict=True)
        if count >= FEWEST_PAIRS
    ]


def caution(carried: list[Carried], portraits: int) -> str:
    """Return the sentence that the product shows beside the odds."""
    factors = [one.factor for one in carried]
    return (
        f"Measured on press photographs of other people. Among {portraits} posed portraits of people "
        f"alike in age and dress, strangers scored as high {min(factors):.0f} to {max(factors):.0f} times "
        "as often."
    )


def portraits_report(portraits: NDArray[np.float32], carried: list[Carried]) -> list[str]:
    """Say whether the tail holds for other people."""
    return [
        "## Whether the tail carries over",
        "",
        f"The {len(portraits)} sample portraits of members of Congress, one a person: "
        f"{len(portraits) * (len(portraits) - 1) // 2:,} pairs of two people who are alike in age, dress, "
        "pose and light. A rate here that is higher than LFW's means that the tail understates coincidence "
        "by that factor in such a collection; the product says so beside the odds.",
        "",
        "| score | FMR on LFW | FMR on the portraits | pairs | factor |",
        "|---|---|---|---|---|",
        *(
            f"| {one.score:.3f} | {one.expected:.2e} | {one.fmr:.2e} | {one.pairs:,} | {one.factor:.1f} |"
            for one in carried
        ),
        "",
    ]


# --- the document ----------------------------------------------------------------------------------------


def machine() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in ("numpy", "onnxruntime", "pillow")},
    }


HEAD = """\
# How accurate the default model pack is

Written by `benchmarks/accuracy/measure.py`; do not edit. Template contract `{contract}`.

To repeat it, put [Labeled Faces in the Wild](https://vis-www.cs.umass.edu/lfw/) (deep-funneled; for research
use) as `lfw/` and the protocol lists as `protocols/` into one folder outside the repository, and run:

```
LINEAMENT_EVAL=FOLDER python benchmarks/accuracy/measure.py --write
```

Measured on {system} with {cores} cores: Python {python}, numpy {numpy}, ONNX Runtime {onnxruntime}, Pillow
{pillow}. In each photograph the face nearest the centre is the labelled one.

What these figures do not say: LFW shows public figures in press photographs of the early 2000s, most of them
adult men, few of them of African or Asian descent. Rates for children, for other groups, for old scans and
for small or turned faces are not measured here, and are likely worse. SFace's publisher does not state its
training set, so it may hold some of these people.

The 55 pairs of "different" people with the highest scores were looked at side by side: 23 are one person
under a wrong label or a second name. They are left out of the impostor tail by `one_person.txt`; twins,
siblings and doubtful pairs stay in.

"""

if __name__ == "__main__":
    main()
