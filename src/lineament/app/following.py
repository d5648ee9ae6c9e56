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

_ROUNDING = 1e-6  # an engine's float32 score may lie this far below the exact one; the caller cuts exactly
_TRIES = 100  # an ingest commits about once a second, a search takes milliseconds


@dataclass(frozen=True, eq=False)
class PinnedHits:
    """The index's answer, the floor it was cut at, and the revisions of the collections searched."""

    hits: Hits
    floor: float
    collections: tuple[PinnedCollection, ...]


def catch_up(installation: Installation, on_progress: Callable[[int], None] = lambda _done: None) -> None:
    """Bring the index up to the newest revision of the records; ``on_progress`` gets the faces applied."""
    done = 0
    with installation.records.read() as tx:
        revision = collections.current_revision(tx)
        applied = installation.index.revision
        if applied >= revision:
            return
        # First what is gone: were it last, a stop in between would leave the index at a revision without it.
        installation.index.remove(images.removed_since(tx, applied, revision), applied)
        contract = installation.vision.contract
        for new in images.templates_since(tx, installation.keys, contract, applied, revision):
            installation.index.add(new.face_ids, new.collection_ids, new.vectors, new.revision)
            done += len(new.face_ids)
            on_progress(done)


def rebuild(installation: Installation, on_progress: Callable[[int], None]) -> None:
    """Throw the index away and build it anew from the records."""
    installation.index.clear()
    catch_up(installation, on_progress)


def held(installation: Installation) -> dict[str, int]:
    """Return how many faces of each collection the index holds, by the collection's name."""
    with installation.records.read() as tx:
        there = collections.list_collections(tx)
    with installation.index.snapshot() as snapshot:
        return {one.name: snapshot.count([one.id]) for one in there}


def recorded(installation: Installation) -> dict[str, int]:
    """Return how many faces of each collection the records hold, by the collection's name."""
    with installation.records.read() as tx:
        faces = images.count_faces(tx, installation.vision.contract)
        return {one.name: faces.get(one.id, 0) for one in collections.list_collections(tx)}


def verify(installation: Installation) -> list[str]:
    """Check the index against itself and the records; return a sentence for each thing that is wrong."""
    catch_up(installation)
    there, findings = held(installation), installation.index.verify()
    for name, faces in recorded(installation).items():
        if there.get(name) != faces:
            counts = f"{there.get(name, 0):,} faces of '{name}', the records {faces:,}"
            findings.append(f"The index holds {counts}.")
    return findings


def search(
    installation: Installation,
    probe: NDArray[np.float32],
    names: Sequence[str],
    floor_for: Callable[[int], float],
    limit: int,
) -> PinnedHits:
    """Search these collections for one probe (D,) float32; see ``search_each``."""
    (found,) = search_each(installation, probe[np.newaxis], names, floor_for, limit)
    return found


def search_each(
    installation: Installation,
    probes: NDArray[np.float32],
    names: Sequence[str],
    floor_for: Callable[[int], float],
    limit: int,
) -> list[PinnedHits]:
    """Search for each of (n, D) float32 probes in these collections as they stand at one revision.

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
        with installation.index.snapshot() as snapshot:
            if snapshot.revision == revision:  # nothing was added in between
                ids = [one.id for one in pinned]
                every = snapshot.search(probes, ids, floor - _ROUNDING, limit)
                for hits in every:
                    if hits.covered != expected:
                        raise IndexBehind(f"The index covers {hits.covered:,} of {expected:,} faces.")
                return [PinnedHits(hits, floor, pinned) for hits in every]
    raise IndexBehind("The collections change faster than they can be searched.")
