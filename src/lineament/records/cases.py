"""Cases, their members and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from lineament.core.cases import Authorisation, CaseState, Part
from lineament.core.times import from_iso, iso
from lineament.records.schema import case_file, case_grounds, case_member, case_note, person


@dataclass(frozen=True)
class Case:
    """One case. Times are ISO 8601 UTC. ``acts`` is the number of the newest act in it."""

    id: str
    reference: str
    title: str
    purpose: str
    state: CaseState
    narrative: str | None
    authorisation: Authorisation | None
    consent: str | None
    opened_by: str
    opened_at: str
    closed_at: str | None
    acts: int
    salt: bytes


@dataclass(frozen=True)
class Member:
    """Somebody who has a part in a case, until a time (ISO 8601 UTC) or without an end."""

    person_id: str
    name: str
    part: Part
    added_by: str
    added_at: str
    until: str | None


@dataclass(frozen=True)
class Note:
    """A remark in a case."""

    id: str
    case_id: str
    person_id: str
    at: str
    text: str
    salt: bytes


def add_case(tx: Connection, new: Case) -> None:
    """Record a new case."""
    tx.execute(insert(case_file).values(_columns(new)))


def save_case(tx: Connection, changed: Case) -> None:
    """Record what was changed in a case: its grounds, its state, when it was closed. Its acts stay."""
    values = _columns(changed)
    del values["acts"]
    tx.execute(update(case_file).where(case_file.c.id == changed.id).values(values))


def add_grounds(tx: Connection, case_id: str, number: int, said: bytes) -> None:
    """Keep what a case said at one of its acts, as the ledger commits to it."""
    tx.execute(insert(case_grounds).values(case_id=case_id, number=number, said=said.decode()))


def grounds(tx: Connection, case_id: str) -> dict[int, bytes]:
    """Return what a case said at each act that changed it, by the act's number."""
    query = select(case_grounds).where(case_grounds.c.case_id == case_id).order_by(case_grounds.c.number)
    return {row.number: row.said.encode() for row in tx.execute(query)}


def get_case(tx: Connection, case_id: str) -> Case | None:
    """Return a case, or None."""
    return _one(tx, case_file.c.id == case_id)


def case_with_reference(tx: Connection, reference: str) -> Case | None:
    """Return the case with a reference, or None."""
    return _one(tx, case_file.c.reference == reference)


def references(tx: Connection) -> list[str]:
    """Return the reference of every case."""
    return list(tx.scalars(select(case_file.c.reference)))


def list_cases(tx: Connection) -> list[Case]:
    """Return every case, the newest first."""
    rows = tx.execute(select(case_file).order_by(case_file.c.opened_at.desc(), case_file.c.id)).mappings()
    return [_case(dict(row)) for row in rows]


def cases_of(tx: Connection, person_id: str, now: datetime) -> list[Case]:
    """Return the cases that a person has a part in at ``now`` (UTC), the newest first."""
    query = (
        select(case_file)
        .join(case_member, case_member.c.case_id == case_file.c.id)
        .where(case_member.c.person_id == person_id, _lasts(now))
        .order_by(case_file.c.opened_at.desc(), case_file.c.id)
    )
    return [_case(dict(row)) for row in tx.execute(query).mappings()]


def next_act(tx: Connection, case_id: str) -> int:
    """Count one more act in a case and return its number, from 1 on without a gap."""
    this = case_file.c.id == case_id
    tx.execute(update(case_file).where(this).values(acts=case_file.c.acts + 1))
    return int(tx.scalars(select(case_file.c.acts).where(this)).one())


def set_member(tx: Connection, case_id: str, new: Member) -> None:
    """Record a person's part in a case, in place of the one they had."""
    values = vars(new) | {"case_id": case_id}
    del values["name"]
    this = (case_member.c.case_id == case_id) & (case_member.c.person_id == new.person_id)
    if tx.execute(update(case_member).where(this).values(values)).rowcount == 0:
        tx.execute(insert(case_member).values(values))


def members(tx: Connection, case_id: str) -> list[Member]:
    """Return everybody who has or had a part in a case, in the order in which they came."""
    query = (
        select(case_member, person.c.name)
        .join(person, person.c.id == case_member.c.person_id)
        .where(case_member.c.case_id == case_id)
        .order_by(case_member.c.added_at, case_member.c.person_id)
    )
    return [
        Member(row.person_id, row.name, Part(row.part), row.added_by, row.added_at, row.until)
        for row in tx.execute(query)
    ]


def part_in(tx: Connection, case_id: str, person_id: str, now: datetime) -> Part | None:
    """Return a person's part in a case at ``now`` (UTC), or None."""
    this = (case_member.c.case_id == case_id) & (case_member.c.person_id == person_id)
    found = tx.scalar(select(case_member.c.part).where(this, _lasts(now)))
    return Part(found) if found else None


def add_note(tx: Connection, new: Note) -> None:
    """Record a remark."""
    tx.execute(insert(case_note).values(vars(new)))


def notes(tx: Connection, case_id: str) -> list[Note]:
    """Return the remarks in a case, oldest first."""
    query = select(case_note).where(case_note.c.case_id == case_id).order_by(case_note.c.at, case_note.c.id)
    return [Note(**row) for row in tx.execute(query).mappings()]


def _lasts(now: datetime) -> Any:
    return or_(case_member.c.until.is_(None), case_member.c.until > iso(now))


def _one(tx: Connection, condition: Any) -> Case | None:
    row = tx.execute(select(case_file).where(condition)).mappings().first()
    return _case(dict(row)) if row else None


def _columns(one: Case) -> dict[str, Any]:
    given = one.authorisation
    document = vars(given) | {"expires_at": iso(given.expires_at)} if given else None
    return vars(one) | {"authorisation": document}


def _case(row: dict[str, Any]) -> Case:
    given = row["authorisation"]
    authorisation = Authorisation(**given | {"expires_at": from_iso(given["expires_at"])}) if given else None
    return Case(**row | {"state": CaseState(row["state"]), "authorisation": authorisation})


def names(tx: Connection, person_ids: Sequence[str]) -> dict[str, str]:
    """Return people's names by their ids."""
    query = select(person.c.id, person.c.name).where(person.c.id.in_(person_ids))
    return {row.id: row.name for row in tx.execute(query)}
