"""Rotation: the data keys under another master key, and the photographs' keys under new collection keys."""

from __future__ import annotations

from collections.abc import Callable

from lineament.app.installation import Installation, require
from lineament.app.journal import act
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.records import collections, images
from lineament.records.keys import MasterKey


def rotate(
    installation: Installation, who: Person, master: MasterKey, on_progress: Callable[[int], None]
) -> int:
    """Wrap every data key under ``master``, which may be the same one; return how many there are.

    Each collection gets a new key, under which the keys of its photographs are wrapped again; what they seal
    stays as it is. All in one transaction. ``on_progress`` gets the number of photographs done. The caller
    opens the installation anew.
    """
    require(who, Role.CURATOR)
    done = 0
    with act(installation) as doing:
        for one in collections.list_collections(doing.tx):
            if one.id in installation.keys.names(doing.tx):  # else the whole collection was withdrawn
                before = installation.keys.get(doing.tx, one.id)
                after = installation.keys.renew(doing.tx, one.id)
                for _ in images.rewrap(doing.tx, one.id, before, after):
                    done += 1
                    on_progress(done)
        keys = installation.keys.rewrap(doing.tx, master)
        doing.record("keys.rotated", at=iso(installation.clock()), who=who.id, keys=keys)
    installation.records.forget()
    return keys
