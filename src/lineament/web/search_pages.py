"""One search: the faces to choose from, its candidates, each beside the probe, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import FiniteFloat
from starlette.exceptions import HTTPException

from lineament.api.access import Examiner, Searcher, Served, SignedIn
from lineament.api.problems import status_of
from lineament.app import candidates, edited
from lineament.app.another_face import search_another_face
from lineament.app.casework import review
from lineament.app.installation import Installation
from lineament.app.search import choose_face
from lineament.core.odds import sentence
from lineament.core.policy import Person, Role
from lineament.core.review import FOR_SAME, Judgement
from lineament.errors import ComparisonIncomplete, InvalidRequest
from lineament.records.searches import Outcome
from lineament.web import comparison_form
from lineament.web.comparison_form import Given
from lineament.web.render import page
from lineament.web.titles import titles

router = APIRouter(include_in_schema=False)


@router.get("/searches/{search_id}")
def result_page(request: Request, served: Served, who: SignedIn, search_id: str) -> Response:
    """Show a search: its candidates, or the faces to choose from, or why it stopped."""
    shown = candidates.show_search(served, who, search_id)
    search = shown.search
    probes = list(enumerate(search.probes, start=1))
    common = titles(served, search) | {"search": search, "probes": probes}
    if search.outcome is Outcome.AWAITING_FACE and search.person_id == who.id:
        number, probe = next((number, probe) for number, probe in probes if probe.face is None)
        if not probe.erased:
            return page(request, "chooser.html", number=number, probe=probe, **common)
    if search.outcome not in {Outcome.CANDIDATES, Outcome.EMPTY}:
        return page(request, "stopped.html", **common)
    state = review.state_of(served, who, search_id) if search.case_id else None
    works = state is not None and state.works
    may_repeat = search.person_id == who.id and (works or search.case_id is None)
    is_whole = search.edited_from is None and not any(probe.erased for probe in search.probes)
    cost = shown.at_threshold
    return page(
        request,
        "result.html",
        blind=shown.blind,
        candidates=shown.candidates,
        caution=shown.caution,
        cost=sentence(cost, search.searched_faces or 0) if cost else None,
        edited=edited.siblings(served, who, search)[1],
        may_choose=may_repeat and is_whole,
        may_edit=may_repeat,
        review=state,
        supported=_supported(who, state) if state else [],
        works=works,
        **common,
    )


@router.post("/searches/{search_id}/face")
def take_choice(
    served: Served,
    who: Searcher,
    search_id: str,
    probe: Annotated[int, Form()] = 1,
    face: Annotated[int | None, Form()] = None,
    left: Annotated[FiniteFloat, Form()] = 0,
    top: Annotated[FiniteFloat, Form()] = 0,
    width: Annotated[FiniteFloat, Form()] = 0,
    height: Annotated[FiniteFloat, Form()] = 0,
) -> Response:
    """Take what the chooser's forms send without its script: a face's number, or a box in px."""
    choose_face(served, who, search_id, face or (left, top, left + width, top + height), probe)
    return RedirectResponse(f"/searches/{search_id}", 303)


@router.post("/searches/{search_id}/probes/{number}/another-face")
def another_face(served: Served, who: Searcher, search_id: str, number: int) -> Response:
    """Begin a search of another face of a photograph that was searched; its page shows the chooser."""
    begun = search_another_face(served, who, search_id, number)
    return RedirectResponse(f"/searches/{begun.id}", 303)


@router.post("/searches/{search_id}/conclusion")
def conclude(
    served: Served,
    who: SignedIn,
    search_id: str,
    outcome: Annotated[str, Form()],
    number: Annotated[list[int] | None, Form()] = None,
) -> Response:
    """Conclude a search in a case: put the chosen candidates forward, or none of them."""
    if outcome == "put-forward" and not number:
        raise InvalidRequest("No photograph was chosen. Choose those to put forward, or say 'None of these'.")
    if outcome != "put-forward" and number:
        raise InvalidRequest("A photograph was chosen and 'None of these' was said: say which one you mean.")
    review.conclude(served, who, search_id, number or [])
    return RedirectResponse(f"/searches/{search_id}#conclusion", 303)


@router.get("/searches/{search_id}/candidates/{number}")
def compare_page(
    request: Request, served: Served, who: SignedIn, search_id: str, number: int, probe: int = 1
) -> Response:
    """Show one of the probe's photographs beside one candidate; in a case, opening it is on record."""
    return _compare_page(request, served, who, search_id, number, probe, {})


@router.post("/searches/{search_id}/candidates/{number}/judgement")
def judge(
    served: Served,
    who: SignedIn,
    search_id: str,
    number: int,
    judgement: Annotated[Judgement, Form()],
    probe: int = 1,
) -> Response:
    """Take a first impression of a candidate of a search in a case."""
    review.judge(served, who, search_id, number, judgement)
    return _back_to(search_id, number, probe)


@router.post("/searches/{search_id}/candidates/{number}/comparison")
def compare(
    request: Request,
    served: Served,
    who: Examiner,
    search_id: str,
    number: int,
    given: Given,
    probe: int = 1,
) -> Response:
    """Take an examiner's comparison; where something is missing, show the page again with what was given."""
    try:
        review.compare(served, who, search_id, number, comparison_form.comparison_of(given))
    except ComparisonIncomplete as refusal:
        return _compare_page(request, served, who, search_id, number, probe, given, refusal)
    return _back_to(search_id, number, probe)


def _compare_page(
    request: Request,
    served: Installation,
    who: Person,
    search_id: str,
    number: int,
    probe: int,
    given: comparison_form.Form,
    refusal: ComparisonIncomplete | None = None,
) -> Response:
    """Show the page, with the comparison's form as it was given and, where it was refused, the reason."""
    shown = candidates.show_search(served, who, search_id)
    search = shown.search
    by_number = {one.number: one for one in shown.candidates}
    if number not in by_number or not 1 <= probe <= len(search.probes):
        raise HTTPException(404)
    candidate = by_number[number]
    state = review.state_of(served, who, search_id) if search.case_id else None
    if state and candidate.face:
        review.open_candidate(served, who, search_id, number)
    made = state.reviews.get(number, ()) if state else ()
    works = state is not None and state.works
    concluded = state is not None and state.conclusion is not None
    compared = who.id in {one.person_id for one in made}
    can_be = candidate.judgement is not None and not concluded and not compared
    may_compare = works and Role.EXAMINER in who.roles and can_be and not search.probes[probe - 1].erased
    return page(
        request,
        "compare.html",
        status=status_of(refusal) if refusal else 200,
        candidate=candidate,
        caution=shown.caution,
        concluded=concluded,
        last_number=max(by_number),
        may_compare=may_compare,
        number=probe,
        probe=search.probes[probe - 1],
        reviews=made,
        search=search,
        works=works,
        **comparison_form.fields(given, refusal),
        **titles(served, search),
    )


def _back_to(search_id: str, number: int, probe: int) -> Response:
    same_probe = f"?probe={probe}" if probe > 1 else ""
    return RedirectResponse(f"/searches/{search_id}/candidates/{number}{same_probe}", 303)


def _supported(who: Person, state: review.SearchReview) -> list[int]:
    """Return the candidates that a person may put forward: their own comparison supports them."""
    return [
        number
        for number, made in state.reviews.items()
        if any(one.person_id == who.id and one.comparison.conclusion in FOR_SAME for one in made)
    ]
