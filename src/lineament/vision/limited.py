"""One limited process and the pipes to it: it parses what is untrusted, and this side only reads its answers.

It is confined as ``decode_sandbox`` says before it is given anything. Whatever it does then, a file can make
it fail, and nothing else: no answer is awaited for ever, and none is larger than was asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from io import FileIO
from types import MappingProxyType
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from lineament.errors import DecoderUnavailable
from lineament.vision import decode_sandbox as sandbox
from lineament.vision.texts import LENGTH, TEXTS_BYTES_MAX, unpacked

START_SECONDS = 60.0  # far more than starting takes, for a machine that swaps
PIPE_BYTES = 1024 * 1024

# Memory is kept from one file to the next, up to 64 MB twice: fresh pages cost as much as decoding into them.
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
        "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
        "PILLOW_BLOCKS_MAX": "4",
    }
)

# The signal that ended a process, and what it means.
_ENDS: dict[int, str] = {
    signal.SIGPROF: f"had not finished after {sandbox.CPU_SECONDS} seconds of computing",
    signal.SIGSEGV: "crashed",
    signal.SIGSYS: "tried what it is not allowed to do",
}

_log = logging.getLogger(__name__)


@functools.cache
def _warn_of_no_landlock() -> None:
    _log.warning(
        "This system has no landlock (Linux 5.13 or newer has it): the processes that read images are kept "
        "from files and networks by seccomp alone."
    )


def worker_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return what starts a module as a process. Isolated (-I), it imports nothing from the user's paths."""
    return (sys.executable, "-I", "-m", module, *arguments)


class LimitedProcessError(Exception):
    """The process cannot be trusted with another file; the text says what it did."""


class LimitedProcess:
    """One process that is confined before the constructor returns.

    ``reads`` names what it reads, for a sentence. Where ``file`` is given, it is the process's standard
    input, and nothing can be sent. Raises DecoderUnavailable where it does not start as it should.
    """

    def __init__(self, command: Sequence[str], reads: str = "images", file: BinaryIO | None = None) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                command,
                bufsize=0,
                stdin=file or subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                process_group=0,  # an interrupt from the keyboard is for the parent
            )
        except OSError as error:
            raise DecoderUnavailable(f"No process can be started: {error.strerror}.") from error
        # Unbuffered pipes are FileIO, which the declared type does not say.
        self._requests = cast(FileIO | None, self._process.stdin)
        self._replies = cast(FileIO, self._process.stdout)
        self.pid = self._process.pid
        for pipe in filter(None, (self._requests, self._replies)):
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(OSError):  # this user has too many large pipes: slower, not wrong
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            self._begin(reads)
        except BaseException:
            self.kill()
            raise

    def waits(self) -> bool:
        """Say whether it is alive and silent, as it should be before it is asked."""
        return not _ready(self._replies, select.POLLIN, time.monotonic())

    def send(self, data: bytes, deadline: float) -> None:
        """Write to its standard input until a moment of the monotonic clock. Raises LimitedProcessError."""
        assert self._requests  # noqa: S101 - whoever gave it a file has nothing to send
        left = memoryview(data)
        while left:
            try:
                count = self._requests.write(left)
            except BrokenPipeError:
                raise LimitedProcessError(self._end()) from None
            if count is None:
                _await(self._requests, select.POLLOUT, deadline)
            left = left[count or 0 :]

    def receive(self, size: int, deadline: float) -> NDArray[np.uint8]:
        """Read exactly so many bytes until a moment of the monotonic clock. Raises LimitedProcessError."""
        data = np.empty(size, np.uint8)
        left = data.data
        while left:
            count = self._replies.readinto(left)
            if count == 0:
                raise LimitedProcessError(self._end())
            if count is None:
                _await(self._replies, select.POLLIN, deadline)
            left = left[count or 0 :]
        return data

    def kill(self) -> None:
        """End the process, whatever it is doing, and leave nothing of it behind."""
        self._process.kill()
        if self._requests:
            self._requests.close()
        self._replies.close()
        self._process.wait()

    def _begin(self, reads: str) -> None:
        """Wait until the process says that it is confined. Raises DecoderUnavailable."""
        try:
            ready = bytes(self.receive(1, time.monotonic() + START_SECONDS))
        except LimitedProcessError as error:
            raise DecoderUnavailable(f"The process that reads {reads} {error}.") from error
        if ready == sandbox.NO_LANDLOCK:
            _warn_of_no_landlock()
        elif ready != sandbox.CONFINED:
            raise DecoderUnavailable(
                "This system has no seccomp filter, and untrusted files are not read without one."
                if ready == sandbox.NO_SECCOMP
                else f"The process that reads {reads} does not start as it should."
            )

    def _end(self) -> str:
        """Say how a process ended that closed its pipe."""
        self.kill()  # without effect on one that is ending already
        return _ENDS.get(-self._process.returncode, "ended on its own, or at its limit of memory")


def receive_texts(process: LimitedProcess, names: Collection[str], deadline: float) -> dict[str, str]:
    """Read the texts that a process packed, after their LENGTH. Raises LimitedProcessError."""
    (length,) = LENGTH.unpack(bytes(process.receive(LENGTH.size, deadline)))
    try:
        if length > TEXTS_BYTES_MAX:
            raise ValueError
        return unpacked(bytes(process.receive(length, deadline)), names)
    except ValueError:
        raise LimitedProcessError("answered nonsense") from None


def _await(pipe: FileIO, event: int, deadline: float) -> None:
    if not _ready(pipe, event, deadline):
        raise LimitedProcessError("had not finished when its time was up")


def _ready(pipe: FileIO, event: int, deadline: float) -> bool:
    poll = select.poll()
    poll.register(pipe, event)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
