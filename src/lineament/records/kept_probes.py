"""Which photographs are kept for which searches, until they are erased as the policy says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from lineament.core.cases import CaseState
from lineament.records.schema import case_file, kept_probe, model_pack, permission, search


@dataclass(frozen=True)
class KeptProbe:
    """A photograph that is kept for a search, by its digest. Times are ISO 8601 UTC.

    The case is the one that the search was made in; without one, ``case_state`` and ``closed_at`` are None.
    """

    sha256: str
    search_id: str
    purpose: str
    ended_at: str
    case_id: str | None
    case_state: CaseState | None
    closed_at: str | None


def kept_probes(tx: Connection) -> list[KeptProbe]:
    """Return every photograph that is kept for a search."""
    query = (
        select(
            kept_probe,
            search.c.purpose,
            search.c.started_at,
            search.c.ended_at,
            search.c.case_id,
            case_file.c.state,
            case_file.c.closed_at,
        )
        .join(search, search.c.id == kept_probe.c.search_id)
        .outerjoin(case_file, case_file.c.id == search.c.case_id)
        .order_by(search.c.started_at, kept_probe.c.search_id, kept_probe.c.sha256)
    )
    return [
        KeptProbe(
            row.sha256,
            row.search_id,
            row.purpose,
            row.ended_at or row.started_at,
            row.case_id,
            CaseState(row.state) if row.state else None,
            row.closed_at,
        )
        for row in tx.execute(query)
    ]


def forget_probes(tx: Connection, digests: Sequence[str]) -> None:
    """Record that photographs are kept for no search any more."""
    tx.execute(delete(kept_probe).where(kept_probe.c.sha256.in_(digests)))


def other_documents(tx: Connection) -> set[str]:
    """Return the digests of what is kept for another reason: evidence of permissions, and terms of packs."""
    evidence = select(permission.c.document["evidence_sha256"].as_string())
    found = {*tx.scalars(evidence), *tx.scalars(select(model_pack.c.terms))}
    return {digest for digest in found if digest}
