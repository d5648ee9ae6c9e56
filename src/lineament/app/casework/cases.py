"""Cases: opened for a purpose, worked on by their members, closed, and read by whoever has a part in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from lineament.app.casework import texts
from lineament.app.installation import Installation, require
from lineament.app.journal import Act, act, acts_of
from lineament.core.cases import SEARCHABLE, Authorisation, CaseState, Part, may_become
from lineament.core.jsontext import json_bytes
from lineament.core.policy import ROLES_FOR, CaseStanding, Person, Role
from lineament.core.times import is_moment, iso
from lineament.core.words import look
from lineament.errors import CaseExists, CaseNotFound, InvalidRequest, WrongState
from lineament.ledger import commitment, field_salt
from lineament.records import cases
from lineament.records.cases import Case, Member, Note


@dataclass(frozen=True)
class Grounds:
    """Why a case may be searched: a narrative, an authorisation, the consent of the person sought."""

    narrative: str | None = None
    authorisation: Authorisation | None = None
    consent: str | None = None


def open_case(
    installation: Installation,
    who: Person,
    reference: str,
    title: str,
    purpose: str,
    grounds: Grounds | None = None,
) -> Case:
    """Open a case for one of the policy's purposes; whoever opens it is staff in it.

    Raises RoleMissing, InvalidRequest and CaseExists.
    """
    require(who, Role.SEARCHER)
    given = _checked(grounds or Grounds())
    reference, title = texts.line("reference", reference), texts.line("title", title)
    if purpose not in installation.policy.purposes:
        raise InvalidRequest("The policy has no such purpose.")
    now = iso(installation.clock())
    case = Case(
        id=installation.new_id(),
        reference=reference,
        title=title,
        purpose=purpose,
        state=CaseState.OPEN,
        narrative=given.narrative,
        authorisation=given.authorisation,
        consent=given.consent,
        opened_by=who.id,
        opened_at=now,
        closed_at=None,
        acts=0,
        salt=installation.new_salt(),
    )
    with act(installation) as doing:
        if look(reference) in map(look, cases.references(doing.tx)):
            raise CaseExists(f"There is a case with the reference '{reference}'.")
        cases.add_case(doing.tx, case)
        doing.record("case.opened", at=now, who=who.id, purpose=purpose, **said_in(doing, case))
        join(doing, who, case.id, Member(who.id, who.name, Part.STAFF, who.id, now, None))
    return case


def set_grounds(installation: Installation, who: Person, case_id: str, grounds: Grounds) -> Case:
    """Record why a case may be searched, in place of what was said before. Return the case.

    Raises CaseNotFound, WrongState for one that is closed or appealed, and InvalidRequest.
    """
    given = _checked(grounds)
    now = installation.clock()
    with act(installation) as doing:
        case = workable(doing.tx, who, case_id, now)
        if case.state not in SEARCHABLE:
            raise WrongState("This case is closed. Reopen it before you change why it may be searched.")
        changed = replace(case, **vars(given))
        cases.save_case(doing.tx, changed)
        doing.record("case.grounds", at=iso(now), who=who.id, **said_in(doing, changed))
    return changed


def add_note(installation: Installation, who: Person, case_id: str, text: str) -> Note:
    """Record a remark in a case, which cannot be taken back.

    Raises CaseNotFound, WrongState for a closed case, and InvalidRequest.
    """
    said = texts.text("note", text)
    now = installation.clock()
    note = Note(installation.new_id(), case_id, who.id, iso(now), said, installation.new_salt())
    with act(installation) as doing:
        case = workable(doing.tx, who, case_id, now)
        if case.state is CaseState.CLOSED:
            raise WrongState("This case is closed. Reopen it before you add a note.")
        cases.add_note(doing.tx, note)
        content = commitment(field_salt(note.salt, "note"), note_bytes(note))
        doing.record(
            "case.note", at=note.at, who=who.id, case=doing.in_case(case.id), note=note.id, content=content
        )
    return note


def note_bytes(note: Note) -> bytes:
    """Return what the ledger commits to for a note: its text."""
    return note.text.encode()


def bring(installation: Installation, who: Person, case_id: str, state: CaseState) -> Case:
    """Bring a case into a state that a person may ask for. Raises CaseNotFound and WrongState."""
    with act(installation) as doing:
        case = workable(doing.tx, who, case_id, installation.clock())
        if not may_become(case.state, state):
            raise WrongState(f"This case is {case.state}: it cannot become {state} from there.")
        return change_state(installation, doing, who, case, state)


def said_in(doing: Act, case: Case) -> dict[str, Any]:
    """Keep what a case says from its next act on; return the fields ``case`` and ``content`` of that act."""
    said, here = case_bytes(case), doing.in_case(case.id) or {}
    number = here["number"]
    cases.add_grounds(doing.tx, case.id, number, said)
    return {"case": here, "content": commitment(field_salt(case.salt, grounds_field(number)), said)}


def grounds_field(number: int) -> str:
    """Return the name under which the commitment to what a case said at one of its acts is salted."""
    return f"case/{number}"


def case_bytes(case: Case) -> bytes:
    """Return what the ledger commits to for what a case says: JSON of its reference, title and grounds."""
    given = case.authorisation
    return json_bytes(
        {
            "reference": case.reference,
            "title": case.title,
            "purpose": case.purpose,
            "narrative": case.narrative,
            "authorisation": vars(given) | {"expires_at": iso(given.expires_at)} if given else None,
            "consent": case.consent,
        }
    )


def join(doing: Act, who: Person, case_id: str, member: Member) -> None:
    """Record a person's part in a case."""
    cases.set_member(doing.tx, case_id, member)
    doing.record(
        "case.member",
        at=member.added_at,
        who=who.id,
        case=doing.in_case(case_id),
        person=member.person_id,
        part=member.part,
        until=member.until,
    )


def part_of(tx: Connection, who: Person, case_id: str, now: datetime) -> Part | None:
    """Return this person's part in a case at ``now`` (UTC); None without a role that it needs."""
    part = cases.part_in(tx, case_id, who.id, now)
    return part if part and who.roles & ROLES_FOR[part] else None


def readable(tx: Connection, who: Person, case_id: str, now: datetime) -> Case:
    """Return a case that this person may read at ``now`` (UTC). Raises CaseNotFound.

    Whoever has a part in it may, and auditors.
    """
    case = cases.get_case(tx, case_id)
    has_part = case is not None and part_of(tx, who, case.id, now) is not None
    if case is None or not (has_part or Role.AUDITOR in who.roles):
        raise CaseNotFound("There is no such case of yours.")
    return case


def workable(tx: Connection, who: Person, case_id: str, now: datetime) -> Case:
    """Return a case that this person is staff in at ``now`` (UTC). Raises CaseNotFound."""
    case = cases.get_case(tx, case_id)
    if case is None or part_of(tx, who, case.id, now) is not Part.STAFF:
        raise CaseNotFound("There is no such case that you work on.")
    return case


def compared_blind(tx: Connection, case_id: str) -> set[str]:
    """Return the ids of everybody who ever took a pair of faces of a case to compare blind.

    The ledger says it also of those whose pair went to somebody else after a while.
    """
    return {str(one["who"]) for one in acts_of(tx, case_id).values() if one["kind"] == "review.assigned"}


def own_case(tx: Connection, who: Person, reference: str | None, now: datetime) -> Case | None:
    """Return the case with a reference if this person is staff in it at ``now`` (UTC), else None."""
    case = cases.case_with_reference(tx, reference.strip()) if reference else None
    if case is None or part_of(tx, who, case.id, now) is not Part.STAFF:
        return None
    return case


def standing(tx: Connection, who: Person, case_id: str | None, now: datetime) -> CaseStanding | None:
    """Return a case as the policy gate needs to know it."""
    case = cases.get_case(tx, case_id) if case_id else None
    if case is None:
        return None
    return CaseStanding(
        purpose=case.purpose,
        searchable=case.state in SEARCHABLE,
        is_staff=part_of(tx, who, case.id, now) is Part.STAFF,
        has_narrative=bool(case.narrative),
        authorisation=case.authorisation,
        has_consent=bool(case.consent),
    )


def begin_searching(installation: Installation, doing: Act, who: Person, case_id: str | None) -> None:
    """Record that something was searched in a case that was only open until now."""
    case = cases.get_case(doing.tx, case_id) if case_id else None
    if case is not None and case.state is CaseState.OPEN:
        change_state(installation, doing, who, case, CaseState.SEARCHING)


def change_state(installation: Installation, doing: Act, who: Person, case: Case, state: CaseState) -> Case:
    """Record a case's new state; whoever asks for it has checked that it may become that. Return the case."""
    now = iso(installation.clock())
    ended = {CaseState.CLOSED: now, CaseState.APPEALED: case.closed_at}
    changed = replace(case, state=state, closed_at=ended.get(state))
    cases.save_case(doing.tx, changed)
    doing.record("case.state", at=now, who=who.id, case=doing.in_case(case.id), state=state)
    return changed


def _checked(given: Grounds) -> Grounds:
    """Return grounds as they are kept. Raises InvalidRequest."""
    said = given.authorisation
    if said is not None:
        if not is_moment(said.expires_at):
            raise InvalidRequest("The expiry of the authorisation must be a time with its offset from UTC.")
        lines = {name: texts.line(f"authorisation's {name}", getattr(said, name)) for name in _AUTHORISED}
        said = Authorisation(**lines, expires_at=said.expires_at)
    narrative = texts.text_if_any("narrative", given.narrative)
    return Grounds(narrative, said, texts.text_if_any("consent", given.consent))


_AUTHORISED = ("number", "issuer", "scope")
