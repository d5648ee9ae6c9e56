"""People and cases that the tests of casework share."""

from lineament.app import collections, sign_in
from lineament.app.casework.cases import Grounds, bring, open_case
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import CaseState, Obtained
from lineament.core.policy import Person, Role
from lineament.records import people
from lineament.records.cases import Case
from lineament.records.searches import Search
from lineament.testing import make_permission
from tests.samples import OBAMA

PURPOSE = "missing-person"  # investigation mode: the list is never empty


def somebody(installation: Installation, name: str, *roles: Role) -> Person:
    """Return a new person with these roles."""
    who = Person(installation.new_id(), name, frozenset(roles))
    with installation.records.write() as tx:
        people.add_person(tx, who)
    return who


def a_case(installation: Installation, reference: str = "2026/17", who: Person | None = None) -> Case:
    """Return a new case of this person's, by default the operator's."""
    by = who or sign_in.operator(installation)
    return open_case(installation, by, reference, "Somebody is missed", PURPOSE, Grounds("Last seen in May."))


def a_search(installation: Installation, case: Case, who: Person | None = None) -> Search:
    """Return a search in a case, for a portrait whose person is in the collection 'archive'."""
    by = who or sign_in.operator(installation)
    request = Request(case.purpose, ("archive",), case.reference, Obtained.FROM_FAMILY)
    return open_search(installation, by, request, [OBAMA.read_bytes()])


def permit_casework(installation: Installation) -> None:
    """Permit the collection 'archive' for cases, for testing examiners and for line-ups too."""
    purposes = ("archive-research", PURPOSE, "examiner-testing", "line-up")
    collections.permit(installation, sign_in.operator(installation), "archive", make_permission(purposes))


def close(installation: Installation, who: Person, case_id: str) -> Case:
    """Close a case."""
    return bring(installation, who, case_id, CaseState.CLOSED)


def reopen(installation: Installation, who: Person, case_id: str) -> Case:
    """Open a closed or appealed case again."""
    return bring(installation, who, case_id, CaseState.OPEN)


def appeal(installation: Installation, who: Person, case_id: str) -> Case:
    """Record that a closed case is questioned."""
    return bring(installation, who, case_id, CaseState.APPEALED)
