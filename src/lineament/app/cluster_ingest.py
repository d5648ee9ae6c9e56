"""Ingest on a Dask cluster: photographs are looked at by its workers, and everything else stays as it is.

The process that started the ingest alone reads the source and writes the records. Bytes go to a worker and
templates come back; an image is still known by its digest, its collection and the template contract. So what
a worker did twice counts once, and what a lost worker had in hand another one does.

Dask's processes send each other pickled Python: whoever can speak to one can run code on all of them. The
scheduler therefore has to be reached by TLS, with certificates that both sides check, or on this machine.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client
from distributed.scheduler import KilledWorker

from lineament.app.installation import Installation
from lineament.app.models import SHIPPED
from lineament.app.prepare import Seen, Sight, look
from lineament.config import load_settings
from lineament.core.words import counted, plain
from lineament.errors import ClusterUnavailable, PhotographError, WorkerLost
from lineament.vision.pack import DEFAULT_PACK, load_pack
from lineament.vision.pipeline import Vision

AHEAD = 2  # photographs on their way for each thread of a worker: one that is looked at and one that waits
RETRIES = 2  # of a photograph at which a worker failed but did not end; how often one may end, Dask is told
CONNECT_SECONDS = 10
ALONE_SECONDS = 30.0  # without any worker; a nanny takes some seconds to start one again
_LOOK_ROUND = 3.0  # seconds of waiting for one photograph, before it is asked if any worker is left
_ROUNDS = 200  # Dask takes five minutes to give up a worker that says nothing

_OTHER_CONTRACT = (
    "The worker {worker} has another model contract: install the same version of Lineament there."
)
# The largest file goes to a worker as it is: no need for Dask to warn of it.
_QUIET = {"distributed.admin.large-graph-warning-threshold": "1GB"}


@contextmanager
def cluster_sight(installation: Installation, address: str) -> Iterator[Sight]:
    """Open the workers of the cluster whose scheduler is at an address, to look at photographs.

    As many are on their way at once as the workers that are there now can keep busy. Raises
    ClusterUnavailable, also for workers that have another model contract.
    """
    _require_private(address)
    pack, contract = installation.vision.pack.name, installation.vision.contract
    with dask.config.set(_QUIET):
        try:
            client: Any = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise ClusterUnavailable(
                f"The scheduler at {plain(address)} cannot be reached: {error}"
            ) from error
        with client:
            threads = sum(client.nthreads().values())
            if not threads:
                raise ClusterUnavailable(f"The cluster at {plain(address)} has no workers.")
            _require_contract(client, pack, contract)
            yield Sight(_Workers(client, pack, contract).look, AHEAD * threads)


def _require_private(address: str) -> None:
    """Refuse to send photographs where others could read them, or to take pickles from who knows whom."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    is_here = host == "localhost" or (_is_number(host) and ip_address(host).is_loopback)
    if not host or not (parts.scheme == "tls" or (parts.scheme == "tcp" and is_here)):
        raise ClusterUnavailable(
            f"'{plain(address)}' is no address of a scheduler that is used here: it has the form "
            "tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine."
        )


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _require_contract(client: Any, pack: str, contract: str) -> None:
    """Ask every worker for its model contract; templates of two are never compared."""
    answers = client.run(_contract, pack, on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, Exception):
            raise ClusterUnavailable(f"The worker {worker} cannot be used: {answer}") from answer
        if answer != contract:
            raise ClusterUnavailable(_OTHER_CONTRACT.format(worker=worker))


class _Workers:
    """The workers of a cluster, which have one model contract."""

    def __init__(self, client: Any, pack: str, contract: str) -> None:
        self._client, self._pack, self._contract = client, pack, contract
        self._suspects = threading.Lock()
        self._alone_since: float | None = None

    def look(self, data: bytes) -> Seen:
        """Return what a worker sees in a file. Raises PhotographError, or ClusterUnavailable.

        Dask gives up a file after several workers ended that had it, be it that they looked at another one.
        So it is asked once more, one of such files after the other.
        """
        try:
            return self._ask(data)
        except KilledWorker:
            with self._suspects:
                try:
                    return self._ask(data)
                except KilledWorker as error:
                    ended = counted(2 * (error.allowed_failures + 1), "worker")
                    raise WorkerLost(f"{ended} ended while looking at this file.") from error

    def _ask(self, data: bytes) -> Seen:
        try:
            future = self._client.submit(_look, data, self._pack, self._contract, pure=False, retries=RETRIES)
            try:
                answer = self._answer(future)
            finally:
                future.release()
        except Exception as error:  # once the scheduler is gone, Dask raises now this and now that
            if isinstance(error, CancelledError | OSError) or self._client.status != "running":
                raise ClusterUnavailable(f"The cluster's scheduler is gone: {error}") from error
            raise
        if isinstance(answer, PhotographError):
            raise answer
        return answer

    def _answer(self, future: Any) -> Seen | PhotographError:
        """Wait for an answer as long as there is a worker that may give it, but not for ever."""
        for _ in range(_ROUNDS):
            try:
                answer: Seen | PhotographError = future.result(_LOOK_ROUND)
                self._alone_since = None
                return answer
            except TimeoutError:
                self._require_some()
        raise ClusterUnavailable(f"No worker has answered for {_ROUNDS * _LOOK_ROUND / 60:.0f} minutes.")

    def _require_some(self) -> None:
        """Raise ClusterUnavailable where no worker has been there for a while; one may be started again."""
        now = time.monotonic()
        if self._client.nthreads():
            self._alone_since = None
            return
        self._alone_since = since = self._alone_since or now
        if now - since > ALONE_SECONDS:
            raise ClusterUnavailable("No worker of the cluster is left.")


# --- on a worker ------------------------------------------------------------------------------------------

_opening = threading.Lock()


def _look(data: bytes, pack: str, contract: str) -> Seen | PhotographError:
    vision = _vision(pack)
    if vision.contract != contract:
        raise ClusterUnavailable(_OTHER_CONTRACT.format(worker="that joined"))
    try:
        return look(vision, data)
    except PhotographError as error:  # which another try would not mend
        return error


def _contract(pack: str) -> str:
    return _vision(pack).contract


def _vision(pack: str) -> Vision:
    """Return this process's own models, opened once, on the device that its settings name."""
    with _opening:
        return _opened(pack)


@functools.cache
def _opened(pack: str) -> Vision:
    settings = load_settings()
    return Vision(
        load_pack(DEFAULT_PACK if pack == SHIPPED else settings.models / pack), device=settings.device
    )
