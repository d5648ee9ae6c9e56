"""Photographs from the web are shown as long as their site's permission file is in force, and then go."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from lineament.app import candidates, sign_in, sites
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.search import Request, open_search
from lineament.app.withdraw import withdraw
from lineament.errors import FetchFailed, ImageNotFound, SitePermissionMissing, SourceError
from lineament.records import collections
from lineament.records import sites as recorded_sites
from lineament.records.schema import image
from lineament.records.sites import Site
from lineament.records.withdrawals import By, Scope
from lineament.sources.fetch import Fetcher
from lineament.sources.site_permission import SitePermission, parse_site_permission
from lineament.testing import NOON, Clock, recorded
from tests.samples import OBAMA
from tests.sources.internet import CONTACT, OPERATOR, permission

HOST = "raw.githubusercontent.com"  # whose photographs the archive has


def file(now: datetime, **changes: str | None) -> SitePermission:
    return parse_site_permission(permission(HOST, **changes).encode(), HOST, now)


def recheck(installation: Installation, answer: SitePermission | SourceError) -> list[Site]:
    """Look at what is due, on a network where every host answers so."""

    class Answering(Fetcher):
        def read_permission(self, name: str) -> SitePermission:
            assert name == HOST
            if isinstance(answer, SourceError):
                raise answer
            return answer

    fetcher = Answering(OPERATOR, CONTACT, [HOST], [], installation.clock)
    return sites.recheck(replace(installation, fetcher=fetcher))


@pytest.fixture
def found(archive: Installation) -> str:
    """A search whose first candidate came from the site, which is on record."""
    who = sign_in.operator(archive)
    with archive.records.read() as tx:
        (collection,) = collections.list_collections(tx)
    with act(archive) as doing:
        sites.record(doing, archive, who, collection.id, [file(NOON)])
    request = Request("archive-research", ("archive",))
    return open_search(archive, who, request, [OBAMA.read_bytes()]).id


def shown(archive: Installation, search_id: str) -> int:
    who = sign_in.operator(archive)
    return sum(one.face is not None for one in candidates.show_search(archive, who, search_id).candidates)


def states(archive: Installation) -> list[object]:
    return [one["state"] for one in recorded(archive) if one["kind"] == "site.permission"]


def test_a_file_is_on_record_once_and_again_when_it_changes(archive: Installation, found: str):
    """With its digest and a commitment to its host; the ledger names no site."""
    who = sign_in.operator(archive)
    with archive.records.read() as tx:
        (collection,) = collections.list_collections(tx)
    seen = file(NOON), file(NOON, Notice="https://museum.example.org/notice")
    for one in seen:
        with act(archive) as doing:
            sites.record(doing, archive, who, collection.id, [one])
    entries = [one for one in recorded(archive) if one["kind"] == "site.permission"]
    assert [one["file"] for one in entries] == [f"sha256:{one.digest}" for one in seen]
    assert HOST not in str(entries)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (SitePermissionMissing("There is none."), "gone"),
        (file(NOON, Operator="somebody.else.example"), "gone"),
        (file(NOON, Scope="/other"), "narrowed"),
        (file(NOON, Purposes="family-reunion"), "narrowed"),
        (file(NOON, Expires="2026-11-23T00:00:00Z"), "expired"),
    ],
)
def test_what_is_no_longer_permitted_is_shown_to_nobody_within_a_day(
    archive: Installation,
    clock: Clock,
    found: str,
    answer: SitePermission | SourceError,
    state: str,
):
    """Neither in a list that was there before, nor alone, nor in a new search."""
    who = sign_in.operator(archive)
    before = shown(archive, found)
    face = candidates.show_search(archive, who, found).candidates[0].sources[0]
    assert recheck(archive, answer) == [], "it was looked at just now"
    clock.turn(timedelta(hours=23))
    (ended,) = recheck(archive, answer)
    assert ended.host == HOST
    assert states(archive) == ["in-force", state]
    assert shown(archive, found) < before
    with pytest.raises(ImageNotFound):
        candidates.face_for(archive, who, face.id)
    anew = open_search(archive, who, Request("archive-research", ("archive",)), [OBAMA.read_bytes()])
    assert face.id not in {row.face_id for row in anew.candidates}


def test_a_file_that_comes_back_brings_the_photographs_back(archive: Installation, clock: Clock, found: str):
    """As long as they were not erased; both changes are on record."""
    before = shown(archive, found)
    clock.turn(timedelta(days=1))
    recheck(archive, SitePermissionMissing("There is none."))
    assert shown(archive, found) < before
    recheck(archive, file(clock.now))
    assert shown(archive, found) == before
    assert states(archive) == ["in-force", "gone", "in-force"]


def test_a_site_that_cannot_be_reached_has_two_days(archive: Installation, clock: Clock, found: str):
    """A failure says nothing about the file; two days of them are too many."""
    before, silent = shown(archive, found), FetchFailed("It does not answer.")
    clock.turn(timedelta(days=1))
    assert recheck(archive, silent) == []
    assert shown(archive, found) == before
    clock.turn(timedelta(days=1))
    assert len(recheck(archive, silent)) == 1
    assert shown(archive, found) < before


def test_a_week_later_they_are_to_be_erased(archive: Installation, clock: Clock, found: str):
    """Those of the site alone, and not before."""
    clock.turn(timedelta(days=1))
    recheck(archive, SitePermissionMissing("There is none."))
    assert sites.overdue(archive) == []
    clock.turn(timedelta(days=7))
    with archive.records.read() as tx:
        (site,) = recorded_sites.list_sites(tx)
        theirs = recorded_sites.images_from(tx, site)
    assert 0 < len(theirs) < 8
    assert sorted(sites.overdue(archive)) == sorted(theirs)


def test_a_narrower_file_does_not_bring_back_what_it_leaves_out(
    archive: Installation, clock: Clock, found: str
):
    """Though an ingest fetches what it still permits: first goes what came under the wider one."""
    who, narrower = sign_in.operator(archive), file(NOON, Scope="/b")
    with archive.records.read() as tx:
        (collection,) = collections.list_collections(tx)
    before = shown(archive, found)
    for _ in range(2):
        with act(archive) as doing:
            sites.record(doing, archive, who, collection.id, [narrower])
        assert shown(archive, found) < before
    assert states(archive) == ["in-force", "narrowed"]
    clock.turn(timedelta(days=7))
    withdraw(archive, who, Scope.IMAGE, sites.overdue(archive), By.RETENTION)
    with act(archive) as doing:
        sites.record(doing, archive, who, collection.id, [narrower])
    assert states(archive) == ["in-force", "narrowed", "in-force"]


def test_a_file_that_ended_a_week_ago_is_not_asked_for_again(archive: Installation, clock: Clock, found: str):
    """Nor does one that comes back then bring back what is to be erased."""
    before = shown(archive, found)
    clock.turn(timedelta(days=1))
    recheck(archive, SitePermissionMissing("There is none."))
    clock.turn(timedelta(days=7))
    recheck(archive, file(clock.now))
    assert shown(archive, found) < before
    assert sites.overdue(archive) != []


def test_a_host_is_the_same_in_every_spelling_of_its_address(archive: Installation, found: str):
    """What is withheld and what is erased are told by one rule."""
    with archive.records.write() as tx:
        (site,) = recorded_sites.list_sites(tx)
        (mine,) = recorded_sites.images_from(tx, site)
        for own, address in (
            (True, f"https://{HOST.upper()}:443/a.jpg"),
            (False, f"https://example.org/{HOST}/"),
        ):
            tx.execute(update(image).where(image.c.id == mine).values(source_url=address))
            assert (recorded_sites.images_from(tx, site) == [mine]) is own
