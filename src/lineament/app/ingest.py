"""Ingest: from a source into a collection, under a permission in force.

Resumable: an image is known by its digest, its collection and the template contract. Each batch commits
whole with its ledger entry, so that a stop at any moment loses at most the batch in hand.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lineament.app import collections as app_collections
from lineament.app.installation import Installation, require
from lineament.app.journal import Act, act
from lineament.core.faces import DetectedFace
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.core.words import counted
from lineament.errors import FaceTooSmall, NoFace, PermissionNotInForce, PhotographError, SourceError
from lineament.ledger import commitment
from lineament.records import collections, images, ingests
from lineament.records.collections import Collection
from lineament.records.images import Image, Provenance
from lineament.records.ingests import Rejected
from lineament.sources import Item, Source, Unreadable
from lineament.vision.pipeline import Vision

BATCH = 32


@dataclass
class Report:
    """What an ingest did. ``known`` images were there already; ``rejected`` lists the no-face ones too."""

    new: int = 0
    faces: int = 0
    known: int = 0
    no_face: int = 0
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """One photograph that went through vision: n usable faces and their (n, D) float32 templates.

    ``why_none`` says why no face is usable, where none is.
    """

    item: Item
    data: bytes
    digest: str
    media_type: str
    size: tuple[int, int]
    faces: list[DetectedFace]
    templates: NDArray[np.float32]
    why_none: PhotographError | None


@dataclass(frozen=True)
class _Known:
    """An image that went through this contract before, and how many faces it has."""

    path: str
    faces: int


_Outcome = _Prepared | _Known | Rejected


def ingest(
    installation: Installation,
    who: Person,
    collection_name: str,
    source: Source,
    on_progress: Callable[[int], None],
) -> Report:
    """Take a source's photographs into a collection; ``on_progress`` gets the number of items done.

    Raises CollectionNotFound, or PermissionNotInForce also when the permission ends half-way; what was
    committed by then stays. A file that cannot be used is reported and the rest goes on.
    """
    require(who, Role.CURATOR)
    collection = require_permission(installation, collection_name)
    ingest_id, salt, report = installation.new_id(), installation.new_salt(), Report()
    with installation.records.write() as tx:
        total = source.size
        ingests.start_ingest(tx, ingest_id, collection.id, who.id, "", total, salt, installation.clock())
    done = 0
    prepare = partial(_prepare, installation, collection.id)
    with (
        ThreadPoolExecutor(os.cpu_count()) as threads,
        closing(_prepared(threads, prepare, source)) as batches,
    ):
        for outcomes in batches:
            with act(installation) as doing:
                current = collections.list_collections(doing.tx, [collection_name])[0]
                _require_in_force(installation, current)
                _commit(installation, doing, who, current, ingest_id, salt, outcomes, report)
            done += len(outcomes)
            on_progress(done)
    with act(installation) as doing:
        now = installation.clock()
        counts = {
            "new": report.new,
            "known": report.known,
            "no_face": report.no_face,
            "rejected": len(report.rejected) - report.no_face,
            "corrected": 0,
            "withheld": 0,
        }
        ingests.update_ingest(doing.tx, ingest_id, counts, now, finished=True)
        doing.record(
            "ingest.finished", at=iso(now), who=who.id, collection=collection.id, ingest=ingest_id, **counts
        )
    return report


def require_permission(installation: Installation, name: str) -> Collection:
    """Return a collection into which photographs may be taken now.

    Raises CollectionNotFound or PermissionNotInForce.
    """
    collection = app_collections.find(installation, name)
    _require_in_force(installation, collection)
    return collection


def _require_in_force(installation: Installation, collection: Collection) -> None:
    permission, now = collection.permission, installation.clock()
    if permission is None:
        raise PermissionNotInForce(f"No permission is recorded for '{collection.name}'.")
    if not permission.in_force(now):
        raise PermissionNotInForce(f"The permission for '{collection.name}' is {permission.standing(now)}.")


def _prepared(
    threads: Executor, prepare: Callable[[Item | Unreadable], _Outcome], source: Iterable[Item | Unreadable]
) -> Generator[list[_Outcome], None, None]:
    """Yield batches of outcomes; the next batch is worked on while one is written to the records."""
    iterator = iter(source)
    ahead: deque[list[Future[_Outcome]]] = deque()
    try:
        while (batch := list(islice(iterator, BATCH))) or ahead:
            if batch:
                ahead.append([threads.submit(prepare, one) for one in batch])
            if len(ahead) > 1 or not batch:
                yield [future.result() for future in ahead.popleft()]
    finally:
        for future in chain.from_iterable(ahead):
            future.cancel()


def _prepare(installation: Installation, collection_id: str, item: Item | Unreadable) -> _Outcome:
    """Bring one file through vision; touches no record but to ask whether the image is known."""
    if isinstance(item, Unreadable):
        return Rejected(item.path, item.error.code, str(item.error))
    try:
        data = item.read()
        digest = sha256(data).hexdigest()
        with installation.records.read() as tx:
            faces = images.known_faces(tx, collection_id, digest, installation.vision.contract)
        if faces is not None:
            if faces:
                _put_back(installation, collection_id, digest, data)
            return _Known(item.path, faces)
        return _through_vision(installation.vision, item, data, digest)
    except (PhotographError, SourceError) as error:
        return Rejected(item.path, error.code, str(error))


def _put_back(installation: Installation, collection_id: str, digest: str, data: bytes) -> None:
    """Store the bytes of a known photograph again, where the stored file was lost."""
    with installation.records.read() as tx:
        there = images.find_image(tx, collection_id, digest)
        if there is None:
            return
        key = images.image_key(tx, installation.keys, there)
    if not installation.blobs.holds(there.id, key):
        installation.blobs.put(there.id, data, key)


def _through_vision(vision: Vision, item: Item, data: bytes, digest: str) -> _Prepared:
    photograph = vision.read(data)
    found = vision.detect(photograph)
    faces = [face for face in found if face.quality.usable]
    why_none: PhotographError | None = None
    if not found:
        why_none = NoFace("No face was found in this photograph.")
    elif not faces:
        why_none = FaceTooSmall(f"{counted(len(found), 'face')} found, too small to compare.")
    return _Prepared(
        item=item,
        data=data,
        digest=digest,
        media_type=photograph.media_type,
        size=(photograph.width, photograph.height),
        faces=faces,
        templates=vision.embed(photograph, faces),
        why_none=why_none,
    )


def _commit(
    installation: Installation,
    doing: Act,
    who: Person,
    collection: Collection,
    ingest_id: str,
    salt: bytes,
    outcomes: list[_Outcome],
    report: Report,
) -> None:
    """Write one batch: images, faces, templates, rejections, and one entry for what is new."""
    contract = installation.vision.contract
    prepared: dict[str, _Prepared] = {}
    for one in outcomes:
        if isinstance(one, _Prepared):
            prepared.setdefault(one.digest, one)  # the same bytes twice: the first row counts
    fresh = [
        one
        for one in prepared.values()
        if images.known_faces(doing.tx, collection.id, one.digest, contract) is None
    ]
    faceless = [
        Rejected(one.item.path, one.why_none.code, str(one.why_none)) for one in fresh if one.why_none
    ]
    faceless += [
        Rejected(one.path, NoFace.code, "No usable face was found in this photograph before.")
        for one in outcomes
        if isinstance(one, _Known) and one.faces == 0
    ]
    unusable = [one for one in outcomes if isinstance(one, Rejected)]
    for reject in unusable + faceless:
        ingests.add_rejection(doing.tx, ingest_id, reject)
    if fresh:
        revision = collections.next_revision(doing.tx, collection.id)
        for one in fresh:
            _add(installation, doing.tx, collection.id, ingest_id, one, revision)
        doing.record(
            "ingest.batch",
            at=iso(installation.clock()),
            who=who.id,
            collection=collection.id,
            ingest=ingest_id,
            revision=revision,
            contract=contract,
            images=len(fresh),
            faces=sum(len(one.faces) for one in fresh),
            content=commitment(salt, "".join(sorted(one.digest for one in fresh)).encode()),
        )
    new = sum(bool(one.faces) for one in fresh)
    report.new += new
    report.faces += sum(len(one.faces) for one in fresh)
    report.no_face += len(faceless)
    report.known += len(outcomes) - new - len(faceless) - len(unusable)
    report.rejected += unusable + faceless


def _add(
    installation: Installation,
    tx: Connection,
    collection_id: str,
    ingest_id: str,
    one: _Prepared,
    revision: int,
) -> None:
    """Write one image with its faces. The bytes of a photograph without a usable face are not kept."""
    item, contract = one.item, installation.vision.contract
    provenance = Provenance(
        path=item.path,
        source_url=item.source_url,
        page_url=item.page_url,
        caption=item.caption,
        date=item.date,
        credit=item.credit,
        licence=item.licence,
        extra=dict(item.extra),
        version=item.version,
    )
    width, height = one.size
    new_id = installation.new_id()
    image = Image(
        id=new_id,
        collection_id=collection_id,
        sha256=one.digest,
        media_type=one.media_type,
        width=width,
        height=height,
        provenance=provenance,
        phash=bytes(32),
        group_id=new_id,
    )
    image_id, key = images.put_image(tx, installation.keys, image, contract, ingest_id)
    if one.faces and not installation.blobs.holds(image_id, key):
        installation.blobs.put(image_id, one.data, key)
    for detected, template in zip(one.faces, one.templates, strict=True):
        images.add_face(
            tx, installation.new_id(), image_id, key, collection_id, detected, contract, template, revision
        )
