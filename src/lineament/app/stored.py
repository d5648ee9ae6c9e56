"""The bytes of a stored photograph."""

from __future__ import annotations

from lineament.app.installation import Installation
from lineament.records import images
from lineament.records.images import Image


def image_bytes(installation: Installation, image: Image) -> bytes:
    """Return a photograph as it was taken in. Raises BlobLost, KeyLost or StorageFailed."""
    with installation.records.read() as tx:
        key = images.image_key(tx, installation.keys, image)
    return installation.blobs.get(image.id, key)
