"""Review: what examiners open, judge, compare and conclude, over HTTP."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response

from lineament import errors
from lineament.api.access import Examiner, Served, SignedIn
from lineament.api.documented import JPEG, problems
from lineament.api.review_models import (
    ComparisonIn,
    ConclusionIn,
    ExaminerOut,
    JudgementIn,
    PairOut,
    QueueOut,
    SearchReviewOut,
    comparison_of,
    examiner_out,
    pair_out,
    queue_out,
    search_review_out,
)
from lineament.api.search_models import SearchOut, search_out
from lineament.app import candidates
from lineament.app.casework import blind, examiners, review

_HERE = (errors.SearchNotFound, errors.ImageNotFound, errors.CaseNotFound, errors.WrongState)

router = APIRouter(prefix="/api/v1")


@router.get("/searches/{search_id}/review", responses=problems(errors.SearchNotFound))
def get_review(served: Served, who: SignedIn, search_id: str) -> SearchReviewOut:
    """Return where your review of a search stands."""
    return search_review_out(review.state_of(served, who, search_id), who.id)


@router.post("/searches/{search_id}/candidates/{number}/open", responses=problems(*_HERE[:2]))
def open_candidate(served: Served, who: SignedIn, search_id: str, number: int) -> SearchReviewOut:
    """Record that you looked at a candidate beside the probe."""
    review.open_candidate(served, who, search_id, number)
    return search_review_out(review.state_of(served, who, search_id), who.id)


@router.post("/searches/{search_id}/candidates/{number}/judgement", responses=problems(*_HERE))
def judge(served: Served, who: SignedIn, search_id: str, number: int, given: JudgementIn) -> SearchOut:
    """Record your first judgement of a candidate that you opened; its score and rank come with the answer."""
    review.judge(served, who, search_id, number, given.judgement)
    return search_out(candidates.show_search(served, who, search_id))


@router.post(
    "/searches/{search_id}/candidates/{number}/comparison",
    status_code=201,
    responses=problems(errors.RoleMissing, errors.ComparisonIncomplete, *_HERE),
)
def compare(
    served: Served, who: Examiner, search_id: str, number: int, given: ComparisonIn
) -> SearchReviewOut:
    """Record your comparison of a candidate that you judged with the probe."""
    review.compare(served, who, search_id, number, comparison_of(given))
    return search_review_out(review.state_of(served, who, search_id), who.id)


@router.post("/searches/{search_id}/conclusion", status_code=201, responses=problems(*_HERE))
def conclude(served: Served, who: SignedIn, search_id: str, given: ConclusionIn) -> SearchReviewOut:
    """Put candidates forward that your own comparison supports, or none, once each was opened."""
    review.conclude(served, who, search_id, given.put_forward)
    return search_review_out(review.state_of(served, who, search_id), who.id)


@router.get("/reviews", responses=problems(errors.RoleMissing))
def get_queue(served: Served, who: Examiner) -> QueueOut:
    """Return which pairs you have taken, and how many more wait for you."""
    return queue_out(blind.queue(served, who))


@router.post(
    "/reviews",
    status_code=201,
    responses=problems(errors.RoleMissing, errors.NothingToReview, errors.WrongState),
)
def take(served: Served, who: Examiner, response: Response) -> PairOut:
    """Take the next pair."""
    taken = blind.take(served, who)
    response.headers["Location"] = f"/api/v1/reviews/{taken}"
    return pair_out(blind.pair(served, who, taken))


_OWN = problems(errors.RoleMissing, errors.ReviewNotFound, errors.PairWithdrawn)


@router.get("/reviews/{assignment_id}", responses=_OWN)
def get_pair(served: Served, who: Examiner, assignment_id: str) -> PairOut:
    """Return a pair that you have taken."""
    return pair_out(blind.pair(served, who, assignment_id))


@router.get("/reviews/{assignment_id}/probe.jpg", responses=_OWN | JPEG, response_class=Response)
def get_probe(served: Served, who: Examiner, assignment_id: str) -> Response:
    """Return the one picture of a pair that you have taken."""
    return _picture(served, who, assignment_id, "probe")


@router.get("/reviews/{assignment_id}/candidate.jpg", responses=_OWN | JPEG, response_class=Response)
def get_candidate(served: Served, who: Examiner, assignment_id: str) -> Response:
    """Return the other picture of a pair that you have taken."""
    return _picture(served, who, assignment_id, "candidate")


@router.post(
    "/reviews/{assignment_id}/comparison",
    status_code=201,
    responses=problems(
        errors.RoleMissing,
        errors.ComparisonIncomplete,
        errors.ReviewNotFound,
        errors.PairWithdrawn,
        errors.WrongState,
    ),
)
def compare_pair(served: Served, who: Examiner, assignment_id: str, given: ComparisonIn) -> QueueOut:
    """Record your comparison of a pair; the answer says what is left."""
    blind.record(served, who, assignment_id, comparison_of(given))
    return queue_out(blind.queue(served, who))


@router.get("/examiners", responses=problems(errors.RoleMissing))
def list_examiners(served: Served, who: SignedIn) -> list[ExaminerOut]:
    """Return examiners' error rates: yours, or everybody's for auditors and administrators."""
    return [examiner_out(one) for one in examiners.error_rates(served, who)]


def _picture(
    served: Served, who: Examiner, assignment_id: str, side: Literal["probe", "candidate"]
) -> Response:
    data = blind.picture(served, who, assignment_id, side)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})
