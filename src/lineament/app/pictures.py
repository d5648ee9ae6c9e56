"""Display copies of probes, photographs and faces, made afresh from what is stored."""

from __future__ import annotations

from lineament.app.candidates import face_for, image_for, readable_search
from lineament.app.installation import Installation
from lineament.app.probes import whole
from lineament.app.stored import image_bytes
from lineament.core.policy import Person
from lineament.errors import SearchNotFound
from lineament.records.searches import Probe
from lineament.vision.render import jpeg

IMAGE_SIDE = 1600  # px
CROP_SIDE = 480  # px


def probe(installation: Installation, who: Person, search_id: str, number: int) -> bytes:
    """Return a photograph that a search is made with, as a JPEG. ``number`` counts them from 1.

    Raises SearchNotFound, also for a search that this person may not read, and ProbeErased.
    """
    return jpeg(whole(installation, _probe(installation, who, search_id, number)), IMAGE_SIDE)


def probe_crop(installation: Installation, who: Person, search_id: str, number: int) -> bytes:
    """Return the face that is searched in one as a JPEG. Raises SearchNotFound and ProbeErased."""
    one = _probe(installation, who, search_id, number)
    if one.chosen is None:
        raise SearchNotFound("No face was chosen in this photograph.")
    return jpeg(whole(installation, one), CROP_SIDE, one.chosen)


def _probe(installation: Installation, who: Person, search_id: str, number: int) -> Probe:
    search = readable_search(installation, who, search_id)
    if not 1 <= number <= len(search.probes):
        raise SearchNotFound(f"There is no photograph {number} in this search.")
    return search.probes[number - 1]


def image(installation: Installation, who: Person, image_id: str) -> bytes:
    """Return a photograph as a JPEG. Raises ImageNotFound."""
    stored = image_for(installation, who, image_id)[0].image
    return jpeg(installation.vision.decode(image_bytes(installation, stored)), IMAGE_SIDE)


def crop(installation: Installation, who: Person, face_id: str) -> bytes:
    """Return a face with its surroundings as a JPEG. Raises ImageNotFound."""
    face = face_for(installation, who, face_id)
    photograph = installation.vision.decode(image_bytes(installation, face.image))
    return jpeg(photograph, CROP_SIDE, face.detected)
