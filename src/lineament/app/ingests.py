"""How the ingests of a collection are going, for its curators: each process says so in the records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lineament.app import collections as app_collections
from lineament.app.installation import Installation, require
from lineament.core.policy import Person, Role
from lineament.core.times import from_iso
from lineament.records import images, ingests
from lineament.records.collections import Collection
from lineament.records.ingests import Ingest, Rejected

NEWEST = 10  # ingests that are shown of a collection
FIRST = 20  # rejected files that are shown of an ingest
STOPPED_AFTER = timedelta(minutes=1)  # without a word; one that runs says something every ten seconds


class State(StrEnum):
    """Where an ingest stands."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ShownIngest:
    """An ingest and where it stands: ``done`` files of its ``total``, and the first that it could not use."""

    ingest: Ingest
    state: State
    done: int
    rejected: tuple[Rejected, ...]

    @property
    def unused(self) -> int:
        """How many files could not be used, for whatever reason."""
        return self.ingest.counts.get("rejected", 0) + self.ingest.counts.get("no_face", 0)


@dataclass(frozen=True)
class ShownCollection:
    """A collection, the faces that it holds, and its newest ingests, the newest first.

    ``images`` is how many photographs these are in, None while an ingest runs: to count them takes far
    longer, and the page is fetched every few seconds then.
    """

    collection: Collection
    faces: int
    images: int | None
    ingests: tuple[ShownIngest, ...]

    @property
    def is_running(self) -> bool:
        """Whether an ingest is running."""
        return self.images is None


def show(installation: Installation, who: Person, name: str) -> ShownCollection:
    """Return a collection as its curators see it. Raises RoleMissing and CollectionNotFound."""
    require(who, Role.CURATOR)
    collection, now = app_collections.find(installation, name), installation.clock()
    contract = installation.vision.contract
    with installation.records.read() as tx:
        newest = ingests.list_ingests(tx, collection.id, NEWEST)
        shown = [_shown(one, tuple(ingests.rejections(tx, one.id, FIRST)), now) for one in newest]
        is_running = any(one.state is State.RUNNING for one in shown)
        pictures = None if is_running else images.count_images(tx, contract).get(collection.id, 0)
        faces = images.count_faces(tx, contract).get(collection.id, 0)
    return ShownCollection(collection, faces, pictures, tuple(shown))


def rejected(installation: Installation, who: Person, name: str, ingest_id: str) -> list[Rejected] | None:
    """Return every file that a collection's ingest could not use; None unless it is one of the newest.

    Raises RoleMissing and CollectionNotFound.
    """
    require(who, Role.CURATOR)
    collection = app_collections.find(installation, name)
    with installation.records.read() as tx:
        newest = ingests.list_ingests(tx, collection.id, NEWEST)
        return ingests.rejections(tx, ingest_id) if ingest_id in {one.id for one in newest} else None


def _shown(one: Ingest, first: tuple[Rejected, ...], now: datetime) -> ShownIngest:
    done = sum(count for what, count in one.counts.items() if what != "corrected")  # which are known ones
    return ShownIngest(one, _state(one, now), done, first)


def _state(one: Ingest, now: datetime) -> State:
    if one.finished_at:
        return State.FINISHED
    return State.STOPPED if now - from_iso(one.updated_at) > STOPPED_AFTER else State.RUNNING
