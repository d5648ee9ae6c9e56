"""Turn untrusted bytes into pixels, in worker processes that can do nothing else.

The parent sends bytes and receives a fixed header and raw pixels: it parses nothing of the file. A worker
that dies, stalls or answers out of turn is killed and replaced, and the file it had is refused.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import Photograph
from lineament.errors import (
    DamagedPhotograph,
    DecoderStopped,
    NotAPhotograph,
    PhotographTooLarge,
)
from lineament.limits import MEGAPIXELS_MAX, PHOTOGRAPH_BYTES_MAX, PHOTOGRAPH_MB_MAX, PIXELS_MAX
from lineament.vision import decode_worker as worker
from lineament.vision.exif import EXIF_NAMES
from lineament.vision.limited import LimitedProcess, LimitedProcessError, receive_texts, worker_command

WALL_SECONDS = 9.0  # with a new worker's start a file is done within ten

_COMMAND = worker_command(worker.__name__)


class Decoder:
    """A pool of decode workers; any number of threads may call ``decode`` and ``regions``.

    Workers are started when they are first needed. ``seconds`` is the wall-clock limit for one file.
    """

    def __init__(self, workers: int = 2, seconds: float = WALL_SECONDS) -> None:
        self._seconds = seconds
        self._workers = workers
        self._closed = False
        self._slots: queue.LifoQueue[LimitedProcess | None] = queue.LifoQueue()
        for _ in range(workers):
            self._slots.put(None)

    def decode(self, data: bytes, long_side: int | None = None) -> Photograph:
        """Read one image file, within the limits; of an animation, the first frame.

        Where a long side of ``long_side`` px is enough, a JPEG comes back at 1/2, 1/4 or 1/8 of its size, the
        smallest that has it: it costs less. The other formats come back whole.

        Raises NotAPhotograph, DamagedPhotograph, PhotographTooLarge or DecoderStopped; and
        DecoderUnavailable where no worker starts.
        """
        answer = self._ask(data, _Request(long_side or 0, ()))
        size = (answer.width, answer.height)
        return Photograph(answer.images[0], answer.media_type, size, exif=answer.exif)

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
        if len(data) > PHOTOGRAPH_BYTES_MAX:
            raise PhotographTooLarge(
                f"{len(data) / 2**20:,.1f} MB is more than the {PHOTOGRAPH_MB_MAX} MB "
                "that are read from an untrusted file."
            )
        slot = self._slots.get()
        try:
            if self._closed:
                raise RuntimeError("this decoder is closed")
            if slot and not slot.waits():  # it died, or spoke out of turn: no fault of this file
                slot.kill()
                slot = None
            slot = slot or LimitedProcess(_COMMAND)
            answer = _asked(slot, data, request, self._seconds)
        except BaseException as error:  # whatever it was, the two sides may be out of step now
            if slot:
                slot.kill()
            slot = None
            if isinstance(error, LimitedProcessError):
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
    exif: dict[str, str]


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
            f"{size} more than the {MEGAPIXELS_MAX} megapixels that are read from an untrusted file."
        )
    if answer.outcome == worker.STOPPED:
        raise DecoderStopped(f"The {name} file asks for more memory or passes than a photograph should.")
    raise DamagedPhotograph(f"The {name} file breaks off or is damaged.")


def _asked(process: LimitedProcess, data: bytes, request: _Request, seconds: float) -> _Answer:
    """Send one file and receive what it holds. Raises LimitedProcessError."""
    deadline = time.monotonic() + seconds
    prefix = worker.REQUEST.pack(len(data), request.long_side, len(request.boxes))
    process.send(prefix + b"".join(worker.BOX.pack(*box) for box in request.boxes), deadline)
    process.send(data, deadline)
    header = bytes(process.receive(worker.HEADER.size, deadline))
    outcome, kind, width, height, *size = worker.HEADER.unpack(header)
    if outcome > worker.OUTSIDE or kind >= len(worker.FORMATS):
        raise LimitedProcessError("answered nonsense")
    media_type = worker.FORMATS[kind][1]
    if outcome != worker.PIXELS:
        return _Answer(outcome, media_type, width, height, [], {})
    # Nothing is allocated that the limits, or the caller's own boxes, do not allow.
    boxes = request.boxes or [(0, 0, size[0], size[1])]
    if width * height > PIXELS_MAX or not all(
        left < right <= width and top < bottom <= height for left, top, right, bottom in boxes
    ):
        raise LimitedProcessError("answered nonsense")
    texts = {} if request.boxes else receive_texts(process, EXIF_NAMES, deadline)
    images = []
    for left, top, right, bottom in boxes:
        shape = (bottom - top, right - left, 3)
        images.append(process.receive(math.prod(shape), deadline).reshape(shape))
        images[-1].flags.writeable = False
    return _Answer(outcome, media_type, width, height, images, texts)
