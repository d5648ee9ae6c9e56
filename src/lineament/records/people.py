"""People, and the secrets that let them in: sign-in links, sessions and API tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.records.schema import credential, person, sign_in_failure


class CredentialKind(StrEnum):
    """What a secret opens."""

    SIGN_IN_LINK = "sign-in-link"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret


def first_person(tx: Connection) -> Person | None:
    """Return the person who set this installation up, if that has happened."""
    row = tx.execute(select(person).order_by(person.c.number).limit(1)).first()
    return person_of(row) if row else None


def add_person(tx: Connection, who: Person) -> None:
    """Record a person."""
    newest = tx.scalar(select(func.max(person.c.number))) or 0
    tx.execute(insert(person).values(id=who.id, number=newest + 1, name=who.name, roles=sorted(who.roles)))


def get_person(tx: Connection, person_id: str) -> Person | None:
    """Return the person with an id."""
    row = tx.execute(select(person).where(person.c.id == person_id)).first()
    return person_of(row) if row else None


def everybody(tx: Connection) -> list[Person]:
    """Return all people, in the order in which they were recorded."""
    rows = tx.execute(select(person).order_by(person.c.number))
    return [person_of(row) for row in rows]


def set_roles(tx: Connection, person_id: str, roles: Collection[Role]) -> None:
    """Record which roles a person has from now on."""
    tx.execute(update(person).where(person.c.id == person_id).values(roles=sorted(roles)))


def add_credential(
    tx: Connection, kind: CredentialKind, secret: str, person_id: str, expires_at: datetime
) -> None:
    """Record the digest of a new secret; the secret itself is kept nowhere."""
    values = {"digest": _digest(secret), "kind": kind, "person_id": person_id, "expires_at": iso(expires_at)}
    tx.execute(insert(credential).values(values))


def use_once(tx: Connection, kind: CredentialKind, secret: str, now: datetime) -> Person | None:
    """Spend a secret and return whom it lets in, or None if it is unknown, spent or has expired."""
    who = holder(tx, kind, secret, now)
    if who is not None:
        tx.execute(update(credential).where(credential.c.digest == _digest(secret)).values(used_at=iso(now)))
    return who


def holder(tx: Connection, kind: CredentialKind, secret: str, now: datetime) -> Person | None:
    """Return whom a secret lets in, or None if it is unknown, spent or has expired."""
    row = tx.execute(
        select(person)
        .join(credential)
        .where(
            credential.c.digest == _digest(secret),
            credential.c.kind == kind,
            credential.c.used_at.is_(None),
            credential.c.expires_at > iso(now),
        )
    ).first()
    return person_of(row) if row else None


def add_sign_in_failure(tx: Connection, now: datetime, since: datetime) -> list[str]:
    """Record that a link did not open; return the times of all failures after ``since``, oldest first."""
    tx.execute(delete(sign_in_failure).where(sign_in_failure.c.at <= iso(since)))
    tx.execute(insert(sign_in_failure).values(at=iso(now)))
    return list(tx.scalars(select(sign_in_failure.c.at).order_by(sign_in_failure.c.at)))


def forget_sign_in_failures(tx: Connection) -> None:
    """Begin to count anew."""
    tx.execute(delete(sign_in_failure))


def person_of(row: Row[Any]) -> Person:
    """Return the person in a row with the columns of the table ``person``."""
    return Person(row.id, row.name, frozenset(map(Role, row.roles)))


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
