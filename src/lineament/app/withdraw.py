"""Withdrawal: one transaction takes photographs out of a collection, and is on record.

A face is withdrawn with its whole photograph, and so with every other face in it. What a person withdraws
goes with its copies: nearly the same photographs, in every collection. For a grantor or a curator only what
was named goes. From the next search on nothing of it is found; ``erasure.erase`` then takes it from the disk
and proves that it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lineament.app import eligibility, suppression, withdrawals_file
from lineament.app.collections import end_permission, find
from lineament.app.installation import Installation, require
from lineament.app.journal import Act, act
from lineament.core.jsontext import json_bytes
from lineament.core.permission import WithdrawalReason
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.core.words import is_web_address, plain
from lineament.errors import ImageNotFound, InvalidRequest, KeyLost, NotCalibrated, RecordsUnusable
from lineament.ledger import commitment, field_salt
from lineament.records import collections, images, ingests, suppressions, withdrawals
from lineament.records.keys import SUPPRESSION
from lineament.records.suppressions import Suppression
from lineament.records.withdrawals import By, Scope, Withdrawal

PROVED_WITH = 100  # templates of one withdrawal, with which its absence is proved


@dataclass(frozen=True, eq=False)
class Withdrawn:
    """A withdrawal, and what its absence can be proved with: ids of faces that are gone, and their templates.

    ``templates`` (n, D) float32 are some of them at most, and are kept in memory only.
    """

    withdrawal: Withdrawal
    faces: frozenset[str]
    templates: NDArray[np.float32]


@dataclass(frozen=True)
class Reach:
    """What a withdrawal would take: how many photographs and faces of each collection, by its name.

    ``copies`` are ids of images that are nearly the same and would stay.
    """

    taken: dict[str, tuple[int, int]]
    copies: tuple[str, ...]


def reach(installation: Installation, who: Person, scope: Scope, names: Sequence[str], by: By) -> Reach:
    """Return what ``withdraw`` would take. Raises what it raises."""
    require(who, Role.CURATOR)
    meant = _meant(installation, scope, names, by)
    with installation.records.read() as tx:
        wanted = _images(tx, scope, meant, by)
        called = {one.id: one.name for one in collections.list_collections(tx)}
        taken = {
            called[collection_id]: (len(ids), len(withdrawals.faces_in(tx, ids)))
            for collection_id, ids in withdrawals.by_collection(tx, wanted).items()
        }
        return Reach(taken, tuple(withdrawals.copies_of(tx, wanted)))


def withdraw(
    installation: Installation,
    who: Person,
    scope: Scope,
    names: Sequence[str],
    by: By,
    keep_face_out: bool = False,
) -> list[Withdrawn]:
    """Take out what is named; return one withdrawal for each collection that it was in.

    ``names`` are ids of faces or of images, addresses of sources, or names of collections. ``keep_face_out``
    keeps the faces that are named out of every collection from now on, in whatever photograph; that is for
    their person alone to ask. On return the withdrawal is durable, also where an older backup is restored.
    What is left to do, ``erasure.erase`` does.

    Raises RoleMissing, InvalidRequest, ImageNotFound, CollectionNotFound, and NotCalibrated for a face that
    is to be kept out under a model whose error rates were not measured.
    """
    require(who, Role.CURATOR)
    meant = _meant(installation, scope, names, by)
    with act(installation) as doing:
        if scope is Scope.COLLECTION:
            meant = _closed(installation, doing, who, meant, by)
        wanted = _images(doing.tx, scope, meant, by)
        kept_out = _kept_out(installation, doing.tx, scope, meant, by) if keep_face_out else {}
        done = [
            _withdraw(installation, doing, who, scope, meant, by, collection_id, ids, kept_out)
            for collection_id, ids in withdrawals.by_collection(doing.tx, wanted).items()
        ]
        withdrawals_file.keep(installation, doing.tx, [one.withdrawal.id for one in done])
    return done


def _closed(installation: Installation, doing: Act, who: Person, meant: Sequence[str], by: By) -> list[str]:
    """End the permissions of whole collections and return their ids.

    For retention theirs have ended before; those that were given anew in the meantime are left out.
    """
    if by is By.RETENTION:
        overdue = {one.id for one in eligibility.overdue(doing.tx, installation.clock())}
        return [one for one in meant if one in overdue]
    for one in collections.list_collections(doing.tx):
        if one.id in meant:
            end_permission(installation, doing, who, one, WithdrawalReason(by.value))
    return list(meant)


def show(installation: Installation, limit: int) -> list[tuple[Withdrawal, str | None]]:
    """Return the newest withdrawals with the names of their collections, where these are here."""
    with installation.records.read() as tx:
        return withdrawals.newest(tx, limit)


def take_out(
    installation: Installation, doing: Act, new: Withdrawal, suppressed: Sequence[Suppression]
) -> Withdrawal:
    """Delete what a withdrawal is about, as far as it is there; return it as it is then on record."""
    tx, collection_id = doing.tx, new.collection_id
    if new.scope is Scope.COLLECTION:
        there = withdrawals.images_of(tx, new.scope, collection_id)
        ingests.forget_rejections(tx, collection_id)
        _destroy_key(installation, tx, new)
    else:
        there = withdrawals.by_collection(tx, new.subject["images"]).get(collection_id, [])
    revision = collections.next_revision(tx, collection_id)
    faces = withdrawals.take_out(tx, collection_id, there, revision)
    files = tuple(dict.fromkeys([*new.files, *there]))
    new = replace(new, images=len(there), faces=faces, files=files)
    withdrawals.add(tx, new)
    suppressions.add(tx, new.id, suppressed)
    doing.record(
        "withdrawal.recorded",
        at=iso(installation.clock()),
        who=new.person_id,
        withdrawal=new.id,
        by=new.by,
        scope=new.scope,
        collection=collection_id,
        revision=revision,
        images=new.images,
        faces=new.faces,
        subject=commitment(field_salt(new.salt, "subject"), json_bytes(new.subject)),
    )
    return new


def _destroy_key(installation: Installation, tx: Connection, new: Withdrawal) -> None:
    """Destroy the key of a whole collection, which closes it.

    One that was kept for long enough gets another key: under a new permission it may be filled again.
    """
    if new.by is By.RETENTION and new.collection_id in installation.keys.names(tx):
        installation.keys.renew(tx, new.collection_id)
    else:
        installation.keys.destroy(tx, new.collection_id)


def _meant(installation: Installation, scope: Scope, names: Sequence[str], by: By) -> list[str]:
    """Return the names as the records have them: collections by their ids."""
    if scope is Scope.COLLECTION and by is By.PERSON:
        raise InvalidRequest("A whole collection is withdrawn by its grantor or by a curator.")
    if scope is Scope.COLLECTION:
        return [find(installation, name).id for name in names]
    for name in names:
        if scope is Scope.SOURCE and not is_web_address(name):
            raise InvalidRequest(f"'{plain(name)}' is not the address of a photograph, a page or a folder.")
    return list(names)


def _images(tx: Connection, scope: Scope, meant: Sequence[str], by: By) -> list[str]:
    """Return the ids of the images that go, in every collection. Raises ImageNotFound."""
    found: dict[str, None] = {}
    for name in meant:
        there = withdrawals.images_of(tx, scope, name)
        if not there:
            raise ImageNotFound(f"Nothing is here of the {scope} '{plain(name)}'.")
        found |= dict.fromkeys(there)
    if by is By.PERSON:
        found |= dict.fromkeys(withdrawals.copies_of(tx, found))
    return list(found)


def _kept_out(
    installation: Installation, tx: Connection, scope: Scope, meant: Sequence[str], by: By
) -> dict[str, NDArray[np.float32]]:
    """Return the (D,) templates of the faces that are to be kept out, by their ids."""
    if by is not By.PERSON:
        raise InvalidRequest("A face is kept out only where its person asks for it.")
    if suppression.threshold(installation) is None:
        raise NotCalibrated("No face can be kept out: the error rates of this model were not measured.")
    faces = list(meant) if scope is Scope.FACE else withdrawals.faces_in(tx, meant)
    if scope not in {Scope.FACE, Scope.IMAGE} or len(faces) > len(meant):
        raise InvalidRequest("Name the face that is to be kept out, or a photograph in which it is alone.")
    found = images.templates_of(tx, installation.keys, installation.vision.contract, faces)
    if not faces or found.keys() != set(faces):
        raise InvalidRequest("A face that is to be kept out has no template of the model in use.")
    return found


def _withdraw(
    installation: Installation,
    doing: Act,
    who: Person,
    scope: Scope,
    meant: Sequence[str],
    by: By,
    collection_id: str,
    image_ids: Sequence[str],
    kept_out: Mapping[str, NDArray[np.float32]],
) -> Withdrawn:
    """Withdraw what one collection has of it."""
    tx = doing.tx
    faces = withdrawals.faces_in(tx, image_ids)
    templates = _templates(installation, tx, faces[:PROVED_WITH])
    is_whole = scope is Scope.COLLECTION
    new = Withdrawal(
        id=installation.new_id(),
        person_id=who.id,
        recorded_at=iso(installation.clock()),
        by=by,
        scope=scope,
        collection_id=collection_id,
        subject={
            "collection": collection_id,
            "faces": sorted(set(meant) & set(faces)),
            "images": [] if is_whole else list(image_ids),
        },
        salt=installation.new_salt(),
        images=0,
        faces=0,
        files=tuple(image_ids),
    )
    # Into a collection whose key is destroyed nothing can come back; what was kept for long enough may.
    suppressed = [] if is_whole or by is By.RETENTION else _suppressed(installation, tx, image_ids)
    key, contract = installation.keys.get(tx, SUPPRESSION), installation.vision.contract
    for face in sorted(kept_out.keys() & set(faces)):
        suppressed.append(suppressions.of_face(installation.new_id(), key, contract, kept_out[face]))
    return Withdrawn(take_out(installation, doing, new, suppressed), frozenset(faces), templates)


def _suppressed(installation: Installation, tx: Connection, image_ids: Sequence[str]) -> list[Suppression]:
    key = installation.keys.get(tx, SUPPRESSION)
    return [
        suppressions.of_photograph(installation.new_id(), key, sha256, phash)
        for sha256, phash in withdrawals.marks_of(tx, image_ids)
    ]


def _templates(installation: Installation, tx: Connection, face_ids: list[str]) -> NDArray[np.float32]:
    """Return templates to prove absence with: none where they cannot be read, which must not stop anybody."""
    found: dict[str, NDArray[np.float32]] = {}
    with suppress(KeyLost, RecordsUnusable):
        found = images.templates_of(tx, installation.keys, installation.vision.contract, face_ids)
    return np.array(list(found.values()), np.float32).reshape(-1, installation.vision.dimension)
