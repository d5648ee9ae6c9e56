"""Collections: each begins with a recorded permission, and every change of it is a new version on record."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.installation import Installation, require
from lineament.app.journal import Act, act
from lineament.core.dpv import parse_jsonld
from lineament.core.jsontext import json_bytes
from lineament.core.permission import (
    BESIDES_SEARCHES,
    Permission,
    Status,
    Version,
    WithdrawalReason,
    parse_permission,
)
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.core.words import is_plain, plain
from lineament.errors import (
    CollectionExists,
    CollectionNotFound,
    InvalidRequest,
    PermissionInvalid,
    SourceError,
)
from lineament.ledger import commitment
from lineament.records import collections, images
from lineament.records.collections import Collection
from lineament.sources import read_file


@dataclass(frozen=True)
class Contents:
    """How many photographs with a face a collection holds, and how many faces that can be searched."""

    images: int
    faces: int


@dataclass(frozen=True)
class History:
    """A collection and the versions of its permission, oldest first, with the names of who recorded them."""

    collection: Collection
    versions: tuple[tuple[Version, str], ...]


_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TITLE_LENGTH_MAX = 200  # characters
_JSON_LD = {".jsonld", ".json"}


def read_permission(installation: Installation, file: Path) -> Permission:
    """Read a permission file and keep its evidence, which lies beside it. Raises PermissionInvalid.

    The file is JSON-LD where its name ends in .jsonld or .json, and else TOML.
    """
    parse = parse_jsonld if file.suffix.lower() in _JSON_LD else parse_permission

    def keep_evidence(name: str) -> str:
        evidence = read_file(file.parent / name, name)
        if not evidence.strip() or (file.parent / name).samefile(file):
            raise PermissionInvalid(
                f"'evidence' must be a document that proves the permission; '{name}' is not."
            )
        return installation.documents.put(evidence)

    try:
        permission = parse(read_file(file).decode("utf-8-sig"), keep_evidence)
    except UnicodeDecodeError as error:
        raise PermissionInvalid("The permission file is not text in UTF-8.") from error
    except SourceError as error:
        raise PermissionInvalid(f"The permission file or its evidence cannot be used: {error}") from error
    for purpose in permission.purposes:
        if purpose not in (*installation.policy.purposes, *BESIDES_SEARCHES):
            known = ", ".join([*installation.policy.purposes, *BESIDES_SEARCHES])
            raise PermissionInvalid(f"'purposes' names '{plain(purpose)}'; there are: {known}.")
    if permission.status is Status.WITHDRAWN:
        raise PermissionInvalid(
            "'status' is withdrawn: `lineament collections withdraw-permission` records that of a collection."
        )
    return permission


def add(installation: Installation, who: Person, name: str, title: str, permission: Permission) -> bool:
    """Create a collection under a permission. Returns False when the very same one is there already.

    Under a draft nothing can be taken in or searched. Raises CollectionExists when the name is taken by
    another one.
    """
    require(who, Role.CURATOR)
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"'{plain(name)}' is no name for a collection: use at most 40 small letters, digits and hyphens, "
            "and begin with a letter or digit."
        )
    if not title.strip() or not is_plain(title) or len(title) > TITLE_LENGTH_MAX:
        raise InvalidRequest(f"The title must be plain text of 1 to {TITLE_LENGTH_MAX} characters.")
    with act(installation) as doing:
        permission = permission.recorded_after([])
        there = collections.list_collections(doing.tx, [name])
        if there and (there[0].title, there[0].permission) == (title, permission):
            return False
        if there:
            raise CollectionExists(f"There is another collection named '{name}'.")
        collection_id, now = installation.new_id(), installation.clock()
        collections.add_collection(doing.tx, collection_id, name, title, now)
        installation.keys.add(doing.tx, collection_id)
        doing.record("collection.created", at=iso(now), who=who.id, collection=collection_id)
        _record_permission(installation, doing, who, collection_id, permission)
    return True


def permit(installation: Installation, who: Person, name: str, permission: Permission) -> Permission:
    """Record a new version of a collection's permission and return it; it counts from the next search on.

    It is recorded as narrowed where it allows less than an earlier version did and nothing that it did not.
    Raises CollectionNotFound, and PermissionInvalid for a draft of what was given or withdrawn before.
    """
    require(who, Role.CURATOR)
    with act(installation) as doing:
        collection = _find(doing.tx, name)
        earlier = [one.permission for one, _name in collections.versions(doing.tx, collection.id)]
        if permission.status is Status.DRAFT and any(one.status is not Status.DRAFT for one in earlier):
            raise PermissionInvalid(
                f"'status' is draft, and '{name}' has had more than a draft: it would hide what was recorded."
            )
        permission = permission.recorded_after(earlier)
        _record_permission(installation, doing, who, collection.id, permission)
    return permission


def withdraw_permission(
    installation: Installation, who: Person, name: str, reason: WithdrawalReason
) -> Permission | None:
    """Record that a collection's permission was withdrawn, and return it; None where it was before.

    From the next search on nothing of the collection is compared or shown. It stays so until a new permission
    is given. Raises CollectionNotFound.
    """
    require(who, Role.CURATOR)
    with act(installation) as doing:
        return end_permission(installation, doing, who, _find(doing.tx, name), reason)


def end_permission(
    installation: Installation, doing: Act, who: Person, collection: Collection, reason: WithdrawalReason
) -> Permission | None:
    """Record within an act that a permission was withdrawn, and return it; None where it was before."""
    before = collection.permission
    if before is None or before.status is Status.WITHDRAWN:
        return None
    withdrawn = replace(before, status=Status.WITHDRAWN, reason=reason)
    _record_permission(installation, doing, who, collection.id, withdrawn)
    return withdrawn


def history(installation: Installation, name: str) -> History:
    """Return a collection with every version of its permission. Raises CollectionNotFound."""
    with installation.records.read() as tx:
        collection = _find(tx, name)
        return History(collection, tuple(collections.versions(tx, collection.id)))


def show(installation: Installation) -> list[Collection]:
    """Return every collection with its newest permission."""
    with installation.records.read() as tx:
        return collections.list_collections(tx)


def with_faces(installation: Installation) -> list[tuple[Collection, int]]:
    """Return every collection with the number of its faces that can be searched."""
    with installation.records.read() as tx:
        faces = images.count_faces(tx, installation.vision.contract)
        return [(one, faces.get(one.id, 0)) for one in collections.list_collections(tx)]


def stock(installation: Installation) -> list[tuple[Collection, Contents]]:
    """Return every collection with what it holds. Counting images takes far longer than counting faces."""
    contract = installation.vision.contract
    with installation.records.read() as tx:
        faces, pictures = images.count_faces(tx, contract), images.count_images(tx, contract)
        there = collections.list_collections(tx)
    return [(one, Contents(pictures.get(one.id, 0), faces.get(one.id, 0))) for one in there]


def allowing(installation: Installation, purpose: str) -> list[str]:
    """Return the names of the collections whose permission allows a purpose now."""
    with installation.records.read() as tx:
        return [one.name for one in eligibility.permitted(tx, purpose, installation.clock())]


def find(installation: Installation, name: str) -> Collection:
    """Return one collection. Raises CollectionNotFound."""
    with installation.records.read() as tx:
        return _find(tx, name)


def _find(tx: Connection, name: str) -> Collection:
    there = collections.list_collections(tx, [name]) if is_plain(name) else []
    if not there:
        raise CollectionNotFound(f"There is no collection named '{plain(name)}'.")
    return there[0]


def _record_permission(
    installation: Installation, doing: Act, who: Person, collection_id: str, permission: Permission
) -> None:
    salt, now = installation.new_salt(), installation.clock()
    version = collections.add_permission(doing.tx, collection_id, permission, salt, who.id, now)
    doing.record(
        "permission.recorded",
        at=iso(now),
        who=who.id,
        collection=collection_id,
        version=version,
        state=permission.status.value,
        document=commitment(salt, sha256(json_bytes(permission.document())).digest()),
        valid_from=iso(permission.valid_from),
        valid_until=iso(permission.valid_until) if permission.valid_until else None,
    )
