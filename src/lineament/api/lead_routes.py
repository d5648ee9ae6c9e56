"""Leads: what came of candidates that were put forward, and their reports, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lineament import errors
from lineament.api.access import Served, SignedIn
from lineament.api.documented import FILE, problems
from lineament.api.lead_models import ActionIn, EvidenceIn, LeadOut, LineUpIn, TruthIn, lead_out
from lineament.app.casework import leads, reports
from lineament.app.casework.line_up import line_up

PDF, HTML = "application/pdf", "text/html; charset=utf-8"
ZIP = "application/zip"
_HERE = (errors.LeadNotFound, errors.CaseNotFound, errors.WrongState)
_REPORT = problems(errors.ReportRefused, *_HERE) | FILE

router = APIRouter(prefix="/api/v1")


@router.get("/leads/{lead_id}", responses=problems(errors.LeadNotFound))
def get_lead(served: Served, who: SignedIn, lead_id: str) -> LeadOut:
    """Return a candidate that was put forward, where it stands, and what was done with it."""
    return lead_out(leads.lead_view(served, who, lead_id))


@router.post("/leads/{lead_id}/evidence", status_code=201, responses=problems(*_HERE))
def add_evidence(served: Served, who: SignedIn, lead_id: str, given: EvidenceIn) -> LeadOut:
    """Put on record what supports a lead besides the comparison of faces."""
    leads.add_evidence(served, who, lead_id, given.description, given.source, given.date)
    return lead_out(leads.lead_view(served, who, lead_id))


@router.post("/leads/{lead_id}/action", responses=problems(*_HERE))
def take_action(served: Served, who: SignedIn, lead_id: str, given: ActionIn) -> LeadOut:
    """Record that a lead was acted on, or is set aside."""
    act = leads.act_on if given.action == "acted-on" else leads.set_aside
    act(served, who, lead_id, given.account)
    return lead_out(leads.lead_view(served, who, lead_id))


@router.post("/leads/{lead_id}/truth", responses=problems(*_HERE))
def record_truth(served: Served, who: SignedIn, lead_id: str, given: TruthIn) -> LeadOut:
    """Record whether a lead turned out to be right."""
    leads.record_truth(served, who, lead_id, given.truth, given.how)
    return lead_out(leads.lead_view(served, who, lead_id))


@router.post(
    "/leads/{lead_id}/line-up",
    responses=problems(errors.TooFewFillers, errors.NotCalibrated, *_HERE) | FILE,
    response_class=Response,
)
def make_line_up(served: Served, who: SignedIn, lead_id: str, given: LineUpIn) -> Response:
    """Return a zip with numbered photographs for a line-up; locked until there is independent evidence."""
    made = line_up(served, who, lead_id, given.description, given.fillers)
    return handed_out(made, ZIP, f"line-up-{lead_id[:8]}.zip")


@router.get("/leads/{lead_id}/report.pdf", responses=_REPORT, response_class=Response)
def get_lead_pdf(served: Served, who: SignedIn, lead_id: str) -> Response:
    """Return the report on a lead as a PDF. This is on record."""
    return handed_out(reports.lead_report(served, who, lead_id).pdf, PDF, f"lead-{lead_id[:8]}.pdf")


@router.get("/leads/{lead_id}/report.html", responses=_REPORT, response_class=Response)
def get_lead_html(served: Served, who: SignedIn, lead_id: str) -> Response:
    """Return the same report as one HTML file. This is on record."""
    made = reports.lead_report(served, who, lead_id).html.encode()
    return handed_out(made, HTML, f"lead-{lead_id[:8]}.html")


@router.get(
    "/cases/{case_id}/report.pdf",
    responses=problems(errors.CaseNotFound, errors.ReportRefused) | FILE,
    response_class=Response,
)
def get_case_pdf(served: Served, who: SignedIn, case_id: str) -> Response:
    """Return the report on a case as a PDF. This is on record."""
    return handed_out(reports.case_report(served, who, case_id).pdf, PDF, f"case-{case_id[:8]}.pdf")


def handed_out(data: bytes, media_type: str, name: str) -> Response:
    """Return a file to keep, of which no copy is to be kept on the way."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)
