"""Ingest: from a source into a collection, under a permission in force.

Resumable: an image is known by its digest, its collection and the template contract. Each batch commits whole
with its ledger entry, so that a stop at any moment loses at most the batch in hand.

1. ``batches`` reads the source, and gathers what becomes of its files.
2. ``prepare`` says of each file whether it is known, and if not, what is to be seen in it.
3. ``BatchWriter`` writes it all down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial

from lineament.app import collections as app_collections
from lineament.app.batch_writer import BatchWriter, Report
from lineament.app.batches import batches
from lineament.app.eligibility import require_in_force
from lineament.app.films import with_frames
from lineament.app.installation import Installation, require
from lineament.app.prepare import Sight, prepare
from lineament.core.policy import Person, Role
from lineament.errors import SourceError
from lineament.records.collections import Collection
from lineament.records.ingests import Rejected
from lineament.sources import Source
from lineament.sources.site_permission import SitePermission

__all__ = ["Report", "ingest", "require_permission"]


def ingest(
    installation: Installation,
    who: Person,
    collection_name: str,
    source: Source,
    on_progress: Callable[[int], None],
    *,
    called: str = "",
    sight: Sight | None = None,
    site_permissions: Callable[[], Iterable[SitePermission]] = tuple,
    on_rejected: Callable[[Rejected], None] = lambda _one: None,
) -> Report:
    """Take a source's photographs into a collection; ``on_progress`` gets the number of items done.

    ``called`` is what people call the source. ``sight`` is where photographs are looked at, here unless told
    otherwise. ``site_permissions`` returns the files under which something was fetched so far.
    ``on_rejected`` gets every file that cannot be used, once that is on record. Every frame of a film is an
    item.

    Raises CollectionNotFound, PermissionNotInForce also when the permission ends half-way, and SourceError
    where the source breaks off; what was committed by then stays. A file that cannot be used is reported and
    the rest goes on.
    """
    require(who, Role.CURATOR)
    collection = require_permission(installation, collection_name)
    sight = sight or Sight.here(installation.vision)
    writer = BatchWriter(installation, who, collection, site_permissions, on_rejected)
    writer.begin(called, source.size)
    work, done = partial(prepare, installation, collection.id, sight, writer.is_withdrawn), 0
    try:
        with closing(batches(with_frames(source), work, sight.at_once)) as coming:
            for outcomes in coming:
                writer.write(outcomes)
                done += len(outcomes)
                on_progress(done)
    except SourceError as error:
        writer.write([Rejected(called or collection_name, error.code, str(error))])
        raise
    writer.finish()
    return writer.report


def require_permission(installation: Installation, name: str) -> Collection:
    """Return a collection into which photographs may be taken now.

    Raises CollectionNotFound or PermissionNotInForce.
    """
    collection = app_collections.find(installation, name)
    require_in_force(collection, installation.clock())
    return collection
