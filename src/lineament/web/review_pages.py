"""Reviews by further examiners: the queue of pairs, each pair with its form, and how often examiners err."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from lineament.api.access import Examiner, Served, SignedIn
from lineament.api.problems import status_of
from lineament.app.casework import blind, examiners
from lineament.core.policy import Role
from lineament.errors import ComparisonIncomplete
from lineament.web import comparison_form
from lineament.web.comparison_form import Given
from lineament.web.render import page

router = APIRouter(include_in_schema=False)


@router.get("/reviews")
def reviews_page(request: Request, served: Served, who: SignedIn, thanks: bool = False) -> Response:
    """Show what waits for an examiner, and how often they err; auditors and administrators see all."""
    is_examiner = Role.EXAMINER in who.roles
    sees_all = bool(who.roles & examiners.SEE_ALL)
    return page(
        request,
        "reviews.html",
        queue=blind.queue(served, who) if is_examiner else None,
        rates=examiners.error_rates(served, who) if is_examiner or sees_all else None,
        sees_all=sees_all,
        reads_every_case=Role.AUDITOR in who.roles,
        most=blind.OPEN_MAX,
        thanks=thanks,
    )


@router.post("/reviews/take")
def take_pair(served: Served, who: Examiner) -> Response:
    """Give the next pair to an examiner."""
    return RedirectResponse(f"/reviews/{blind.take(served, who)}", 303)


@router.get("/reviews/{assignment_id}")
def pair_page(request: Request, served: Served, who: Examiner, assignment_id: str) -> Response:
    """Show a pair that was taken: two photographs and the form, and nothing of where they come from."""
    pair = blind.pair(served, who, assignment_id)
    if pair.done:
        return RedirectResponse("/reviews", 303)
    return page(request, "pair.html", pair=pair, **comparison_form.fields({}))


@router.post("/reviews/{assignment_id}")
def record_pair(
    request: Request, served: Served, who: Examiner, assignment_id: str, given: Given
) -> Response:
    """Take the comparison of a pair; where something is missing, show the page again with what was given."""
    try:
        blind.record(served, who, assignment_id, comparison_form.comparison_of(given))
    except ComparisonIncomplete as refusal:
        pair = blind.pair(served, who, assignment_id)
        fields = comparison_form.fields(given, refusal)
        return page(request, "pair.html", status=status_of(refusal), pair=pair, **fields)
    return RedirectResponse("/reviews?thanks=1", 303)
