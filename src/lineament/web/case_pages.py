"""Cases: the list, and each with its searches, people, notes and timeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from lineament.api.access import Searcher, Served, SignedIn
from lineament.api.case_models import WantedState
from lineament.app.casework import cases, members
from lineament.app.casework.cases import Grounds
from lineament.app.casework.overview import my_cases, overview
from lineament.app.casework.texts import LINE_LENGTH_MAX, TEXT_LENGTH_MAX
from lineament.core.cases import Authorisation, CaseState, Part
from lineament.core.policy import Role
from lineament.core.times import iso
from lineament.errors import InvalidRequest
from lineament.web.render import page
from lineament.web.titles import purpose_titles

router = APIRouter(include_in_schema=False)

Line = Annotated[str, Field(max_length=LINE_LENGTH_MAX)]
Text = Annotated[str, Field(max_length=2 * TEXT_LENGTH_MAX)]  # a browser sends two characters for a new line


class GroundsForm(BaseModel):
    """Why a case may be searched; what is left empty was not given. The expiry is UTC."""

    narrative: Text = ""
    number: Line = ""
    issuer: Line = ""
    scope: Line = ""
    expires: Annotated[str, Field(max_length=40)] = ""
    consent: Text = ""

    def grounds(self) -> Grounds:
        """Return what was given. Raises InvalidRequest where a part of the authorisation is missing."""
        given = [one.strip() for one in (self.number, self.issuer, self.scope, self.expires)]
        if not any(given):
            return Grounds(self.narrative, None, self.consent)
        if not all(given):
            raise InvalidRequest("An authorisation needs its number, issuer, scope and expiry.")
        number, issuer, scope, expires = given
        allowed = Authorisation(number, issuer, scope, _moment(expires))
        return Grounds(self.narrative, allowed, self.consent)


class NewCaseForm(GroundsForm):
    """A case to open."""

    reference: Line
    title: Line
    purpose: Line


@router.get("/cases")
def cases_page(request: Request, served: Served, who: SignedIn, purpose: str = "") -> Response:
    """Show the cases of this person, and the form of a new one."""
    purposes = [one for one in served.policy.purposes.values() if one.roles & who.roles]
    return page(
        request,
        "cases.html",
        cases=my_cases(served, who),
        purposes=purposes if Role.SEARCHER in who.roles else [],
        purpose_titles=purpose_titles(served),
        wanted=purpose,
        line_length=LINE_LENGTH_MAX,
        text_length=TEXT_LENGTH_MAX,
    )


@router.post("/cases")
def open_case(served: Served, who: Searcher, form: Annotated[NewCaseForm, Form()]) -> Response:
    """Open a case and go to it."""
    made = cases.open_case(served, who, form.reference, form.title, form.purpose, form.grounds())
    return _to(made.id)


@router.get("/cases/{case_id}")
def case_page(request: Request, served: Served, who: SignedIn, case_id: str) -> Response:
    """Show one case; whoever only reads it sees no actions."""
    view = overview(served, who, case_id)
    now = served.clock()
    return page(
        request,
        "case.html",
        view=view,
        case=view.case,
        purpose=served.policy.purposes.get(view.case.purpose),
        purpose_titles=purpose_titles(served),
        parts=list(Part),
        now=now,
        now_text=iso(now),
        line_length=LINE_LENGTH_MAX,
        text_length=TEXT_LENGTH_MAX,
    )


@router.post("/cases/{case_id}/grounds")
def set_grounds(
    served: Served, who: SignedIn, case_id: str, form: Annotated[GroundsForm, Form()]
) -> Response:
    """Take why the case may be searched."""
    cases.set_grounds(served, who, case_id, form.grounds())
    return _to(case_id)


@router.post("/cases/{case_id}/members")
def set_member(
    served: Served,
    who: SignedIn,
    case_id: str,
    person: Annotated[Line, Form()],
    part: Annotated[Part | None, Form()] = None,
    until: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Give a person a part in the case; without one, take away what they have."""
    if part is None:
        members.end_part(served, who, case_id, person)
    else:
        end = _moment(until) if until else None
        members.set_member(served, who, case_id, person, part, end)
    return _to(case_id, "people")


@router.post("/cases/{case_id}/notes")
def add_note(served: Served, who: SignedIn, case_id: str, text: Annotated[Text, Form()]) -> Response:
    """Add a note."""
    cases.add_note(served, who, case_id, text)
    return _to(case_id, "notes")


@router.post("/cases/{case_id}/state")
def set_state(served: Served, who: SignedIn, case_id: str, state: Annotated[WantedState, Form()]) -> Response:
    """Close the case, open it again, or record that it is appealed."""
    cases.bring(served, who, case_id, CaseState(state))
    return _to(case_id)


def _to(case_id: str, place: str = "main") -> Response:
    return RedirectResponse(f"/cases/{case_id}#{place}", 303)


def _moment(text: str) -> datetime:
    """Return the UTC time that a form gives, such as ``2026-11-30T12:00``. Raises InvalidRequest."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest("A time has the form 2026-11-30T12:00, in UTC.") from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)
