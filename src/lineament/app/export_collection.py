"""Export: a collection is written back out, as a folder that can be ingested elsewhere.

It holds the photographs as they were taken in, named by their digests, and a manifest.jsonl with what is
known of each. What a photograph says itself, such as EXIF, is in the photograph.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lineament.app import sites
from lineament.app.ingest import require_permission
from lineament.app.installation import Installation, require
from lineament.app.journal import act
from lineament.app.stored import image_bytes
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.core.words import plain
from lineament.errors import BlobLost, InvalidRequest, KeyLost, StorageFailed
from lineament.records import images, withdrawals
from lineament.records.images import Image
from lineament.records.withdrawals import Scope
from lineament.sources.manifest import COLUMNS, EXTRA, SAID

_PAGE = 500  # images
_ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "image/heif": ".heic",
    "image/tiff": ".tif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
}
_OF_PHOTOGRAPH = ("exif:", "c2pa:")  # what an ingest reads from the photograph itself


@dataclass
class Exported:
    """What an export wrote.

    Of ``faceless`` images no bytes are kept, and so none is written; ``lost`` are the paths of those whose
    stored bytes are gone.
    """

    images: int = 0
    faceless: int = 0
    lost: list[str] = field(default_factory=list)


def export_collection(
    installation: Installation,
    who: Person,
    name: str,
    folder: Path,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> Exported:
    """Write a collection's photographs and a manifest.jsonl into a new folder.

    The folder appears once all is in it; what is withdrawn meanwhile is not. ``on_progress`` gets the number
    of photographs written. Raises CollectionNotFound;
    PermissionNotInForce, also when the permission ends half-way; InvalidRequest where the folder is there and
    not empty, or lies in the data folder; and StorageFailed. Then nothing is left of it.
    """
    require(who, Role.CURATOR)
    collection, done = require_permission(installation, name), Exported()
    with installation.records.read() as tx:
        ids = sorted(withdrawals.images_of(tx, Scope.COLLECTION, collection.id))
    with _new_folder(installation, folder) as new:
        written: dict[str, str] = {}  # names of files, by the ids of their images
        for image in _images(installation, name, ids):
            file = f"images/{image.sha256}{_ENDINGS.get(image.media_type, '')}"
            data = _bytes(installation, image, done)
            if data is not None:
                (new / file).write_bytes(data)
                written[image.id] = file
                on_progress(len(written))
        done.images = len(written)
        with (new / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
            for image in _images(installation, name, list(written)):
                row = _row(image, written.pop(image.id))
                manifest.write(json.dumps(row, ensure_ascii=False) + "\n")
        for file in written.values():  # withdrawn since
            (new / file).unlink()
        done.images -= len(written)
        with act(installation) as doing:
            doing.record(
                "collection.exported",
                at=iso(installation.clock()),
                who=who.id,
                collection=collection.id,
                images=done.images,
            )
    return done


def _images(installation: Installation, name: str, ids: Sequence[str]) -> Iterator[Image]:
    """Yield those of these images that are there while the collection's permission is in force."""
    for start in range(0, len(ids), _PAGE):
        require_permission(installation, name)
        with installation.records.read() as tx:
            is_withheld = sites.withheld(tx)
            page = [one for one in images.images(tx, ids[start : start + _PAGE]) if not is_withheld(one)]
        yield from page


def _bytes(installation: Installation, image: Image, done: Exported) -> bytes | None:
    """Return an image's bytes; None where there are none to be written, which is counted."""
    try:
        return image_bytes(installation, image)
    except BlobLost:
        with installation.records.read() as tx:
            has_face = bool(images.faces_of_image(tx, image.id))
        if has_face:
            done.lost.append(image.provenance.path)
        else:
            done.faceless += 1
    except KeyLost:
        with installation.records.read() as tx:
            if images.images(tx, [image.id]):  # else it was withdrawn a moment ago
                raise
    return None


def _row(image: Image, file: str) -> dict[str, str | None]:
    """Return an image's row of the manifest, which says of it what ``provenance`` says."""
    known = image.provenance
    kept = {
        f"{EXTRA}{name}" if name in COLUMNS or name.startswith(EXTRA) else name: value
        for name, value in known.extra.items()
        if not name.startswith(_OF_PHOTOGRAPH)
    }
    said = {name: getattr(known, name) for name in SAID}
    return {"path": known.path, "key": file, "sha256": image.sha256, **said, **kept}


@contextmanager
def _new_folder(installation: Installation, folder: Path) -> Iterator[Path]:
    """Give a folder that gets its name at the end; if it does not come to that, nothing is left."""
    place, shown = folder.resolve(), plain(str(folder))
    if place.is_relative_to(installation.ledger_folder.parent.resolve()):
        raise InvalidRequest(f"'{shown}' lies in Lineament's own data folder.")
    new = place.with_name(f".{place.name}.{installation.new_id()[:8]}")
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise InvalidRequest(f"'{shown}' is there already, and no empty folder.")
        new.mkdir(mode=0o700, parents=True)
        (new / "images").mkdir()
        yield new
        new.replace(place)
    except OSError as error:
        raise StorageFailed(f"'{shown}' cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
