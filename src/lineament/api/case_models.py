"""Cases as the HTTP interface takes and returns them. Times are ISO 8601 UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from lineament.app.casework.cases import Grounds
from lineament.app.casework.overview import CaseView
from lineament.app.casework.texts import LINE_LENGTH_MAX, TEXT_LENGTH_MAX
from lineament.core.cases import Authorisation, CaseState, Part
from lineament.core.times import iso
from lineament.records.cases import Case, Member, Note

Line = Annotated[str, StringConstraints(max_length=LINE_LENGTH_MAX)]
Text = Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX)]


class AuthorisationIn(BaseModel):
    """Who allowed searches in a case, under which number, for what, until when."""

    number: Line
    issuer: Line
    scope: Line
    expires_at: AwareDatetime


class GroundsIn(BaseModel):
    """Why a case may be searched. ``consent`` says how the person sought gave it, and when."""

    narrative: Text | None = None
    authorisation: AuthorisationIn | None = None
    consent: Text | None = None


class NewCase(GroundsIn):
    """A case to open."""

    reference: Line
    title: Line
    purpose: str = Field(max_length=40)


class MemberIn(BaseModel):
    """A person, by name or id, and their part; no ``part`` takes away the one that they have."""

    person: Line
    part: Part | None
    until: AwareDatetime | None = None


class NoteIn(BaseModel):
    """A remark."""

    text: Text


class WantedState(StrEnum):
    """Where a person may bring a case."""

    OPEN = CaseState.OPEN.value
    CLOSED = CaseState.CLOSED.value
    APPEALED = CaseState.APPEALED.value


class StateIn(BaseModel):
    """Where a case is to stand: open (again), closed, or appealed."""

    state: WantedState


class AuthorisationOut(BaseModel):
    """As it was given."""

    number: str
    issuer: str
    scope: str
    expires_at: str


class CaseLineOut(BaseModel):
    """A case in a list. ``part`` is yours: staff, counsel or expert; null for an auditor.

    ``state``: open, searching, under-review, closed or appealed.
    """

    id: str
    href: str
    reference: str
    title: str
    purpose: str
    state: str
    part: str | None
    opened_at: str
    closed_at: str | None


class MemberOut(BaseModel):
    """Somebody who has or had a part in a case."""

    person: str
    name: str
    part: str
    since: str
    until: str | None


class NoteOut(BaseModel):
    """A remark, with the id of who wrote it."""

    id: str
    who: str
    at: str
    text: str


class CaseSearchOut(BaseModel):
    """A search of a case. ``put_forward`` counts candidates, is 0 for 'none of these' and null until then."""

    id: str
    href: str
    who: str
    started_at: str
    outcome: str
    reasons: list[str]
    edited_from: str | None
    put_forward: int | None


class CaseLeadOut(BaseModel):
    """A candidate that was put forward, and where it stands."""

    id: str
    search: str
    state: str
    put_forward_at: str


class HappeningOut(BaseModel):
    """One act: its number in the case and its entry in the ledger, null where one is missing."""

    number: int
    entry: int | None
    at: str | None
    who: str | None
    sentence: str


class CaseOut(CaseLineOut):
    """One case. ``lacking`` says what the policy needs before anything more can be searched in it."""

    narrative: str | None
    authorisation: AuthorisationOut | None
    consent: str | None
    lacking: list[str]
    members: list[MemberOut]
    notes: list[NoteOut]
    searches: list[CaseSearchOut]
    leads: list[CaseLeadOut]
    timeline: list[HappeningOut]


def grounds_of(given: GroundsIn) -> Grounds:
    """Return the grounds that a body gives."""
    said = given.authorisation
    authorisation = Authorisation(said.number, said.issuer, said.scope, said.expires_at) if said else None
    return Grounds(given.narrative, authorisation, given.consent)


def case_line_out(case: Case, part: Part | None) -> CaseLineOut:
    """Present a case in a list."""
    return CaseLineOut(
        id=case.id,
        href=f"/api/v1/cases/{case.id}",
        reference=case.reference,
        title=case.title,
        purpose=case.purpose,
        state=case.state,
        part=part,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


def case_out(view: CaseView) -> CaseOut:
    """Present a case with all that is in it."""
    case, given = view.case, view.case.authorisation
    return CaseOut(
        **vars(case_line_out(case, view.part)),
        narrative=case.narrative,
        authorisation=AuthorisationOut(**vars(given) | {"expires_at": iso(given.expires_at)})
        if given
        else None,
        consent=case.consent,
        lacking=list(view.lacking),
        members=[member_out(one) for one in view.members],
        notes=[note_out(one) for one in view.notes],
        searches=_searches_out(view),
        leads=[
            CaseLeadOut(id=one.id, search=one.search_id, state=one.state, put_forward_at=one.put_forward_at)
            for one in view.leads
        ],
        timeline=[HappeningOut(**vars(one)) for one in view.timeline],
    )


def member_out(one: Member) -> MemberOut:
    """Present a member."""
    return MemberOut(person=one.person_id, name=one.name, part=one.part, since=one.added_at, until=one.until)


def note_out(one: Note) -> NoteOut:
    """Present a note."""
    return NoteOut(id=one.id, who=one.person_id, at=one.at, text=one.text)


def _searches_out(view: CaseView) -> list[CaseSearchOut]:
    ended = {search_id: len(one.put_forward) for search_id, one in view.conclusions.items()}
    return [
        CaseSearchOut(
            id=one.id,
            href=f"/api/v1/searches/{one.id}",
            who=one.person_id,
            started_at=one.started_at,
            outcome=one.outcome,
            reasons=[reason.sentence for reason in one.reasons],
            edited_from=one.edited_from,
            put_forward=ended.get(one.id),
        )
        for one in view.searches
    ]
