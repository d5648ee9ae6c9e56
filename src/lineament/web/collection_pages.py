"""One collection, for its curators: its permission, what it holds, and how its ingests are going."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from lineament.api.access import Served, SignedIn
from lineament.app import ingests, rejections
from lineament.core.times import from_iso
from lineament.core.words import counted
from lineament.web.render import page

router = APIRouter(include_in_schema=False)


@router.get("/collections/{name}")
def collection_page(request: Request, served: Served, who: SignedIn, name: str) -> Response:
    """Show one collection. While an ingest runs, the page brings itself up to date."""
    shown = ingests.show(served, who, name)
    now = served.clock()
    return page(
        request,
        "collection.html",
        shown=shown,
        since={one.ingest.id: ago(from_iso(one.ingest.updated_at), now) for one in shown.ingests},
        now=now,
        purpose_titles={one.name: one.title for one in served.policy.purposes.values()},
    )


@router.get("/collections/{name}/ingests/{ingest_id}/rejected.csv")
def rejected_file(served: Served, who: SignedIn, name: str, ingest_id: str) -> Response:
    """Return every file that an ingest could not use, with the reason, for a spreadsheet."""
    rejected = ingests.rejected(served, who, name, ingest_id)
    if rejected is None:
        raise HTTPException(404)
    text = io.StringIO()
    csv.writer(text).writerows([rejections.HEADER, *map(rejections.row, rejected)])
    headers = {
        "Content-Disposition": f'attachment; filename="rejected-{name}-{ingest_id[:8]}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago something was, as ``3 minutes ago``."""
    past = now - then
    for unit, length in (
        ("day", timedelta(days=1)),
        ("hour", timedelta(hours=1)),
        ("minute", timedelta(minutes=1)),
    ):
        if past >= length:
            return f"{counted(past // length, unit)} ago"
    return "just now"
