"""Images with their faces and templates. A template is sealed under its photograph's key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, Text, cast, func, insert, select, update

from lineament.core.faces import DetectedFace
from lineament.core.quality import Quality
from lineament.errors import KeyLost, RecordsUnusable
from lineament.records.keys import Keys
from lineament.records.schema import collection, face, face_count, image, removal, template
from lineament.records.sealed import NotWhole, new_key, seal, unseal

_AT_ONCE = 10_000  # templates in memory while an index follows


@dataclass(frozen=True)
class Provenance:
    """Where one image comes from. ``path`` is its place in the source; ``extra`` is all else.

    ``version`` is what the source says that changes when the bytes do, if it says that.
    """

    path: str
    source_url: str | None = None
    page_url: str | None = None
    caption: str | None = None
    date: str | None = None
    credit: str | None = None
    licence: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True)
class Image:
    """One stored photograph. Its ``id`` names its file; ``sha256`` is of its bytes.

    Sizes are px of the upright image. ``phash`` is what nearly the same photographs share, 32 bytes, and
    ``group_id`` the id of the first image of those that are nearly the same as this one.
    """

    id: str
    collection_id: str
    sha256: str
    media_type: str
    width: int
    height: int
    provenance: Provenance
    phash: bytes
    group_id: str


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


def find_image(tx: Connection, collection_id: str, sha256: str) -> Image | None:
    """Return the image of these bytes in a collection, if it is there."""
    mine = (image.c.collection_id == collection_id) & (image.c.sha256 == sha256)
    row = tx.execute(select(image).where(mine)).mappings().first()
    return _image(row) if row else None


def put_image(tx: Connection, keys: Keys, new: Image, contract: str, ingest_id: str) -> tuple[str, bytes]:
    """Record that an image went through ``contract``; return its id and its own key.

    Bytes that are there under an older contract keep their id, key and group, and take the new provenance.
    """
    above = keys.get(tx, new.collection_id)
    values = vars(new.provenance) | {"contract": contract, "ingest_id": ingest_id}
    mine = (image.c.collection_id == new.collection_id) & (image.c.sha256 == new.sha256)
    there = tx.execute(select(image.c.id, image.c.key).where(mine)).first()
    if there is not None:
        tx.execute(update(image).where(mine).values(values))
        return there.id, _unsealed(above, there.key, there.id)
    key = new_key()
    values |= {name: value for name, value in vars(new).items() if name != "provenance"}
    tx.execute(insert(image).values(values | {"key": seal(above, key, new.id)}))
    return new.id, key


def image_key(tx: Connection, keys: Keys, one: Image) -> bytes:
    """Return an image's own key. Raises KeyLost, also where the image is gone."""
    wrapped = tx.scalar(select(image.c.key).where(image.c.id == one.id))
    if wrapped is None:
        raise KeyLost("The photograph is no longer here.")
    return _unsealed(keys.get(tx, one.collection_id), wrapped, one.id)


def rewrap(tx: Connection, collection_id: str, before: bytes, after: bytes) -> Iterator[str]:
    """Wrap the keys of a collection's images under another key of the collection's; yield each one's id."""
    rows = select(image.c.id, image.c.key).where(image.c.collection_id == collection_id)
    for row in tx.execute(rows).all():
        wrapped = seal(after, _unsealed(before, row.key, row.id), row.id)
        tx.execute(update(image).where(image.c.id == row.id).values(key=wrapped))
        yield row.id


def correct(tx: Connection, image_id: str, provenance: Provenance) -> None:
    """Record what is now known of an image."""
    tx.execute(update(image).where(image.c.id == image_id).values(vars(provenance)))


def find_version(tx: Connection, collection_id: str, path: str, version: str) -> Image | None:
    """Return the image of what lies at a path in the source, if this version of it was taken in."""
    mine = (image.c.collection_id == collection_id) & (image.c.path == path)
    row = tx.execute(select(image).where(mine, image.c.version == version)).mappings().first()
    return _image(row) if row else None


def add_face(
    tx: Connection,
    face_id: str,
    image_id: str,
    key: bytes,
    collection_id: str,
    detected: DetectedFace,
    contract: str,
    vector: NDArray[np.float32],
    revision: int,
) -> None:
    """Record a face and its (D,) float32 template under one contract, sealed under the image's ``key``."""
    tx.execute(insert(face).values(id=face_id, image_id=image_id, **face_document(detected)))
    tx.execute(
        insert(template).values(
            face_id=face_id,
            contract=contract,
            collection_id=collection_id,
            revision=revision,
            vector=seal(key, vector.astype("<f4").tobytes(), f"{face_id} {contract}"),
        )
    )
    add_to_count(tx, contract, collection_id, 1)


def add_to_count(tx: Connection, contract: str, collection_id: str, more: int) -> None:
    """Record that a collection has more faces with a template of a contract, or fewer."""
    mine = (face_count.c.contract == contract) & (face_count.c.collection_id == collection_id)
    if not tx.execute(update(face_count).where(mine).values(faces=face_count.c.faces + more)).rowcount:
        tx.execute(insert(face_count).values(contract=contract, collection_id=collection_id, faces=more))


def templates_since(
    tx: Connection, keys: Keys, contract: str, after: int, up_to: int
) -> Iterator[NewTemplates]:
    """Yield the templates of one contract that were added by revisions in (after, up_to], in their order.

    What comes last is of the revision ``up_to``, and may hold none.
    """
    rows = tx.execute(
        _templates(contract)
        .where(template.c.revision > after, template.c.revision <= up_to)
        .order_by(template.c.revision)
        .execution_options(yield_per=_AT_ONCE)
    )
    waiting: list[Row[Any]] = []
    for revision, added in groupby(rows, key=lambda row: int(row.revision)):
        if len(waiting) >= _AT_ONCE:
            yield _new_templates(tx, keys, contract, waiting, revision - 1)
            waiting = []
        waiting.extend(added)
    yield _new_templates(tx, keys, contract, waiting, up_to)


def _new_templates(
    tx: Connection, keys: Keys, contract: str, rows: Sequence[Row[Any]], revision: int
) -> NewTemplates:
    opened = b"".join(_opened(tx, keys, contract, rows))
    vectors = np.frombuffer(opened, "<f4").reshape(len(rows), -1 if rows else 0)
    return NewTemplates([row.face_id for row in rows], [row.collection_id for row in rows], vectors, revision)


def templates_of(
    tx: Connection, keys: Keys, contract: str, face_ids: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Return the (D,) float32 templates of these faces under one contract, by face id."""
    rows = tx.execute(_templates(contract).where(template.c.face_id.in_(face_ids))).all()
    opened = _opened(tx, keys, contract, rows)
    return {row.face_id: np.frombuffer(data, "<f4") for row, data in zip(rows, opened, strict=True)}


def revisions_of(tx: Connection, contract: str, face_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return the collection's id, and the revision that added it, of each face's template, by face id."""
    mine = (template.c.contract == contract) & template.c.face_id.in_(face_ids)
    rows = tx.execute(select(template.c.face_id, template.c.collection_id, template.c.revision).where(mine))
    return {row.face_id: (row.collection_id, row.revision) for row in rows}


def _templates(contract: str) -> Select[Any]:
    """Select templates with what their keys are found by."""
    what = (template.c.face_id, template.c.collection_id, template.c.vector, template.c.revision)
    return (
        select(*what, image.c.id.label("image_id"), image.c.key)
        .select_from(template.join(face).join(image))
        .where(template.c.contract == contract)
    )


def _opened(tx: Connection, keys: Keys, contract: str, rows: Iterable[Row[Any]]) -> Iterator[bytes]:
    """Yield the templates of rows, opened."""
    above: dict[str, bytes] = {}
    for row in rows:
        if row.collection_id not in above:
            above[row.collection_id] = keys.get(tx, row.collection_id)
        key = _unsealed(above[row.collection_id], row.key, row.image_id)
        yield _unsealed(key, row.vector, f"{row.face_id} {contract}")


def _unsealed(key: bytes, sealed: bytes, about: str) -> bytes:
    try:
        return unseal(key, sealed, about)
    except NotWhole as error:
        raise RecordsUnusable("The records are damaged: a template or a key does not open.") from error


def removed_since(tx: Connection, after: int, up_to: int) -> list[str]:
    """Return the ids of the faces that revisions in (after, up_to] removed."""
    span = (removal.c.revision > after) & (removal.c.revision <= up_to)
    return list(tx.scalars(select(removal.c.face_id).where(span)))


def fingerprints(tx: Connection) -> tuple[list[str], NDArray[np.uint8]]:
    """Return the groups of all images, and what nearly the same ones share, (n, 32) uint8."""
    return _fingerprints(tx, select(image.c.group_id, image.c.phash).order_by(image.c.id))


def fingerprints_since(tx: Connection, contract: str, after: int) -> tuple[list[str], NDArray[np.uint8]]:
    """Return the same of the images that got templates of a contract by revisions later than ``after``."""
    added = (template.c.contract == contract) & (template.c.revision > after)
    of = select(image.c.group_id, image.c.phash).select_from(template.join(face).join(image))
    return _fingerprints(tx, of.where(added).group_by(image.c.id).order_by(image.c.id))


def _fingerprints(tx: Connection, of_images: Select[Any]) -> tuple[list[str], NDArray[np.uint8]]:
    rows = tx.execute(of_images).all()
    shared = np.frombuffer(b"".join(row.phash for row in rows), np.uint8).reshape(len(rows), 32)
    return [row.group_id for row in rows], shared


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


def lone_named_faces(tx: Connection, collection_ids: Sequence[str], start: str, most: int) -> list[str]:
    """Return the faces of photographs that have one face alone and say in ``extra`` which person it is.

    At most so many of these collections, in the order of their photographs' ids from ``start`` on and then
    from the first one: ids are random, so that another start gives another sample.
    """
    another = face.alias()
    alone = ~select(another.c.id).where(another.c.image_id == image.c.id, another.c.id != face.c.id).exists()
    query = (
        select(face.c.id)
        .join(image)
        .where(image.c.collection_id.in_(collection_ids), image.c.extra["person"].as_string() != "", alone)
        .order_by(image.c.id)
        .limit(most)
    )
    found = list(tx.scalars(query.where(image.c.id >= start)))
    return found + list(tx.scalars(query.where(image.c.id < start).limit(most - len(found))))


def faces_of_image(tx: Connection, image_id: str) -> list[StoredFace]:
    """Return the faces found in one image."""
    ids = tx.scalars(select(face.c.id).where(face.c.image_id == image_id).order_by(face.c.id)).all()
    return list(faces(tx, ids).values())


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


def faces_alone(tx: Connection, collection_ids: Sequence[str], words: Sequence[str]) -> list[StoredFace]:
    """Return the faces of these collections that are alone in their photograph, in the order of their ids.

    Of ASCII ``words``, in small letters, each occurs somewhere in the photograph's caption or extra values;
    others are not looked for.
    """
    said = func.lower(func.coalesce(image.c.caption, "") + " " + cast(image.c.extra, Text))
    occur = [said.contains(word, autoescape=True) for word in words if word.isascii()]
    alone = (
        select(face.c.image_id)
        .join(image, image.c.id == face.c.image_id)
        .where(image.c.collection_id.in_(collection_ids), *occur)
        .group_by(face.c.image_id)
        .having(func.count() == 1)
    )
    query = (
        select(image, *_FACE, collection.c.name.label("collection"))
        .join_from(face, image)
        .join(collection)
        .where(face.c.image_id.in_(alone))
        .order_by(face.c.id)
    )
    return [_stored_face(row) for row in tx.execute(query).mappings()]


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
    said = {one.name: row[one.name] for one in fields(Provenance)}
    plain = {one.name: row[one.name] for one in fields(Image) if one.name != "provenance"}
    return Image(**plain, provenance=Provenance(**said))


def _stored_face(row: Mapping[Any, Any]) -> StoredFace:
    return StoredFace(
        id=row["face_id"],
        image=_image(row),
        collection=row["collection"],
        detected=face_from_document(row),
    )
