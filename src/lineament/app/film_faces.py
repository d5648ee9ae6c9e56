"""The faces of the films among what an ingest brings: one that is seen in many frames is kept once.

Every frame is on record, so that it is known when the film comes again. Where a face in it is nearly the same
as one that is kept, the frame names that one, by the frame and the box that show it (W3C Media Fragments);
and what is known of the frame that shows the kept one says until when it was seen. So an ingest that goes on
in the middle of a film knows what it would know had it seen the film from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from lineament.app.films import Kept, Tracks, clock
from lineament.app.prepare import Prepared
from lineament.core.faces import DetectedFace
from lineament.records.images import Image, Provenance
from lineament.sources import Item

SAME_AS = "film:same_as"  # of a frame: the names of the kept faces that faces in it are, a space between them
SEEN_UNTIL = "film:seen_until"  # of a frame: when a face that is kept with it was seen last
_BOX = "&xywh="


class FilmFaces:
    """The kept faces of one film at a time, whose frames come in their order."""

    def __init__(self) -> None:
        self._frames: dict[str, Image] = {}  # on record, that show a kept face, by place
        self._later: dict[str, float] = {}  # when a face that one shows was seen since the last corrections
        self._is_another = False  # than the one of some of these frames
        self._begin(None)

    def keep_new(self, frame: Prepared) -> Prepared:
        """Return a frame with those of its faces that are not kept already, and the names of the others."""
        faces = frame.seen.faces
        new, others = self._see(frame.item, [(_name(frame.item.path, face), face) for face in faces])
        seen = replace(frame.seen, faces=[faces[at] for at in new], templates=frame.seen.templates[new])
        extra = {**frame.provenance.extra, **({SAME_AS: " ".join(others)} if others else {})}
        return replace(frame, seen=seen, provenance=replace(frame.provenance, extra=extra))

    def see_known(
        self, item: Item, image: Image, faces: Sequence[tuple[DetectedFace, NDArray[np.float32]]]
    ) -> None:
        """See a frame that is on record with these faces, each with its (D,) float32 template."""
        path = image.provenance.path
        there = [(_name(path, face), replace(face, template=template)) for face, template in faces]
        named = [name for name in same_as(image.provenance) if name in self._faces]
        self._see(item, there + [(name, self._faces[name]) for name in named])
        self.on_record(image)

    def on_record(self, image: Image) -> None:
        """Take note of the frame that was seen just now, where a face is kept with it.

        The same picture may be in the records as one of another film: of that one nothing is corrected.
        """
        path = image.provenance.path
        if path.startswith(f"{self._film}#") and _place(path) in self._later:
            self._frames[_place(path)] = image

    def corrections(self) -> Iterator[tuple[str, Provenance]]:
        """Yield what is known now of frames on record, by the image's id, where a face was seen later on."""
        for place in self._later.keys() & self._frames.keys():
            image, seconds = self._frames[place], self._later[place]
            extra = image.provenance.extra
            if seconds > _seconds(extra.get(SEEN_UNTIL) or extra["time"]):
                known = replace(image.provenance, extra={**extra, SEEN_UNTIL: clock(seconds)})
                self._frames[place] = replace(image, provenance=known)
                yield image.id, known
        self._later = {}
        if self._is_another:
            here = _place(f"{self._film}#")
            self._frames = {place: one for place, one in self._frames.items() if place.startswith(here)}
            self._is_another = False

    def _begin(self, film: str | None) -> None:
        self._film, self._is_another = film, True
        self._tracks = Tracks()
        self._names: dict[Kept, str] = {}
        self._faces: dict[str, DetectedFace] = {}  # those kept, by name

    def _see(self, item: Item, faces: Sequence[tuple[str, DetectedFace]]) -> tuple[list[int], list[str]]:
        """Return which faces of the next frame are new, by their places, and the names of the others."""
        if item.film != self._film:
            self._begin(item.film)
        seconds = item.seconds or 0.0
        new, others = [], []
        tracked = self._tracks.add(seconds, [face for _, face in faces])
        for at, (kept, (name, face)) in enumerate(zip(tracked, faces, strict=True)):
            if kept in self._names:
                others.append(self._names[kept])
            else:
                self._names[kept], self._faces[name] = name, face
                new.append(at)
            self._later[self._names[kept].partition(_BOX)[0]] = seconds
        return new, others


def same_as(known: Provenance) -> list[str]:
    """Return the names of the kept faces that are in a frame, and not kept with it."""
    return known.extra.get(SAME_AS, "").split()


def _name(path: str, face: DetectedFace) -> str:
    """Return the name of a face: its frame's place, and its box as left, top, width and height, px."""
    left, top, right, bottom = (round(value) for value in face.box.tolist())
    return f"{_place(path)}{_BOX}{left},{top},{right - left},{bottom - top}"


def _place(path: str) -> str:
    """Return a frame's path as a reference without spaces (RFC 3986)."""
    return quote(path, safe="/#=")


def _seconds(told: str) -> float:
    hours, minutes, seconds = told.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
