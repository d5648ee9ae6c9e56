"""A source is read, its photographs are looked at, and batches of them are written, all at the same time.

Neither a slow source nor slow models hold the other up, and what waits between them is bounded: in number by
the threads there are, and in bytes by what one batch may hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from queue import Empty, Queue
from threading import Event

from lineament.app.prepare import Outcome, Prepared
from lineament.sources import Item, Unreadable

BATCH = 32  # photographs that are written at once, with one entry in the ledger
BATCH_BYTES = 64 * 2**20
LONGEST_WAIT = 10.0  # seconds from one batch to the next, so that it is seen how far it is; one may be empty
READERS = 8  # files that are read, or wait for the models, beside those that are being looked at
_LOOK_ROUND = 0.25  # seconds

Prepare = Callable[[Item | Unreadable], Outcome]


def batches(
    source: Iterable[Item | Unreadable], prepare: Prepare, at_once: int
) -> Generator[list[Outcome], None, None]:
    """Yield what becomes of a source's items, in their order; ``at_once`` photographs are looked at together.

    Where nothing comes for a while, a batch is empty. Where the source raises SourceError, everything that
    came before is yielded first. Raises what ``prepare`` raises. Nothing goes on once this is closed.
    """
    coming: Queue[Future[Outcome] | None] = Queue(at_once + READERS)
    stop = Event()
    with ThreadPoolExecutor(at_once + READERS + 1) as threads:
        feeding = threads.submit(_feed, source, prepare, threads, coming, stop)
        try:
            yield from _gathered(_in_order(coming))
            feeding.result()
        finally:
            stop.set()
            while not feeding.done() or not coming.empty():
                _take_back(coming)


def _feed(
    source: Iterable[Item | Unreadable],
    prepare: Prepare,
    threads: Executor,
    coming: Queue[Future[Outcome] | None],
    stop: Event,
) -> None:
    """Put the items to work, one after the other, as fast as what they become is taken away."""
    try:
        for item in source:
            if stop.is_set():
                return
            coming.put(threads.submit(prepare, item))
    finally:
        coming.put(None)


def _in_order(coming: Queue[Future[Outcome] | None]) -> Generator[Outcome | None, None, None]:
    """Yield what comes, and None now and then while nothing does."""
    while True:
        try:
            future = coming.get(timeout=_LOOK_ROUND)
        except Empty:
            yield None
            continue
        if future is None:
            return
        while not wait([future], _LOOK_ROUND).done:
            yield None
        yield future.result()


def _gathered(outcomes: Iterable[Outcome | None]) -> Generator[list[Outcome], None, None]:
    """Gather photographs until there are enough, and whatever else comes between them."""
    batch: list[Outcome] = []
    photographs, held, began = 0, 0, time.monotonic()
    for one in outcomes:
        if one is not None:
            batch.append(one)
        if isinstance(one, Prepared):
            photographs, held = photographs + 1, held + len(one.data)
        is_full = photographs >= BATCH or held >= BATCH_BYTES
        if is_full or time.monotonic() - began > LONGEST_WAIT:
            yield batch
            batch, photographs, held, began = [], 0, 0, time.monotonic()
    if batch:
        yield batch


def _take_back(coming: Queue[Future[Outcome] | None]) -> None:
    try:
        future = coming.get(timeout=_LOOK_ROUND)
    except Empty:
        return
    if future is not None:
        future.cancel()
