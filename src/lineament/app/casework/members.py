"""Who has a part in a case: given by those who work on it, and taken away; nobody leaves the list."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from lineament.app import people
from lineament.app.casework.cases import compared_blind, join, workable
from lineament.app.installation import Installation
from lineament.app.journal import act, acts_of
from lineament.core.cases import CaseState, Part
from lineament.core.policy import ROLES_FOR, Person, Role
from lineament.core.times import is_moment, iso
from lineament.errors import InvalidRequest, PartRefused
from lineament.records import cases
from lineament.records.cases import Case, Member

_SEE_SCORES = frozenset({Part.COUNSEL.value, Part.EXPERT.value, Role.AUDITOR.value})


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
    not closed, for one who is to work on it and read it with its scores before, and where nobody would be
    left who works on it.
    """
    now = installation.clock()
    if until is not None and (not is_moment(until) or until <= now):
        raise InvalidRequest("The end of a part must be a time to come, with its offset from UTC.")
    person = people.find(installation, name)
    with act(installation) as doing:
        case = workable(doing.tx, who, case_id, now)
        _require_role(person, part)
        _require_not_blind(doing.tx, case, person)
        if part is Part.STAFF:
            _require_unshown(doing.tx, case, person)
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
    if not person.roles & ROLES_FOR[part]:
        needed = " or ".join(sorted(ROLES_FOR[part]))
        raise PartRefused(f"To be {part} in a case {person.name} needs the role {needed}.")


def _require_not_blind(tx: Connection, case: Case, person: Person) -> None:
    if case.state is not CaseState.CLOSED and person.id in compared_blind(tx, case.id):
        raise PartRefused(
            f"{person.name} compares faces of this case without knowing whose they are, "
            "and so can have no part in it until it is closed."
        )


def _require_unshown(tx: Connection, case: Case, person: Person) -> None:
    """Whoever was shown scores before they could judge by sight is none of those who judge."""
    for one in acts_of(tx, case.id).values():
        seen_as = one.get("role") or one.get("part")
        is_shown = one["kind"] in {"search.shown", "case.disclosed"} and one["who"] == person.id
        if is_shown and seen_as in _SEE_SCORES:
            raise PartRefused(
                f"{person.name} read this case as {seen_as}, with the scores of its candidates, "
                "and so cannot work on it."
            )


def _require_staff(tx: Connection, case: Case, changed: Member) -> None:
    """Raise PartRefused unless somebody works on the case without an end after this change."""
    others = [one for one in cases.members(tx, case.id) if one.person_id != changed.person_id]
    if not any(one.part is Part.STAFF and one.until is None for one in [*others, changed]):
        raise PartRefused("Somebody must work on the case without an end. Give that part to another first.")
