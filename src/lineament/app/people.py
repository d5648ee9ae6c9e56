"""People: who there is, and what each of them may do."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from lineament.app import sign_in
from lineament.app.installation import Installation, require
from lineament.app.journal import act
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.core.words import is_plain, look
from lineament.errors import InvalidRequest, LastAdministrator, PersonExists, PersonNotFound, RoleMissing
from lineament.records import people

NAME_LENGTH_MAX = 100  # characters
_MAY_LIST = frozenset({Role.ADMINISTRATOR, Role.SEARCHER, Role.AUDITOR})


def add(installation: Installation, who: Person, name: str, roles: Collection[Role]) -> Person:
    """Add a person with at least one role. Raises RoleMissing, InvalidRequest and PersonExists."""
    require(who, Role.ADMINISTRATOR)
    new = Person(installation.new_id(), _name(name), frozenset(roles))
    if not roles:
        raise InvalidRequest("Choose at least one role.")
    with act(installation) as doing:
        if _named(doing.tx, new.name) is not None:
            raise PersonExists(f"There is somebody named '{new.name}'.")
        people.add_person(doing.tx, new)
        at = iso(installation.clock())
        for role in sorted(roles):
            doing.record("role.granted", at=at, who=new.id, by=who.id, role=role, until=None)
    return new


def everybody(installation: Installation, who: Person) -> list[Person]:
    """Return all people by name, for those who run the installation, work on cases or audit them.

    Raises RoleMissing.
    """
    if not who.roles & _MAY_LIST:
        raise RoleMissing("The list of people is for administrators, searchers and auditors.")
    with installation.records.read() as tx:
        return sorted(people.everybody(tx), key=lambda person: look(person.name))


def find(installation: Installation, name_or_id: str) -> Person:
    """Return the person with a name or an id. Raises PersonNotFound."""
    with installation.records.read() as tx:
        found = people.get_person(tx, name_or_id) or _named(tx, name_or_id)
    if found is None:
        raise PersonNotFound("There is nobody with this name or id.")
    return found


def set_roles(installation: Installation, who: Person, person_id: str, roles: Collection[Role]) -> Person:
    """Give a person exactly these roles from now on; with none they may do nothing any more.

    Raises RoleMissing, PersonNotFound, and LastAdministrator where nobody would be one.
    """
    require(who, Role.ADMINISTRATOR)
    with act(installation) as doing:
        person = people.get_person(doing.tx, person_id)
        if person is None:
            raise PersonNotFound("There is nobody with this id.")
        others = [one for one in people.everybody(doing.tx) if one.id != person_id]
        if Role.ADMINISTRATOR not in roles and not any(Role.ADMINISTRATOR in one.roles for one in others):
            raise LastAdministrator(f"'{person.name}' is the only administrator.")
        people.set_roles(doing.tx, person_id, roles)
        at = iso(installation.clock())
        for role in sorted(person.roles ^ frozenset(roles)):
            until = None if role in roles else at
            doing.record("role.granted", at=at, who=person_id, by=who.id, role=role, until=until)
    return Person(person.id, person.name, frozenset(roles))


def link_secret(installation: Installation, who: Person, person_id: str) -> str:
    """Return the secret of a one-time sign-in link for oneself, or as an administrator for somebody else.

    That it was made for somebody else, and by whom, is on record: whoever makes a link could use it. Raises
    RoleMissing and PersonNotFound.
    """
    person = find(installation, person_id)
    if person.id != who.id:
        require(who, Role.ADMINISTRATOR)
        with act(installation) as doing:
            doing.record("signin.link", at=iso(installation.clock()), who=person.id, by=who.id)
    return sign_in.new_link_secret(installation, person)


def _named(tx: Connection, name: str) -> Person | None:
    return next((one for one in people.everybody(tx) if look(one.name) == look(name)), None)


def _name(given: str) -> str:
    """Return a name of one line. Raises InvalidRequest."""
    name = " ".join(given.split())
    if not look(name) or len(name) > NAME_LENGTH_MAX or not is_plain(given):
        raise InvalidRequest(f"A name is one line of plain text, 1 to {NAME_LENGTH_MAX} characters.")
    return name
