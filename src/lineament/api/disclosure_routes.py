"""The disclosure bundle of a case, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lineament import errors
from lineament.api.access import Served, SignedIn
from lineament.api.documented import FILE, problems
from lineament.api.lead_routes import handed_out
from lineament.app.casework.disclosure import disclose

BINARY = "application/octet-stream"

router = APIRouter(prefix="/api/v1/cases")


@router.post(
    "/{case_id}/disclosure",
    responses=problems(
        errors.CaseNotFound,
        errors.NotYetJudged,
        errors.WrongState,
        errors.BundleTooLarge,
        errors.LedgerBroken,
        errors.BlobLost,
    )
    | FILE,
    response_class=Response,
)
def disclose_case(served: Served, who: SignedIn, case_id: str) -> Response:
    """Return a bundle with everything that was done in a case, for both sides to check. This is on record."""
    return handed_out(disclose(served, who, case_id), BINARY, f"case-{case_id[:8]}.zip")
