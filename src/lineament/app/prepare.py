"""One file of a source on its way into a collection: is it known, and if not, what is to be seen in it.

Nothing is written here but the bytes of a known photograph whose stored file was lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from threading import Semaphore
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lineament.app.installation import Installation
from lineament.core.faces import DetectedFace
from lineament.core.words import counted
from lineament.errors import FaceTooSmall, NoFace, PhotographError, SourceError
from lineament.records import images
from lineament.records.images import Image, Provenance
from lineament.records.ingests import Rejected
from lineament.sources import Item, Unreadable
from lineament.vision.credentials import read_credentials
from lineament.vision.fingerprint import fingerprint
from lineament.vision.pipeline import Vision

# What the photograph says itself, and what is found out here about a frame of a film: no source can say it.
_NOT_THE_SOURCE = ("exif:", "c2pa:", "film:")


@dataclass(frozen=True, eq=False)
class Seen:
    """What is to be seen in a photograph: n usable faces and their (n, D) float32 templates.

    ``size`` is width and height, px, upright; ``phash`` the 32 bytes that nearly the same photographs share;
    ``says`` what the photograph says itself. ``why_none`` is the reason where no face is usable.
    """

    media_type: str
    size: tuple[int, int]
    phash: bytes
    says: Mapping[str, str]
    faces: list[DetectedFace]
    templates: NDArray[np.float32]
    why_none: PhotographError | None


class Sight:
    """Where photographs are looked at, ``at_once`` of them at the same time: here, or on other machines."""

    def __init__(self, look: Callable[[bytes], Seen], at_once: int) -> None:
        self.at_once = at_once
        self._look = look
        self._free = Semaphore(at_once)

    @classmethod
    def here(cls, vision: Vision) -> Self:
        """Look at as many photographs as there are cores."""
        return cls(partial(look, vision), os.cpu_count() or 1)

    def look(self, data: bytes) -> Seen:
        """Return what is to be seen in a file. Raises PhotographError."""
        with self._free:
            return self._look(data)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A photograph that was looked at, with what is known of it."""

    item: Item
    data: bytes
    digest: str
    seen: Seen
    provenance: Provenance


@dataclass(frozen=True)
class Known:
    """An image that went through this contract before, with so many faces. Its item is not read any more.

    ``correction`` is what is known of it now, where that is not what was known.
    """

    item: Item
    image: Image
    faces: int
    correction: Provenance | None


@dataclass(frozen=True)
class Withheld:
    """A photograph that was withdrawn. Its digest says so: nobody looked at it."""


Outcome = Prepared | Known | Rejected | Withheld


def prepare(
    installation: Installation,
    collection_id: str,
    sight: Sight,
    is_withdrawn: Callable[[str], bool],
    item: Item | Unreadable,
) -> Outcome:
    """Return what becomes of one item of a source; ``is_withdrawn`` is asked with the SHA-256 in hex."""
    if isinstance(item, Unreadable):
        return Rejected(item.path, item.error.code, str(item.error))
    try:
        if item.version and (known := _known_version(installation, collection_id, item, item.version)):
            return known
        data = item.read()
        digest = sha256(data).hexdigest()
        with installation.records.read() as tx:
            there = images.find_image(tx, collection_id, digest)
        if there and (known := _known(installation, item, there, data)):
            return known
        if there is None and is_withdrawn(digest):
            return Withheld()
        seen = sight.look(data)
        before = there.provenance.extra if there else {}
        return Prepared(item, data, digest, seen, provenance(item, {**_said(before), **seen.says}))
    except (PhotographError, SourceError) as error:
        return Rejected(item.path, error.code, str(error))


def look(vision: Vision, data: bytes) -> Seen:
    """Return what is to be seen in a file. Raises PhotographError."""
    photograph = vision.read(data)
    says = {f"exif:{name}": text for name, text in photograph.exif.items()}
    found = vision.detect(photograph)
    faces = [face for face in found if face.quality.usable]
    why_none: PhotographError | None = None
    if not found:
        why_none = NoFace("No face was found in this photograph.")
    elif not faces:
        why_none = FaceTooSmall(f"{counted(len(found), 'face')} found, too small to compare.")
    return Seen(
        media_type=photograph.media_type,
        size=(photograph.width, photograph.height),
        phash=fingerprint(photograph.pixels),
        says={**says, **read_credentials(data, photograph.media_type)},
        faces=faces,
        templates=vision.embed(photograph, faces),
        why_none=why_none,
    )


def provenance(item: Item, says: Mapping[str, str]) -> Provenance:
    """Return what is known of a photograph: what its source says, and what it ``says`` itself."""
    told = {name: value for name, value in item.extra.items() if not name.startswith(_NOT_THE_SOURCE)}
    return Provenance(
        path=item.path,
        source_url=item.source_url,
        page_url=item.page_url,
        caption=item.caption,
        date=item.date,
        credit=item.credit,
        licence=item.licence,
        extra={**told, **says},
        version=item.version,
    )


def _said(extra: Mapping[str, str]) -> dict[str, str]:
    """Return what no source said of a photograph when it was taken in."""
    return {name: value for name, value in extra.items() if name.startswith(_NOT_THE_SOURCE)}


def _known_version(installation: Installation, collection_id: str, item: Item, version: str) -> Known | None:
    """Return the image that was taken in of this version of the file, so that it need not be read."""
    with installation.records.read() as tx:
        there = images.find_version(tx, collection_id, item.path, version)
    return _known(installation, item, there, None) if there else None


def _known(installation: Installation, item: Item, there: Image, data: bytes | None) -> Known | None:
    """Return an image that went through this contract before; None where it has to be looked at.

    A stored file that was lost is stored again; without its ``data`` the image is as good as not known.
    """
    with installation.records.read() as tx:
        faces = images.known_faces(tx, there.collection_id, there.sha256, installation.vision.contract)
        key = images.image_key(tx, installation.keys, there) if faces else None
    if faces is None:
        return None
    if key and not installation.blobs.holds(there.id, key):
        if data is None:
            return None
        installation.blobs.put(there.id, data, key)
    item = replace(item, read=bytes)  # which may hold the file's bytes, and they are not needed any more
    now = provenance(item, _said(there.provenance.extra))
    is_other = now.path == there.provenance.path and now != there.provenance
    return Known(item, there, faces, now if is_other else None)
