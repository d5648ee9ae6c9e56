"""Upkeep: what has to happen although nobody asks. A server does it, and so does `lineament upkeep`."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Event

from lineament.app import eligibility, erasure, sign_in, sites
from lineament.app.casework import retention
from lineament.app.installation import Installation
from lineament.app.withdraw import withdraw
from lineament.records import withdrawals
from lineament.records.withdrawals import By, Scope

EVERY_SECONDS = 3600.0
LOOK_SECONDS = 10.0  # how soon a server finishes what another process began
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """What was done: how many erasures were finished, and which collections were emptied, by name.

    ``ended_sites`` are the hosts whose permission files were found to be no longer in force, and
    ``erased_probes`` counts the searched photographs that were kept for as long as the policy says.
    """

    finished: int
    purged: tuple[str, ...]
    ended_sites: tuple[str, ...]
    erased_probes: int = 0


def upkeep(installation: Installation) -> Report:
    """Finish erasures that were cut short; empty collections that were kept for as long as they may be.

    Look at the permission files of sites that are due, and erase what came from those that ended a week ago.
    Erase the searched photographs whose time has come. Raises what ``erasure.erase`` raises.
    """
    finished = erasure.finish(installation, erasure.unfinished(installation))
    purged = _overdue(installation)
    who = sign_in.operator(installation)
    for name in purged:
        gone = withdraw(installation, who, Scope.COLLECTION, [name], By.RETENTION)
        erasure.erase(installation, gone)
    ended = sites.recheck(installation)
    if late := sites.overdue(installation):
        erasure.erase(installation, withdraw(installation, who, Scope.IMAGE, late, By.RETENTION))
    probes = retention.erase_probes(installation)
    return Report(len(finished), tuple(purged), tuple(one.host for one in ended), probes)


def _overdue(installation: Installation) -> list[str]:
    """Return the names of the collections that hold photographs for longer than they may."""
    with installation.records.read() as tx:
        overdue = eligibility.overdue(tx, installation.clock())
        return [one.name for one in overdue if withdrawals.images_of(tx, Scope.COLLECTION, one.id)]


def keep_up(installation: Installation, stop: Event) -> None:
    """Do the upkeep once an hour until ``stop`` is set.

    Every few seconds what another process withdrew and could not erase, because this one has the index, is
    finished: once it was seen twice, so that whoever began it is not overtaken. What goes wrong is logged and
    tried again.
    """
    due, seen = time.monotonic(), set[str]()
    while not stop.wait(LOOK_SECONDS):
        try:
            waiting = erasure.unfinished(installation)
            erasure.finish(installation, [one for one in waiting if one in seen])
            seen = set(waiting)
            if time.monotonic() >= due:
                upkeep(installation)
                due = time.monotonic() + EVERY_SECONDS
        except Exception:  # whatever it is, it must not end the upkeep for good
            _log.exception("The upkeep was not done")
