"""What every opening begins with: withdrawals that a restored backup does not know are done again."""

from __future__ import annotations

import logging
from dataclasses import replace

from lineament.app import erasure, withdrawals_file
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.withdraw import take_out
from lineament.errors import LineamentError
from lineament.records import withdrawals
from lineament.records.terms import read_terms

_log = logging.getLogger(__name__)


def replay(installation: Installation) -> int:
    """Do again what the file of withdrawals has and the records lack; return how many withdrawals that were.

    Then finish every erasure that was cut short. Where that is not possible now, it is logged: nothing that
    was withdrawn is found by a search all the same. Raises WithdrawalsDamaged, StorageFailed, LedgerBroken.
    """
    with installation.records.read() as tx:  # which may be under another model, and wait for their migration
        contract = read_terms(tx).contract or installation.contract
    installation = replace(installation, contract=contract)
    missing = withdrawals_file.missing(installation)
    done = 0
    if missing:
        with act(installation) as doing:
            known = set(withdrawals.ids(doing.tx))
            for one in missing:
                if one.withdrawal.id not in known:  # nor has another process done it just now
                    take_out(installation, doing, one.withdrawal, one.suppressed)
                    done += 1
        _log.warning("Withdrawals that these records did not know were done again: %d", done)
    waiting = erasure.unfinished(installation)
    if waiting:
        try:
            erasure.finish(installation, waiting)
        except LineamentError as error:
            _log.warning("What was withdrawn is not yet erased: %s", error)
    return done
