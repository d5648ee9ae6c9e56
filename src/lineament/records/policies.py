"""Policies: the texts of those that were in force or offered, and who approved which."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from lineament.core.policy import Person, Policy, Role
from lineament.records.people import person_of
from lineament.records.schema import person, policy_approval, policy_version, state
from lineament.records.terms import read_terms


@dataclass(frozen=True)
class Approval:
    """Who approved a policy, and when (ISO 8601 UTC)."""

    who: Person
    at: str


def keep(tx: Connection, policy: Policy, now: str) -> None:
    """Keep the text of a policy; nothing where it is kept already."""
    if text(tx, policy.version) is None:
        values = {"digest": policy.version, "text": policy.text, "recorded_at": now}
        tx.execute(insert(policy_version).values(values))


def text(tx: Connection, digest: str | None) -> str | None:
    """Return the text of a policy that was kept, None for any other."""
    query = select(policy_version.c.text).where(policy_version.c.digest == digest)
    kept: str | None = tx.scalars(query).one_or_none()
    return kept


def in_force(tx: Connection) -> str | None:
    """Return the digest of the policy under which the last act was done; None before the first one."""
    return read_terms(tx).policy


def offered(tx: Connection) -> str | None:
    """Return the digest of the policy that was offered last; None before the first one."""
    digest: str | None = tx.scalars(select(state.c.offered_policy)).one()
    return digest


def offer(tx: Connection, policy: Policy, now: str) -> None:
    """Record which policy is offered from now on. What was approved of others no longer counts."""
    keep(tx, policy, now)
    tx.execute(delete(policy_approval).where(policy_approval.c.digest != policy.version))
    tx.execute(update(state).values(offered_policy=policy.version))


def approve(tx: Connection, digest: str, before: str, person_id: str, now: str) -> bool:
    """Record that somebody approved a policy after another one; False where they had done so already."""
    if any(one.who.id == person_id for one in approvals(tx, digest, before)):
        return False
    values = {"digest": digest, "before": before, "person_id": person_id, "at": now}
    tx.execute(insert(policy_approval).values(values))
    return True


def approvals(tx: Connection, digest: str, before: str) -> list[Approval]:
    """Return which administrators approved a policy after another one, the first one first.

    Who is no administrator any more does not count.
    """
    this = (policy_approval.c.digest == digest) & (policy_approval.c.before == before)
    query = select(person, policy_approval.c.at).join(policy_approval).where(this)
    rows = tx.execute(query.order_by(policy_approval.c.at, person.c.number))
    found = [Approval(person_of(row), row.at) for row in rows]
    return [one for one in found if Role.ADMINISTRATOR in one.who.roles]
