"""Copies: photographs that are nearly the same form a group, and a search counts a group as one source.

They are told by the fingerprint of their pixels alone, over all collections. Two portraits before the same
flag may look nearly the same without being copies, so a face in one is taken for the face in the other only
where its place and its template say so as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from lineament.records import images
from lineament.records.images import StoredFace

# Of 256 bits. Another size, another quality and another format change at most 16 bits of a portrait; the
# nearest two photographs of which one is no copy of the other, among 87.5 million pairs, are 40 apart.
# docs/ingest.md has the figures, benchmarks/collections/copies.py measures them.
NEAR = 32
SAME_FACE = 0.6  # cosine of two templates: copies of a face reach it, and strangers do not
_WORDS = 4  # of 64 bits, in a fingerprint
_ROOM = 1024  # photographs, at first


class Copies:
    """The fingerprints of all photographs here, and their groups: 32 bytes each, and a name."""

    def __init__(self, groups: Sequence[str], shared: NDArray[np.uint8]) -> None:
        """Take the groups of n photographs, and their fingerprints (n, 32) uint8."""
        self._groups = list(groups)
        # One row a word, so that a comparison runs along memory.
        self._words = np.zeros((_WORDS, max(_ROOM, 2 * len(groups))), np.uint64)
        self._words[:, : len(groups)] = np.ascontiguousarray(shared).view(np.uint64).T

    @classmethod
    def load(cls, tx: Connection) -> Self:
        """Read them from the records."""
        return cls(*images.fingerprints(tx))

    def group_of(self, phash: bytes, image_id: str) -> str:
        """Return the group of a photograph: that of the nearest one here, if it is near enough.

        Where none is, the photograph begins a group of its own, named by its id.
        """
        there = len(self._groups)
        if there == 0:
            return image_id
        own = np.frombuffer(phash, np.uint64)
        apart = np.bitwise_count(self._words[:, :there] ^ own[:, np.newaxis]).sum(0, np.uint16)
        nearest = int(apart.argmin())
        return self._groups[nearest] if apart[nearest] <= NEAR else image_id

    def add(self, phash: bytes, group: str) -> None:
        """Remember a photograph of a group."""
        there = len(self._groups)
        if there == self._words.shape[1]:
            self._words = np.concatenate([self._words, np.zeros_like(self._words)], axis=1)
        self._words[:, there] = np.frombuffer(phash, np.uint64)
        self._groups.append(group)


def is_copy(
    one: StoredFace, own: NDArray[np.float32], other: StoredFace, others: NDArray[np.float32]
) -> bool:
    """Say whether two faces are one face in two copies of a photograph; ``own`` and ``others`` are (D,).

    The photographs are of one group, the face lies in the same place of both, whatever their sizes and edges,
    and the templates are nearly the same.
    """
    if one.image.group_id != other.image.group_id or float(own @ others) < SAME_FACE:
        return False
    left, top, right, bottom = _in_picture(one)
    x1, y1, x2, y2 = _in_picture(other)
    return bool(left <= (x1 + x2) / 2 <= right and top <= (y1 + y2) / 2 <= bottom)


def _in_picture(face: StoredFace) -> NDArray[np.float32]:
    """Return a face's box, xyxy, in shares of its photograph's width and height."""
    size = np.array([face.image.width, face.image.height] * 2, np.float32)
    return np.asarray(face.detected.box / size)
