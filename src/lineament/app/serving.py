"""What happens before a server answers its first request."""

from __future__ import annotations

from collections.abc import Callable

import lineament
from lineament.app import following, journal
from lineament.app.installation import Installation
from lineament.core.times import iso


def start(installation: Installation, on_progress: Callable[[int], None] = lambda _done: None) -> None:
    """Check the ledger, record that this software started, and bring the index up to date.

    ``on_progress`` gets the number of faces that the index has taken from the records.

    Raises LedgerBroken when checkpoint, tiles and entries disagree: nothing is served then.
    """
    journal.publish(installation)  # a stop between an act and its tiles left them behind
    journal.check(installation)
    with journal.act(installation) as doing:
        doing.record(
            "server.started",
            at=iso(installation.clock()),
            software=lineament.__version__,
            contract=installation.vision.contract,
            policy=installation.policy.version,
        )
    following.catch_up(installation, on_progress)
