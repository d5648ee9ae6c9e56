"""Data keys: one for each collection and for each other thing that is kept, wrapped under the master key.

A photograph has a key of its own, wrapped under its collection's. Destroying a key destroys what it seals.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, delete, insert, select, update

from lineament.errors import KeyLost, MasterKeyWrong
from lineament.records.schema import data_key
from lineament.records.sealed import NotWhole, new_key, seal, unseal

DOCUMENTS, SUPPRESSION, INDEX = "documents", "suppression", "index"  # what is not a collection


class MasterKey(Protocol):
    """Where data keys are wrapped: this process with a key it was given, or a key management service."""

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return a data key so that it may lie on a disk."""

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return a data key. Raises MasterKeyWrong where another key wrapped it."""


class LocalMasterKey:
    """A master key of 32 bytes that this process holds."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return a data key so that it may lie on a disk."""
        return seal(self._key, key, name)

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return a data key. Raises MasterKeyWrong."""
        try:
            return unseal(self._key, wrapped, name)
        except NotWhole as error:
            raise MasterKeyWrong(
                "The master key is not the one that this data folder was kept under."
            ) from error


class Keys:
    """The data keys of an installation. Those that were opened are remembered, by what wraps them."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._opened: dict[bytes, bytes] = {}

    def add(self, tx: Connection, name: str) -> None:
        """Make a key. Raises MasterKeyWrong where another process has put another master key in place."""
        if there := tx.scalar(select(data_key.c.name).order_by(data_key.c.name).limit(1)):
            self.get(tx, there)
        tx.execute(insert(data_key).values(name=name, wrapped=self._master.wrap(new_key(), name)))

    def get(self, tx: Connection, name: str) -> bytes:
        """Return a key of 32 bytes. Raises KeyLost where there is none, and MasterKeyWrong."""
        wrapped = tx.scalar(select(data_key.c.wrapped).where(data_key.c.name == name))
        if wrapped is None:
            raise KeyLost("The key of what is asked for is not here: it was destroyed, or lost.")
        if wrapped not in self._opened:
            self._opened[wrapped] = self._master.unwrap(wrapped, name)
        return self._opened[wrapped]

    @staticmethod
    def names(tx: Connection) -> set[str]:
        """Return what there are keys for."""
        return set(tx.scalars(select(data_key.c.name)))

    def ensure(self, tx: Connection, name: str) -> None:
        """Make a key unless there is one."""
        if tx.scalar(select(data_key.c.name).where(data_key.c.name == name)) is None:
            self.add(tx, name)

    def renew(self, tx: Connection, name: str) -> bytes:
        """Put a new key in a key's place and return it; what the old one seals, it does not open."""
        self.destroy(tx, name)
        self.add(tx, name)
        return self.get(tx, name)

    def destroy(self, tx: Connection, name: str) -> None:
        """Destroy a key: nothing that it seals can be read again."""
        tx.execute(delete(data_key).where(data_key.c.name == name))

    def rewrap(self, tx: Connection, master: MasterKey) -> int:
        """Wrap every key under another master key instead; return how many there are.

        This process goes on with the old one: it is to be opened anew.
        """
        rows = tx.execute(select(data_key)).all()
        for row in rows:
            wrapped = master.wrap(self._master.unwrap(row.wrapped, row.name), row.name)
            tx.execute(update(data_key).where(data_key.c.name == row.name).values(wrapped=wrapped))
        return len(rows)
