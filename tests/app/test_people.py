"""People are added by administrators, have the roles that are on record, and names tell them apart."""

import pytest

from lineament.app import people, sign_in
from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import (
    InvalidRequest,
    LastAdministrator,
    PersonExists,
    PersonNotFound,
    RoleMissing,
    SignInLinkSpent,
)
from lineament.records.people import CredentialKind
from lineament.testing import recorded


def granted(installation: Installation, person: Person) -> list[tuple[object, object, object]]:
    return [
        (entry["role"], entry["by"], entry["until"])
        for entry in recorded(installation)
        if entry["kind"] == "role.granted" and entry["who"] == person.id
    ]


def test_somebody_is_added_with_roles_that_are_on_record(installation: Installation, who: Person):
    """One entry for each role, with who gave it; the name stays out of the ledger."""
    anna = people.add(installation, who, "  Anna   Lee ", [Role.SEARCHER, Role.EXAMINER])
    assert (anna.name, anna.roles) == ("Anna Lee", {Role.SEARCHER, Role.EXAMINER})
    assert granted(installation, anna) == [("examiner", who.id, None), ("searcher", who.id, None)]
    assert "Anna" not in str(recorded(installation))
    assert people.find(installation, "anna lee") == people.find(installation, anna.id) == anna


def test_the_operator_stays_the_one_who_came_first(installation: Installation, who: Person):
    """Ids are random, so an order by id would make somebody else the operator now and then."""
    for number in range(12):
        people.add(installation, who, f"Person {number}", [Role.AUDITOR])
        assert sign_in.operator(installation) == who


@pytest.mark.parametrize("name", ["anna lee", "ANNA  LEE", "\uff21nna Lee", "An\u200bna \u2060Lee"])
def test_two_people_have_two_names(installation: Installation, who: Person, name: str):
    """Nor can they be told apart by a capital letter, a space, a letter's width or one that nobody sees."""
    people.add(installation, who, "Anna Lee", [Role.SEARCHER])
    with pytest.raises(PersonExists):
        people.add(installation, who, name, [Role.SEARCHER])


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "a\nb", "a\x00b", "\ud800", "x" * 101])
def test_a_name_is_one_line_of_plain_text(installation: Installation, who: Person, name: str):
    """It is shown to others, in terminals and on pages."""
    with pytest.raises(InvalidRequest):
        people.add(installation, who, name, [Role.SEARCHER])


def test_somebody_has_at_least_one_role_to_begin_with(installation: Installation, who: Person):
    """Otherwise there was no reason to add them."""
    with pytest.raises(InvalidRequest, match="at least one role"):
        people.add(installation, who, "Anna Lee", [])


def test_only_administrators_add_people_and_change_roles(installation: Installation, who: Person):
    """Whoever can do everything else cannot make themselves one."""
    rest = people.add(installation, who, "Rest", frozenset(Role) - {Role.ADMINISTRATOR})
    with pytest.raises(RoleMissing):
        people.add(installation, rest, "Friend", [Role.ADMINISTRATOR])
    with pytest.raises(RoleMissing):
        people.set_roles(installation, rest, rest.id, Role)
    with pytest.raises(RoleMissing):
        people.link_secret(installation, rest, who.id)
    assert [one.name for one in people.everybody(installation, who)] == ["operator", "Rest"]


def test_roles_that_are_taken_away_end_on_record_and_at_once(installation: Installation, who: Person):
    """Only what changes is written; the session that they have is worth no more than the roles left."""
    anna = people.add(installation, who, "Anna Lee", [Role.SEARCHER, Role.EXAMINER])
    secret = sign_in.open_session(installation, people.link_secret(installation, who, anna.id))
    changed = people.set_roles(installation, who, anna.id, [Role.EXAMINER, Role.AUDITOR])
    now = iso(installation.clock())
    assert granted(installation, anna)[2:] == [("auditor", who.id, None), ("searcher", who.id, now)]
    assert sign_in.who_holds(installation, CredentialKind.SESSION, secret) == changed
    assert people.set_roles(installation, who, anna.id, []).roles == frozenset()
    assert sign_in.who_holds(installation, CredentialKind.SESSION, secret).roles == frozenset()
    before = len(recorded(installation))
    people.set_roles(installation, who, anna.id, [])
    assert len(recorded(installation)) == before


def test_the_last_administrator_stays_one(installation: Installation, who: Person):
    """Whoever comes first: with a second one either may go, and then the other may not."""
    with pytest.raises(LastAdministrator):
        people.set_roles(installation, who, who.id, [Role.SEARCHER])
    anna = people.add(installation, who, "Anna Lee", [Role.ADMINISTRATOR])
    people.set_roles(installation, anna, who.id, [Role.SEARCHER])
    with pytest.raises(LastAdministrator):
        people.set_roles(installation, anna, anna.id, [])
    with pytest.raises(RoleMissing):
        people.set_roles(installation, sign_in.operator(installation), anna.id, [])


def test_a_link_for_somebody_else_is_on_record_and_lets_them_in(installation: Installation, who: Person):
    """Whoever made it could have used it, so the ledger says who that was. One's own needs no entry."""
    anna = people.add(installation, who, "Anna Lee", [Role.EXAMINER])
    link = people.link_secret(installation, who, anna.id)
    entry = recorded(installation)[-1]
    assert (entry["kind"], entry["who"], entry["by"]) == ("signin.link", anna.id, who.id)
    session = sign_in.open_session(installation, link)
    assert sign_in.who_holds(installation, CredentialKind.SESSION, session) == anna
    with pytest.raises(SignInLinkSpent):
        sign_in.open_session(installation, link)
    before = len(recorded(installation))
    assert people.link_secret(installation, anna, anna.id)
    assert len(recorded(installation)) == before


def test_the_list_of_people_is_for_those_who_need_it(installation: Installation, who: Person):
    """Whoever gives parts in a case, audits or administers; not counsel of the other side."""
    people.add(installation, who, "berta", [Role.SEARCHER])
    people.add(installation, who, "Anna", [Role.COUNSEL])
    for role in Role:
        person = Person("f" * 32, "x", frozenset({role}))
        if role in {Role.SEARCHER, Role.AUDITOR, Role.ADMINISTRATOR}:
            names = [one.name for one in people.everybody(installation, person)]
            assert names == ["Anna", "berta", "operator"]
        else:
            with pytest.raises(RoleMissing):
                people.everybody(installation, person)


def test_nobody_is_found_who_is_not_there(installation: Installation, who: Person):
    """By name or id."""
    with pytest.raises(PersonNotFound):
        people.find(installation, "Zoë")
    with pytest.raises(PersonNotFound):
        people.set_roles(installation, who, "0" * 32, [Role.SEARCHER])
    with pytest.raises(PersonNotFound):
        people.link_secret(installation, who, "0" * 32)
