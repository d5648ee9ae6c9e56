"""Suppressions: what must not come back. No index holds them, and no search asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, insert, select

from lineament.errors import RecordsUnusable
from lineament.records.blobs import keyed
from lineament.records.schema import suppression, withdrawal
from lineament.records.sealed import NotWhole, seal, unseal
from lineament.records.withdrawals import By


@dataclass(frozen=True)
class Suppression:
    """What must not come back: a photograph or a face.

    Of a photograph its keyed digest and, sealed, the 32 bytes that nearly the same ones share; of a face its
    contract and, sealed, its template.
    """

    id: str
    digest: str | None = None
    phash: bytes | None = None
    contract: str | None = None
    vector: bytes | None = None


@dataclass(frozen=True, eq=False)
class Marks:
    """What suppressed things are known by, opened.

    ``shared`` (n, 32) uint8 are what nearly the same photographs share, ``faces`` (m, D) float32 templates.
    """

    digests: frozenset[str]
    shared: NDArray[np.uint8]
    faces: NDArray[np.float32]


def of_photograph(new_id: str, key: bytes, sha256: str, phash: bytes) -> Suppression:
    """Return what keeps a photograph from coming back; ``key`` is the data key for suppression."""
    return Suppression(new_id, digest=keyed(key, sha256), phash=seal(key, phash, f"{new_id} phash"))


def of_face(new_id: str, key: bytes, contract: str, vector: NDArray[np.float32]) -> Suppression:
    """Return what keeps a face out: its (D,) float32 template under a contract, sealed."""
    sealed = seal(key, vector.astype("<f4").tobytes(), f"{new_id} {contract}")
    return Suppression(new_id, contract=contract, vector=sealed)


def add(tx: Connection, withdrawal_id: str, suppressed: Sequence[Suppression]) -> None:
    """Record what must not come back of a withdrawal."""
    if suppressed:
        tx.execute(insert(suppression), [vars(one) | {"withdrawal_id": withdrawal_id} for one in suppressed])


def of_withdrawal(tx: Connection, withdrawal_id: str) -> list[Suppression]:
    """Return what must not come back of one withdrawal."""
    mine = select(suppression).where(suppression.c.withdrawal_id == withdrawal_id)
    return [_suppression(row) for row in tx.execute(mine.order_by(suppression.c.id))]


def marks(tx: Connection, key: bytes, collection_id: str, contract: str, dimension: int) -> Marks:
    """Return what must not come into one collection; of faces, those of one contract.

    That is what persons withdrew anywhere, and what others withdrew from this collection. Raises
    RecordsUnusable.
    """
    counts = (withdrawal.c.by == By.PERSON) | (withdrawal.c.collection_id == collection_id)
    rows = tx.execute(select(suppression).join(withdrawal).where(counts).order_by(suppression.c.id)).all()
    of_contract = [row for row in rows if row.contract == contract]
    try:
        shared = b"".join(unseal(key, row.phash, f"{row.id} phash") for row in rows if row.phash)
        faces = b"".join(unseal(key, row.vector, f"{row.id} {contract}") for row in of_contract)
    except NotWhole as error:
        raise RecordsUnusable("The records are damaged: what must not come back does not open.") from error
    return Marks(
        frozenset(row.digest for row in rows if row.digest),
        np.frombuffer(shared, np.uint8).reshape(-1, 32),
        np.frombuffer(faces, "<f4").reshape(-1, dimension),
    )


def count(tx: Connection) -> int:
    """Return how many things must not come back; it only ever grows."""
    return tx.execute(select(func.count()).select_from(suppression)).scalar_one()


def count_faces(tx: Connection) -> dict[str, int]:
    """Return how many faces are kept out by their persons' wish, by the contract of their templates."""
    faces = select(suppression.c.contract, func.count().label("faces"))
    rows = tx.execute(faces.where(suppression.c.contract.is_not(None)).group_by(suppression.c.contract))
    return {row.contract: row.faces for row in rows}


def _suppression(row: Row[Any]) -> Suppression:
    return Suppression(row.id, row.digest, row.phash, row.contract, row.vector)
