"""Leads as the HTTP interface takes and returns them. Times are ISO 8601 UTC."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from lineament.api.case_models import Text
from lineament.api.models import SourceOut, source_out
from lineament.app.casework.leads import WHAT_A_LEAD_IS_NOT, Examined, LeadView
from lineament.app.casework.line_up import DESCRIPTION_LENGTH_MAX, FILLERS, FILLERS_MAX, FILLERS_MIN
from lineament.core.review import WORDING, Truth
from lineament.records.reviews import comparison_document


class EvidenceIn(BaseModel):
    """What supports a lead besides the comparison of faces, where it comes from, and the day of it."""

    description: Text
    source: Text
    date: str = Field(max_length=40, examples=["2026-11-22"])


class ActionIn(BaseModel):
    """What was done because of a lead, or why it is set aside: ``account`` says it."""

    action: Literal["acted-on", "set-aside"]
    account: Text


class TruthIn(BaseModel):
    """Whether a lead was right, and how that is known."""

    truth: Truth
    how: Text


class LineUpIn(BaseModel):
    """The words that must occur in what is known of a filler's photograph, and how many fillers there are."""

    description: str = Field(max_length=DESCRIPTION_LENGTH_MAX)
    fillers: int = Field(FILLERS, ge=FILLERS_MIN, le=FILLERS_MAX)


class ExaminedOut(BaseModel):
    """One examiner's comparison. ``wording`` is the conclusion in its fixed words."""

    place: str
    name: str
    at: str
    conclusion: str
    wording: str
    similarities: str
    differences: str
    findings: list[dict[str, str]]


class LeadEventOut(BaseModel):
    """What was done with a lead: evidence, acted-on, set-aside or truth, with what was written."""

    at: str
    who: str
    change: str
    document: dict[str, Any]


class LeadOut(BaseModel):
    """A candidate that was put forward. ``state``: put-forward, not-supported, lead, acted-on, set-aside.

    ``source`` is null where the photograph is withheld. ``score``, ``strength`` and ``odds`` are null while
    you have yet to judge the candidate. Until the examiners have come to an end, ``examined`` holds your own
    comparison alone. ``not_a`` says what a lead is not.
    """

    id: str
    href: str
    case: str
    search: str
    state: str
    standing: str
    truth: str | None
    not_a: list[str]
    put_forward_at: str
    made_at: str | None
    score: float | None
    strength: str | None
    odds: str | None
    caution: str | None
    source: SourceOut | None
    also_in: list[SourceOut]
    examined: list[ExaminedOut]
    events: list[LeadEventOut]
    line_up_locked: bool


def lead_out(view: LeadView) -> LeadOut:
    """Present a lead as a person may see it."""
    lead = view.lead
    return LeadOut(
        id=lead.id,
        href=f"/api/v1/leads/{lead.id}",
        case=view.case.id,
        search=view.search.id,
        state=lead.state,
        standing=view.standing,
        truth=lead.truth,
        not_a=list(WHAT_A_LEAD_IS_NOT),
        put_forward_at=lead.put_forward_at,
        made_at=lead.made_at,
        score=None if view.score is None else round(view.score, 4),
        strength=view.strength,
        odds=view.odds,
        caution=view.caution,
        source=source_out(view.candidate) if view.candidate else None,
        also_in=[source_out(face) for face in view.also_in],
        examined=[_examined_out(one) for one in view.examined],
        events=[
            LeadEventOut(at=one.at, who=view.names[one.person_id], change=one.change, document=one.document)
            for one in view.events
        ],
        line_up_locked=not view.has_evidence,
    )


def _examined_out(one: Examined) -> ExaminedOut:
    made = one.review.comparison
    return ExaminedOut(
        place=one.place,
        name=one.name,
        at=one.review.at,
        wording=WORDING[made.conclusion],
        **comparison_document(made),
    )
