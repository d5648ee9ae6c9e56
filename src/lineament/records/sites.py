"""The files by which sites permit that their photographs are held: one for each collection and host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection, func, insert, select, update

from lineament.core.times import iso
from lineament.records.schema import image, site_permission


@dataclass(frozen=True)
class Site:
    """A host's file as it was when photographs were last fetched under it.

    ``checked_at`` is when it was last seen to be in force. From ``ended_at`` on it is not, and nothing that
    came from the host into the collection is shown.
    """

    collection_id: str
    host: str
    sha256: str
    file: bytes
    salt: bytes
    checked_at: str
    ended_at: str | None


def get_site(tx: Connection, collection_id: str, host: str) -> Site | None:
    """Return what is on record of a host, if anything is."""
    mine = (site_permission.c.collection_id == collection_id) & (site_permission.c.host == host)
    row = tx.execute(select(site_permission).where(mine)).mappings().first()
    return Site(**row) if row else None


def list_sites(tx: Connection) -> list[Site]:
    """Return what is on record of all hosts."""
    rows = tx.execute(
        select(site_permission).order_by(site_permission.c.collection_id, site_permission.c.host)
    )
    return [Site(**row) for row in rows.mappings()]


def ended(tx: Connection) -> set[tuple[str, str]]:
    """Return the collections' ids and hosts whose files are no longer in force."""
    rows = select(site_permission.c.collection_id, site_permission.c.host)
    return {
        (row.collection_id, row.host)
        for row in tx.execute(rows.where(site_permission.c.ended_at.is_not(None)))
    }


def put_site(tx: Connection, site: Site) -> None:
    """Record a host's file in place of the one before."""
    mine = (site_permission.c.collection_id == site.collection_id) & (site_permission.c.host == site.host)
    if not tx.execute(update(site_permission).where(mine).values(vars(site))).rowcount:
        tx.execute(insert(site_permission).values(vars(site)))


def end_site(tx: Connection, site: Site, now: datetime) -> None:
    """Record that a host's file is no longer in force."""
    mine = (site_permission.c.collection_id == site.collection_id) & (site_permission.c.host == site.host)
    tx.execute(update(site_permission).where(mine).values(ended_at=iso(now)))


def images_from(tx: Connection, site: Site) -> list[str]:
    """Return the ids of the images that a collection has from a host."""
    names_it = func.instr(func.lower(image.c.source_url), site.host) > 0
    mine = (image.c.collection_id == site.collection_id) & names_it
    rows = tx.execute(select(image.c.id, image.c.source_url).where(mine))
    return [row.id for row in rows if host_of(row.source_url) == site.host]


def host_of(address: str) -> str:
    """Return the host in the address that an image comes from, in lower case and without a port."""
    return urlsplit(address).hostname or ""
