"""The pages: read what a use case returns, choose a template."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import FiniteFloat
from starlette.exceptions import HTTPException

from lineament.api.access import SESSION_COOKIE, Searcher, Served, SignedIn, everyone, signed_in
from lineament.api.problems import UPLOAD_MB_MAX
from lineament.app import candidates, collections, sign_in
from lineament.app.installation import Installation
from lineament.app.search import CASE_LENGTH_MAX, choose_face
from lineament.core.odds import sentence
from lineament.records.searches import Outcome, Search
from lineament.vision.pipeline import LARGEST_PROBE
from lineament.web.render import page

RECENT = 8

router = APIRouter(include_in_schema=False)


@router.get("/")
def search_page(request: Request, served: Served, who: Searcher) -> Response:
    """Show the form of a new search."""
    return page(
        request,
        "search.html",
        purposes=[(one, bool(one.roles & who.roles)) for one in served.policy.purposes.values()],
        collections=collections.with_faces(served),
        now=served.clock(),
        case_length=CASE_LENGTH_MAX,
        photographs_max=LARGEST_PROBE,
        together_mb_max=UPLOAD_MB_MAX,
        examples=request.app.state.examples,
        recent=candidates.recent_searches(served, who, RECENT),
        purpose_titles=_purpose_titles(served),
    )


@router.get("/searches/{search_id}")
def result_page(request: Request, served: Served, who: Searcher, search_id: str) -> Response:
    """Show a search: its candidates, or the faces to choose from, or why it stopped."""
    shown = candidates.show_search(served, who, search_id)
    search = shown.search
    probes = list(enumerate(search.probes, start=1))
    common = _titles(served, search) | {"search": search, "probes": probes}
    if search.outcome is Outcome.AWAITING_FACE:
        number, probe = next((number, probe) for number, probe in probes if probe.face is None)
        return page(request, "chooser.html", number=number, probe=probe, **common)
    if search.outcome in {Outcome.REFUSED, Outcome.FAILED}:
        return page(request, "stopped.html", **common)
    cost = shown.at_threshold
    return page(
        request,
        "result.html",
        candidates=shown.candidates,
        caution=shown.caution,
        cost=sentence(cost, search.searched_faces or 0) if cost else None,
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


@router.get("/searches/{search_id}/candidates/{rank}")
def compare_page(
    request: Request, served: Served, who: Searcher, search_id: str, rank: int, probe: int = 1
) -> Response:
    """Show one of the probe's photographs beside one candidate."""
    shown = candidates.show_search(served, who, search_id)
    search = shown.search
    by_rank = {one.rank: one for one in shown.candidates}
    if rank not in by_rank or not 1 <= probe <= len(search.probes):
        raise HTTPException(404)
    return page(
        request,
        "compare.html",
        candidate=by_rank[rank],
        caution=shown.caution,
        last_rank=max(by_rank),
        number=probe,
        probe=search.probes[probe - 1],
        search=search,
        **_titles(served, search),
    )


@router.get("/collections", dependencies=[Depends(signed_in)])
def collections_page(request: Request, served: Served) -> Response:
    """Show what may be searched here, and who permits it."""
    return page(
        request,
        "collections.html",
        collections=collections.stock(served),
        now=served.clock(),
        purpose_titles=_purpose_titles(served),
    )


@router.get("/sign-in/{secret}", dependencies=[Depends(everyone)])
def open_session(request: Request, served: Served, secret: str) -> Response:
    """Spend a sign-in link."""
    session = sign_in.open_session(served, secret)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=int(sign_in.SESSION_LIFE.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/sign-out")
def close_session(request: Request, served: Served, _who: SignedIn) -> Response:
    """End the session of this browser."""
    sign_in.close_session(served, request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/signed-out", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/signed-out", dependencies=[Depends(everyone)])
def signed_out_page(request: Request) -> Response:
    """Say that the session has ended."""
    return page(request, "signed-out.html")


def _purpose_titles(served: Installation) -> dict[str, str]:
    return {one.name: one.title for one in served.policy.purposes.values()}


def _titles(served: Installation, search: Search) -> dict[str, Any]:
    """The titles of a search's purpose and collections, which its record holds by name."""
    return {
        "purpose_title": _purpose_titles(served).get(search.purpose, search.purpose),
        "collection_titles": {one.name: one.title for one in collections.show(served)},
    }
