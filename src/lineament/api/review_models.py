"""Review as the HTTP interface takes and returns it. Candidates go by their numbers, never by their ranks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from lineament.app.casework.blind import Pair, Queue
from lineament.app.casework.examiners import ExaminerRates, Rate
from lineament.app.casework.pairs import Side
from lineament.app.casework.review import NOTE_LENGTH_MAX, SAID_LENGTH_MAX, SearchReview
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, Seen

Said = Annotated[str, StringConstraints(max_length=SAID_LENGTH_MAX)]


class JudgementIn(BaseModel):
    """A first judgement of a candidate."""

    judgement: Judgement


class FindingIn(BaseModel):
    """What is said of one component; a difference needs a note."""

    component: Component
    seen: Seen
    note: Annotated[str, StringConstraints(max_length=NOTE_LENGTH_MAX)] = ""


class ComparisonIn(BaseModel):
    """A comparison: a finding for every component, similarities and differences in words, a conclusion."""

    findings: list[FindingIn] = Field(max_length=len(Component))
    similarities: Said
    differences: Said
    conclusion: Conclusion


class ConclusionIn(BaseModel):
    """How a search ends: the numbers of the candidates that are put forward; none is 'none of these'."""

    put_forward: list[int] = Field(max_length=100)


class LeadLineOut(BaseModel):
    """A candidate that was put forward, and where it stands."""

    number: int
    lead: str
    state: str


class SearchReviewOut(BaseModel):
    """Where your review of a search stands.

    ``opened`` and ``compared`` are numbers of candidates. ``put_forward`` is null until the search is
    concluded; ``missing`` says what you have to do before you can conclude it.
    """

    opened: list[int]
    compared: list[int]
    put_forward: list[int] | None
    leads: list[LeadLineOut]
    missing: list[str]


class QueueOut(BaseModel):
    """The ids of the pairs that you have taken and not compared, and how many more wait for you."""

    mine: list[str]
    waiting: int


class SideOut(BaseModel):
    """One picture of a pair: its size, px, and the face in it: box xyxy and five landmarks x, y in px."""

    width: int
    height: int
    box: list[float]
    landmarks: list[list[float]]
    image_href: str


class PairOut(BaseModel):
    """A pair to be compared. It says nothing of where the photographs come from."""

    id: str
    probe: SideOut
    candidate: SideOut
    done: bool


class RateOut(BaseModel):
    """A share, ``events`` of ``trials``, with the ends of its 95 % interval."""

    events: int
    trials: int
    low: float
    high: float


class ExaminerOut(BaseModel):
    """How an examiner answered pairs whose answer is known. A rate with no trials was not measured."""

    person: str
    name: str
    mates: int
    missed: RateOut
    lookalikes: int
    wrongly_supported: RateOut
    undecided_mates: RateOut
    undecided_lookalikes: RateOut


def comparison_of(given: ComparisonIn) -> Comparison:
    """Return a comparison as it was sent."""
    findings = tuple(Finding(one.component, one.seen, one.note) for one in given.findings)
    return Comparison(findings, given.similarities, given.differences, given.conclusion)


def search_review_out(state: SearchReview, person_id: str) -> SearchReviewOut:
    """Present where the review of a search stands for a person."""
    compared = [
        number for number, made in state.reviews.items() if any(one.person_id == person_id for one in made)
    ]
    return SearchReviewOut(
        opened=sorted(state.openings),
        compared=sorted(compared),
        put_forward=list(state.conclusion.put_forward) if state.conclusion else None,
        leads=[
            LeadLineOut(number=number, lead=one.id, state=one.state)
            for number, one in sorted(state.leads.items())
        ],
        missing=list(state.missing),
    )


def queue_out(queue: Queue) -> QueueOut:
    """Present the queue as it is for one examiner."""
    return QueueOut(mine=list(queue.mine), waiting=queue.waiting)


def pair_out(pair: Pair) -> PairOut:
    """Present a pair."""
    href = f"/api/v1/reviews/{pair.id}"
    return PairOut(
        id=pair.id,
        probe=_side_out(pair.probe, f"{href}/probe.jpg"),
        candidate=_side_out(pair.candidate, f"{href}/candidate.jpg"),
        done=pair.done,
    )


def examiner_out(one: ExaminerRates) -> ExaminerOut:
    """Present an examiner's error rates."""
    return ExaminerOut(
        person=one.person_id,
        name=one.name,
        mates=one.mates,
        missed=_rate_out(one.missed),
        lookalikes=one.lookalikes,
        wrongly_supported=_rate_out(one.wrongly_supported),
        undecided_mates=_rate_out(one.undecided_mates),
        undecided_lookalikes=_rate_out(one.undecided_lookalikes),
    )


def _side_out(side: Side, href: str) -> SideOut:
    return SideOut(
        width=side.width,
        height=side.height,
        box=[round(float(value), 1) for value in side.face.box],
        landmarks=[[round(float(value), 1) for value in point] for point in side.face.landmarks],
        image_href=href,
    )


def _rate_out(rate: Rate) -> RateOut:
    return RateOut(events=rate.events, trials=rate.trials, low=round(rate.low, 4), high=round(rate.high, 4))
