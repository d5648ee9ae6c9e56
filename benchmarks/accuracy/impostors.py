"""How often two people score this high: on LFW, and on other people than LFW's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from templates import Templates, without

TAIL_FMRS = [digit * 10.0**-power for power in range(2, 9) for digit in (10, 5, 2)]
FEWEST_PAIRS = 20  # a rate that rests on fewer coincidences says little
KNOWN_FROM = 0.4  # no pair of one_person.txt scores lower
ONE_PERSON = Path(__file__).with_name("one_person.txt")


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
        (i, j) for i, j in np.argwhere(scores >= KNOWN_FROM) if pair_digest(people[i], people[j]) in seen
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


def carried_over(vectors: Templates, portraits: NDArray[np.float32]) -> list[Carried]:
    """Measure a tail's points on the sample portraits, one a person, as far as the pairs reach.

    The pack's centre is the mean of these very portraits, which would flatter them. So both sides take the
    mean of LFW's people here: the portraits are then a collection that no centre was made for.
    """
    people = sorted({Path(path).parent.name for path in vectors.paths})
    centre = vectors.of([f"lfw/{name}/{name}_0001.jpg" for name in people]).mean(axis=0)
    tail = impostor_tail(replace(vectors, rows=without(vectors.rows, centre)), "")
    portraits = without(portraits, centre)
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
        f"alike in age and dress, strangers scored as high up to {max(factors):.1f} times as "
        "often."
    )


def portraits_report(portraits: NDArray[np.float32], carried: list[Carried]) -> list[str]:
    """Say whether the tail holds for other people."""
    return [
        "## Whether the tail carries over",
        "",
        f"The {len(portraits)} sample portraits of members of Congress, one a person: "
        f"{len(portraits) * (len(portraits) - 1) // 2:,} pairs of two people who are alike in age, dress, "
        "pose and light. For this table alone, the mean of LFW's people is the centre, because the pack's "
        "own is the mean of these portraits. A rate here that is higher than LFW's means that the tail "
        "understates coincidence by that factor in such a collection; the product says so beside the odds.",
        "",
        "| score | FMR on LFW | FMR on the portraits | pairs | factor |",
        "|---|---|---|---|---|",
        *(
            f"| {one.score:.3f} | {one.expected:.2e} | {one.fmr:.2e} | {one.pairs:,} | {one.factor:.1f} |"
            for one in carried
        ),
        "",
    ]
