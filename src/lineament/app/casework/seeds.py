"""Seeds: pairs of faces whose answer is known, mixed among those of the cases to measure examiners.

They come from collections whose permission allows that, of photographs with one face that say whom they show.
Known mates are two photographs of one person; lookalikes are two people whose faces score highest among all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.installation import Installation
from lineament.records import images, reviews, searches
from lineament.records.images import StoredFace
from lineament.records.reviews import Lead, Seed

PURPOSE = "examiner-testing"  # what a permission must allow
FACES_MAX = 2_000  # looked at each time; of more, so many that lie together in the order of their random ids
LOOKALIKES_MAX = 200  # the pairs that score highest, each face with its nearest
_AT_ONCE = 500  # rows of scores in memory


@dataclass(frozen=True)
class Pool:
    """The pairs of faces whose answer is known, and of how many faces they were made."""

    faces: int
    mates: tuple[tuple[StoredFace, StoredFace], ...]
    lookalikes: tuple[tuple[StoredFace, StoredFace], ...]  # the most alike first


def pool(installation: Installation, tx: Connection) -> Pool:
    """Return the pairs that may be used now. Where no collection is lent for it, there are none."""
    now = installation.clock()
    lent = [one.id for one in eligibility.permitted(tx, PURPOSE, now)]
    ids = images.lone_named_faces(tx, lent, installation.new_id(), FACES_MAX)
    faces = [
        one
        for one in eligibility.faces_for(tx, ids, PURPOSE, now).values()
        if one.detected.quality.usable and _person(one)
    ]
    vectors = images.templates_of(tx, installation.keys, installation.contract, [one.id for one in faces])
    faces = sorted((one for one in faces if one.id in vectors), key=lambda one: one.id)
    if not faces:
        return Pool(0, (), ())
    matrix = np.stack([vectors[one.id] for one in faces])
    return Pool(len(faces), tuple(_mates(faces)), tuple(_lookalikes(faces, matrix)))


def draw(installation: Installation, tx: Connection, lead: Lead) -> list[Seed]:
    """Return one pair of mates and one of lookalikes to go with a lead's pair, as far as the pool has them.

    Neither shows the candidate's person or photograph. A pair comes first that this case has not had; then
    one that was seldom used, which few examiners have seen; then by chance. Its sides are drawn as well.
    """
    candidate = _candidate(tx, lead)
    there, used = pool(installation, tx), _uses(tx, lead.case_id)
    drawn = []
    for pairs, mated in ((there.mates, True), (there.lookalikes, False)):
        fit = [
            pair_of(*(one.id for one in pair))
            for pair in pairs
            if not any(_same(one, other) for one in pair for other in candidate)
        ]
        if fit:
            chosen = min(fit, key=lambda pair: (*used.get(pair, (0, 0)), installation.new_salt()))
            left, right = sorted(chosen, key=lambda _: installation.new_salt())
            drawn.append(Seed(left, right, mated))
    return drawn


def _uses(tx: Connection, case_id: str) -> dict[frozenset[str], tuple[int, int]]:
    """Return how often each pair was a seed in a case, and how often in all."""
    uses: dict[frozenset[str], tuple[int, int]] = {}
    for one in reviews.seeds(tx):
        if one.seed:
            here, anywhere = uses.get(pair_of(*one.seed.faces), (0, 0))
            uses[pair_of(*one.seed.faces)] = (here + (one.case_id == case_id), anywhere + 1)
    return uses


def pair_of(one: str, other: str) -> frozenset[str]:
    """Return two faces as one pair, whichever stands on which side."""
    return frozenset({one, other})


def _candidate(tx: Connection, lead: Lead) -> list[StoredFace]:
    """Return the candidate's faces that are still there, in every collection."""
    search = searches.get_search(tx, lead.search_id)
    rows = search.candidates if search else ()
    return list(images.faces(tx, [row.face_id for row in rows if row.rank == lead.rank]).values())


def _mates(faces: Iterable[StoredFace]) -> Iterator[tuple[StoredFace, StoredFace]]:
    """Yield, for each person, their photographs two by two in a row; copies of one photograph are no pair."""
    by_person: dict[str, list[StoredFace]] = {}
    for one in faces:
        before = by_person.setdefault(_person(one), [])
        if all(one.image.group_id != other.image.group_id for other in before):
            before.append(one)
    for photographs in by_person.values():
        yield from pairwise(photographs)


def _lookalikes(
    faces: list[StoredFace], matrix: NDArray[np.float32]
) -> Iterator[tuple[StoredFace, StoredFace]]:
    """Yield pairs of two people, the highest scores first: each face with the nearest of somebody else.

    ``matrix`` is (n, D), their templates.
    """
    people = np.unique([_person(one) for one in faces], return_inverse=True)[1]
    groups = np.unique([one.image.group_id for one in faces], return_inverse=True)[1]
    best: dict[tuple[int, int], float] = {}
    for start in range(0, len(faces), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        scores = matrix[rows] @ matrix.T
        scores[(people[rows, None] == people) | (groups[rows, None] == groups)] = -np.inf
        for row, nearest in enumerate(scores.argmax(axis=1), start=start):
            if np.isfinite(scores[row - start, nearest]):
                best[min(row, int(nearest)), max(row, int(nearest))] = float(scores[row - start, nearest])
    for one, other in sorted(best, key=best.__getitem__, reverse=True)[:LOOKALIKES_MAX]:
        yield faces[one], faces[other]


def _same(one: StoredFace, other: StoredFace) -> bool:
    """Say whether two faces are of one photograph or, by what is known, of one person."""
    person = _person(one)
    return one.image.group_id == other.image.group_id or (bool(person) and person == _person(other))


def _person(face: StoredFace) -> str:
    """Return the name that a photograph gives to its face, '' where it gives none."""
    return " ".join(face.image.provenance.extra.get("person", "").split()).casefold()
