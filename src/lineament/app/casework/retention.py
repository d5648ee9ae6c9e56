"""How long photographs that were searched are kept: for a time after their case was closed, and no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from lineament.app.installation import Installation
from lineament.app.journal import Act, act
from lineament.core.cases import CaseState
from lineament.core.times import from_iso, iso
from lineament.records import kept_probes
from lineament.records.kept_probes import KeptProbe

OTHERWISE = timedelta(hours=48)  # for a purpose that the policy no longer has


def erase_probes(installation: Installation) -> int:
    """Erase the searched photographs whose time has come; return how many.

    It comes a while, which the purpose says, after the case was closed, or after a search without a case. A
    photograph stays as long as another search of it is still kept, or while it is kept as evidence. Raises
    StorageFailed.
    """
    with installation.records.read() as tx:
        if not _due(installation, tx):
            return 0
    with act(installation) as doing:
        due = _due(installation, doing.tx)
        gone = sorted({one.sha256 for one in due})
        _record(installation, doing, due)
        kept_probes.forget_probes(doing.tx, gone)
        # While nobody else can write: a search that is recorded after this one keeps its photograph anew.
        for digest in gone:
            installation.documents.remove(digest)
    return len(gone)


def _due(installation: Installation, tx: Connection) -> list[KeptProbe]:
    """Return what is to be erased now, with every search that each photograph was kept for."""
    now = installation.clock()
    kept = kept_probes.kept_probes(tx)
    over = [one for one in kept if _is_over(installation, one, now)]
    if not over:
        return []
    still = {one.sha256 for one in kept if one not in over} | kept_probes.other_documents(tx)
    return [one for one in over if one.sha256 not in still]


def _is_over(installation: Installation, kept: KeptProbe, now: datetime) -> bool:
    purpose = installation.policy.purposes.get(kept.purpose)
    keep = purpose.probe_retention if purpose else OTHERWISE
    if kept.case_id is None:
        return from_iso(kept.ended_at) + keep <= now
    if kept.case_state is not CaseState.CLOSED or kept.closed_at is None:
        return False
    return from_iso(kept.closed_at) + keep <= now


def _record(installation: Installation, doing: Act, due: list[KeptProbe]) -> None:
    """Write one entry for each case, and one for all searches without a case."""
    for case_id in dict.fromkeys(one.case_id for one in due):
        doing.record(
            "probes.erased",
            at=iso(installation.clock()),
            case=doing.in_case(case_id),
            photographs=len({one.sha256 for one in due if one.case_id == case_id}),
        )
