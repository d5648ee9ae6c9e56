"""Editing a probe: the photograph, its tools, and the search with what is edited."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from lineament.api.access import Searcher, Served
from lineament.app import edited
from lineament.core.edits import EDITS_MAX
from lineament.vision.edits import LARGEST_SIDE, LEAST_SIDE
from lineament.web.render import page
from lineament.web.titles import titles

EDITS_LENGTH_MAX = 2_000  # characters, of 20 edits as text

router = APIRouter(include_in_schema=False)


@router.get("/searches/{search_id}/edit")
def edit_page(request: Request, served: Served, who: Searcher, search_id: str, probe: int = 1) -> Response:
    """Show one photograph of a finished search with the tools that edit it."""
    search = edited.repeatable(served, who, search_id, probe)
    return page(
        request,
        "edit.html",
        edits_length=EDITS_LENGTH_MAX,
        edits_max=EDITS_MAX,
        largest_side=LARGEST_SIDE,
        least_side=LEAST_SIDE,
        number=probe,
        probe=search.probes[probe - 1],
        search=search,
        **titles(served, search),
    )


@router.post("/searches/{search_id}/edit")
def search_edited(
    served: Served,
    who: Searcher,
    search_id: str,
    edits: Annotated[str, Form(max_length=EDITS_LENGTH_MAX)],
    probe: Annotated[int, Form()] = 1,
) -> Response:
    """Take what the page's form sends without its script: the edits, one in a line."""
    steps = edited.edits_of(edits.splitlines())
    done = edited.search_edited(served, who, search_id, probe, steps)
    return RedirectResponse(f"/searches/{done.id}", 303)
