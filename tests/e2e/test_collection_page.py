"""A curator watches an ingest: it survives a reload, goes on by itself, and says what was not taken in."""

import csv
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lineament.app import batches, collections, sign_in
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.errors import SourceUnreadable
from lineament.records import people
from lineament.sources import Item, Unreadable, open_source
from lineament.testing import Clock, make_collection
from tests.e2e.conftest import PHONE, Site, Visitor


@dataclass
class Halting:
    """A folder of which some files come at once, and the others when they are let go."""

    folder: Path
    at_once: int
    go_on: threading.Event
    total: int | None
    breaks_off: bool = False

    @property
    def size(self) -> int | None:
        return self.total

    def __iter__(self) -> Iterator[Item | Unreadable]:
        items = iter(open_source(self.folder))
        yield from islice(items, self.at_once)
        assert self.go_on.wait(120)
        if self.breaks_off:
            raise SourceUnreadable("The archive breaks off.")
        yield from items


@contextmanager
def running(
    installation: Installation, source: Halting, called: str = "Boxes 1 to 9"
) -> Iterator[Future[Report]]:
    """Ingest in another thread, and come back once what came at once is on record."""
    written = threading.Event()
    who = sign_in.operator(installation)
    with ThreadPoolExecutor(1) as thread:
        doing = thread.submit(
            ingest,
            installation,
            who,
            "boxes",
            source,
            lambda done: written.set() if done >= source.at_once else None,
            called=called,
        )
        try:
            assert written.wait(120)
            yield doing
        finally:
            source.go_on.set()


@pytest.fixture
def boxes(archive: Installation, portraits: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection without photographs, and the folder for it: seven portraits and three letters."""
    monkeypatch.setattr(batches, "LONGEST_WAIT", 0.2)
    make_collection(archive, "boxes")
    (portraits / "manifest.csv").unlink()
    for name in ("=cmd()|.jpg", "letter.jpg", "zettel.jpg"):
        (portraits / name).write_text("dear diary")
    return portraits


def test_an_ingest_is_watched_from_its_beginning_to_its_end(
    archive: Installation, site: Site, boxes: Path, visitor: Visitor
) -> None:
    """Counts and a bar, there again after a reload; they go on by themselves, and end by themselves."""
    page = visitor.page
    source = Halting(boxes, 4, threading.Event(), 10)
    with running(archive, source) as doing:
        page.goto(f"{site.address}/collections/boxes")
        for _ in range(2):
            expect(page.get_by_role("heading", level=1)).to_have_text("Boxes")
            expect(page.get_by_text("Running")).to_be_visible()
            bar = page.get_by_label("4 files of 10")
            expect(bar).to_have_attribute("value", "4")
            expect(bar).to_have_attribute("max", "10")
            page.reload()
        expect(page.locator("#holds")).to_have_text("3 faces")
        visitor.picture("collection-ingest-running")
        source.go_on.set()
        assert doing.result(120).new == 7
        expect(page.get_by_text("Finished", exact=True)).to_be_visible(timeout=30_000)
    expect(page.locator("#holds")).to_have_text("7 faces in 7 photographs")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    page.get_by_text("Files that were not taken in").click()
    expect(page.get_by_role("listitem")).to_have_count(3)
    visitor.picture("collection-ingest-finished")
    with page.expect_download() as coming:
        page.get_by_role("link", name="All of them as a CSV file").click()
    rows = list(csv.reader(io.StringIO(coming.value.path().read_text("utf-8"))))
    assert rows[0] == ["path", "code", "sentence"]
    assert sorted(row[0] for row in rows[1:]) == ["'=cmd()|.jpg", "letter.jpg", "zettel.jpg"]
    assert {row[1] for row in rows[1:]} == {"not-a-photograph"}


def test_without_javascript_the_page_is_loaded_again_and_again(
    archive: Installation, site: Site, boxes: Path, arrive: Callable[..., Visitor]
) -> None:
    """The source does not know how many files it has, and the bar says no more than is known."""
    visitor = arrive(site, javascript=False, viewport=PHONE)
    source = Halting(boxes, 4, threading.Event(), None)
    with running(archive, source) as doing:
        visitor.page.goto(f"{site.address}/collections/boxes")
        expect(visitor.page.get_by_label("4 files so far")).to_be_visible()
        visitor.page.screenshot(path="tests/screenshots/phone-collection-ingest.png", full_page=True)
        source.go_on.set()
        doing.result(120)
        expect(visitor.page.get_by_text("Finished", exact=True)).to_be_visible(timeout=30_000)


def test_an_ingest_that_stopped_says_since_when_and_how_to_go_on(
    archive: Installation, site: Site, boxes: Path, visitor: Visitor, clock: Clock
) -> None:
    """A broken source tells why; a killed process has no word any more."""
    source = Halting(boxes, 4, threading.Event(), 10, breaks_off=True)
    with running(archive, source) as doing:
        source.go_on.set()
        with pytest.raises(SourceUnreadable):
            doing.result(120)
    clock.turn(timedelta(minutes=3))
    visitor.page.goto(f"{site.address}/collections/boxes")
    expect(visitor.page.get_by_text("Stopped 3 minutes ago")).to_be_visible()
    expect(visitor.page.locator("main")).to_contain_text("Run the same command again")
    visitor.page.get_by_text("Files that were not taken in").click()
    expect(visitor.page.locator("main")).to_contain_text("The archive breaks off. [source-unreadable]")
    visitor.picture("collection-ingest-stopped")


def test_only_curators_see_it(archive: Installation, site: Site, boxes: Path, visitor: Visitor) -> None:
    """Another collection than those that are there has no page, and an ingest no file under another name."""
    request = visitor.page.request
    make = f"{site.address}/collections"
    assert request.get(f"{make}/attic").status == 404
    assert request.get(f"{make}/boxes/ingests/0123456789abcdef/rejected.csv").status == 404
    visitor.page.goto(f"{make}/boxes")
    expect(visitor.page.locator("main")).to_contain_text("lineament ingest SOURCE --collection boxes")
    with archive.records.write() as tx:
        searcher = replace(sign_in.operator(archive), id="5" * 32, name="searcher", roles=frozenset())
        people.add_person(tx, searcher)
    token = sign_in.new_token(archive, searcher)
    headers = {"Authorization": f"Bearer {token}", "Cookie": ""}
    assert request.get(f"{make}/boxes", headers=headers).status == 403
    assert request.get(f"{make}/boxes/ingests/0/rejected.csv", headers=headers).status == 403
    assert [one.name for one in collections.show(archive)] == ["archive", "boxes"]
