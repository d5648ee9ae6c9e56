"""The pages: read what a use case returns, choose a template."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from lineament.api.access import SESSION_COOKIE, Searcher, Served, SignedIn, everyone, signed_in
from lineament.api.problems import UPLOAD_MB_MAX
from lineament.api.routes import SearchForm, each_once, search_form
from lineament.app import candidates, collections, search, sign_in
from lineament.app.casework import overview
from lineament.core.cases import Obtained
from lineament.core.policy import Person, Role
from lineament.limits import PHOTOGRAPH_MB_MAX
from lineament.vision.pipeline import LARGEST_PROBE
from lineament.web.render import page
from lineament.web.titles import purpose_titles

RECENT = 8

router = APIRouter(include_in_schema=False)


@router.get("/")
def search_page(
    request: Request, served: Served, who: SignedIn, case: str = "", purpose: str = ""
) -> Response:
    """Show the form of a new search, in a case by its id if one is named.

    Whoever does not search begins elsewhere.
    """
    if Role.SEARCHER not in who.roles:
        return RedirectResponse(_first_page(who), 303)
    mine = overview.searchable_cases(served, who)
    chosen = next((one for one in mine if one.id == case), None)
    return page(
        request,
        "search.html",
        purposes=[(one, bool(one.roles & who.roles)) for one in served.policy.purposes.values()],
        collections=collections.with_faces(served),
        now=served.clock(),
        cases=mine,
        chosen=chosen,
        wanted=chosen.purpose if chosen else purpose,
        obtained=list(Obtained),
        photographs_max=LARGEST_PROBE,
        photograph_mb_max=PHOTOGRAPH_MB_MAX,
        together_mb_max=UPLOAD_MB_MAX,
        examples=request.app.state.examples,
        recent=candidates.recent_searches(served, who, RECENT),
        purpose_titles=purpose_titles(served),
    )


@router.post("/searches", dependencies=[Depends(each_once)])
def new_search(served: Served, who: Searcher, form: Annotated[SearchForm, Depends(search_form)]) -> Response:
    """Take what the form sends without its script."""
    done = search.open_search(served, who, form.request, form.photos, form.choices)
    return RedirectResponse(f"/searches/{done.id}", 303)


@router.get("/collections", dependencies=[Depends(signed_in)])
def collections_page(request: Request, served: Served) -> Response:
    """Show what may be searched here, and who permits it."""
    return page(
        request,
        "collections.html",
        collections=collections.stock(served),
        now=served.clock(),
        purpose_titles=purpose_titles(served),
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


def _first_page(who: Person) -> str:
    """Return where somebody begins who does not search."""
    if Role.EXAMINER in who.roles:
        return "/reviews"
    if who.roles & {Role.COUNSEL, Role.EXPERT, Role.AUDITOR}:
        return "/cases"
    return "/policy" if Role.ADMINISTRATOR in who.roles else "/collections"
