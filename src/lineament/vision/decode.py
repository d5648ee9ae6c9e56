"""Turn untrusted bytes into pixels, in worker processes that can do nothing else.

The parent sends bytes and receives a fixed header and raw pixels: it parses nothing of the file. A worker
that dies, stalls or answers out of turn is killed and replaced, and the file it had is refused.
"""

from __future__ import annotations

import os
import queue
import select
import subprocess
import sys
import time
from io import FileIO
from pathlib import Path
from typing import NoReturn, cast

import numpy as np

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
WALL_SECONDS = 20.0
START_SECONDS = 60.0  # far more than starting takes, for a machine that swaps

# Started as a file, isolated (-I): the worker imports nothing of this package, nothing from the user's paths.
_COMMAND = (sys.executable, "-I", str(Path(worker.__file__)))


class Decoder:
    """A pool of decode workers; any number of threads may call ``decode``.

    Workers are started when they are first needed. ``seconds`` is the wall-clock limit for one file.
    """

    def __init__(self, workers: int = 2, seconds: float = WALL_SECONDS) -> None:
        self._seconds = seconds
        self._workers = workers
        self._closed = False
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._slots.put(None)

    def decode(self, data: bytes) -> Photograph:
        """Read one image file of at most 32 MB and 50 megapixels; of an animation, the first frame.

        Raises NotAPhotograph, DamagedPhotograph, PhotographTooLarge or DecoderStopped; and
        DecoderUnavailable where no worker starts.
        """
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
            outcome, kind, width, height, pixels = slot.ask(data, self._seconds)
        except BaseException as error:  # whatever it was, the two sides may be out of step now
            if slot:
                slot.kill()
            slot = None
            if isinstance(error, _WorkerError):
                raise DecoderStopped(f"The process that read the file {error}.") from None
            raise
        finally:
            self._slots.put(slot)
        if outcome != worker.PIXELS:
            _refuse(outcome, worker.FORMATS[kind][1], width, height)
        array = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        array.flags.writeable = False
        return Photograph(array, worker.FORMATS[kind][1])

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


def _refuse(outcome: int, media_type: str, width: int, height: int) -> NoReturn:
    name = media_type.removeprefix("image/").upper()
    if outcome == worker.NOT_A_PHOTOGRAPH:
        raise NotAPhotograph("The file does not begin like any image format that is read here.")
    if outcome == worker.TOO_LARGE:
        size = f"{width:,} x {height:,} pixels is" if width else "The number of its pixels is"
        raise PhotographTooLarge(
            f"{size} more than the {worker.MAX_PIXELS // 1_000_000} megapixels "
            "that are read from an untrusted file."
        )
    if outcome == worker.STOPPED:
        raise DecoderStopped(f"The {name} file asks for more memory or passes than a photograph should.")
    raise DamagedPhotograph(f"The {name} file breaks off or is damaged.")


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
                env={},
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
        try:
            ready = self._receive(len(worker.READY), time.monotonic() + START_SECONDS)
        except _WorkerError as error:
            self.kill()
            raise DecoderUnavailable(f"The process that reads images {error}.") from error
        if ready != worker.READY:
            self.kill()
            raise DecoderUnavailable("The process that reads images does not start as it should.")

    def waits(self) -> bool:
        """Say whether it is alive and silent, as it should be before it is asked."""
        return not self._ready(self._replies, select.POLLIN, time.monotonic())

    def ask(self, data: bytes, seconds: float) -> tuple[int, int, int, int, bytearray]:
        """Send one file; return outcome, format, width, height and pixels. Raises _WorkerError."""
        deadline = time.monotonic() + seconds
        self._send(worker.LENGTH.pack(len(data)), deadline)
        self._send(data, deadline)
        header = self._receive(worker.HEADER.size, deadline)
        outcome, kind, width, height = worker.HEADER.unpack(header)
        if outcome > worker.STOPPED or kind >= len(worker.FORMATS):
            raise _WorkerError("answered nonsense")
        if outcome != worker.PIXELS:
            return outcome, kind, width, height, bytearray()
        if not 0 < width * height <= worker.MAX_PIXELS:
            raise _WorkerError("answered nonsense")
        return outcome, kind, width, height, self._receive(width * height * 3, deadline)

    def kill(self) -> None:
        """End the process, whatever it is doing, and leave nothing of it behind."""
        self._process.kill()
        self._requests.close()
        self._replies.close()
        self._process.wait()

    def _send(self, data: bytes, deadline: float) -> None:
        left = memoryview(data)
        while left:
            self._await(self._requests, select.POLLOUT, deadline)
            try:
                left = left[self._requests.write(left) or 0 :]
            except BrokenPipeError:
                raise _WorkerError("ended on its own") from None

    def _receive(self, size: int, deadline: float) -> bytearray:
        data = bytearray(size)
        left = memoryview(data)
        while left:
            self._await(self._replies, select.POLLIN, deadline)
            count = self._replies.readinto(left)
            if count == 0:
                raise _WorkerError("ended on its own, or at its limit of memory or time")
            left = left[count or 0 :]
        return data

    def _await(self, pipe: FileIO, event: int, deadline: float) -> None:
        if not self._ready(pipe, event, deadline):
            raise _WorkerError("had not finished when its time was up")

    @staticmethod
    def _ready(pipe: FileIO, event: int, deadline: float) -> bool:
        poll = select.poll()
        poll.register(pipe, event)
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
