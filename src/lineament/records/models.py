"""Model packs that were added here, and the one that is in use."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select, update

from lineament.records.schema import model_pack, state


@dataclass(frozen=True)
class AddedPack:
    """A pack as it was added: the digest of its pack.toml, and the blob with the terms that were accepted."""

    name: str
    contract: str
    digest: str
    terms: str
    accepted_by: str
    accepted_at: str


def add_pack(tx: Connection, new: AddedPack) -> None:
    """Record a pack whose terms were accepted."""
    tx.execute(insert(model_pack).values(asdict(new)))


def list_packs(tx: Connection) -> list[AddedPack]:
    """Return every pack that was added, by name."""
    return [AddedPack(**row) for row in tx.execute(select(model_pack).order_by(model_pack.c.name)).mappings()]


def pack_in_use(tx: Connection) -> AddedPack | None:
    """Return the pack that is in use, or None where that is the one that ships."""
    row = tx.execute(select(model_pack).join(state, state.c.pack == model_pack.c.name)).mappings().first()
    return AddedPack(**row) if row else None


def use_pack(tx: Connection, name: str | None) -> None:
    """Record which pack is in use from now on; None is the one that ships."""
    tx.execute(update(state).values(pack=name))
