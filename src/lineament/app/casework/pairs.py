"""What a pair shows to an examiner who is not told where it comes from: two faces, two pictures of a size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.casework import seeds
from lineament.app.installation import Installation
from lineament.app.probes import whole
from lineament.app.stored import image_bytes
from lineament.core.cases import CaseState
from lineament.core.faces import DetectedFace, square_around
from lineament.core.quality import Quality
from lineament.errors import PairWithdrawn
from lineament.records import cases, reviews, searches
from lineament.records.images import StoredFace
from lineament.records.reviews import Assignment
from lineament.records.searches import Probe
from lineament.vision.render import jpeg, square

SIDE = 800  # px, of both pictures of every pair
WIDER = 1.4  # than a face's box: how much of its surroundings is shown, besides the margin of every square
_SAYS_NOTHING = Quality(0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0)  # in place of how good the photograph was


@dataclass(frozen=True, eq=False)
class Side:
    """One picture of a pair: its size, px, and where the face is in it. Nothing is said of its quality."""

    width: int
    height: int
    face: DetectedFace


@dataclass(frozen=True, eq=False)
class Photographed:
    """A face in a photograph: of a collection, or one that was searched. The size is px."""

    source: Probe | StoredFace
    face: DetectedFace
    size: tuple[int, int]


def shown(
    installation: Installation, tx: Connection, one: Assignment
) -> tuple[Photographed, Photographed] | None:
    """Return what a pair shows now, None where that may not be shown or is no longer needed.

    A candidate is shown beside the best of the probe's photographs.
    """
    now, case = installation.clock(), cases.get_case(tx, one.case_id)
    if case is None or case.state is CaseState.CLOSED:
        return None
    if one.seed is not None:
        lent = eligibility.faces_for(tx, one.seed.faces, seeds.PURPOSE, now)
        left, right = (lent.get(face_id) for face_id in one.seed.faces)
        return (_stored(left), _stored(right)) if left and right else None
    lead = reviews.get_lead(tx, one.lead_id) if one.lead_id else None
    search = searches.get_search(tx, lead.search_id) if lead else None
    if lead is None or search is None:
        return None
    ids = [row.face_id for row in search.candidates if row.rank == lead.rank]
    permitted = eligibility.faces_for(tx, ids, search.purpose, now)
    candidate = next((permitted[face_id] for face_id in ids if face_id in permitted), None)
    probes = [
        Photographed(probe, probe.chosen, probe.size)
        for probe in search.probes
        if probe.chosen and probe.size and not probe.erased
    ]
    if candidate is None or not probes:
        return None
    return max(probes, key=lambda probe: probe.face.quality.unified_score), _stored(candidate)


def require_shown(
    installation: Installation, tx: Connection, one: Assignment
) -> tuple[Photographed, Photographed]:
    """Return what a pair shows now. Raises PairWithdrawn."""
    found = shown(installation, tx, one)
    if found is None:
        raise PairWithdrawn("This pair was withdrawn: it may not be shown any more.")
    return found


def side_of(one: Photographed) -> Side:
    """Return the picture that shows a face: its geometry in px of the picture, and nothing else."""
    left, top, side = _cut(one)
    corner, scale = np.array([left, top], np.float32), np.float32(SIDE / side)
    box = ((one.face.box.reshape(2, 2) - corner) * scale).reshape(4)
    return Side(SIDE, SIDE, DetectedFace(box, (one.face.landmarks - corner) * scale, 1.0, _SAYS_NOTHING))


def picture_of(installation: Installation, one: Photographed) -> bytes:
    """Return the picture as a JPEG without metadata, made from the pixels. Raises BlobLost and KeyLost."""
    if isinstance(one.source, Probe):
        photograph = whole(installation, one.source)
    else:
        photograph = installation.vision.decode(image_bytes(installation, one.source.image))
    return jpeg(square(photograph, *_cut(one), SIDE), SIDE)


def _stored(face: StoredFace) -> Photographed:
    return Photographed(face, face.detected, (face.image.width, face.image.height))


def _cut(one: Photographed) -> tuple[int, int, int]:
    """Return left, top and side, px, of the square of a photograph that is shown of it."""
    box, (width, height) = one.face.box, one.size
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * WIDER
    left, top, side = map(round, square_around(np.concatenate([centre - half, centre + half]), width, height))
    return min(left, width - side), min(top, height - side), side
