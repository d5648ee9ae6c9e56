"""What happens before a server answers its first request."""

from __future__ import annotations

import lineament
from lineament.app import following, journal
from lineament.app.installation import Installation
from lineament.core.times import iso


def start(installation: Installation) -> None:
    """Check the ledger, record that this software started, and bring the index up to date.

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
    following.catch_up(installation)
