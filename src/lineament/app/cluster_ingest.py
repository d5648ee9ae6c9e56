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
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client
from distributed.comm.core import CommClosedError
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
_LOOK_ROUND = 3.0  # seconds of waiting for one photograph, before it is asked if any worker is left
_ROUNDS = 200  # Dask takes five minutes to give up a worker that says nothing

_OTHER_CONTRACT = (
    "The worker {worker} has another model contract: install the same version of Lineament there."
)
# A file of 32 MB goes to a worker as it is: no need for Dask to warn of it.
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
            yield Sight(functools.partial(_look_there, client, pack, contract), AHEAD * threads)


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


def _look_there(client: Any, pack: str, contract: str, data: bytes) -> Seen:
    """Return what a worker sees in a file. Raises PhotographError, or ClusterUnavailable."""
    future = client.submit(_look, data, pack, contract, pure=False, retries=RETRIES)
    try:
        answer = _answer(client, future)
    except KilledWorker as error:
        ended = counted(error.allowed_failures + 1, "worker")
        raise WorkerLost(f"{ended} ended while looking at this file.") from error
    except (CancelledError, CommClosedError, OSError) as error:
        raise ClusterUnavailable(f"The cluster's scheduler is gone: {error}") from error
    finally:
        future.release()
    if isinstance(answer, PhotographError):
        raise answer
    return answer


def _answer(client: Any, future: Any) -> Seen | PhotographError:
    """Wait for an answer as long as there is a worker that may give it, but not for ever."""
    for _ in range(_ROUNDS):
        try:
            answer: Seen | PhotographError = future.result(_LOOK_ROUND)
            return answer
        except TimeoutError:
            if not client.nthreads():
                raise ClusterUnavailable("No worker of the cluster is left.") from None
    raise ClusterUnavailable(f"No worker has answered for {_ROUNDS * _LOOK_ROUND / 60:.0f} minutes.")


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
