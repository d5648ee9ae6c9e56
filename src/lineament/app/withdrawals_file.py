"""The file ``withdrawals`` in the data folder: what a backup that is restored may not know.

It has one line of JSON for each withdrawal: its id, and all else sealed. A line is durable before the
withdrawal takes effect. It names nobody, and is of no use without the data keys. Whoever restores a backup
keeps the newest copy of this file; ``replay`` does again what the records lack.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Connection

from lineament.app.installation import Installation
from lineament.core.jsontext import json_bytes
from lineament.errors import StorageFailed, WithdrawalsDamaged
from lineament.records import suppressions, withdrawals
from lineament.records.blobs import sync_folder
from lineament.records.keys import SUPPRESSION
from lineament.records.sealed import NotWhole, seal, unseal
from lineament.records.suppressions import Suppression
from lineament.records.withdrawals import By, Scope, Withdrawal


@dataclass(frozen=True)
class Kept:
    """A withdrawal that the file has, and what of it must not come back."""

    withdrawal: Withdrawal
    suppressed: tuple[Suppression, ...]


def keep(installation: Installation, tx: Connection, withdrawal_ids: Iterable[str]) -> None:
    """Add withdrawals to the file, durably, before the transaction that made them commits.

    Should it not commit, they are done again at the next opening. Raises StorageFailed.
    """
    with _alone(installation) as file:
        key = installation.keys.get(tx, SUPPRESSION)
        file.write(b"".join(_line(tx, key, one) for one in withdrawal_ids))
        file.flush()
        os.fsync(file.fileno())


def missing(installation: Installation) -> list[Kept]:
    """Return the withdrawals that the records lack, in their order. What the file lacks is added to it.

    Raises StorageFailed, and WithdrawalsDamaged.
    """
    with installation.records.read() as tx:
        there, key = withdrawals.ids(tx), installation.keys.get(tx, SUPPRESSION)
        with _alone(installation) as file:
            file.seek(0)
            kept = dict(_parsed(number, line) for number, line in enumerate(file, 1))
        lost = [one for one in there if one not in kept]
        if lost:
            keep(installation, tx, lost)
    known = set(there)
    return [_opened(key, name, sealed) for name, sealed in kept.items() if name not in known]


@contextmanager
def _alone(installation: Installation) -> Iterator[BinaryIO]:
    """Open the file while no other process has it. A last line that a stop cut short goes."""
    path = installation.ledger_folder.with_name("withdrawals")
    try:
        with open(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            if size == 0:
                sync_folder(path.parent)
            elif os.pread(file.fileno(), 1, size - 1) != b"\n":
                file.truncate(os.pread(file.fileno(), size, 0).rfind(b"\n") + 1)
            yield file
    except OSError as error:
        raise StorageFailed(f"The file of withdrawals cannot be used: {error.strerror}.") from error


def _line(tx: Connection, key: bytes, withdrawal_id: str) -> bytes:
    """Return a withdrawal of the records as a line."""
    one = withdrawals.get(tx, withdrawal_id)
    if one is None:
        raise ValueError(f"no withdrawal {withdrawal_id}")
    document = {
        "withdrawal": vars(one) | {"salt": one.salt.hex(), "erased_at": None, "proof": None},
        "suppressed": [
            vars(kept) | {"phash": _base64(kept.phash), "vector": _base64(kept.vector)}
            for kept in suppressions.of_withdrawal(tx, one.id)
        ],
    }
    sealed = seal(key, json_bytes(document), f"withdrawal {one.id}")
    return json_bytes({"id": one.id, "sealed": _base64(sealed)}) + b"\n"


def _parsed(number: int, line: bytes) -> tuple[str, bytes]:
    """Return what a line is about and what is sealed in it."""
    try:
        said: Any = json.loads(line)
        return str(said["id"]), base64.b64decode(said["sealed"], validate=True)
    except (ValueError, LookupError, TypeError) as error:
        raise WithdrawalsDamaged(f"Line {number} of the file of withdrawals cannot be read.") from error


def _opened(key: bytes, withdrawal_id: str, sealed: bytes) -> Kept:
    try:
        said: Any = json.loads(unseal(key, sealed, f"withdrawal {withdrawal_id}"))
    except NotWhole as error:
        raise WithdrawalsDamaged(
            f"The withdrawal {withdrawal_id[:12]}… in the file of withdrawals was changed, or is another's."
        ) from error
    row = said["withdrawal"]
    values = {
        "by": By(row["by"]),
        "scope": Scope(row["scope"]),
        "salt": bytes.fromhex(row["salt"]),
        "files": tuple(row["files"]),
    }
    suppressed = [
        Suppression(**one | {"phash": _bytes(one["phash"]), "vector": _bytes(one["vector"])})
        for one in said["suppressed"]
    ]
    return Kept(Withdrawal(**row | values), tuple(suppressed))


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
