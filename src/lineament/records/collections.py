"""Collections and the versions of their permissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from lineament.core.permission import LegalBasis, Permission, Status, Version, WithdrawalReason
from lineament.core.policy import Standing
from lineament.core.times import from_iso, iso
from lineament.records.schema import (
    collection,
    face,
    image,
    permission,
    permission_purpose,
    person,
    state,
    template,
)


@dataclass(frozen=True)
class Collection:
    """A collection with its newest permission."""

    id: str
    name: str
    title: str
    revision: int
    left_out: bool  # when the model pack was changed
    newest: Version | None

    @property
    def permission(self) -> Permission | None:
        """The permission that counts."""
        return self.newest.permission if self.newest else None

    @property
    def standing(self) -> Standing:
        """What the policy gate needs to know."""
        return Standing(self.name, self.permission)


@dataclass(frozen=True)
class Orphan:
    """Faces of one collection that a search for a purpose would reach without a permission for it."""

    collection: str
    purpose: str
    faces: int


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
        "status": terms.status.value,
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
    newest = _newest_versions().subquery()
    query = (
        select(collection, *_VERSION)
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
            newest=_version(row) if row.document else None,
        )
        for row in tx.execute(query)
    ]


def versions(tx: Connection, collection_id: str) -> list[tuple[Version, str]]:
    """Return every version of a collection's permission, oldest first, with the name of who recorded it."""
    query = (
        select(*_VERSION, person.c.name)
        .join(person, person.c.id == permission.c.recorded_by)
        .where(permission.c.collection_id == collection_id)
        .order_by(permission.c.version)
    )
    return [(_version(row), row.name) for row in tx.execute(query)]


def permitted(tx: Connection, purpose: str, now: datetime) -> set[str]:
    """Return the ids of the collections that may be searched for a purpose at ``now``, by SQL alone.

    A second opinion beside ``Permission.allows``: it reads the columns, and not the documents.
    """
    return set(tx.scalars(_permitted(purpose, now)))


def orphans(tx: Connection, purpose: str, reachable: Sequence[str], now: datetime) -> list[Orphan]:
    """Return what a search for a purpose would reach without a permission for it. There must be none.

    ``reachable`` are the ids of the collections that such a search may compare. Their faces are those whose
    templates say so; the permission that must be in force is that of the collection which holds the image.
    """
    faces = func.count(face.c.id.distinct()).label("faces")
    query = (
        select(collection.c.name, faces)
        .select_from(template)
        .join(face)
        .join(image)
        .join(collection, collection.c.id == template.c.collection_id)
        .where(
            template.c.collection_id.in_(reachable),
            image.c.collection_id.not_in(_permitted(purpose, now)),
        )
        .group_by(collection.c.name)
        .order_by(collection.c.name)
    )
    return [Orphan(row.name, purpose, row.faces) for row in tx.execute(query)]


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


def _newest_versions() -> Select[Any]:
    newest = func.max(permission.c.version).label("version")
    return select(permission.c.collection_id, newest).group_by(permission.c.collection_id)


def _permitted(purpose: str, now: datetime) -> Select[Any]:
    newest = _newest_versions().subquery()
    until = permission.c.valid_until
    return (
        select(permission.c.collection_id)
        .join(
            newest,
            (newest.c.collection_id == permission.c.collection_id)
            & (newest.c.version == permission.c.version),
        )
        .join(
            permission_purpose,
            (permission_purpose.c.collection_id == permission.c.collection_id)
            & (permission_purpose.c.version == permission.c.version),
        )
        .where(
            permission.c.status.in_((Status.GIVEN.value, Status.NARROWED.value)),
            permission.c.valid_from <= iso(now),
            until.is_(None) | (until > iso(now)),
            permission_purpose.c.purpose == purpose,
        )
    )


_VERSION = (permission.c.version, permission.c.document, permission.c.recorded_by, permission.c.recorded_at)


def _version(row: Row[*tuple[Any, ...]]) -> Version:
    return Version(row.version, _permission(row.document), row.recorded_by, from_iso(row.recorded_at))


def _permission(document: dict[str, Any]) -> Permission:
    until, reason = document["valid_until"], document["reason"]
    return Permission(
        **document
        | {
            "legal_basis": LegalBasis(document["legal_basis"]),
            "purposes": tuple(document["purposes"]),
            "valid_from": from_iso(document["valid_from"]),
            "valid_until": from_iso(until) if until else None,
            "jurisdictions": tuple(document["jurisdictions"]),
            "status": Status(document["status"]),
            "reason": WithdrawalReason(reason) if reason else None,
        }
    )
