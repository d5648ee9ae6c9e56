"""Turn untrusted bytes into pixels, in worker processes that can do nothing else.

The parent sends bytes and receives a fixed header and raw pixels: it parses nothing of the file. A worker
that dies, stalls or answers out of turn is killed and replaced, and the file it had is refused.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import logging
import math
import os
import queue
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from io import FileIO
from typing import NamedTuple, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import Photograph
from lineament.errors import (
    DamagedPhotograph,
    DecoderStopped,
    DecoderUnavailable,
    NotAPhotograph,
    PhotographTooLarge,
)
from lineament.vision import decode_worker as worker

MAX_BYTES = 32 * 1024 * 1024
WALL_SECONDS = 9.0  # with a new worker's start a file is done within ten
START_SECONDS = 60.0  # far more than starting takes, for a machine that swaps
PIPE_BYTES = 1024 * 1024

# Isolated (-I): the worker imports nothing from the user's paths.
_COMMAND = (sys.executable, "-I", "-m", worker.__name__)
# Memory is kept from one file to the next, up to 64 MB twice: fresh pages cost as much as decoding into them.
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
    "PILLOW_BLOCKS_MAX": "4",
}

_log = logging.getLogger(__name__)


class Decoder:
    """A pool of decode workers; any number of threads may call ``decode`` and ``regions``.

    Workers are started when they are first needed. ``seconds`` is the wall-clock limit for one file.
    """

    def __init__(self, workers: int = 2, seconds: float = WALL_SECONDS) -> None:
        self._seconds = seconds
        self._workers = workers
        self._closed = False
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._slots.put(None)

    def decode(self, data: bytes, long_side: int | None = None) -> Photograph:
        """Read one image file of at most 32 MB and 50 megapixels; of an animation, the first frame.

        Where a long side of ``long_side`` px is enough, a JPEG comes back at 1/2, 1/4 or 1/8 of its size, the
        smallest that has it: it costs less. The other formats come back whole.

        Raises NotAPhotograph, DamagedPhotograph, PhotographTooLarge or DecoderStopped; and
        DecoderUnavailable where no worker starts.
        """
        answer = self._ask(data, _Request(long_side or 0, ()))
        return Photograph(answer.images[0], answer.media_type, (answer.width, answer.height))

    def regions(self, data: bytes, boxes: Sequence[worker.Box]) -> list[NDArray[np.uint8]]:
        """Read one image file at full scale, and return only these parts of it, (h, w, 3) uint8 RGB each.

        A box is left, top, right, bottom: whole pixels of the upright image. Raises as ``decode`` does, and
        ValueError for a box that is empty or not inside the image.
        """
        if not all(0 <= left < right and 0 <= top < bottom for left, top, right, bottom in boxes):
            raise ValueError("a box is empty, or not inside the photograph")
        return self._ask(data, _Request(0, boxes)).images if boxes else []

    def _ask(self, data: bytes, request: _Request) -> _Answer:
        if not data:
            raise NotAPhotograph("The file is empty.")
        if len(data) > MAX_BYTES:
            raise PhotographTooLarge(
                f"{len(data) / 2**20:,.1f} MB is more than the {MAX_BYTES // 2**20} MB "
                "that are read from an untrusted file."
            )
        slot = self._slots.get()
        try:
            if self._closed:
                raise RuntimeError("this decoder is closed")
            if slot and not slot.waits():  # it died, or spoke out of turn: no fault of this file
                slot.kill()
                slot = None
            slot = slot or _Worker()
            answer = slot.ask(data, request, self._seconds)
        except BaseException as error:  # whatever it was, the two sides may be out of step now
            if slot:
                slot.kill()
            slot = None
            if isinstance(error, _WorkerError):
                raise DecoderStopped(f"The process that read the file {error}.") from None
            raise
        finally:
            self._slots.put(slot)
        if answer.outcome != worker.PIXELS:
            _refuse(answer)
        return answer

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers that are waiting for a file."""
        return [slot.pid for slot in tuple(self._slots.queue) if slot]

    def close(self) -> None:
        """End the workers, each when the file it has is done."""
        self._closed = True
        for slot in [self._slots.get() for _ in range(self._workers)]:
            if slot:
                slot.kill()
            self._slots.put(None)


class _Request(NamedTuple):
    """What to send back of a file: all of it, smaller where ``long_side`` is not 0, or these boxes."""

    long_side: int
    boxes: Sequence[worker.Box]


class _Answer(NamedTuple):
    outcome: int
    media_type: str
    width: int
    height: int
    images: list[NDArray[np.uint8]]


def _refuse(answer: _Answer) -> NoReturn:
    name = answer.media_type.removeprefix("image/").upper()
    if answer.outcome == worker.NOT_A_PHOTOGRAPH:
        raise NotAPhotograph("The file does not begin like any image format that is read here.")
    if answer.outcome == worker.SEVERAL_PAGES:
        raise NotAPhotograph(f"The {name} file has several pages; save each photograph as a file of its own.")
    if answer.outcome == worker.OUTSIDE:
        raise ValueError("a box is empty, or not inside the photograph")
    if answer.outcome == worker.TOO_LARGE:
        size = (
            f"{answer.width:,} x {answer.height:,} pixels is"
            if answer.width
            else "The number of its pixels is"
        )
        raise PhotographTooLarge(
            f"{size} more than the {worker.MAX_PIXELS // 1_000_000} megapixels "
            "that are read from an untrusted file."
        )
    if answer.outcome == worker.STOPPED:
        raise DecoderStopped(f"The {name} file asks for more memory or passes than a photograph should.")
    raise DamagedPhotograph(f"The {name} file breaks off or is damaged.")


# The signal that ended a worker, and what it means.
_ENDS: dict[int, str] = {
    signal.SIGPROF: f"had not finished after {worker.CPU_SECONDS} seconds of computing",
    signal.SIGSEGV: "crashed",
    signal.SIGSYS: "tried what it is not allowed to do",
}


@functools.cache
def _warn_of_no_landlock() -> None:
    _log.warning(
        "This system has no landlock (Linux 5.13 or newer has it): the processes that read images are kept "
        "from files and networks by seccomp alone."
    )


class _WorkerError(Exception):
    """The worker cannot be trusted with another file; the text says what it did."""


class _Worker:
    """One worker process and the two pipes to it."""

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                _COMMAND,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                process_group=0,  # an interrupt from the keyboard is for the parent
            )
        except OSError as error:
            raise DecoderUnavailable(f"No process can be started: {error.strerror}.") from error
        # Unbuffered pipes are FileIO, which the declared type does not say.
        self._requests = cast(FileIO, self._process.stdin)
        self._replies = cast(FileIO, self._process.stdout)
        self.pid = self._process.pid
        for pipe in (self._requests, self._replies):
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(OSError):  # this user has too many large pipes: slower, not wrong
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            ready = bytes(self._receive(1, time.monotonic() + START_SECONDS))
        except _WorkerError as error:
            self.kill()
            raise DecoderUnavailable(f"The process that reads images {error}.") from error
        if ready == worker.NO_LANDLOCK:
            _warn_of_no_landlock()
        elif ready != worker.CONFINED:
            self.kill()
            raise DecoderUnavailable(
                "This system has no seccomp filter, and image files are not read without one."
                if ready == worker.NO_SECCOMP
                else "The process that reads images does not start as it should."
            )

    def waits(self) -> bool:
        """Say whether it is alive and silent, as it should be before it is asked."""
        return not self._ready(self._replies, select.POLLIN, time.monotonic())

    def ask(self, data: bytes, request: _Request, seconds: float) -> _Answer:
        """Send one file and receive what it holds. Raises _WorkerError."""
        deadline = time.monotonic() + seconds
        prefix = worker.REQUEST.pack(len(data), request.long_side, len(request.boxes))
        self._send(prefix + b"".join(worker.BOX.pack(*box) for box in request.boxes), deadline)
        self._send(data, deadline)
        header = bytes(self._receive(worker.HEADER.size, deadline))
        outcome, kind, width, height, *size = worker.HEADER.unpack(header)
        if outcome > worker.OUTSIDE or kind >= len(worker.FORMATS):
            raise _WorkerError("answered nonsense")
        if outcome != worker.PIXELS:
            return _Answer(outcome, worker.FORMATS[kind][1], width, height, [])
        # Nothing is allocated that the limits, or the caller's own boxes, do not allow.
        boxes = request.boxes or [(0, 0, size[0], size[1])]
        if width * height > worker.MAX_PIXELS or not all(
            left < right <= width and top < bottom <= height for left, top, right, bottom in boxes
        ):
            raise _WorkerError("answered nonsense")
        images = []
        for left, top, right, bottom in boxes:
            shape = (bottom - top, right - left, 3)
            images.append(self._receive(math.prod(shape), deadline).reshape(shape))
            images[-1].flags.writeable = False
        return _Answer(outcome, worker.FORMATS[kind][1], width, height, images)

    def kill(self) -> None:
        """End the process, whatever it is doing, and leave nothing of it behind."""
        self._process.kill()
        self._requests.close()
        self._replies.close()
        self._process.wait()

    def _send(self, data: bytes, deadline: float) -> None:
        left = memoryview(data)
        while left:
            try:
                count = self._requests.write(left)
            except BrokenPipeError:
                raise _WorkerError(self._end()) from None
            if count is None:
                self._await(self._requests, select.POLLOUT, deadline)
            left = left[count or 0 :]

    def _receive(self, size: int, deadline: float) -> NDArray[np.uint8]:
        data = np.empty(size, np.uint8)
        left = data.data
        while left:
            count = self._replies.readinto(left)
            if count == 0:
                raise _WorkerError(self._end())
            if count is None:
                self._await(self._replies, select.POLLIN, deadline)
            left = left[count or 0 :]
        return data

    def _end(self) -> str:
        """Say how a worker ended that closed its pipe."""
        self.kill()  # without effect on one that is ending already
        return _ENDS.get(-self._process.returncode, "ended on its own, or at its limit of memory")

    def _await(self, pipe: FileIO, event: int, deadline: float) -> None:
        if not self._ready(pipe, event, deadline):
            raise _WorkerError("had not finished when its time was up")

    @staticmethod
    def _ready(pipe: FileIO, event: int, deadline: float) -> bool:
        poll = select.poll()
        poll.register(pipe, event)
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
