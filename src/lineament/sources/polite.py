"""One host, asked politely: one request at a time, with a pause between, and patience when it is busy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import RLock

from lineament.errors import FetchFailed
from lineament.sources.web_address import WebAddress
from lineament.sources.wire import Answer, Wire, get

SECONDS_BETWEEN = 1.0  # from the end of one request to the next: no more than a hurried reader asks of a site
ASKED_WAIT_MAX = 120.0  # seconds that a site may ask us to wait and still be waited for
TRIES = 3
BACK_OFF = 5.0  # seconds to wait where a busy site does not say how long; twice as long the second time
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class PoliteHost:
    """Remembers when a host may be asked next. ``between`` are the seconds from one request to the next.

    ``clock`` returns the time in UTC; ``agent`` is how we name ourselves. Threads may share it: they queue.
    """

    def __init__(self, wire: Wire, clock: Callable[[], datetime], agent: str) -> None:
        self.between = SECONDS_BETWEEN
        self.lock = RLock()
        self._wire, self._clock, self._agent = wire, clock, agent
        self._next_at = wire.monotonic()

    def ask(self, address: WebAddress, max_bytes: int, accept: str) -> Answer:
        """Return what the host answers, once it is our turn. Raises what ``wire.get`` raises.

        Where the host says that it is busy it is asked again, and FetchFailed is raised when it stays so.
        """
        headers = [("User-Agent", self._agent), ("Accept", accept)]
        with self.lock:
            for attempt in range(TRIES):
                self._wait(address.host)
                pause = self.between
                try:
                    answer = get(self._wire, address, headers, max_bytes)
                    if answer.status not in _BUSY:
                        return answer
                    pause = max(pause, self._asked_wait(answer, BACK_OFF * 2**attempt))
                finally:
                    self._next_at = self._wire.monotonic() + pause
        raise FetchFailed(f"{address.host} says {TRIES} times that it is busy.")

    def _wait(self, host: str) -> None:
        seconds = self._next_at - self._wire.monotonic()
        if seconds > ASKED_WAIT_MAX:
            raise FetchFailed(f"{host} asks to be left alone for another {seconds:.0f} seconds.")
        if seconds > 0:
            self._wire.sleep(seconds)

    def _asked_wait(self, answer: Answer, otherwise: float) -> float:
        """Return the seconds that Retry-After asks for (RFC 9110, 10.2.3), or ``otherwise``."""
        value = (answer.header("retry-after") or "").strip()
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            moment = parsedate_to_datetime(value)
            return (moment.replace(tzinfo=moment.tzinfo or UTC) - self._clock()).total_seconds()
        except (ValueError, OverflowError):
            return otherwise
