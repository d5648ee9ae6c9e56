"""Search the sample collection for the people who are also in Labeled Faces in the Wild.

    LINEAMENT_EVAL=FOLDER python benchmarks/accuracy/sample_people.py

A person counts as the same where the names are equal; a few may be namesakes, and those scores show it.
Every LFW photograph of such a person is searched twice, through the product's own use case: in
identification mode, where a threshold decides, and in investigation mode, where the ten best are listed.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from lineament.app import collections, sign_in
from lineament.app.candidates import show_search
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.core.policy import Person
from lineament.errors import LineamentError
from lineament.records.searches import Outcome
from lineament.testing import make_collection, make_installation, make_permission

CONGRESS = Path(__file__).parents[2] / "samples" / "congress"
IDENTIFICATION = Request("archive-research", ("congress",))
INVESTIGATION = Request("missing-person", ("congress",), "benchmark")


@dataclass(frozen=True)
class Result:
    """One photograph's search: where the person came (None: not among the ten), with which score."""

    rank: int | None
    score: float | None
    listed: bool
    others_listed: int


def main() -> None:
    """Print how many come first."""
    evaluation = os.environ.get("LINEAMENT_EVAL")
    if not evaluation or not (Path(evaluation) / "lfw").is_dir():
        sys.exit(
            "Set LINEAMENT_EVAL to the folder that holds lfw/; docs/accuracy.md says where it comes from."
        )
    photographs = shared_people(Path(evaluation) / "lfw")
    with tempfile.TemporaryDirectory() as folder:
        installation = make_installation(Path(folder))
        allowed = make_permission(("archive-research", "missing-person"))
        console = Console(stderr=True)
        console.print("Ingesting the sample collection ...")
        make_collection(installation, "congress", CONGRESS, allowed)
        who = sign_in.operator(installation)
        results = defaultdict(list)
        pairs = [(person, path) for person, paths in photographs.items() for path in paths]
        for person, path in track(pairs, "Searching", console=console):
            results[person].append(search(installation, who, person, path))
        (congress,) = collections.stock(installation)
        installation.close()
    print(f"\nSearched against the {congress[1].faces} faces of the sample collection.")
    report(results)


def shared_people(lfw: Path) -> dict[str, list[Path]]:
    """Return the LFW photographs of everybody whose name is in the sample manifest."""
    with (CONGRESS / "manifest.csv").open(newline="") as file:
        names = sorted({row["person"] for row in csv.DictReader(file)})
    folders = {name: lfw / name.replace(" ", "_") for name in names}
    return {name: sorted(folder.glob("*.jpg")) for name, folder in folders.items() if folder.is_dir()}


def search(installation: Installation, who: Person, person: str, path: Path) -> Result:
    """Search one photograph in both modes."""
    listed = names(installation, who, IDENTIFICATION, path)
    ten = names(installation, who, INVESTIGATION, path)
    place = next(((rank, score) for rank, (name, score) in enumerate(ten, start=1) if name == person), None)
    return Result(
        rank=place[0] if place else None,
        score=place[1] if place else None,
        listed=any(name == person for name, _ in listed),
        others_listed=sum(name != person for name, _ in listed),
    )


def names(installation: Installation, who: Person, request: Request, path: Path) -> list[tuple[str, float]]:
    """Return the candidates as (name, score), best first; the face nearest the centre is searched."""
    try:
        done = open_search(installation, who, request, [path.read_bytes()])
        if done.outcome is Outcome.AWAITING_FACE and done.probes[0].faces:
            width, height = done.probes[0].size or (0, 0)
            faces = done.probes[0].faces
            centres = [(face.box[:2] + face.box[2:]) / 2 - (width / 2, height / 2) for face in faces]
            nearest = min(range(len(centres)), key=lambda one: float(centres[one] @ centres[one]))
            done = choose_face(installation, who, done.id, nearest + 1)
    except LineamentError as error:
        print(f"{path.name}: {error}")
        return []
    shown = show_search(installation, who, done.id).candidates
    return [(one.face.image.provenance.extra["person"], one.score) for one in shown if one.face]


def report(results: dict[str, list[Result]]) -> None:
    """Print a table in Markdown and the totals."""
    print("\n| person | photographs | come first | pass the threshold | others pass | best score |")
    print("|---|---|---|---|---|---|")
    for person, all_of in results.items():
        cells = (
            person,
            len(all_of),
            sum(one.rank == 1 for one in all_of),
            sum(one.listed for one in all_of),
            sum(one.others_listed for one in all_of),
            f"{max(one.score or 0 for one in all_of):.3f}",
        )
        print(f"| {' | '.join(map(str, cells))} |")
    every = [one for all_of in results.values() for one in all_of]
    people = sum(any(one.rank == 1 for one in all_of) for all_of in results.values())
    print(
        f"\n{people} of {len(results)} people come first with at least one photograph; "
        f"{sum(one.rank == 1 for one in every)} of {len(every)} photographs come first; "
        f"{sum(one.listed for one in every)} pass the threshold; "
        f"{sum(one.others_listed for one in every)} other people pass it."
    )


if __name__ == "__main__":
    main()
