"""The index follows the records: it answers only when it has applied everything that is searchable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lineament.app.installation import Installation
from lineament.app.journal import require_contract
from lineament.errors import IndexBehind, NotMigrated
from lineament.index.protocol import Hits
from lineament.records import collections, images
from lineament.records.searches import PinnedCollection

_ROUNDING = 1e-5  # an engine's float32 score may lie this far below the exact one; the caller cuts exactly
_TRIES = 100  # an ingest commits about once a second, a search takes milliseconds


@dataclass(frozen=True, eq=False)
class PinnedHits:
    """The index's answer, the floor it was cut at, and the revisions of the collections searched."""

    hits: Hits
    floor: float
    collections: tuple[PinnedCollection, ...]


def catch_up(installation: Installation) -> None:
    """Bring the index up to the newest revision of the records."""
    with installation.records.read() as tx:
        revision = collections.current_revision(tx)
        applied = installation.index.revision
        if applied < revision:
            new = images.templates_since(tx, installation.vision.contract, applied, revision)
            installation.index.add(new.face_ids, new.collection_ids, new.vectors, revision)


def search(
    installation: Installation,
    probe: NDArray[np.float32],
    names: Sequence[str],
    floor_for: Callable[[int], float],
    limit: int,
) -> PinnedHits:
    """Search these collections as they stand at one revision. ``probe`` is (D,) float32.

    ``floor_for`` is given the number of faces at that revision and returns the lowest score to be listed.
    Hits may lie a rounding below it, so that none is lost before they are scored exactly.

    Raises ModelChanged where the records are under another model, NotMigrated for a collection that a change
    of the model left out, and IndexBehind when the index covers another number of faces than the records.
    """
    contract = installation.vision.contract
    for _ in range(_TRIES):
        with installation.records.read() as tx:
            require_contract(installation, tx)
            there = collections.list_collections(tx, names)
            for one in there:
                if one.left_out:
                    raise NotMigrated(f"'{one.name}' was left out when the model pack was changed.")
            pinned = tuple(PinnedCollection(one.id, one.name, one.revision) for one in there)
            revision = collections.current_revision(tx)
            faces = images.count_faces(tx, contract)
            expected = sum(faces.get(one.id, 0) for one in pinned)
        catch_up(installation)
        floor = floor_for(expected)
        hits = installation.index.search(probe, [one.id for one in pinned], floor - _ROUNDING, limit)
        if installation.index.revision == revision:  # nothing was added in between
            if hits.covered != expected:
                raise IndexBehind(f"The index covers {hits.covered} of {expected} faces.")
            return PinnedHits(hits, floor, pinned)
    raise IndexBehind("The collections change faster than they can be searched.")
