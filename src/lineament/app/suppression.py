"""What must not come back: withdrawn photographs, and the faces of people who asked for that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lineament.app.copies import NEAR
from lineament.app.installation import Installation
from lineament.core.odds import threshold_for
from lineament.records import suppressions
from lineament.records.blobs import keyed
from lineament.records.keys import SUPPRESSION
from lineament.records.suppressions import Marks

KEPT_OUT_FMR = 1e-5  # of strangers' faces, how many may be taken for one that is kept out


@dataclass(frozen=True, eq=False)
class Suppressed:
    """What must not come into one collection, so that photographs can be held against it.

    ``known`` is how many things must not come back anywhere, as this was loaded; a face that scores
    ``threshold`` or more against one that is kept out is taken for it, None where that was not measured.
    """

    installation: Installation
    collection_id: str
    known: int
    key: bytes
    marks: Marks
    threshold: float | None

    @classmethod
    def load(cls, installation: Installation, collection_id: str) -> Suppressed:
        """Return what must not come into a collection now."""
        with installation.records.read() as tx:
            return cls._load(installation, tx, collection_id)

    def current(self, tx: Connection) -> Suppressed:
        """Return this, or what it has become where something was withdrawn since."""
        if suppressions.count(tx) == self.known:
            return self
        return self._load(self.installation, tx, self.collection_id)

    def is_withdrawn(self, digest: str) -> bool:
        """Say whether a photograph itself was withdrawn, by the SHA-256 of its bytes in hex."""
        return keyed(self.key, digest) in self.marks.digests

    def is_suppressed(self, digest: str, phash: bytes, templates: NDArray[np.float32]) -> str | None:
        """Return the sentence that says why a photograph must not come in, or None.

        ``digest`` is the SHA-256 of its bytes in hex, ``phash`` the 32 bytes that nearly the same photographs
        share, and ``templates`` (n, D) float32 are those of its faces.
        """
        if self.is_withdrawn(digest):
            return "This photograph was withdrawn."
        apart = np.bitwise_count(self.marks.shared ^ np.frombuffer(phash, np.uint8)).sum(axis=1, dtype=int)
        if np.any(apart <= NEAR):
            return "Nearly the same photograph was withdrawn."
        if self.threshold is not None and np.any(templates @ self.marks.faces.T >= self.threshold):
            return "It shows somebody who asked to be kept out."
        return None

    @classmethod
    def _load(cls, installation: Installation, tx: Connection, collection_id: str) -> Suppressed:
        vision, key = installation.vision, installation.keys.get(tx, SUPPRESSION)
        return cls(
            installation,
            collection_id,
            suppressions.count(tx),
            key,
            suppressions.marks(tx, key, collection_id, vision.contract, vision.dimension),
            threshold(installation),
        )


def threshold(installation: Installation) -> float | None:
    """Return the score from which on a face is taken for one that is kept out; None where not calibrated."""
    return threshold_for(installation.tail, KEPT_OUT_FMR, 1) if installation.tail else None


def faces_not_compared(installation: Installation) -> int:
    """Return how many faces are to be kept out and cannot be: of another contract, or without a threshold."""
    with installation.records.read() as tx:
        faces = suppressions.count_faces(tx)
    if threshold(installation) is not None:
        faces.pop(installation.vision.contract, None)
    return sum(faces.values())
