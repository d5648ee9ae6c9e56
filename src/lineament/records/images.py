"""Images, their faces and templates, and the ingests that brought them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, insert, select, update

from lineament.core.faces import DetectedFace
from lineament.core.quality import Quality
from lineament.core.times import iso
from lineament.records.schema import collection, face, face_count, image, ingest, rejection, template

_AT_ONCE = 10_000  # templates in memory while an index follows


@dataclass(frozen=True)
class Provenance:
    """Where one image comes from. ``path`` is its place in the source; ``extra`` is all else."""

    path: str
    source_url: str | None
    page_url: str | None
    caption: str | None
    credit: str | None
    extra: Mapping[str, str]


@dataclass(frozen=True)
class Image:
    """One stored photograph. ``sha256`` names its bytes in the blobs; sizes are px of the upright image."""

    id: str
    collection_id: str
    sha256: str
    media_type: str
    width: int
    height: int
    provenance: Provenance


@dataclass(frozen=True)
class StoredFace:
    """One face in one stored image, with the name of the collection it belongs to."""

    id: str
    image: Image
    collection: str
    detected: DetectedFace


@dataclass(frozen=True, eq=False)
class NewTemplates:
    """Templates that an index has yet to apply: n ids, n collection ids and an (n, D) float32 matrix.

    They are all that was added up to ``revision`` and has not come before.
    """

    face_ids: list[str]
    collection_ids: list[str]
    vectors: NDArray[np.float32]
    revision: int


def known_faces(tx: Connection, collection_id: str, sha256: str, contract: str) -> int | None:
    """Return how many faces of these bytes a collection has under a contract.

    None when the bytes are not there, or have yet to go through this contract.
    """
    mine = (image.c.collection_id == collection_id) & (image.c.sha256 == sha256)
    row = tx.execute(select(image.c.id, image.c.contract).where(mine)).first()
    if row is None:
        return None
    of_contract = (face.c.image_id == row.id) & (template.c.contract == contract)
    count = tx.execute(select(func.count()).select_from(face.join(template)).where(of_contract)).scalar_one()
    return count if count or row.contract == contract else None


def put_image(tx: Connection, new: Image, contract: str, ingest_id: str) -> str:
    """Record that an image went through ``contract`` and return its id.

    Bytes that are there under an older contract keep their id and take the new provenance.
    """
    values = vars(new) | vars(new.provenance) | {"contract": contract, "ingest_id": ingest_id}
    del values["provenance"]
    mine = (image.c.collection_id == new.collection_id) & (image.c.sha256 == new.sha256)
    there = tx.scalar(select(image.c.id).where(mine))
    if there is None:
        tx.execute(insert(image).values(values))
        return new.id
    tx.execute(update(image).where(mine).values(values | {"id": there}))
    return str(there)


def add_face(
    tx: Connection,
    face_id: str,
    image_id: str,
    collection_id: str,
    detected: DetectedFace,
    contract: str,
    vector: NDArray[np.float32],
    revision: int,
) -> None:
    """Record a face and its (D,) float32 template under one contract."""
    tx.execute(insert(face).values(id=face_id, image_id=image_id, **face_document(detected)))
    tx.execute(
        insert(template).values(
            face_id=face_id,
            contract=contract,
            collection_id=collection_id,
            revision=revision,
            vector=vector.astype("<f4").tobytes(),
        )
    )
    mine = (face_count.c.contract == contract) & (face_count.c.collection_id == collection_id)
    if not tx.execute(update(face_count).where(mine).values(faces=face_count.c.faces + 1)).rowcount:
        tx.execute(insert(face_count).values(contract=contract, collection_id=collection_id, faces=1))


def templates_since(tx: Connection, contract: str, after: int, up_to: int) -> Iterator[NewTemplates]:
    """Yield the templates of one contract that were added by revisions in (after, up_to], in their order.

    What comes last is of the revision ``up_to``, and may hold none.
    """
    rows = tx.execute(
        select(template.c.face_id, template.c.collection_id, template.c.vector, template.c.revision)
        .where(template.c.contract == contract, template.c.revision > after, template.c.revision <= up_to)
        .order_by(template.c.revision)
        .execution_options(yield_per=_AT_ONCE)
    )
    waiting: list[Row[Any, Any, Any, Any]] = []
    for revision, added in groupby(rows, key=lambda row: int(row.revision)):
        if len(waiting) >= _AT_ONCE:
            yield _new_templates(waiting, revision - 1)
            waiting = []
        waiting.extend(added)
    yield _new_templates(waiting, up_to)


def _new_templates(rows: Sequence[Row[Any, Any, Any, Any]], revision: int) -> NewTemplates:
    vectors = np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(len(rows), -1 if rows else 0)
    return NewTemplates([row.face_id for row in rows], [row.collection_id for row in rows], vectors, revision)


def templates_of(tx: Connection, contract: str, face_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return the (D,) float32 templates of these faces under one contract, by face id."""
    rows = tx.execute(
        select(template).where(template.c.contract == contract, template.c.face_id.in_(face_ids))
    )
    return {row.face_id: np.frombuffer(row.vector, "<f4") for row in rows}


def images(tx: Connection, image_ids: Sequence[str]) -> list[Image]:
    """Return these images in the order of their ids."""
    rows = tx.execute(select(image).where(image.c.id.in_(image_ids)).order_by(image.c.id))
    return [_image(row) for row in rows.mappings()]


def waiting_for(tx: Connection, contract: str) -> dict[str, list[str]]:
    """Return the ids of the stored photographs that have yet to go through a contract, by collection id.

    The bytes of a photograph in which no face was found are not stored, and so it is none of them.
    """
    of_image = face.c.image_id == image.c.id
    has_face = select(face.c.id).where(of_image).exists()
    has_template = (
        select(face.c.id)
        .join(template, template.c.face_id == face.c.id)
        .where(of_image, template.c.contract == contract)
        .exists()
    )
    rows = tx.execute(
        select(image.c.collection_id, image.c.id)
        .where(image.c.contract != contract, has_face, ~has_template)
        .order_by(image.c.id)
    )
    waiting: dict[str, list[str]] = {}
    for row in rows:
        waiting.setdefault(row.collection_id, []).append(row.id)
    return waiting


def count_faceless(tx: Connection, contract: str) -> int:
    """Return how many images without any face have yet to go through a contract."""
    has_face = select(face.c.id).where(face.c.image_id == image.c.id).exists()
    return tx.execute(
        select(func.count()).select_from(image).where(image.c.contract != contract, ~has_face)
    ).scalar_one()


def faces(tx: Connection, face_ids: Sequence[str]) -> dict[str, StoredFace]:
    """Return these faces with their images, by face id; ids that are not there are left out."""
    query = (
        select(image, *_FACE, collection.c.name.label("collection"))
        .join_from(face, image)
        .join(collection)
        .where(face.c.id.in_(face_ids))
    )
    return {row["face_id"]: _stored_face(row) for row in tx.execute(query).mappings()}


def faces_of_image(tx: Connection, image_id: str) -> list[StoredFace]:
    """Return the faces found in one image."""
    ids = tx.scalars(select(face.c.id).where(face.c.image_id == image_id).order_by(face.c.id)).all()
    return list(faces(tx, ids).values())


def start_ingest(
    tx: Connection, ingest_id: str, collection_id: str, by: str, salt: bytes, now: datetime
) -> None:
    """Record that an ingest began."""
    row = {"id": ingest_id, "collection_id": collection_id, "person_id": by, "salt": salt}
    tx.execute(insert(ingest).values(row | {"started_at": iso(now)}))


def add_rejection(tx: Connection, ingest_id: str, path: str, code: str, sentence: str) -> None:
    """Record one file that an ingest could not use, and why."""
    tx.execute(insert(rejection).values(ingest_id=ingest_id, path=path, code=code, sentence=sentence))


def finish_ingest(tx: Connection, ingest_id: str, counts: Mapping[str, int], now: datetime) -> None:
    """Record how an ingest ended."""
    tx.execute(
        update(ingest).where(ingest.c.id == ingest_id).values(finished_at=iso(now), counts=dict(counts))
    )


def count_faces(tx: Connection, contract: str) -> dict[str, int]:
    """Return how many faces of one contract each collection has, by its id; empty ones are left out."""
    rows = tx.execute(select(face_count).where(face_count.c.contract == contract))
    return {row.collection_id: row.faces for row in rows}


def faces_by_contract(tx: Connection) -> dict[str, int]:
    """Return how many faces have a template of each contract."""
    total = func.sum(face_count.c.faces).label("faces")
    rows = tx.execute(select(face_count.c.contract, total).group_by(face_count.c.contract))
    return {row.contract: row.faces for row in rows}


def count_images(tx: Connection, contract: str) -> dict[str, int]:
    """Return how many images with a face of one contract each collection has, by its id."""
    counted = (
        select(template.c.collection_id, func.count(face.c.image_id.distinct()).label("images"))
        .select_from(template.join(face))
        .where(template.c.contract == contract)
        .group_by(template.c.collection_id)
    )
    return {row.collection_id: row.images for row in tx.execute(counted)}


def face_document(detected: DetectedFace) -> dict[str, Any]:
    """Return a detected face as JSON values."""
    return {
        "box": detected.box.tolist(),
        "landmarks": detected.landmarks.tolist(),
        "score": float(detected.score),
        "quality": asdict(detected.quality),
        "drawn": detected.drawn,
    }


def face_from_document(document: Mapping[str, Any]) -> DetectedFace:
    """Return the detected face that ``face_document`` wrote."""
    return DetectedFace(
        np.asarray(document["box"], np.float32),
        np.asarray(document["landmarks"], np.float32),
        document["score"],
        Quality(**document["quality"]),
        document["drawn"],
    )


_FACE = (face.c.id.label("face_id"), face.c.box, face.c.landmarks, face.c.score, face.c.quality, face.c.drawn)


def _image(row: Mapping[Any, Any]) -> Image:
    said = {name: row[name] for name in ("path", "source_url", "page_url", "caption", "credit", "extra")}
    plain = {name: row[name] for name in ("id", "collection_id", "sha256", "media_type", "width", "height")}
    return Image(**plain, provenance=Provenance(**said))


def _stored_face(row: Mapping[Any, Any]) -> StoredFace:
    return StoredFace(
        id=row["face_id"],
        image=_image(row),
        collection=row["collection"],
        detected=face_from_document(row),
    )
