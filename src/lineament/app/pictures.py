"""Display copies of probes, photographs and faces, made afresh from what is stored."""

from __future__ import annotations

from lineament.app.candidates import face_for, image_for, own_search
from lineament.app.installation import Installation
from lineament.core.policy import Person
from lineament.errors import SearchNotFound
from lineament.vision.render import jpeg

IMAGE_SIDE = 1600  # px
CROP_SIDE = 480  # px


def probe(installation: Installation, who: Person, search_id: str) -> bytes:
    """Return the probe photograph of one of this person's searches as a JPEG. Raises SearchNotFound."""
    search = own_search(installation, who, search_id)
    if search.probe_size is None:
        raise SearchNotFound("The photograph of this search was not kept.")
    return jpeg(installation.vision.decode(installation.blobs.get(search.probe_sha256)), IMAGE_SIDE)


def probe_crop(installation: Installation, who: Person, search_id: str) -> bytes:
    """Return the searched face of one of this person's searches as a JPEG. Raises SearchNotFound."""
    search = own_search(installation, who, search_id)
    if search.face is None:
        raise SearchNotFound("No face was chosen in this search.")
    photograph = installation.vision.decode(installation.blobs.get(search.probe_sha256))
    return jpeg(photograph, CROP_SIDE, search.faces[search.face - 1])


def image(installation: Installation, who: Person, image_id: str) -> bytes:
    """Return a photograph as a JPEG. Raises ImageNotFound."""
    stored = image_for(installation, who, image_id)[0].image
    return jpeg(installation.vision.decode(installation.blobs.get(stored.sha256)), IMAGE_SIDE)


def crop(installation: Installation, who: Person, face_id: str) -> bytes:
    """Return a face with its surroundings as a JPEG. Raises ImageNotFound."""
    face = face_for(installation, who, face_id)
    photograph = installation.vision.decode(installation.blobs.get(face.image.sha256))
    return jpeg(photograph, CROP_SIDE, face.detected)
