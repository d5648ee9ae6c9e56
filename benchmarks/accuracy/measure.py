"""Measure the default model pack on Labeled Faces in the Wild, and write the pack's impostor tail.

    LINEAMENT_EVAL=FOLDER python benchmarks/accuracy/measure.py [--write]

FOLDER holds ``lfw/<Name>/<Name>_NNNN.jpg`` and ``protocols/*.csv``; where it also holds
``tools/degrade.py`` and OpenCV is installed, spoiled photographs are measured too. LFW is for research use
and not part of this project. Vectors are cached under the user's cache folder, by contract. ``--write`` puts
the impostor tail into the pack and the tables into ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from impostors import carried_over, caution, impostor_tail, portraits_report, tail_report
from numpy.typing import NDArray
from rich.progress import track
from templates import Templates, central_template, centre_of, embedded, rows_of, without

from lineament.vision.pack import DEFAULT_PACK, load_pack
from lineament.vision.pipeline import Vision

FPIRS = (0.1, 0.05, 0.01, 0.001)
DISCARDED = (0, 0.02, 0.05, 0.1, 0.2, 0.3)
SPOILED = 1000  # probes
PORTRAITS = Path(__file__).parents[2] / "samples" / "congress"
DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--write", action="store_true", help="write tail.json and docs/accuracy.md")
    chosen = arguments.parse_args()
    folder = Path(os.environ.get("LINEAMENT_EVAL", "does-not-exist"))
    if not (folder / "lfw").is_dir() or not (folder / "protocols").is_dir():
        print("Skipped: set LINEAMENT_EVAL to a folder that holds lfw/ and protocols/.")
        return
    pack = load_pack()
    # Vectors before the centre is taken from them, so that another centre can be tried on them.
    with closing(Vision(replace(pack, centre=None))) as vision:
        vectors = embedded(vision, folder, chosen.threads)
        paths = track(sorted(PORTRAITS.glob("*.jpg")), "Embedding the sample portraits")
        portraits = np.stack([central_template(vision, path.read_bytes())[0] for path in paths])
        centre = centre_of(pack)
        templates = replace(vectors, rows=without(vectors.rows, centre))
        spoiled = spoiled_report(vision, templates, centre, folder, chosen.threads)
    tail = impostor_tail(templates, pack.contract)
    carried = carried_over(vectors, portraits)
    tail["caution"] = caution(carried, len(portraits))
    sections = (
        pairs_report(templates, folder),
        open_set_report(templates, folder),
        quality_report(templates, folder),
        spoiled,
        tail_report(templates, tail),
        portraits_report(portraits, carried),
    )
    report = "\n".join(line for section in sections for line in section)
    print(report)
    if chosen.write:
        (DEFAULT_PACK / "tail.json").write_text(json.dumps(tail, indent=1) + "\n", encoding="utf-8")
        DOCUMENT.write_text(HEAD.format(contract=pack.contract, **machine()) + report, encoding="utf-8")


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
    gallery, mated, others = open_set(folder)
    enrolled = templates.of([row["path"] for row in gallery])
    first, mate_scores = mates(templates.of([row["path"] for row in mated]), mated, enrolled, gallery)
    strongest = strongest_strangers(templates, others, enrolled)
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
        threshold = threshold_at(fpir, strongest)
        missed = 1 - np.mean(first & (mate_scores >= threshold))
        lines.append(f"| {100 * fpir:g} % | {threshold:.3f} | {100 * missed:.2f} % |")
    return [*lines, ""]


Rows = list[dict[str, str]]


def open_set(folder: Path) -> tuple[Rows, Rows, Rows]:
    """Return the enrolled, the mated probes and the non-mated probes."""
    gallery, mated, others = (
        rows_of(folder, f"lfw_openset_A_{part}") for part in ("gallery", "mated", "nonmated")
    )
    return gallery, mated, others


def mates(
    probes: NDArray[np.float32], mated: Rows, enrolled: NDArray[np.float32], gallery: Rows
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Say of each mated probe (n, D) whether its mate comes first, and return the mates' scores."""
    person = {row["identity"]: i for i, row in enumerate(gallery)}
    mate = np.array([person[row["identity"]] for row in mated])
    scores = probes @ enrolled.T
    mate_scores = scores[np.arange(len(mated)), mate]
    return (scores.argmax(axis=1) == mate) & (mate_scores != 0), mate_scores


def strongest_strangers(
    templates: Templates, others: Rows, enrolled: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the highest score of each non-mated probe, the highest first."""
    return np.sort((templates.of([row["path"] for row in others]) @ enrolled.T).max(axis=1))[::-1]


def threshold_at(fpir: float, strongest: NDArray[np.float32]) -> np.float32:
    """Return the lowest threshold at which no more than this part of non-mated searches return somebody."""
    return np.nextafter(strongest[int(fpir * len(strongest))], np.float32(2))


# --- quality and spoiled photographs ---------------------------------------------------------------------


def quality_report(templates: Templates, folder: Path) -> list[str]:
    """Error versus discard (ISO/IEC 29794-1): what is left of the misses without the worst photographs."""
    gallery, mated, others = open_set(folder)
    enrolled = templates.of([row["path"] for row in gallery])
    first, scores = mates(templates.of([row["path"] for row in mated]), mated, enrolled, gallery)
    missed = ~(first & (scores >= threshold_at(0.01, strongest_strangers(templates, others, enrolled))))
    place = {path: i for i, path in enumerate(templates.paths)}
    of_person = {row["identity"]: templates.quality[place[row["path"]]] for row in gallery}
    worse = np.array(
        [min(templates.quality[place[row["path"]]], of_person[row["identity"]]) for row in mated]
    )
    order = np.lexsort((np.random.default_rng(0).random(len(worse)), worse))  # equal scores in any order
    lines = [
        "## Quality: error versus discard",
        "",
        "Each mated search has the unified quality score of the worse of its two photographs. The searches "
        "with the lowest ones are left out; FNIR of the others at the threshold of FPIR 1 %. A score that "
        f"tells nothing would leave it at {100 * missed.mean():.2f} %.",
        "",
        "| left out | quality below | FNIR of the rest |",
        "|---|---|---|",
    ]
    for part in DISCARDED:
        kept = order[round(part * len(order)) :]
        lines.append(f"| {100 * part:g} % | {worse[kept[0]]} | {100 * missed[kept].mean():.2f} % |")
    return [*lines, ""]


def spoiled_report(
    vision: Vision, templates: Templates, centre: NDArray[np.float32], folder: Path, threads: int
) -> list[str]:
    """The same open set with probes that were spoiled as poor cameras do; the threshold stays."""
    try:
        sys.path.insert(0, str(folder / "tools"))
        import cv2  # noqa: PLC0415
        import degrade  # noqa: PLC0415
    except ImportError:
        return ["## Spoiled photographs", "", "Not measured: OpenCV or tools/degrade.py is not there.", ""]
    gallery, mated, others = open_set(folder)
    enrolled = templates.of([row["path"] for row in gallery])
    threshold = threshold_at(0.01, strongest_strangers(templates, others, enrolled))
    chosen = [mated[i] for i in np.random.default_rng(1).permutation(len(mated))[:SPOILED]]

    def spoil(job: tuple[str, str]) -> tuple[NDArray[np.float32], int]:
        variant, path = job
        picture = degrade.apply(cv2.imread(str(folder / path)), variant, path)
        return central_template(vision, cv2.imencode(".png", picture)[1].tobytes())

    lines = [
        "## Spoiled photographs",
        "",
        f"{SPOILED:,} of the mated probes, spoiled by the seeded filters of tools/degrade.py; the enrolled "
        "photographs and the threshold (FPIR 1 % with good probes) stay. face16 has 16 px a face, and so on.",
        "",
        "| spoiled by | no face found | mate first | FNIR | median quality |",
        "|---|---|---|---|---|",
    ]
    for variant in track(degrade.VARIANTS, "Spoiling"):
        with ThreadPoolExecutor(threads) as pool:
            rows, quality = zip(*pool.map(spoil, [(variant, row["path"]) for row in chosen]), strict=True)
        probes = np.stack(rows)
        first, scores = mates(without(probes, centre), chosen, enrolled, gallery)
        lines.append(
            f"| {variant} | {100 * (1 - probes.any(axis=1).mean()):.1f} % | {100 * first.mean():.1f} % "
            f"| {100 * (1 - np.mean(first & (scores >= threshold))):.1f} % | {np.median(quality):.0f} |"
        )
    return [*lines, ""]


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

The 55 pairs of "different" people with the highest scores (under an earlier contract of this pack) were
looked at side by side: 23 are one person under a wrong label or a second name. They are left out of the
impostor tail by `one_person.txt`; twins, siblings and doubtful pairs stay in.

"""

if __name__ == "__main__":
    main()
