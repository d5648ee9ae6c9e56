"""Photographs from the web stay as long as their site's permission file does.

Looked at once a day: where the file is gone, narrowed or expired, or could not be reached for two days,
nothing of the site is shown from then on; a week later it is erased. A file that comes back in between
brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from lineament.app.installation import Installation
from lineament.app.journal import Act, act
from lineament.core.policy import Person
from lineament.core.times import from_iso, iso
from lineament.errors import NetworkOff, SitePermissionMissing, SourceError
from lineament.ledger import commitment
from lineament.records import collections, sites
from lineament.records.images import Image
from lineament.records.sites import Site
from lineament.sources.site_permission import SitePermission, Standing, check, parse_site_permission

CHECK_AFTER = timedelta(hours=20)  # so that an hourly upkeep sees each file within a day
UNREACHED_AT_MOST = timedelta(hours=48)
ERASE_AFTER = timedelta(days=7)


def record(
    doing: Act, installation: Installation, who: Person, collection_id: str, seen: Iterable[SitePermission]
) -> None:
    """Record the files that photographs were just fetched under, those that are new with an entry.

    One that permits less than the file before it does not take its place while photographs are here that came
    under that: it ends the site's permission, as ``recheck`` would.
    """
    now = installation.clock()
    for one in seen:
        there = sites.get_site(doing.tx, collection_id, one.host)
        if there and there.sha256 == one.digest and there.ended_at is None:
            continue
        if there and _is_narrower(one, there, now) and sites.images_from(doing.tx, there):
            if there.ended_at is None:
                _end(doing, installation, there, Standing.NARROWED, who)
            continue
        site = Site(collection_id, one.host, one.digest, one.data, installation.new_salt(), iso(now), None)
        sites.put_site(doing.tx, site)
        if there and there.ended_at:
            collections.next_revision(doing.tx, collection_id)
        _enter(doing, installation, site, Standing.IN_FORCE, who)


def withheld(tx: Connection) -> Callable[[Image], bool]:
    """Return what says whether an image comes from a site whose permission file is no longer in force."""
    ended = sites.ended(tx)

    def is_withheld(image: Image) -> bool:
        address = image.provenance.source_url
        return bool(ended and address and (image.collection_id, sites.host_of(address)) in ended)

    return is_withheld


def recheck(installation: Installation) -> list[Site]:
    """Look at every file that is due; return those that are no longer in force since now.

    One that ended a week ago is not looked at any more: what came under it goes.
    """
    now = installation.clock()
    with installation.records.read() as tx:
        due = [
            one
            for one in sites.list_sites(tx)
            if now - from_iso(one.checked_at) >= CHECK_AFTER and not _is_over(one, now)
        ]
    ended = []
    for site in due:
        standing, today = _standing(installation, site)
        if standing is None:  # not reached, and not for long
            continue
        with act(installation) as doing:
            if sites.get_site(doing.tx, site.collection_id, site.host) != site:
                continue  # an ingest recorded a newer file meanwhile
            if today is not None and standing is Standing.IN_FORCE:
                renewed = replace(
                    site, sha256=today.digest, file=today.data, checked_at=iso(now), ended_at=None
                )
                sites.put_site(doing.tx, renewed)
                if site.ended_at:
                    collections.next_revision(doing.tx, site.collection_id)
                if site.ended_at or site.sha256 != renewed.sha256:
                    _enter(doing, installation, renewed, standing)
            elif site.ended_at is None:
                _end(doing, installation, site, standing)
                ended.append(site)
    return ended


def overdue(installation: Installation) -> list[str]:
    """Return the ids of the images that are to be erased: those of files that ended a week ago."""
    now = installation.clock()
    with installation.records.read() as tx:
        late = [one for one in sites.list_sites(tx) if _is_over(one, now)]
        return [image_id for one in late for image_id in sites.images_from(tx, one)]


def _standing(installation: Installation, site: Site) -> tuple[Standing | None, SitePermission | None]:
    """Return where a site's file stands, None where it was not reached, and the file where it was."""
    fetcher, now = installation.fetcher, installation.clock()
    before = _on_record(site)
    try:
        if fetcher is None:
            raise NetworkOff("The network is off.")
        today = fetcher.read_permission(site.host)
    except SitePermissionMissing:
        return Standing.GONE, None
    except SourceError:
        if now >= before.expires:
            return Standing.EXPIRED, None
        return (Standing.GONE if now - from_iso(site.checked_at) >= UNREACHED_AT_MOST else None), None
    return check(before, today, fetcher.operator, now), today


def _on_record(site: Site) -> SitePermission:
    return parse_site_permission(site.file, site.host, from_iso(site.checked_at))


def _is_narrower(one: SitePermission, there: Site, now: datetime) -> bool:
    """Say whether a file that something was just fetched under permits less than the one on record."""
    operator = one.operators[0]  # that it names this one was asked before
    return check(_on_record(there), one, operator, now) is Standing.NARROWED


def _is_over(site: Site, now: datetime) -> bool:
    """Say whether a file ended so long ago that what came under it is to be erased."""
    return site.ended_at is not None and now - from_iso(site.ended_at) >= ERASE_AFTER


def _end(
    doing: Act, installation: Installation, site: Site, standing: Standing, who: Person | None = None
) -> None:
    sites.end_site(doing.tx, site, installation.clock())
    collections.next_revision(doing.tx, site.collection_id)
    _enter(doing, installation, site, standing, who)


def _enter(
    doing: Act, installation: Installation, site: Site, standing: Standing, who: Person | None = None
) -> None:
    doing.record(
        "site.permission",
        at=iso(installation.clock()),
        who=who.id if who else None,
        collection=site.collection_id,
        host=commitment(site.salt, site.host.encode()),
        file=f"sha256:{site.sha256}" if standing is not Standing.GONE else None,
        state=standing.replace(" ", "-"),
    )
