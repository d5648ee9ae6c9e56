"""Searches as the HTTP interface returns them. Boxes are xyxy px of the upright image; scores are cosines."""

from __future__ import annotations

from pydantic import BaseModel

from lineament.api.models import SourceOut, source_out
from lineament.app.candidates import ShownCandidate, ShownSearch
from lineament.core.faces import DetectedFace
from lineament.records.searches import Probe


class QualityOut(BaseModel):
    """The measures of one face, named as in ISO/IEC 29794-5.

    Distances are px, angles degrees; the others are from 0 (worst) to 100 (best).
    """

    unified_score: int
    inter_eye_distance: float
    yaw: float
    pitch: float
    roll: float
    sharpness: int
    under_exposure_prevention: int
    over_exposure_prevention: int
    face_occlusion_prevention: int


class FaceOut(BaseModel):
    """A face in a photograph that is searched; ``number`` is what ``face`` takes.

    ``drawn`` says that its box was drawn by hand. ``advice`` says in words what stands in the way of a
    reliable comparison; a face that is not ``usable`` cannot be searched.
    """

    number: int
    box: list[float]
    drawn: bool
    usable: bool
    advice: list[str]
    quality: QualityOut


class EditOut(BaseModel):
    """An edit of a photograph, made before it was searched.

    ``pixels`` is the SHA-256 of the size and the RGB pixels after it; docs/edits.md says how to replay them.
    """

    kind: str
    values: list[float]
    pixels: str


class ProbeOut(BaseModel):
    """A photograph that is searched. ``face`` is the number of the face chosen, null until it is.

    Width and height are px; what was not read was not kept, and has neither these nor pictures. What was
    ``erased`` since, as the policy says, has no pictures.
    """

    number: int
    width: int | None
    height: int | None
    image_href: str | None
    crop_href: str | None
    faces: list[FaceOut]
    face: int | None
    edits: list[EditOut]
    erased: bool


class CandidateOut(BaseModel):
    """A lead to be reviewed. ``source`` is null when its permission has ended since the search.

    ``number`` addresses it. In a case you do not see its rank, score, strength and odds until you have given
    a first ``judgement`` of it; ``opened`` says whether you looked at it.
    """

    number: int
    rank: int | None
    score: float | None
    strength: str | None
    odds: str | None
    source: SourceOut | None
    also_in: list[SourceOut]
    opened: bool
    judgement: str | None


class SearchOut(BaseModel):
    """One search. ``outcome``: refused, failed, awaiting-face, candidates or empty.

    ``probes`` are photographs of one person; ``obtained`` is how the searcher says that they were obtained,
    and ``edited_from`` the search of the same ones without edits. While it is ``blind``, candidates come in
    an order of your own.
    """

    id: str
    href: str
    outcome: str
    started_at: str
    ended_at: str | None
    reasons: list[str]
    purpose: str
    case_id: str | None
    case_reference: str | None
    obtained: str | None
    edited_from: str | None
    collections: list[dict[str, str | int]]
    policy: str
    contract: str | None
    mode: str | None
    threshold: float | None
    strangers_at_threshold: float | None
    caution: str | None
    limit: int | None
    searched_faces: int | None
    truncated: bool
    probes: list[ProbeOut]
    blind: bool
    candidates: list[CandidateOut]


def search_out(shown: ShownSearch) -> SearchOut:
    """Present a search with its candidates."""
    search = shown.search
    href = f"/api/v1/searches/{search.id}"
    return SearchOut(
        id=search.id,
        href=href,
        outcome=search.outcome,
        started_at=search.started_at,
        ended_at=search.ended_at,
        reasons=[reason.sentence for reason in search.reasons],
        purpose=search.purpose,
        case_id=search.case_id,
        case_reference=search.case_reference,
        obtained=search.obtained,
        edited_from=search.edited_from,
        collections=[{"name": one.name, "revision": one.revision} for one in search.collections],
        policy=search.policy,
        contract=search.contract,
        mode=search.mode,
        threshold=search.threshold,
        strangers_at_threshold=shown.at_threshold.strangers if shown.at_threshold else None,
        caution=shown.caution,
        limit=search.limit,
        searched_faces=search.searched_faces,
        truncated=search.truncated,
        probes=[_probe_out(number, probe, href) for number, probe in enumerate(search.probes, start=1)],
        blind=shown.blind,
        candidates=[_candidate_out(one) for one in shown.candidates],
    )


def _probe_out(number: int, probe: Probe, search_href: str) -> ProbeOut:
    width, height = probe.size or (None, None)
    href = f"{search_href}/probes/{number}"
    kept = probe.size is not None and not probe.erased
    return ProbeOut(
        number=number,
        width=width,
        height=height,
        image_href=f"{href}/image.jpg" if kept else None,
        crop_href=f"{href}/crop.jpg" if kept and probe.face else None,
        faces=[_face_out(at, face) for at, face in enumerate(probe.faces, start=1)],
        face=probe.face,
        edits=[EditOut(kind=one.kind, values=list(one.values), pixels=one.pixels) for one in probe.edits],
        erased=probe.erased,
    )


def _face_out(number: int, face: DetectedFace) -> FaceOut:
    return FaceOut(
        number=number,
        box=[round(float(value), 1) for value in face.box],
        drawn=face.drawn,
        usable=face.quality.usable,
        advice=list(face.quality.advice),
        quality=QualityOut(**{name: round(value, 1) for name, value in vars(face.quality).items()}),
    )


def _candidate_out(candidate: ShownCandidate) -> CandidateOut:
    return CandidateOut(
        number=candidate.number,
        rank=candidate.rank,
        score=None if candidate.score is None else round(candidate.score, 4),
        strength=candidate.strength,
        odds=candidate.odds,
        source=source_out(candidate.face) if candidate.face else None,
        also_in=[source_out(face) for face in candidate.also_in],
        opened=candidate.opened,
        judgement=candidate.judgement,
    )
