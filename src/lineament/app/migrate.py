"""Migrate: every photograph goes through another model pack, and then that pack is the one in use.

The new templates are made beside the old ones, which are searched meanwhile, by ingesting what is stored once
more; so a migration is resumed, batched and recorded as an ingest is. One transaction then sees that nothing
is left and switches. The old templates stay: the way back is as short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from lineament.app import eligibility, models
from lineament.app.ingest import ingest
from lineament.app.installation import Installation, require
from lineament.app.journal import act, change_terms, terms_of
from lineament.app.stored import image_bytes
from lineament.core.policy import Mode, Person, Role
from lineament.errors import BlobLost, FileMissing, KeyLost, NotCalibrated, PermissionNotInForce
from lineament.records import collections, images
from lineament.records.collections import Collection
from lineament.records.images import Image
from lineament.records.ingests import Rejected
from lineament.records.models import AddedPack, use_pack
from lineament.records.terms import read_terms
from lineament.sources import Item
from lineament.vision.pipeline import Vision

_PAGE = 500  # images


@dataclass
class Migration:
    """What a migration did.

    ``rejected`` lists the stored photographs that got no template, each path after its collection's name;
    ``faceless`` counts those in which no face was found before, whose bytes are not kept; ``left_out`` names
    the collections whose permission is not in force.
    """

    images: int = 0
    faces: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    faceless: int = 0
    left_out: list[str] = field(default_factory=list)


def migrate(
    installation: Installation,
    who: Person,
    name: str,
    accepts: Callable[[str], bool],
    on_progress: Callable[[int, int], None],
) -> Migration:
    """Re-embed every photograph under the pack ``name`` and switch to it. Run again, it goes on.

    ``accepts`` is asked only where the pack was not calibrated: it is told what that means and says whether
    to go on. ``on_progress`` gets how many photographs are done, and of how many.
    Raises ModelPackNotFound, ModelPackInvalid, NotCalibrated where that is not accepted, and ModelChanged
    where another migration came in between; what was committed by then stays.
    """
    require(who, Role.CURATOR)
    models.clear_drafts(installation.models_folder)
    added = models.find(installation, name)
    pack = models.load(installation.models_folder, added)
    tail = models.tail_of(pack)
    if tail is None and not accepts(_without_tail(installation, name)):
        raise NotCalibrated(f"The error rates of the model pack '{name}' have not been measured.")
    with installation.records.read() as tx:
        contract = read_terms(tx).contract or installation.contract
    done, seen = Migration(), set[str]()
    called = f"stored photographs, for the model pack '{name}'"
    with closing(Vision(pack, device=installation.vision.device)) as vision:
        beside = replace(installation, vision=vision, tail=tail, contract=contract)
        while waiting := _switch(beside, who, added, seen, done):
            total = len(seen) + sum(map(len, waiting.values()))
            on_progress(len(seen), total)
            for collection, ids in waiting.items():
                progress = partial(_add_progress, on_progress, len(seen), total)
                try:
                    stored = _Stored(beside, ids)
                    report = ingest(beside, who, collection, stored, progress, called=called)
                except PermissionNotInForce:  # it has just ended: what is left is left out
                    continue
                seen.update(ids)
                done.images += report.new
                done.faces += report.faces
                done.rejected += [replace(one, path=f"{collection}/{one.path}") for one in report.rejected]
    return done


def _add_progress(on_progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    on_progress(before + done, total)


def _without_tail(installation: Installation, name: str) -> str:
    purposes = installation.policy.purposes.values()
    refused = ", ".join(f"'{one.name}'" for one in purposes if one.mode is Mode.IDENTIFICATION)
    return (
        f"The error rates of the model pack '{name}' have not been measured. Until they are, no candidate "
        f"has odds, and searches in identification mode are refused: {refused or 'no purpose has it'}."
    )


def _switch(
    beside: Installation, who: Person, added: AddedPack | None, seen: Set[str], done: Migration
) -> dict[str, list[str]]:
    """Switch where nothing is left to be re-embedded; else return what is, by the collection's name.

    It is looked at first without keeping writers waiting, and once more in the transaction that switches: an
    ingest may have brought more meanwhile.
    """
    with beside.records.read() as tx:
        waiting, _ = _left(beside, tx, seen)
    if waiting:
        return waiting
    with act(beside) as doing:
        waiting, left_out = _left(beside, doing.tx, seen)
        if not waiting:
            change_terms(beside, doing, terms_of(beside), who)
            use_pack(doing.tx, added.name if added else None)
            collections.leave_out(doing.tx, [one.id for one in left_out])
            done.left_out = [one.name for one in left_out]
            done.faceless = images.count_faceless(doing.tx, beside.vision.contract)
    return waiting


def _left(
    beside: Installation, tx: Connection, seen: Set[str]
) -> tuple[dict[str, list[str]], list[Collection]]:
    """Return what is left to be re-embedded, and the collections that are left out of it.

    Photographs that were ``seen`` and could not be re-embedded are not tried again.
    """
    left, now = images.waiting_for(tx, beside.vision.contract), beside.clock()
    there = [one for one in collections.list_collections(tx) if one.id in left]
    left_out = [one for one in there if not eligibility.in_force(one, now)]
    tries = {
        one.name: [id_ for id_ in left[one.id] if id_ not in seen] for one in there if one not in left_out
    }
    return {name: ids for name, ids in tries.items() if ids}, left_out


class _Stored:
    """Stored photographs as a source: what an ingest once brought, from the blobs."""

    def __init__(self, installation: Installation, image_ids: Sequence[str]) -> None:
        self._installation = installation
        self._ids = image_ids

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._ids)

    def __iter__(self) -> Iterator[Item]:
        for start in range(0, len(self._ids), _PAGE):
            with self._installation.records.read() as tx:
                page = images.images(tx, self._ids[start : start + _PAGE])
            for one in page:
                yield Item(read=partial(_read, self._installation, one), **vars(one.provenance))


def _read(installation: Installation, image: Image) -> bytes:
    try:
        return image_bytes(installation, image)
    except (BlobLost, KeyLost) as error:
        raise FileMissing(str(error)) from error
