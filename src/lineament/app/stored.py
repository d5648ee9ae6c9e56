"""The bytes of a stored photograph, and of one that was searched."""

from __future__ import annotations

from lineament.app.installation import Installation
from lineament.errors import ProbeErased, SearchNotFound
from lineament.records import images
from lineament.records.images import Image
from lineament.records.searches import Probe


def image_bytes(installation: Installation, image: Image) -> bytes:
    """Return a photograph as it was taken in. Raises BlobLost, KeyLost or StorageFailed."""
    with installation.records.read() as tx:
        key = images.image_key(tx, installation.keys, image)
    return installation.blobs.get(image.id, key)


def probe_photograph(installation: Installation, probe: Probe) -> bytes:
    """Return a photograph as it was given to be searched.

    Raises ProbeErased where its time has passed, SearchNotFound where it was not read and so not kept, and
    BlobLost or StorageFailed.
    """
    if probe.size is None:
        raise SearchNotFound("The photographs of this search were not kept.")
    if probe.erased:
        raise ProbeErased("The photograph that was searched was erased, as the policy says.")
    return installation.documents.get(probe.sha256)
