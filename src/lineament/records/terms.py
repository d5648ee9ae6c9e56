"""The terms under which the last act was done, so that a change of them is noticed and recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select, update

from lineament.records.schema import state


@dataclass(frozen=True)
class Terms:
    """Digests of the policy, of the model's contract, and of its calibration; None where there is none."""

    policy: str | None
    contract: str | None
    calibration: str | None


def read_terms(tx: Connection) -> Terms:
    """Return the terms of the last act; all are None before the first one."""
    return Terms(*tx.execute(select(state.c.policy, state.c.contract, state.c.calibration)).one())


def write_terms(tx: Connection, terms: Terms) -> None:
    """Record the terms that count from now on."""
    tx.execute(update(state).values(asdict(terms)))
