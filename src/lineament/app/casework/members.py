"""Who has a part in a case: given by those who work on it, and taken away; nobody leaves the list."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from lineament.app import people
from lineament.app.casework.cases import join, workable
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.cases import CaseState, Part
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import InvalidRequest, PartRefused
from lineament.records import cases, reviews
from lineament.records.cases import Case, Member

ROLES = {  # one of which a person needs for a part
    Part.STAFF: frozenset({Role.SEARCHER, Role.EXAMINER}),
    Part.COUNSEL: frozenset({Role.COUNSEL}),
    Part.EXPERT: frozenset({Role.EXPERT}),
}


def set_member(
    installation: Installation,
    who: Person,
    case_id: str,
    name: str,
    part: Part,
    until: datetime | None = None,
) -> Member:
    """Give a person, by name or id, a part in a case, in place of the one they had; until a time (UTC).

    Raises CaseNotFound, PersonNotFound, InvalidRequest for an end that has passed, and PartRefused: for a
    person without a role that fits, for one who compared faces of the case without knowing whose, while it is
    not closed, and where nobody would be left who works on it.
    """
    now = installation.clock()
    if until is not None and (until.tzinfo is None or until <= now):
        raise InvalidRequest("The end of a part must be a time to come, with its offset from UTC.")
    person = people.find(installation, name)
    with act(installation) as doing:
        case = workable(doing.tx, who, case_id, now)
        _require_role(person, part)
        _require_not_blind(doing.tx, case, person)
        end = iso(until) if until else None
        member = Member(person.id, person.name, part, who.id, iso(now), end)
        _require_staff(doing.tx, case, member)
        join(doing, who, case.id, member)
    return member


def end_part(installation: Installation, who: Person, case_id: str, name: str) -> Member:
    """Take a person's part in a case away; they stay on the list of those who had one.

    Raises CaseNotFound, PersonNotFound, and PartRefused where they have none or nobody would be left who
    works on the case.
    """
    person, now = people.find(installation, name), installation.clock()
    with act(installation) as doing:
        case = workable(doing.tx, who, case_id, now)
        part = cases.part_in(doing.tx, case.id, person.id, now)
        if part is None:
            raise PartRefused(f"{person.name} has no part in this case.")
        member = Member(person.id, person.name, part, who.id, iso(now), iso(now))
        _require_staff(doing.tx, case, member)
        join(doing, who, case.id, member)
    return member


def _require_role(person: Person, part: Part) -> None:
    if not person.roles & ROLES[part]:
        needed = " or ".join(sorted(ROLES[part]))
        raise PartRefused(f"To be {part} in a case {person.name} needs the role {needed}.")


def _require_not_blind(tx: Connection, case: Case, person: Person) -> None:
    taken = {one.person_id for one in reviews.assignments_of_case(tx, case.id)}
    if person.id in taken and case.state is not CaseState.CLOSED:
        raise PartRefused(
            f"{person.name} compares faces of this case without knowing whose they are, "
            "and so can have no part in it until it is closed."
        )


def _require_staff(tx: Connection, case: Case, changed: Member) -> None:
    """Raise PartRefused unless somebody works on the case without an end after this change."""
    others = [one for one in cases.members(tx, case.id) if one.person_id != changed.person_id]
    if not any(one.part is Part.STAFF and one.until is None for one in [*others, changed]):
        raise PartRefused("Somebody must work on the case without an end. Give that part to another first.")
