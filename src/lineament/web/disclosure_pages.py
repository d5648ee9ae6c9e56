"""The button on a case's page that hands out its disclosure bundle; where it is refused, a page says why."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lineament.api.access import Served, SignedIn
from lineament.api.disclosure_routes import disclose_case

router = APIRouter(include_in_schema=False)


@router.post("/cases/{case_id}/disclosure")
def disclosure(served: Served, who: SignedIn, case_id: str) -> Response:
    """Return the bundle as a file."""
    return disclose_case(served, who, case_id)
