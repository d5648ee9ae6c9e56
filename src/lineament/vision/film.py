"""Turn a recorded film into photographs: one a time step, and one a scene, each with its time.

The film is read by a limited process of its own, which is given its open file and nothing else. What comes
back are JPEG files, as untrusted as the film, to be decoded like any other photograph.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Generator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from lineament.core.words import plain
from lineament.errors import (
    DamagedFilm,
    ExtraMissing,
    FileMissing,
    FilmStopped,
    FilmTooLarge,
    NotAFilm,
)
from lineament.limits import MEGAPIXELS_MAX, PHOTOGRAPH_MB_MAX
from lineament.vision import film_messages as says
from lineament.vision.decode import WALL_SECONDS
from lineament.vision.limited import LimitedProcess, LimitedProcessError, worker_command

STEP_SECONDS = 1.0
# Seconds a film may take in all. Still pages in 1920 x 1080, many pictures for few bytes, take 3 for a MB.
LONGEST, LONGEST_FOR_A_MB = 600.0, 60.0


@dataclass(frozen=True)
class Frame:
    """One picture of a film: ``seconds`` from its beginning, and ``data``, a JPEG file."""

    seconds: float
    data: bytes


def frames(film: Path, step_seconds: float = STEP_SECONDS) -> Generator[Frame, None, None]:
    """Yield the first frame of every time step and of every scene, in their order, upright.

    A frame that is nearly the same as the last one yielded is left out. The same film gives the same frames.
    What can be read of a damaged film is yielded before the error is raised.

    Raises NotAFilm, DamagedFilm, FilmTooLarge or FilmStopped; FileMissing where the file cannot be opened;
    ExtraMissing without PyAV; and DecoderUnavailable where no process starts.
    """
    if not step_seconds > 0:
        raise ValueError("a time step is more than 0 seconds")
    if find_spec("av") is None:
        raise ExtraMissing("Films are read with PyAV, which is not installed: the extra 'video'.")
    command = worker_command("lineament.vision.film_worker", str(step_seconds))
    with _opened(film) as file:
        longest = LONGEST + LONGEST_FOR_A_MB * os.fstat(file.fileno()).st_size / 2**20
        process = LimitedProcess(command, "films", file)
    try:
        yield from _told(process, longest)
    finally:
        process.kill()


def _told(process: LimitedProcess, longest: float) -> Generator[Frame, None, None]:
    """Yield the frames that a process chooses, until its film ends or it was waited for so many seconds.

    Raises NotAFilm, DamagedFilm, FilmTooLarge or FilmStopped.
    """
    seconds, chosen, waited = 0.0, 0, 0.0
    try:
        for read in range(says.MAX_DECODED + 1):
            began = time.monotonic()
            deadline = began + WALL_SECONDS
            kind, at, size = says.MESSAGE.unpack(bytes(process.receive(says.MESSAGE.size, deadline)))
            waited += time.monotonic() - began
            if waited > longest:
                raise LimitedProcessError(f"was at work for more than {longest / 60:,.0f} minutes")
            if kind not in (says.PASSED, says.CHOSEN):
                _end(kind, seconds if read else None)
                return
            chosen += kind == says.CHOSEN
            if not seconds <= at <= says.MAX_SECONDS or size > says.MAX_FRAME_BYTES:
                raise LimitedProcessError("answered nonsense")
            if chosen > says.MAX_CHOSEN:
                raise FilmTooLarge(f"More than {says.MAX_CHOSEN:,} frames would be taken from the film.")
            seconds = at
            if kind == says.CHOSEN:
                yield Frame(round(seconds, 3), bytes(process.receive(size, deadline)))
        raise LimitedProcessError("answered nonsense")
    except LimitedProcessError as error:
        raise FilmStopped(
            f"The process that read the film {error}; it had come to {seconds:.1f} s."
        ) from None


def _end(kind: int, seconds: float | None) -> None:
    """Raise what a film's end means, where it is not a good one; ``seconds`` is where the last frame was."""
    if kind == says.NOT_A_FILM:
        raise NotAFilm("The file does not begin like any film that is read here.")
    if kind == says.NO_PICTURES:
        raise NotAFilm("The film has no pictures, or they are coded in a way that is not read here.")
    if kind == says.DAMAGED:
        raise DamagedFilm(
            "Pictures of the film are damaged or missing; "
            + ("none was read." if seconds is None else f"the last one that was read is at {seconds:.1f} s.")
        )
    if kind == says.TOO_LARGE:
        raise FilmTooLarge(f"A frame has more than {MEGAPIXELS_MAX} megapixels or {PHOTOGRAPH_MB_MAX} MB.")
    if kind == says.TOO_LONG:
        raise FilmTooLarge(f"The film is longer than {says.MAX_SECONDS / 3600:.0f} hours.")
    if kind == says.STOPPED:
        raise FilmStopped("The film asks for more memory than a film should.")
    if kind != says.END:
        raise LimitedProcessError("answered nonsense")


def _opened(film: Path) -> BinaryIO:
    """Open an ordinary file; a pipe or device is refused without waiting for it."""
    shown = plain(film.name)
    try:
        descriptor = os.open(film, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileMissing(f"'{shown}' cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileMissing(f"'{shown}' is not an ordinary file.")
    return os.fdopen(descriptor, "rb")
