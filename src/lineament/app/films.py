"""Recorded films among the photographs of a source: frames are photographs; a face in many is kept once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import DetectedFace
from lineament.errors import ExtraMissing, NotAFilm, SourceError
from lineament.sources import Item, Source, Unreadable
from lineament.vision.film import Frame, frames

FILM_ENDINGS = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts"})

# Cosine. The face of somebody who talks and turns in a car measured 0.72 and more from its first frame on,
# over four seconds; of 44,850 pairs of sample people none had more than 0.36. A face that has turned further
# than this is worth keeping as well.
SAME_FACE = 0.7
SAME_PLACE = 0.5  # intersection over union, as of a detection that PASCAL VOC counts as right
GAP_SECONDS = 5.0  # for which a face may be turned away or hidden, and its track goes on


class FilmsNotInstalled(ExtraMissing, SourceError):
    """The library that reads films is missing: this item of a source is not read, and the others are."""


def with_frames(source: Source) -> Source:
    """Return a source that yields, in place of every film, its frames: by scene and by time step.

    A frame has the film's provenance, and its time: in the path and the source link (W3C Media Fragments),
    in ``seconds``, and for people in ``extra``. A film that does not lie on this machine as a file of its own
    is not read.
    """
    return _WithFrames(source)


@dataclass(frozen=True)
class _WithFrames:
    source: Source

    @property
    def size(self) -> None:
        """How many frames there will be is not known."""

    def __iter__(self) -> Iterator[Item | Unreadable]:
        for item in self.source:
            if isinstance(item, Item) and PurePosixPath(item.path).suffix.lower() in FILM_ENDINGS:
                yield from _frames(item)
            else:
                yield item


def clock(seconds: float) -> str:
    """Return a time in a film as people read it: hours, minutes, seconds."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02}:{rest:06.3f}"


def _frames(film: Item) -> Iterator[Item | Unreadable]:
    if film.place is None:
        yield Unreadable(film.path, NotAFilm("A film is read from a file of its own on this machine only."))
        return
    try:
        with closing(frames(film.place)) as found:
            for frame in found:
                yield _item(film, frame)
    except SourceError as error:
        yield Unreadable(film.path, error)
    except ExtraMissing as error:
        yield Unreadable(film.path, FilmsNotInstalled(str(error)))


def _item(film: Item, frame: Frame) -> Item:
    time = f"t={frame.seconds:.3f}"
    url = film.source_url and f"{film.source_url}{'&' if '#' in film.source_url else '#'}{time}"
    return replace(
        film,
        path=f"{film.path}#{time}",
        read=lambda: frame.data,
        source_url=url,
        extra={**film.extra, "time": clock(frame.seconds)},
        film=film.path,
        seconds=frame.seconds,
        place=None,
    )


@dataclass(eq=False)
class Kept:
    """A face that is kept, the seconds of every frame in which it was seen, and its box (4,) in the last."""

    face: DetectedFace
    times: list[float]
    box: NDArray[np.float32]


class Tracks:
    """The faces of one film, of which those that are nearly the same are kept once.

    It remembers the faces that were seen a moment ago, and no others.
    """

    def __init__(self) -> None:
        self._open: list[Kept] = []
        self._before = 0.0

    def add(self, seconds: float, faces: Sequence[DetectedFace]) -> list[Kept]:
        """Return, for each face of the next frame, the kept face that it is: a new one where it is new.

        A face is one kept before if the cosine of their templates is at least SAME_FACE or, where either has
        no template, if its box overlaps the last one by SAME_PLACE; and if that one was seen in the frame
        before this, or no more than GAP_SECONDS ago. No two faces of a frame are the same. Frames come in
        their order.
        """
        since = min(seconds - GAP_SECONDS, self._before)
        self._open = [kept for kept in self._open if kept.times[-1] >= since]
        self._before = seconds
        pairs = ((_alike(kept, face), at, kept) for at, face in enumerate(faces) for kept in self._open)
        seen: dict[int, Kept] = {}
        for alike, at, kept in sorted(pairs, key=lambda pair: pair[0], reverse=True):
            if alike > 0 and at not in seen and kept not in seen.values():
                seen[at] = kept
                kept.times.append(seconds)
                kept.box = faces[at].box
        new = {at: Kept(face, [seconds], face.box) for at, face in enumerate(faces) if at not in seen}
        self._open += new.values()
        seen |= new
        return [seen[at] for at in range(len(faces))]


def _alike(kept: Kept, face: DetectedFace) -> float:
    """Return how sure it is that a face is a kept one; 0 where it is not. Templates are surer than boxes."""
    if kept.face.template is not None and face.template is not None:
        cosine = float(kept.face.template @ face.template)
        return 1 + cosine if cosine >= SAME_FACE else 0.0
    overlap = _overlap(kept.box, face.box)
    return overlap if overlap >= SAME_PLACE else 0.0


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the intersection over union of two boxes (4,)."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    whole = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / whole if whole > 0 else 0.0
