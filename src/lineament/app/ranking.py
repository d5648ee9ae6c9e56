"""Ranking: what the index found is scored again from the records, and a photograph's copies share a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lineament.app import following, sites
from lineament.app.copies import is_copy
from lineament.app.following import PinnedHits
from lineament.app.installation import Installation
from lineament.core.odds import coincidence
from lineament.records import images
from lineament.records.images import StoredFace
from lineament.records.searches import CandidateRow


def best(
    installation: Installation,
    probe: NDArray[np.float32],
    names: Sequence[str],
    floor_for: Callable[[int], float],
    limit: int,
    among: Callable[[list[str]], list[str]] = list,
) -> tuple[PinnedHits, list[CandidateRow]]:
    """Search collections for a (D,) probe; return what was found, and its ranks up to ``limit`` at least.

    ``floor_for`` is as in ``following.search``. ``among`` is given ids of faces that were found and returns
    those that count. Raises what ``following.search`` raises.
    """
    wanted = limit + 1
    while True:
        found = following.search(installation, probe, names, floor_for, wanted)
        rows = rank(installation, probe, among(found.hits.ids), found.floor, found.hits.covered)
        if not found.hits.truncated or (rows and rows[-1].rank > limit):
            return found, rows  # every copy of those that are listed is there
        wanted *= 2  # copies of one photograph share a rank and take no place from others


def rank(
    installation: Installation, probe: NDArray[np.float32], ids: list[str], floor: float, covered: int
) -> list[CandidateRow]:
    """Return the candidates among faces that an index found for a (D,) probe, in the order of their ranks.

    Those are the faces on record, of no site that withholds them, that score at least ``floor``. ``covered``
    is how many faces were compared.
    """
    with installation.records.read() as tx:
        templates = images.templates_of(tx, installation.keys, installation.vision.contract, ids)
        is_withheld = sites.withheld(tx)
        faces = {face: one for face, one in images.faces(tx, ids).items() if not is_withheld(one.image)}
    exact = probe.astype(np.float64)
    scores = {face: float(templates[face].astype(np.float64) @ exact) for face in faces}
    best_first = sorted(scores, key=lambda face: (-scores[face], face))
    passing = [face for face in best_first if scores[face] >= floor]
    rows: list[CandidateRow] = []
    for face_id, place in _ranks(passing, faces, templates).items():
        odds = coincidence(installation.tail, scores[face_id], covered) if installation.tail else None
        rows.append(
            CandidateRow(
                rank=place,
                face_id=face_id,
                score=scores[face_id],
                strangers=odds.strangers if odds else None,
                strangers_at_most=bool(odds and odds.at_most),
            )
        )
    return sorted(rows, key=lambda row: row.rank)


def _ranks(
    best_first: Sequence[str],
    faces: Mapping[str, StoredFace],
    templates: Mapping[str, NDArray[np.float32]],
) -> dict[str, int]:
    """Number faces from 1 on, so that one face in several copies of a photograph has one rank."""
    ranks: dict[str, int] = {}
    firsts: dict[str, list[str]] = {}  # the best face of each rank, by the group of its photograph
    last = 0
    for one in best_first:
        of_group = firsts.setdefault(faces[one].image.group_id, [])
        copies = (of for of in of_group if is_copy(faces[one], templates[one], faces[of], templates[of]))
        first = next(copies, None)
        if first is None:
            last += 1
            of_group.append(one)
        ranks[one] = ranks[first] if first else last
    return ranks
