"""Witnesses: others who vouch that this ledger only ever grew, and that everybody is shown the same one."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from lineament import ledger
from lineament.app import journal
from lineament.app.installation import Installation

EVERY_SECONDS = 60.0
SECONDS_EACH = 10.0  # for one of at most three requests to a witness
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What came of asking one witness: when it cosigned (UTC), or why it did not."""

    name: str
    url: str
    cosigned_at: datetime | None
    refused: str | None


@dataclass(frozen=True)
class Witnessed:
    """The newest checkpoint that witnesses have cosigned: its size, by whom and when, and if that is enough.

    ``by`` names the witnesses as the policy does, with times in UTC.
    """

    size: int
    by: dict[str, datetime]
    is_enough: bool


def ask(installation: Installation) -> list[Asked]:
    """Ask every witness that has an address to cosign the newest checkpoint; keep what they sign.

    All are asked at once. Takes half a minute at most, whatever a witness does. Raises LedgerBroken.
    """
    journal.publish(installation)
    folder, signer, policy = installation.ledger_folder, installation.signer, installation.witnesses
    with journal.ledger_errors():
        note = ledger.read_note(folder)

    def cosign(name: str) -> list[ledger.Signature] | str:
        witness, url = policy.witnesses[name], policy.urls[name]
        try:
            return ledger.cosign(folder, note, signer.verifier, witness, url, SECONDS_EACH)
        except ledger.LedgerError as error:
            return str(error)

    with ThreadPoolExecutor(max(1, len(policy.urls))) as threads:
        answers = dict(zip(policy.urls, threads.map(cosign, policy.urls), strict=True))
    signatures = [one for answer in answers.values() if not isinstance(answer, str) for one in answer]
    with journal.ledger_errors():
        kept = ledger.keep_cosignatures(folder, note, signatures, signer, policy) if signatures else note
        times = ledger.cosigners(kept, policy)
    return [
        Asked(name, policy.urls[name], None, answer)
        if isinstance(answer, str)
        else Asked(name, policy.urls[name], times[name], None)
        for name, answer in answers.items()
    ]


def witnessed(installation: Installation) -> Witnessed | None:
    """Return what witnesses have cosigned so far, or None. Raises LedgerBroken."""
    policy = installation.witnesses
    with journal.ledger_errors():
        newest = ledger.read_witnessed(installation.ledger_folder, installation.signer.verifier)
        if newest is None:
            return None
        note, head = newest
        by = ledger.cosigners(note, policy)
        return Witnessed(head.size, by, policy.is_met(by))


def ask_regularly(installation: Installation, stop: Event) -> None:
    """Ask the witnesses once a minute while the ledger has grown, until ``stop`` is set.

    What goes wrong is logged and tried again: a witness that refuses may have seen another log by this name.
    """
    while installation.witnesses.urls:
        try:
            last = witnessed(installation)
            if last is None or not last.is_enough or last.size < journal.publish(installation).size:
                for one in ask(installation):
                    if one.refused:
                        _log.warning("The ledger was not cosigned: %s", one.refused)
        except Exception:  # whatever it is, it must not end the witnessing for good
            _log.exception("The ledger was not cosigned")
        if stop.wait(EVERY_SECONDS):
            return
