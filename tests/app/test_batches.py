"""Reading, looking and writing go on at the same time, in order, and what waits is bounded."""

import threading
import time
from collections.abc import Iterator

import pytest

from lineament.app import batches as room
from lineament.app.batches import BATCH, READERS, batches
from lineament.app.prepare import Outcome
from lineament.errors import SourceUnreadable
from lineament.records.ingests import Rejected
from lineament.sources import Item, Unreadable

LONG = 60.0  # seconds that nothing here needs, unless it hangs


def items(number: int) -> Iterator[Item]:
    for place in range(number):
        yield Item(str(place), read=bytes)


def paths(batch: list[Outcome]) -> list[str]:
    return [one.path for one in batch if isinstance(one, Rejected)]


def rejected(item: Item | Unreadable) -> Outcome:
    return Rejected(item.path, "code", "sentence")


def test_everything_comes_once_and_in_the_order_of_the_source():
    """However long each of them takes."""

    def work(item: Item | Unreadable) -> Outcome:
        time.sleep(int(item.path) % 3 / 1000)
        return rejected(item)

    came = [path for batch in batches(items(200), work, 4) for path in paths(batch)]
    assert came == [str(place) for place in range(200)]


def test_what_is_done_is_written_while_a_slow_source_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    """A batch need not be full."""
    monkeypatch.setattr(room, "LONGEST_WAIT", 0.1)
    written = threading.Event()

    def slow() -> Iterator[Item]:
        yield from items(3)
        assert written.wait(LONG)
        yield Item("late", read=bytes)

    came = []
    for batch in batches(slow(), rejected, 2):
        came += paths(batch)
        written.set()
    assert came == ["0", "1", "2", "late"]


def test_a_source_is_read_no_further_ahead_than_there_is_room():
    """While looking takes long, bytes do not pile up."""
    asked: list[str] = []
    ahead: list[int] = []
    free = threading.Event()

    def counting() -> Iterator[Item]:
        for item in items(500):
            asked.append(item.path)
            yield item

    def work(item: Item | Unreadable) -> Outcome:
        assert free.wait(LONG)
        return rejected(item)

    def look_and_let_go() -> None:
        ahead.append(len(asked))
        free.set()

    threading.Timer(0.5, look_and_let_go).start()
    assert sum(len(batch) for batch in batches(counting(), work, 2)) == 500
    assert ahead[0] <= 2 * (2 + READERS)


def test_what_came_before_a_source_broke_off_is_there():
    """And then its error is raised."""

    def broken() -> Iterator[Item]:
        yield from items(BATCH + 5)
        raise SourceUnreadable("The archive breaks off.")

    came = []
    with pytest.raises(SourceUnreadable, match="breaks off"):
        for batch in batches(broken(), rejected, 2):
            came += paths(batch)
    assert came == [str(place) for place in range(BATCH + 5)]


def test_what_goes_wrong_inside_ends_it_and_leaves_nothing_running():
    """An error that is no fault of a file is not taken for one."""
    running = threading.active_count()

    def work(item: Item | Unreadable) -> Outcome:
        if item.path == "7":
            raise RuntimeError("the house is on fire")
        return rejected(item)

    with pytest.raises(RuntimeError, match="on fire"):
        list(batches(items(10_000), work, 2))
    assert threading.active_count() == running


def test_nothing_goes_on_once_it_is_closed():
    """A stopped ingest does not go on reading."""
    asked: list[int] = []

    def endless() -> Iterator[Item]:
        while True:
            asked.append(1)
            yield Item("again", read=bytes)

    running = threading.active_count()
    coming = batches(endless(), rejected, 2)
    coming_once = next(coming)
    coming.close()
    there = len(asked)
    assert coming_once
    assert threading.active_count() == running
    assert len(asked) == there
