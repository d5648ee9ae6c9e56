"""Collections that are filled without vision, and a search through every byte of a data folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from lineament.app import collections as use
from lineament.app.installation import Installation
from lineament.records import collections, images
from lineament.records.images import Image, Provenance
from lineament.records.schema import image, template
from lineament.testing import make_collection, make_face

WINDOW = 8  # bytes: of random ones so many are found by chance in no folder


@dataclass(frozen=True, eq=False)
class Filled:
    """One photograph with one face; ``forms`` are all the random bytes in which it and its keys may lie."""

    image_id: str
    face_id: str
    data: bytes
    sha256: str
    phash: bytes
    vector: NDArray[np.float32]
    sealed: bytes
    forms: tuple[bytes, ...]


def fill(
    installation: Installation, name: str, count: int, seed: int = 1, stored: bool = True
) -> list[Filled]:
    """Write as many photographs with one face each as an ingest would: random bytes, random templates."""
    if name not in {one.name for one in use.show(installation)}:
        make_collection(installation, name)
    random = np.random.default_rng(seed)
    filled = []
    with installation.records.write() as tx:
        (there,) = collections.list_collections(tx, [name])
        revision = collections.next_revision(tx, there.id)
        for number in range(count):
            data, phash = random.bytes(400), random.bytes(32)
            vector = random.standard_normal(installation.vision.dimension).astype(np.float32)
            vector /= np.linalg.norm(vector)
            new_id, face_id = installation.new_id(), installation.new_id()
            source = f"https://example.org/{name}/{number // 10}/{number}.jpg"
            one = Image(
                id=new_id,
                collection_id=there.id,
                sha256=sha256(data).hexdigest(),
                media_type="image/jpeg",
                width=100,
                height=100,
                provenance=Provenance(
                    f"{number}.jpg", source_url=source, page_url=f"https://example.org/page/{number // 10}"
                ),
                phash=phash,
                group_id=new_id,
            )
            _, key = images.put_image(tx, installation.keys, one, installation.contract, "filled")
            if stored:
                installation.blobs.put(new_id, data, key)
            images.add_face(
                tx, face_id, new_id, key, there.id, make_face(), installation.contract, vector, revision
            )
            wrapped = tx.scalar(select(image.c.key).where(image.c.id == new_id))
            sealed = tx.scalar(select(template.c.vector).where(template.c.face_id == face_id))
            assert wrapped
            assert sealed
            forms = (data, phash, key, wrapped, sealed, vector.tobytes())
            filled.append(Filled(new_id, face_id, data, one.sha256, phash, vector, sealed, forms))
    return filled


def files_with(folder: Path, wanted: Iterable[bytes]) -> list[str]:
    """Return the files of a folder in which any part of any of these random bytes stands."""
    windows = {one[at : at + WINDOW] for one in wanted for at in range(0, len(one) - WINDOW + 1, 4 * WINDOW)}
    values = np.unique(np.frombuffer(b"".join(windows), "<u8"))
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = np.frombuffer(path.read_bytes(), np.uint8)
        if any(_holds(data[shift:], values) for shift in range(WINDOW)):
            found.append(str(path.relative_to(folder)))
    return found


def _holds(data: NDArray[np.uint8], values: NDArray[np.uint64]) -> bool:
    whole = data[: len(data) // WINDOW * WINDOW].view("<u8")
    places = np.minimum(np.searchsorted(values, whole), len(values) - 1)
    return bool(len(values) and np.any(values[places] == whole))
