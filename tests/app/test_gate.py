"""The matrix of the policy once more, through real records: what is asked for, by whom, in which case.

What is searched with is no photograph: a search that the policy allows gets as far as that, and no other.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import product

from lineament.app import collections, people, sign_in
from lineament.app.casework import cases as casework
from lineament.app.casework.cases import Grounds, open_case
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.search import Request, open_search
from lineament.core.cases import CaseState, Obtained, Part
from lineament.core.permission import WithdrawalReason
from lineament.core.policy import Person, Role
from lineament.core.policy_file import parse_policy
from lineament.errors import NotAPhotograph, SearchRefused
from lineament.records.cases import Member
from lineament.testing import NOON, Clock, make_collection, make_permission, recorded

PURPOSES = ["archive-research", "own-likeness", "missing-person"]
COLLECTIONS = {  # each with the purposes that it may be searched for now
    "open": set(PURPOSES),
    "narrow": {"archive-research"},
    "other": {"missing-person"},
    "ended": set(),
    "later": set(),
    "withdrawn": set(),
}


def test_the_records_let_through_what_the_policy_says_and_nothing_else(
    installation: Installation, clock: Clock
):
    """Role, purpose, collection, its time, and the case: 252 searches, of which 7 are allowed."""
    generous = installation.policy.text.replace("limit = 10", "limit = 10\nsearches_a_day = 5000")
    generous = generous.replace("searches_a_day = 50 ", "# ")
    installation = replace(installation, policy=parse_policy(generous))
    make_collections(installation)
    clock.turn(timedelta(days=1))
    somebody = {
        "searcher": add(installation, "Searcher", Role.SEARCHER),
        "all but searcher": add(installation, "Others", *set(Role) - {Role.SEARCHER}),
    }
    references = make_cases(installation, somebody)
    asked = allowed = 0
    for (role, who), purpose, collection, (case, reference) in product(
        somebody.items(), PURPOSES, COLLECTIONS, references.items()
    ):
        obtained = None if case == "without saying how" else Obtained.ARCHIVE
        right = role == "searcher" and purpose in COLLECTIONS[collection] and fits(case, purpose)
        is_allowed = gets_through(installation, who, Request(purpose, (collection,), reference, obtained))
        assert is_allowed == right, (role, purpose, collection, case)
        asked, allowed = asked + 1, allowed + is_allowed
    outcomes = [entry["outcome"] for entry in recorded(installation) if entry["kind"] == "search"]
    assert (len(outcomes), outcomes.count("failed")) == (asked, allowed)
    assert (asked, allowed) == (252, 7)


def fits(case: str, purpose: str) -> bool:
    """Whether the case is right for the purpose; two of the three need none."""
    return purpose != "missing-person" if case == "none" else case == f"open for {purpose}"


def gets_through(installation: Installation, who: Person, request: Request) -> bool:
    """Whether the policy lets this search through to its photograph."""
    try:
        open_search(installation, who, request, [b"no photograph"])
    except SearchRefused:
        return False
    except NotAPhotograph:
        return True
    raise AssertionError("This was no photograph.")


def add(installation: Installation, name: str, *roles: Role) -> Person:
    return people.add(installation, sign_in.operator(installation), name, roles)


def make_collections(installation: Installation) -> None:
    """Record a collection for each permission of the matrix."""
    everything, day = make_permission(tuple(PURPOSES)), timedelta(days=1)
    for name, permission in {
        "open": everything,
        "narrow": make_permission(("archive-research",)),
        "other": make_permission(("missing-person",)),
        "ended": replace(everything, valid_until=NOON + day),
        "later": replace(everything, valid_from=NOON + day + timedelta(seconds=1)),
        "withdrawn": everything,
    }.items():
        make_collection(installation, name, None, permission)
    who = sign_in.operator(installation)
    collections.withdraw_permission(installation, who, "withdrawn", WithdrawalReason.GRANTOR)


def make_cases(installation: Installation, somebody: dict[str, Person]) -> dict[str, str | None]:
    """Open a case of each kind, with everybody in it; return their references."""
    owner = add(installation, "Owner", Role.SEARCHER)
    references: dict[str, str | None] = {"none": None}
    for kind, purpose, narrative, part, state in (
        ("open for archive-research", "archive-research", None, Part.STAFF, CaseState.OPEN),
        ("open for missing-person", "missing-person", "Since May.", Part.STAFF, CaseState.OPEN),
        ("without saying how", "missing-person", "Since May.", Part.STAFF, CaseState.OPEN),
        ("without a narrative", "missing-person", None, Part.STAFF, CaseState.OPEN),
        ("closed", "missing-person", "Since May.", Part.STAFF, CaseState.CLOSED),
        ("somebody else's", "missing-person", "Since May.", Part.COUNSEL, CaseState.OPEN),
    ):
        case = open_case(installation, owner, kind, kind, purpose, Grounds(narrative))
        with act(installation) as doing:
            for who in somebody.values():
                member = Member(who.id, who.name, part, owner.id, case.opened_at, None)
                casework.join(doing, owner, case.id, member)
            if state is not case.state:
                casework.change_state(installation, doing, owner, case, state)
        references[kind] = case.reference
    return references
