"""Collections and the versions of their permissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from lineament.core.permission import LegalBasis, Permission
from lineament.core.policy import Standing
from lineament.core.times import from_iso, iso
from lineament.records.schema import collection, permission, permission_purpose, state


@dataclass(frozen=True)
class Collection:
    """A collection with its newest permission."""

    id: str
    name: str
    title: str
    revision: int
    left_out: bool  # when the model pack was changed
    permission: Permission | None

    @property
    def standing(self) -> Standing:
        """What the policy gate needs to know."""
        return Standing(self.name, self.permission)


def add_collection(tx: Connection, collection_id: str, name: str, title: str, now: datetime) -> None:
    """Record an empty collection."""
    row = {"id": collection_id, "name": name, "title": title, "created_at": iso(now)}
    tx.execute(insert(collection).values(row | {"revision": 0, "left_out": False}))


def add_permission(
    tx: Connection, collection_id: str, terms: Permission, salt: bytes, by: str, now: datetime
) -> int:
    """Record a new version of a collection's permission and return its number, from 1 on."""
    mine = permission.c.collection_id == collection_id
    version = (tx.scalar(select(func.max(permission.c.version)).where(mine)) or 0) + 1
    row = {
        "collection_id": collection_id,
        "version": version,
        "status": "given",
        "valid_from": iso(terms.valid_from),
        "valid_until": iso(terms.valid_until) if terms.valid_until else None,
        "document": terms.document(),
        "salt": salt,
        "recorded_by": by,
        "recorded_at": iso(now),
    }
    tx.execute(insert(permission).values(row))
    of_version = {"collection_id": collection_id, "version": version}
    tx.execute(insert(permission_purpose), [of_version | {"purpose": one} for one in terms.purposes])
    return version


def list_collections(tx: Connection, names: Sequence[str] | None = None) -> list[Collection]:
    """Return all collections, or those of these names that exist, by name."""
    newest = (
        select(permission.c.collection_id, func.max(permission.c.version).label("version"))
        .group_by(permission.c.collection_id)
        .subquery()
    )
    query = (
        select(collection, permission.c.document)
        .outerjoin(newest, newest.c.collection_id == collection.c.id)
        .outerjoin(
            permission,
            (permission.c.collection_id == collection.c.id) & (permission.c.version == newest.c.version),
        )
        .order_by(collection.c.name)
    )
    if names is not None:
        query = query.where(collection.c.name.in_(names))
    return [
        Collection(
            id=row.id,
            name=row.name,
            title=row.title,
            revision=row.revision,
            left_out=row.left_out,
            permission=_permission(row.document) if row.document else None,
        )
        for row in tx.execute(query)
    ]


def next_revision(tx: Connection, collection_id: str) -> int:
    """Raise the revision counter for a change to one collection and return the new value."""
    raised = update(state).values(revision=state.c.revision + 1).returning(state.c.revision)
    revision = int(tx.execute(raised).scalar_one())
    tx.execute(update(collection).where(collection.c.id == collection_id).values(revision=revision))
    return revision


def leave_out(tx: Connection, collection_ids: Sequence[str]) -> None:
    """Record which collections a change of the model pack left out; all others are whole."""
    tx.execute(update(collection).values(left_out=collection.c.id.in_(collection_ids)))


def current_revision(tx: Connection) -> int:
    """Return the newest revision of anything that can be searched."""
    return int(tx.execute(select(state.c.revision)).scalar_one())


def _permission(document: dict[str, Any]) -> Permission:
    until = document["valid_until"]
    return Permission(
        **document
        | {
            "legal_basis": LegalBasis(document["legal_basis"]),
            "purposes": tuple(document["purposes"]),
            "valid_from": from_iso(document["valid_from"]),
            "valid_until": from_iso(until) if until else None,
        }
    )
