"""Leads: the page of one, what is done with it, and the reports as pages."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from lineament.api.access import Served, SignedIn
from lineament.api.lead_routes import ZIP, handed_out
from lineament.app.casework import leads, reports
from lineament.app.casework.leads import WHAT_A_LEAD_IS_NOT
from lineament.app.casework.line_up import (
    DESCRIPTION_LENGTH_MAX,
    FILLERS,
    FILLERS_MAX,
    FILLERS_MIN,
    line_up,
)
from lineament.app.casework.report_page import STYLE, Report
from lineament.app.casework.texts import TEXT_LENGTH_MAX
from lineament.core.cases import CaseState, Part
from lineament.core.review import LeadState, Truth
from lineament.web.case_pages import Text
from lineament.web.render import page
from lineament.web.titles import titles

router = APIRouter(include_in_schema=False)

_STYLE_DIGEST = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
_REPORT_HEADERS = {  # a report brings its style and pictures along, and nothing else
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


@router.get("/leads/{lead_id}")
def lead_page(request: Request, served: Served, who: SignedIn, lead_id: str) -> Response:
    """Show a candidate that was put forward; whoever only reads it sees no actions."""
    view = leads.lead_view(served, who, lead_id)
    closed = view.case.state is CaseState.CLOSED
    works = view.part is Part.STAFF and view.is_lead
    return page(
        request,
        "lead.html",
        view=view,
        lead=view.lead,
        not_a=WHAT_A_LEAD_IS_NOT,
        works=works and not closed,
        may_say_truth=works,
        may_decide=works and not closed and view.lead.state is LeadState.LEAD,
        truths=list(Truth),
        text_length=TEXT_LENGTH_MAX,
        description_length=DESCRIPTION_LENGTH_MAX,
        fillers=(FILLERS_MIN, FILLERS, FILLERS_MAX),
        today=served.clock().date().isoformat(),
        **titles(served, view.search),
    )


@router.post("/leads/{lead_id}/evidence")
def add_evidence(
    served: Served,
    who: SignedIn,
    lead_id: str,
    description: Annotated[Text, Form()],
    source: Annotated[Text, Form()],
    date: Annotated[str, Form(max_length=40)],
) -> Response:
    """Take independent evidence."""
    leads.add_evidence(served, who, lead_id, description, source, date)
    return _to(lead_id)


@router.post("/leads/{lead_id}/action")
def take_action(
    served: Served,
    who: SignedIn,
    lead_id: str,
    action: Annotated[Literal["acted-on", "set-aside"], Form()],
    account: Annotated[Text, Form()],
) -> Response:
    """Take that a lead was acted on, or is set aside."""
    act = leads.act_on if action == "acted-on" else leads.set_aside
    act(served, who, lead_id, account)
    return _to(lead_id)


@router.post("/leads/{lead_id}/truth")
def record_truth(
    served: Served,
    who: SignedIn,
    lead_id: str,
    truth: Annotated[Truth, Form()],
    how: Annotated[Text, Form()],
) -> Response:
    """Take whether a lead was right."""
    leads.record_truth(served, who, lead_id, truth, how)
    return _to(lead_id)


@router.post("/leads/{lead_id}/line-up")
def make_line_up(
    served: Served,
    who: SignedIn,
    lead_id: str,
    description: Annotated[str, Form(max_length=DESCRIPTION_LENGTH_MAX)],
    fillers: Annotated[int, Form()] = FILLERS,
) -> Response:
    """Hand out the photographs for a line-up."""
    made = line_up(served, who, lead_id, description, fillers)
    return handed_out(made, ZIP, f"line-up-{lead_id[:8]}.zip")


@router.get("/leads/{lead_id}/report")
def lead_report_page(served: Served, who: SignedIn, lead_id: str) -> Response:
    """Show the report on a lead."""
    report = reports.lead_report(served, who, lead_id)
    return _report(report, {"Back to the lead": f"/leads/{lead_id}", "As a PDF": _api(f"leads/{lead_id}")})


@router.get("/cases/{case_id}/report")
def case_report_page(served: Served, who: SignedIn, case_id: str) -> Response:
    """Show the report on a case."""
    report = reports.case_report(served, who, case_id)
    return _report(report, {"Back to the case": f"/cases/{case_id}", "As a PDF": _api(f"cases/{case_id}")})


def _to(lead_id: str) -> Response:
    return RedirectResponse(f"/leads/{lead_id}#done", 303)


def _api(place: str) -> str:
    return f"/api/v1/{place}/report.pdf"


def _report(report: Report, links: dict[str, str]) -> Response:
    return HTMLResponse(report.page(links), headers=_REPORT_HEADERS)
