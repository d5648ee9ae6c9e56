"""Erasure: what was withdrawn leaves every file, and its absence is proved by searching for it.

Whatever stops it, it can be begun again: until its proof is on record a withdrawal is unfinished, and it is
finished at the next opening, by a running server, or by ``lineament upkeep``.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from lineament.app import following
from lineament.app.following import PinnedHits
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.withdraw import Withdrawn
from lineament.core.jsontext import json_bytes
from lineament.core.odds import threshold_for
from lineament.core.times import iso
from lineament.errors import ErasureFailed, RecordsBusy, StorageFailed
from lineament.ledger import commitment, field_salt
from lineament.records import collections, withdrawals
from lineament.records.withdrawals import Withdrawal

NEIGHBOURS = 10  # faces looked at around each template; the withdrawn face itself would be the first
LOWEST = -1.0  # no cosine is smaller
STRANGERS_FPIR = 0.01  # the share of searches for people who are not here that score what strangers reach
_AT_ONCE = 256  # probes in one scan


def erase(installation: Installation, withdrawn: Sequence[Withdrawn]) -> list[Withdrawal]:
    """Remove what was withdrawn from the disk, prove that it is gone, and put the proof on record.

    The index is purged and the records' log emptied once for all of them. Returns the withdrawals as they are
    on record then. Where it cannot be finished now, an error says why, and nothing of it is found by a search
    all the same. Raises StorageFailed, RecordsBusy, ErasureFailed, and what the index raises, such as
    IndexUnavailable while a server has it.
    """
    with _alone(installation, wait=True):
        return _erase(installation, withdrawn)


def unfinished(installation: Installation) -> list[str]:
    """Return the ids of the withdrawals that are yet to be erased, the oldest first."""
    with installation.records.read() as tx:
        return withdrawals.unfinished(tx)


def finish(installation: Installation, withdrawal_ids: Sequence[str]) -> list[Withdrawal]:
    """Finish what a stop left; raises what ``erase`` raises. What another process erases is left to it."""
    with installation.records.read() as tx:
        found = [withdrawals.get(tx, one) for one in withdrawal_ids]
    nothing = np.empty((0, installation.vision.dimension), np.float32)
    waiting = [Withdrawn(one, frozenset(), nothing) for one in found if one]
    with _alone(installation, wait=False) as is_mine:
        return _erase(installation, waiting) if is_mine else []


@contextmanager
def _alone(installation: Installation, wait: bool) -> Iterator[bool]:
    """Hold the lock on erasing; without ``wait``, say whether that worked."""
    try:
        lock = installation.ledger_folder.with_name("erasure.lock").open("wb")
    except OSError as error:
        raise StorageFailed(f"The data folder cannot be used: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def _erase(installation: Installation, withdrawn: Sequence[Withdrawn]) -> list[Withdrawal]:
    with installation.records.read() as tx:
        rows = {one.withdrawal.id: withdrawals.get(tx, one.withdrawal.id) for one in withdrawn}
    waiting = [
        replace(one, withdrawal=row)
        for one in withdrawn
        if (row := rows[one.withdrawal.id]) and row.erased_at is None
    ]
    if waiting:
        _remove(installation, waiting)
        found = _found(installation, waiting)
        proofs = [_proof(installation, *each) for each in zip(waiting, found, strict=True)]
        _record(installation, waiting, proofs)
    with installation.records.read() as tx:
        return [row for one in withdrawn if (row := withdrawals.get(tx, one.withdrawal.id))]


def _remove(installation: Installation, waiting: Sequence[Withdrawn]) -> None:
    """Remove stored files, index rows, and pages of the records that the write-ahead log still has."""
    installation.blobs.remove(name for one in waiting for name in one.withdrawal.files)
    following.catch_up(installation)
    installation.index.purge()
    if not installation.records.forget():
        raise RecordsBusy("Another program reads the records, and so their log keeps what was deleted.")


def _found(installation: Installation, waiting: Sequence[Withdrawn]) -> list[list[PinnedHits]]:
    """Search all collections for every template that is held; return what was found, by withdrawal."""
    with installation.records.read() as tx:
        names = [one.name for one in collections.list_collections(tx) if not one.left_out]
    probes = np.concatenate([one.templates for one in waiting])
    found: list[PinnedHits] = []
    for start in range(0, len(probes), _AT_ONCE):
        some = probes[start : start + _AT_ONCE]
        found += following.search_each(installation, some, names, lambda _faces: LOWEST, NEIGHBOURS)
    answers = iter(found)
    return [list(islice(answers, len(one.templates))) for one in waiting]


def _proof(installation: Installation, one: Withdrawn, found: Sequence[PinnedHits]) -> dict[str, Any]:
    """Return what shows that a withdrawal's photographs and faces are gone. Raises ErasureFailed."""
    with installation.records.read() as tx:
        rows = withdrawals.left_of(tx, one.withdrawal)
    files = sum(map(installation.blobs.is_there, one.withdrawal.files))
    hits = [pair for each in found for pair in zip(each.hits.ids, each.hits.scores.tolist(), strict=True)]
    returned = sum(face in one.faces for face, _ in hits)
    if rows or files or returned:
        raise ErasureFailed(
            f"Of the withdrawal {one.withdrawal.id} there are still {rows} rows, {files} files, and a search "
            f"returned {returned} of its faces."
        )
    best = max((score for _, score in hits), default=None)
    covered, tail = found[0].hits.covered if found else None, installation.tail
    reached = threshold_for(tail, STRANGERS_FPIR, covered) if tail and covered else None
    return {
        "rows_left": rows,
        "files_left": files,
        "searched_with": len(found),
        "faces_covered": covered,
        "faces_returned": returned,
        "best_remaining": _decimal(best),
        "strangers_reach": _decimal(reached),
    }


def _decimal(score: float | None) -> str | None:
    return None if score is None else f"{score:.4f}"


def _record(
    installation: Installation, waiting: Sequence[Withdrawn], proofs: Sequence[dict[str, Any]]
) -> None:
    with act(installation) as doing:
        now = iso(installation.clock())
        for one, proof in zip(waiting, proofs, strict=True):
            row = one.withdrawal
            if withdrawals.finish(doing.tx, row.id, proof, now):
                doing.record(
                    "erasure.done",
                    at=now,
                    withdrawal=row.id,
                    images=row.images,
                    faces=row.faces,
                    proof=commitment(field_salt(row.salt, "proof"), json_bytes(proof)),
                )
