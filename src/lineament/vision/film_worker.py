"""The limited process that reads one film: its standard input is the film, its output the frames chosen.

``film.py`` starts it with the time step in seconds; ``film_messages.py`` says what it answers. Frames are
decoded one after the other in one thread, so that a film gives the same bytes each time. Sound is not read.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import cast

import av

# Streams of these kinds are not decoded, but PyAV would load their modules on sight of one: too late then.
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageStat

from lineament.vision.decode_sandbox import CPU_SECONDS, NO_SECCOMP, Calls, confine
from lineament.vision.film_messages import (
    CHOSEN,
    DAMAGED,
    END,
    MAX_DECODED,
    MAX_FRAME_BYTES,
    MAX_PIXELS,
    MAX_SECONDS,
    MESSAGE,
    NO_PICTURES,
    NOT_A_FILM,
    PASSED,
    STOPPED,
    TOO_LARGE,
    TOO_LONG,
)

MEMORY_BYTES = 2_000_000_000  # of address space
# The film is read at a place that is named each time, so that the place of its descriptor never moves.
CALLS: Calls = {"pread64": (17, 67)}
# The C library looks for the alphabet that a broadcast's name is written in; the name is not needed.
REFUSED: Calls = {"openat": (257, 56), "newfstatat": (262, 79)}

# What a file begins with, and the one FFmpeg demuxer that may read it: none is found by trying them all.
FORMATS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"....(ftyp|moov|mdat|free|skip|wide|pnot)", re.DOTALL), "mov"),
    (re.compile(rb"\x1aE\xdf\xa3"), "matroska"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), "avi"),
    (re.compile(rb"(\x47.{187}){4}|(.{4}\x47.{187}){4}", re.DOTALL), "mpegts"),
    (re.compile(rb"\0\0\x01\xba"), "mpeg"),
)
BEGINNING = 4 * 192  # bytes that tell
DECODERS = ("h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mpeg1video", "mpeg2video", "mjpeg", "prores")
_READING = {
    "codec_whitelist": ",".join(DECODERS),
    "protocol_whitelist": "none",  # no address that a film names is opened
    "threads": "1",
}
_DECODING = {"max_pixels": str(MAX_PIXELS), "flags": "+bitexact"}
# What is guessed is no evidence: a frame with an error is left out, and so are those that are built on it, up
# to the next key frame. Most decoders say of a frame that it is damaged; these two have to be told to stop.
# Of films of 30 frames with three bits flipped, so many of the frames taken were wrong: H.264 27 of 3,930
# (4,308 of 8,322 without this), MPEG-2 21 of 919, MPEG-4 25 of 878, Motion JPEG 40 of 1,177, HEVC 563 of
# 1,062; VP8, VP9 and AV1 notice hardly any damage.
_STOPPED_BY_ERRORS = ("hevc", "mjpeg")

# The same pixels on every processor.
_EXACT = Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_SMALLER = Interpolation.AREA | _EXACT
_COLOURS = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | _EXACT
SILENT = 1.0  # seconds for which pictures may end before the film does
_UNSPECIFIED, _HD_LINES = 2, 720  # AVCOL_SPC_UNSPECIFIED; from these lines on, players take it for BT.709

# Frames are compared by the mean brightness of square cells. The smallest face that can be compared, some 30
# px wide, covers four of these whole, so that its coming or going is seen.
CELL = 12  # px
# FFmpeg's measure of a change of scene (select filter: the least of the mean difference and its own change),
# of 255. The cuts of a film measured 31 to 80 and all else below 10; of 20,000 pairs of sample portraits, the
# hardest case, none is nearer than 25. FFmpeg's manual names 30 to 50, and more is missed there.
SCENE = 20.0
# Frames are nearly the same where no cell differs by more, of 255: a still picture with strong grain (sigma
# 10), compressed hard, measured up to 10.
SAME = 10

# Against lossless PNG, on 60 faces of 1280 x 720: templates with cosine 0.999 (least 0.994), a third of the
# bytes, a fourteenth of the time.
JPEG = {"quality": 95, "subsampling": 0}
JPEG_SIDE = 65_500  # px; libjpeg writes no longer one

_UPRIGHT = {  # by the degrees that a film's display matrix turns it, counter-clockwise
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    -180: Image.Transpose.ROTATE_180,
    -90: Image.Transpose.ROTATE_270,
}


def main() -> None:
    """Limit this process, then tell of the film on standard input until it ends."""
    film, step = _Film(), float(sys.argv[1])
    Image.preinit()
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # SIGPROF ends the process
    ready = confine(MEMORY_BYTES, CALLS, REFUSED)
    _write(ready)
    if ready == NO_SECCOMP:
        return
    try:
        kind = _tell(film, step)
    except MemoryError:
        kind = STOPPED
    except (FFmpegError, ValueError, OverflowError):
        kind = DAMAGED
    _say(kind, 0.0)


def _tell(film: _Film, step: float) -> int:
    """Tell of every frame; return how the film ended."""
    beginning = film.read(BEGINNING)
    demuxer = next((name for magic, name in FORMATS if magic.match(beginning)), None)
    if demuxer is None:
        return NOT_A_FILM
    film.seek(0, os.SEEK_SET)
    container = av.open(film, "r", format=demuxer, options=_READING, metadata_errors="replace")
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or _decoder(stream) not in DECODERS:
        return NO_PICTURES
    if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
        return TOO_LARGE
    stream.codec_context.thread_count = 1
    strict = {"err_detect": "explode"} if _decoder(stream) in _STOPPED_BY_ERRORS else {}
    stream.codec_context.options = _DECODING | strict
    clock, chooser = _Clock((container.start_time or 0) / av.time_base), _Chooser(step)
    smaller, colours = VideoReformatter(), VideoReformatter()
    decoded, whole, waits = 0, True, False
    for frame in _frames(container, stream):
        if frame is None or frame.is_corrupt:
            whole, waits = False, True  # for a key frame
            _say(PASSED, clock.seconds)
            continue
        decoded += 1
        seconds = clock.tell(frame.time, float(frame.duration * (frame.time_base or 0)))
        if seconds > MAX_SECONDS or decoded > MAX_DECODED:
            return TOO_LONG
        waits = waits and not frame.key_frame
        if not waits and chooser.chooses(_cells(frame, smaller), seconds):
            data = _jpeg(frame, stream, colours)
            if len(data) > MAX_FRAME_BYTES:
                return TOO_LARGE
            _say(CHOSEN, seconds, data)
        else:
            _say(PASSED, seconds)
    return END if whole and decoded and clock.end >= _length(container, stream) - SILENT else DAMAGED


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | None]:
    """Yield every frame in the order in which it is shown, and None for what cannot be read."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:  # the container itself breaks off
            yield None
            return
        if packet is None:
            return
        try:
            yield from packet.decode()
        except MemoryError:
            raise
        except FFmpegError:
            yield None


def _decoder(stream: VideoStream) -> str | None:
    # A stream of a kind that FFmpeg has no decoder for has no context, which the declared type does not say.
    return stream.codec_context.codec.name if stream.codec_context else None


def _length(container: InputContainer, stream: VideoStream) -> float:
    """Return how many seconds of pictures the film says it has; 0 where it says nothing."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return ((container.duration or 0) - (container.start_time or 0)) / av.time_base


class _Clock:
    """Seconds from the film's beginning. They never run backwards, whatever the film says."""

    def __init__(self, start: float) -> None:
        self.seconds = self.end = 0.0
        self._start = start

    def tell(self, time: float | None, length: float = 0.0) -> float:
        """Return the seconds of a frame with such a time; one that has none is at the time of the last."""
        seconds = self.seconds if time is None else time - self._start
        if seconds < self.seconds - 1:  # a recording that was joined from several begins again
            self._start -= self.seconds - seconds
        self.seconds = max(self.seconds, seconds)
        self.end = self.seconds + length
        return self.seconds


class _Chooser:
    """Chooses the first frame of every time step and of every scene, where it shows anything new."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._steps = -1  # that have begun
        self._before: Image.Image | None = None
        self._difference = 0.0  # of the frame before from the one before that
        self._chosen: Image.Image | None = None

    def chooses(self, cells: Image.Image, seconds: float) -> bool:
        """Say whether a frame with such cells, (w, h) 8-bit grey, is chosen; each frame is asked about."""
        steps = int(seconds / self._step + 1e-6)  # 0.3 / 0.1 is a little less than 3
        difference = _mean_difference(cells, self._before)
        scene = min(difference, abs(difference - self._difference)) >= SCENE
        begins = steps > self._steps or scene
        self._before, self._difference, self._steps = cells, difference, max(steps, self._steps)
        if not begins or (self._chosen and _nearly_same(cells, self._chosen)):
            return False
        self._chosen = cells
        return True


def _mean_difference(one: Image.Image, other: Image.Image | None) -> float:
    if other is None or one.size != other.size:
        return 255.0
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


def _nearly_same(one: Image.Image, other: Image.Image) -> bool:
    if one.size != other.size:
        return False
    _, most = ImageChops.difference(one, other).getextrema()
    return cast(int, most) <= SAME


def _cells(frame: VideoFrame, smaller: VideoReformatter) -> Image.Image:
    """Return the mean brightness of each cell of a frame."""
    size = (max(1, frame.width // CELL), max(1, frame.height // CELL))
    return _image(smaller.reformat(frame, *size, "gray", interpolation=_SMALLER, threads=1), "L")


def _jpeg(frame: VideoFrame, stream: VideoStream, colours: VideoReformatter) -> bytes:
    """Return a frame as a JPEG file: upright, in sRGB, and with square pixels where that is not too large."""
    width, height = frame.width, frame.height
    ratio = float(stream.sample_aspect_ratio or 1)
    if ratio > 1:
        width = round(width * ratio)
    elif ratio > 0:
        height = round(height / ratio)
    if width * height > MAX_PIXELS or max(width, height) > JPEG_SIDE:
        width, height = frame.width, frame.height
    unsaid = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_LINES
    shown = colours.reformat(
        frame,
        width,
        height,
        "rgb24",
        src_colorspace=Colorspace.ITU709 if unsaid else None,
        interpolation=_COLOURS,
        threads=1,
    )
    image = _image(shown, "RGB")
    if frame.rotation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[frame.rotation])
    file = io.BytesIO()
    image.save(file, "JPEG", **JPEG)
    return file.getvalue()


def _image(frame: VideoFrame, mode: str) -> Image.Image:
    plane = frame.planes[0]
    return Image.frombytes(mode, (frame.width, frame.height), bytes(plane), "raw", mode, plane.line_size)


class _Film:
    """The standard input, as FFmpeg asks for it."""

    def __init__(self) -> None:
        self._size = os.fstat(0).st_size
        self._place = 0

    def read(self, size: int) -> bytes:
        data = os.pread(0, size, self._place)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place


def _say(kind: int, seconds: float, data: bytes = b"") -> None:
    _write(MESSAGE.pack(kind, seconds, len(data)) + data)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # each frame has its own time


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
