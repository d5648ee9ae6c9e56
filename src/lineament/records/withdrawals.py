"""Withdrawals: what was taken back, and what is still to be removed of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, literal, or_, select, update

from lineament.records.images import add_to_count
from lineament.records.schema import (
    collection,
    face,
    image,
    ingest,
    rejection,
    removal,
    template,
    withdrawal,
)

_AT_ONCE = 1_000  # ids in one statement


class By(StrEnum):
    """Whose will a withdrawal is."""

    PERSON = "person"
    GRANTOR = "grantor"
    CURATOR = "curator"
    RETENTION = "retention"


class Scope(StrEnum):
    """What is named in a withdrawal."""

    FACE = "face"
    IMAGE = "image"
    SOURCE = "source"
    COLLECTION = "collection"


@dataclass(frozen=True)
class Withdrawal:
    """What was withdrawn from one collection.

    ``subject`` holds ids of what was named and of the photographs that went: they name nobody once these are
    gone. ``erased_at`` and ``proof`` are None while ``files``, the names of stored files, are to be removed.
    """

    id: str
    person_id: str
    recorded_at: str
    by: By
    scope: Scope
    collection_id: str
    subject: Mapping[str, Any]
    salt: bytes
    images: int
    faces: int
    files: tuple[str, ...]
    erased_at: str | None = None
    proof: Mapping[str, Any] | None = None


def images_of(tx: Connection, scope: Scope, name: str) -> list[str]:
    """Return the ids of the images that a name means: a face's, the image itself, a source's, a collection's.

    A source is an address of a photograph or of its page, or the beginning of one up to a slash. A collection
    is named by its id.
    """
    if scope is Scope.FACE:
        query = select(face.c.image_id).where(face.c.id == name)
    elif scope is Scope.IMAGE:
        query = select(image.c.id).where(image.c.id == name)
    elif scope is Scope.COLLECTION:
        query = select(image.c.id).where(image.c.collection_id == name)
    else:
        addresses = (image.c.source_url, image.c.page_url)
        found = [address == name for address in addresses]
        if name.endswith("/"):
            after = name[:-1] + "0"  # which follows the slash in Unicode
            found += [(address >= name) & (address < after) for address in addresses]
        query = select(image.c.id).where(or_(*found))
    return list(tx.scalars(query))


def copies_of(tx: Connection, image_ids: Iterable[str]) -> list[str]:
    """Return the ids of the other images, in any collection, that are nearly the same as one of these."""
    given = set(image_ids)
    groups: set[str] = set()
    for some in _lots(given):
        groups.update(tx.scalars(select(image.c.group_id).where(image.c.id.in_(some))))
    found: set[str] = set()
    for some in _lots(groups):
        found.update(tx.scalars(select(image.c.id).where(image.c.group_id.in_(some))))
    return sorted(found - given)


def by_collection(tx: Connection, image_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return image ids by the id of the collection that they are in, without those that are not there."""
    there: dict[str, list[str]] = {}
    for some in _lots(image_ids):
        rows = tx.execute(select(image.c.id, image.c.collection_id).where(image.c.id.in_(some)))
        for row in rows:
            there.setdefault(row.collection_id, []).append(row.id)
    return {collection_id: sorted(there[collection_id]) for collection_id in sorted(there)}


def faces_in(tx: Connection, image_ids: Iterable[str]) -> list[str]:
    """Return the ids of the faces in these images."""
    return [
        face_id
        for some in _lots(image_ids)
        for face_id in tx.scalars(select(face.c.id).where(face.c.image_id.in_(some)).order_by(face.c.id))
    ]


def marks_of(tx: Connection, image_ids: Iterable[str]) -> list[tuple[str, bytes]]:
    """Return what these images are known by: the SHA-256 of each, and the 32 bytes that near copies share."""
    return [
        (row.sha256, row.phash)
        for some in _lots(image_ids)
        for row in tx.execute(select(image.c.sha256, image.c.phash).where(image.c.id.in_(some)))
    ]


def take_out(tx: Connection, collection_id: str, image_ids: Iterable[str], revision: int) -> int:
    """Delete images of one collection with their faces, their templates of every contract and their keys.

    What its ingests reported of them, such as that one has no face, goes as well. An index learns from
    ``revision`` that the faces are gone. Returns how many faces there were.
    """
    faces = 0
    ingests = select(ingest.c.id).where(ingest.c.collection_id == collection_id)
    for some in _lots(image_ids):
        theirs = select(face.c.id).where(face.c.image_id.in_(some))
        of_them = template.c.face_id.in_(theirs)
        counted = select(template.c.contract, func.count().label("templates")).where(of_them)
        for row in tx.execute(counted.group_by(template.c.contract)).all():
            add_to_count(tx, row.contract, collection_id, -row.templates)
        gone = select(face.c.id, literal(revision)).where(face.c.image_id.in_(some))
        faces += tx.execute(insert(removal).from_select(["face_id", "revision"], gone)).rowcount
        tx.execute(delete(template).where(of_them))
        tx.execute(delete(face).where(face.c.image_id.in_(some)))
        paths = select(image.c.path).where(image.c.id.in_(some))
        reported = rejection.c.ingest_id.in_(ingests) & rejection.c.path.in_(paths)
        tx.execute(delete(rejection).where(reported))
        tx.execute(delete(image).where(image.c.id.in_(some)))
    return faces


def add(tx: Connection, new: Withdrawal) -> None:
    """Record a withdrawal."""
    values = vars(new) | {"subject": dict(new.subject), "files": list(new.files)}
    tx.execute(insert(withdrawal).values(values))


def get(tx: Connection, withdrawal_id: str) -> Withdrawal | None:
    """Return a withdrawal, if it is there."""
    row = tx.execute(select(withdrawal).where(withdrawal.c.id == withdrawal_id)).first()
    return _withdrawal(row) if row else None


def newest(tx: Connection, limit: int) -> list[tuple[Withdrawal, str | None]]:
    """Return withdrawals with the names of their collections, the newest first."""
    query = (
        select(withdrawal, collection.c.name.label("collection"))
        .outerjoin(collection, collection.c.id == withdrawal.c.collection_id)
        .order_by(withdrawal.c.recorded_at.desc(), withdrawal.c.id)
    )
    return [(_withdrawal(row), row.collection) for row in tx.execute(query.limit(limit))]


def ids(tx: Connection) -> list[str]:
    """Return the ids of all withdrawals, the oldest first."""
    return list(tx.scalars(select(withdrawal.c.id).order_by(withdrawal.c.recorded_at, withdrawal.c.id)))


def unfinished(tx: Connection) -> list[str]:
    """Return the ids of the withdrawals whose absence has yet to be proved, the oldest first."""
    waiting = select(withdrawal.c.id).where(withdrawal.c.erased_at.is_(None))
    return list(tx.scalars(waiting.order_by(withdrawal.c.recorded_at, withdrawal.c.id)))


def finish(tx: Connection, withdrawal_id: str, proof: Mapping[str, Any], erased_at: str) -> bool:
    """Record that a withdrawal's erasure is proved; return False where that is on record already."""
    mine = (withdrawal.c.id == withdrawal_id) & withdrawal.c.erased_at.is_(None)
    values = {"erased_at": erased_at, "proof": dict(proof), "files": []}
    return tx.execute(update(withdrawal).where(mine).values(values)).rowcount == 1


def left_of(tx: Connection, one: Withdrawal) -> int:
    """Return how many rows of images and faces there still are for the files that a withdrawal took."""
    left = 0
    for some in _lots(one.files):
        for table, column in ((image, image.c.id), (face, face.c.image_id)):
            there = select(func.count()).select_from(table).where(column.in_(some))
            left += tx.execute(there).scalar_one()
    return left


def _lots(names: Iterable[str]) -> Iterator[list[str]]:
    listed = list(names)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def _withdrawal(row: Row[Any]) -> Withdrawal:
    values = {name: value for name, value in row._mapping.items() if name != "collection"}
    return Withdrawal(
        **values | {"by": By(row.by), "scope": Scope(row.scope), "files": tuple(row.files)},
    )
