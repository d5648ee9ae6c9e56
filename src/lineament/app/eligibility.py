"""Which collections and faces may be compared and shown: the one place where a permission decides.

Nothing is kept of an answer. Every search, every shown list and every picture asks anew, so that a permission
begins and ends by the clock alone and no job has to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from lineament.app import sites
from lineament.app.installation import Installation
from lineament.core.policy import ROLES_FOR, Person, Role, Standing
from lineament.errors import PermissionNotInForce
from lineament.records import collections, images, searches
from lineament.records.collections import Collection, Orphan
from lineament.records.images import StoredFace


def permitted(tx: Connection, purpose: str, now: datetime) -> list[Collection]:
    """Return the collections that may be compared and shown for a purpose at ``now`` (UTC)."""
    return [one for one in collections.list_collections(tx) if _allows(one, purpose, now)]


def standings(tx: Connection, names: Sequence[str]) -> list[Standing]:
    """Return what the policy gate needs to know of these collections, as the records have them now."""
    return [one.standing for one in collections.list_collections(tx, names)]


def faces_for(tx: Connection, face_ids: Sequence[str], purpose: str, now: datetime) -> dict[str, StoredFace]:
    """Return those of these faces that may be shown for a purpose at ``now`` (UTC), by face id."""
    allowed, is_withheld = {one.name for one in permitted(tx, purpose, now)}, sites.withheld(tx)
    faces = images.faces(tx, face_ids)
    return {
        face_id: face
        for face_id, face in faces.items()
        if face.collection in allowed and not is_withheld(face.image)
    }


def may_see(tx: Connection, who: Person, face: StoredFace, now: datetime) -> bool:
    """Say whether the permission lets this person see an image at ``now`` (UTC).

    A curator sees what is in force; anybody else what a search returned that they made or that belongs to a
    case of theirs, while the permission allows that search's purpose.
    """
    (collection,) = collections.list_collections(tx, [face.collection])
    if not in_force(collection, now) or sites.withheld(tx)(face.image):
        return False
    if Role.CURATOR in who.roles:
        return True
    parts = [part for part, roles in ROLES_FOR.items() if roles & who.roles]
    found_for = searches.purposes_that_found(tx, who.id, parts, face.image.id, now)
    return any(_allows(collection, purpose, now) for purpose in found_for)


def in_force(collection: Collection, now: datetime) -> bool:
    """Say whether a collection has a permission in force at ``now`` (UTC), for whatever purpose."""
    return collection.permission is not None and collection.permission.in_force(now)


def require_in_force(collection: Collection, now: datetime) -> None:
    """Raise PermissionNotInForce unless photographs may be taken in at ``now`` (UTC)."""
    permission = collection.permission
    if permission is None:
        raise PermissionNotInForce(f"No permission is recorded for '{collection.name}'.")
    if not permission.in_force(now):
        raise PermissionNotInForce(f"The permission for '{collection.name}' is {permission.standing(now)}.")


def overdue(tx: Connection, now: datetime) -> list[Collection]:
    """Return the collections whose images are to be erased at ``now`` (UTC).

    Their permission has ended, and they were kept for as long after it as it says.
    """
    there = collections.list_collections(tx)
    return [one for one in there if one.newest and one.newest.overdue(now)]


def orphans(installation: Installation) -> list[Orphan]:
    """Return what a search would reach now without a permission in force for its purpose. There must be none.

    Of every purpose, the collections that are permitted here are looked up in the records by another way.
    """
    now = installation.clock()
    with installation.records.read() as tx:
        return [
            orphan
            for purpose in installation.policy.purposes
            for orphan in collections.orphans(
                tx, purpose, [one.id for one in permitted(tx, purpose, now)], now
            )
        ]


def _allows(collection: Collection, purpose: str, now: datetime) -> bool:
    return collection.permission is not None and collection.permission.allows(purpose, now)
