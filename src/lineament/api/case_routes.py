"""Cases, over HTTP: opened, worked on and read. Who may do what with one is for `app` to say."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lineament import errors
from lineament.api.access import Searcher, Served, SignedIn
from lineament.api.case_models import (
    CaseLineOut,
    CaseOut,
    GroundsIn,
    MemberIn,
    MemberOut,
    NewCase,
    NoteIn,
    NoteOut,
    StateIn,
    case_line_out,
    case_out,
    grounds_of,
    member_out,
    note_out,
)
from lineament.api.documented import problems
from lineament.app.casework import cases, members
from lineament.app.casework.overview import my_cases, overview
from lineament.core.cases import CaseState

router = APIRouter(prefix="/api/v1/cases")


@router.get("", responses=problems())
def list_cases(served: Served, who: SignedIn) -> list[CaseLineOut]:
    """List the cases that you may read, the newest first."""
    return [case_line_out(case, part) for case, part in my_cases(served, who)]


@router.post("", status_code=201, responses=problems(errors.RoleMissing, errors.CaseExists))
def open_case(served: Served, who: Searcher, response: Response, new: NewCase) -> CaseOut:
    """Open a case for one of the policy's purposes; you work on it."""
    made = cases.open_case(served, who, new.reference, new.title, new.purpose, grounds_of(new))
    response.headers["Location"] = f"/api/v1/cases/{made.id}"
    return case_out(overview(served, who, made.id))


@router.get("/{case_id}", responses=problems(errors.CaseNotFound))
def get_case(served: Served, who: SignedIn, case_id: str) -> CaseOut:
    """Return a case with its people, searches, leads, notes and timeline."""
    return case_out(overview(served, who, case_id))


@router.put("/{case_id}/grounds", responses=problems(errors.CaseNotFound, errors.WrongState))
def put_grounds(served: Served, who: SignedIn, case_id: str, grounds: GroundsIn) -> CaseOut:
    """Say why the case may be searched, in place of what was said before."""
    cases.set_grounds(served, who, case_id, grounds_of(grounds))
    return case_out(overview(served, who, case_id))


@router.post(
    "/{case_id}/members",
    status_code=201,
    responses=problems(errors.CaseNotFound, errors.PersonNotFound, errors.PartRefused),
)
def set_member(served: Served, who: SignedIn, case_id: str, given: MemberIn) -> MemberOut:
    """Give a person a part in the case, or take it away."""
    if given.part is None:
        return member_out(members.end_part(served, who, case_id, given.person))
    return member_out(members.set_member(served, who, case_id, given.person, given.part, given.until))


@router.post("/{case_id}/notes", status_code=201, responses=problems(errors.CaseNotFound, errors.WrongState))
def add_note(served: Served, who: SignedIn, case_id: str, note: NoteIn) -> NoteOut:
    """Add a note, which cannot be taken back."""
    return note_out(cases.add_note(served, who, case_id, note.text))


@router.post("/{case_id}/state", responses=problems(errors.CaseNotFound, errors.WrongState))
def set_state(served: Served, who: SignedIn, case_id: str, wanted: StateIn) -> CaseOut:
    """Close the case, open it again, or record that it is appealed."""
    cases.bring(served, who, case_id, CaseState(wanted.state))
    return case_out(overview(served, who, case_id))
