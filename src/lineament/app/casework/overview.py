"""Cases as people see them: the list of theirs, and one with all that is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from lineament.app.casework.cases import part_of, readable, standing
from lineament.app.casework.timeline import Happening, happenings
from lineament.app.installation import Installation
from lineament.core.cases import SEARCHABLE, CaseState, Obtained, Part, may_become
from lineament.core.policy import Asked, Person, Role, decide
from lineament.records import cases, reviews, searches
from lineament.records.cases import Case, Member, Note
from lineament.records.reviews import Lead, SearchConclusion
from lineament.records.searches import Search

_OF_GROUNDS = {"narrative-missing", "consent-missing", "authorisation-missing", "authorisation-expired"}


@dataclass(frozen=True, eq=False)
class CaseView:
    """One case, as it is shown to a person.

    ``part`` is theirs; it is None for an auditor without one. ``lacking`` are sentences that say what the
    policy needs before anything more can be searched. ``searches`` are all of them, oldest first, without
    candidates; ``conclusions`` says how each of them ended that has, by its id. ``names`` are those of the
    people who made searches and notes, by id.
    """

    case: Case
    part: Part | None
    lacking: tuple[str, ...]
    members: list[Member]
    notes: list[Note]
    searches: list[Search]
    conclusions: Mapping[str, SearchConclusion]
    leads: list[Lead]
    timeline: list[Happening]
    names: Mapping[str, str]

    @property
    def is_staff(self) -> bool:
        """Whether this person works on the case; the others read it."""
        return self.part is Part.STAFF

    @property
    def is_searchable(self) -> bool:
        """Whether anything may be searched in it."""
        return self.case.state in SEARCHABLE

    def may_become(self, state: str) -> bool:
        """Say whether this person may bring the case into a state."""
        return self.is_staff and may_become(self.case.state, CaseState(state))

    def edited(self, search_id: str) -> list[Search]:
        """Return the searches of the same photographs with edits."""
        return [one for one in self.searches if one.edited_from == search_id]


def my_cases(installation: Installation, who: Person) -> list[tuple[Case, Part | None]]:
    """Return the cases that this person may read, the newest first, each with their part in it.

    Those are the cases that they have a part in, and for an auditor all.
    """
    now = installation.clock()
    with installation.records.read() as tx:
        sees_all = Role.AUDITOR in who.roles
        found = cases.list_cases(tx) if sees_all else cases.cases_of(tx, who.id, now)
        theirs = [(one, part_of(tx, who, one.id, now)) for one in found]
        return [(one, part) for one, part in theirs if sees_all or part]


def find_case(installation: Installation, who: Person, name: str) -> Case:
    """Return the case with a reference or an id that this person may read. Raises CaseNotFound."""
    with installation.records.read() as tx:
        found = cases.case_with_reference(tx, name)
        return readable(tx, who, found.id if found else name, installation.clock())


def searchable_cases(installation: Installation, who: Person) -> list[Case]:
    """Return the cases that this person may search in, the newest first."""
    now = installation.clock()
    with installation.records.read() as tx:
        mine = [one for one in cases.cases_of(tx, who.id, now) if one.state in SEARCHABLE]
        return [one for one in mine if part_of(tx, who, one.id, now) is Part.STAFF]


def overview(installation: Installation, who: Person, case_id: str) -> CaseView:
    """Return a case with all that is in it. Raises CaseNotFound."""
    now = installation.clock()
    with installation.records.read() as tx:
        case = readable(tx, who, case_id, now)
        made, remarks = searches.searches_of_case(tx, case.id), cases.notes(tx, case.id)
        ended = {one.id: reviews.search_conclusion_of(tx, one.id) for one in made}
        ids = {case.opened_by, *(one.person_id for one in made), *(one.person_id for one in remarks)}
        return CaseView(
            case=case,
            part=part_of(tx, who, case.id, now),
            lacking=_lacking(installation, tx, who, case),
            members=cases.members(tx, case.id),
            notes=remarks,
            searches=made,
            conclusions={search_id: one for search_id, one in ended.items() if one},
            leads=reviews.leads_of_case(tx, case.id),
            timeline=happenings(tx, case),
            names=cases.names(tx, sorted(ids)),
        )


def _lacking(installation: Installation, tx: Connection, who: Person, case: Case) -> tuple[str, ...]:
    """Return what the policy gate would say against a search in this case for want of its grounds."""
    now = installation.clock()
    asked = Asked(case.purpose, case.reference, standing(tx, who, case.id, now), Obtained.OWN)
    if asked.case is not None:
        asked = replace(asked, case=replace(asked.case, is_staff=True))  # the same for all who read it
    reasons = decide(installation.policy, who, asked, (), now).reasons
    return tuple(reason.sentence for reason in reasons if reason.code in _OF_GROUNDS)
