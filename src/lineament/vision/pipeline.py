"""The door of this room: a photograph's bytes in, faces and templates out."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import DetectedFace, Photograph, square_around
from lineament.core.quality import LEAST_INTER_EYE_PX
from lineament.errors import InvalidRequest, ModelPackInvalid
from lineament.vision.align import ARCFACE_112, SIDE, align_face, similarity
from lineament.vision.decode import Decoder
from lineament.vision.detect import Detection, detect_faces, detect_in, open_detector
from lineament.vision.embed import Embedded, Embedder, unit
from lineament.vision.graph import faster
from lineament.vision.landmarks import find_landmarks, quarters_from_upright
from lineament.vision.pack import DEFAULT_PACK, ModelPack, load_pack
from lineament.vision.quality import measure
from lineament.vision.runtime import Device, open_session

Floats = NDArray[np.float32]

LEAST_FACE = 0.5  # below it the landmark model sees no face in the crop, and is not heard
LARGEST_PROBE = 20  # photographs
_NOTHING = np.zeros((SIDE, SIDE, 3), np.uint8)  # what a face has to show that is too small to be compared


class Vision:
    """One model pack at work; any number of threads may use it.

    It costs nothing until it is used: models are checked and opened, and decode workers started, on the first
    call that needs them. Close it, or use it in a ``with`` block, so that the workers end.
    """

    def __init__(self, pack: ModelPack, decode_workers: int | None = None, device: Device = "cpu") -> None:
        self.pack = pack
        self.device = device
        self._decoder = Decoder(decode_workers or os.cpu_count() or 1)
        self._opening = threading.Lock()
        self._opened: dict[str, Any] = {}

    @classmethod
    def open(cls, folder: Path = DEFAULT_PACK, device: Device = "cpu") -> Self:
        """Open a pack's folder, by default the pack that ships. Raises ModelPackInvalid."""
        return cls(load_pack(folder), device=device)

    @property
    def contract(self) -> str:
        """The id, ``sha256:<hex>``, that templates made here carry."""
        return self.pack.contract

    @property
    def dimension(self) -> int:
        """How many numbers a template has."""
        return self.pack.embedder.dimension

    def decode(self, data: bytes) -> Photograph:
        """Read one image file in a limited process. Raises PhotographError or DecoderUnavailable."""
        return self._decoder.decode(data)

    def read(self, data: bytes) -> Photograph:
        """Read one image file as large as the detector needs it: for a large JPEG that is quicker.

        Raises as ``decode`` does.
        """
        photograph = self._decoder.decode(data, max(self.pack.detector.long_sides))
        return replace(photograph, file=data) if photograph.full_size else photograph

    def detect(self, photograph: Photograph) -> list[DetectedFace]:
        """Return the faces in reading order; an empty list where there is none. Raises ModelPackInvalid.

        Each that is large enough to be compared has its template. Where a photograph that was read smaller
        shows nobody, or somebody small, it is looked at whole: there may be more.
        """
        found = detect_faces(self._detector(), photograph.pixels, self.pack.detector)
        narrowest = min((float((one.box[2:] - one.box[:2]).min()) for one in found), default=0)
        if photograph.file is not None and narrowest < self.pack.detector.small_width:
            return self.detect(self.decode(photograph.file))
        return self._faces(photograph, found)

    def face_at(self, photograph: Photograph, box: Sequence[float]) -> DetectedFace:
        """Return the face in a box, xyxy px, that a person drew, whether or not a detector sees one there.

        Raises InvalidRequest for a box that is not inside the photograph.
        """
        drawn = np.array(box, np.float32)
        far = (photograph.width, photograph.height)
        if drawn.shape != (4,) or not ((drawn[:2] >= 0) & (drawn[:2] < drawn[2:])).all():
            raise InvalidRequest("A box has four numbers: left, top, right and bottom, in pixels.")
        if not (drawn[2:] <= far).all():
            raise InvalidRequest(f"The box must lie inside the photograph of {far[0]} x {far[1]} pixels.")
        here = drawn / _shrunk(photograph)
        seen = detect_in(self._detector(), photograph.pixels, here, self.pack.detector)
        # Where nobody sees a face, the points are those of a typical one that fills the box.
        typical = (here[:2] + ARCFACE_112 / SIDE * (here[2:] - here[:2])).astype(np.float32)
        taken = Detection(here, typical, 0.0) if seen is None else seen._replace(box=here)
        (face,) = self._faces(photograph, [taken])
        return replace(face, box=drawn, drawn=True)

    def embed(self, photograph: Photograph, faces: Sequence[DetectedFace]) -> Floats:
        """Return one template a face, (n, dimension) float32 of length 1, in the order given.

        Faces that ``detect`` has just embedded are not embedded again. Small ones are embedded too:
        ``quality.usable`` says which of them mean something.
        Raises ModelPackInvalid, and FaceTooSmall for a face whose landmarks are one point.
        """
        fresh = [face for face in faces if face.template is None]
        boxes, landmarks = (_stacked(fresh, part) for part in ("box", "landmarks"))
        made = iter(self._embed(photograph, boxes, landmarks)[1].templates)
        templates = [next(made) if face.template is None else face.template for face in faces]
        return np.array(templates, np.float32).reshape(len(faces), self.dimension)

    def probe(self, faces: Sequence[DetectedFace], photograph_of: Callable[[int], Photograph]) -> Floats:
        """Return one template (dimension,) of one person from 1 to 20 photographs, weighted by quality.

        ``photograph_of`` gives the photograph of a face by its place, from 0. It is asked only for a face
        that has no template, for one after the other, so that no two need be in memory.
        Raises ModelPackInvalid, and FaceTooSmall for a face whose landmarks are one point.
        """
        if not 1 <= len(faces) <= LARGEST_PROBE:
            raise InvalidRequest(f"A probe is made of 1 to {LARGEST_PROBE} photographs.")
        rows = np.stack(
            [
                self.embed(photograph_of(place), [face])[0] if face.template is None else face.template
                for place, face in enumerate(faces)
            ]
        )
        weights = np.array([1 + face.quality.unified_score for face in faces], np.float32)
        return np.asarray(unit((weights @ rows)[None])[0])

    def close(self) -> None:
        """End the decode workers; those at work finish their file first."""
        self._decoder.close()

    def _faces(self, photograph: Photograph, found: Sequence[Detection]) -> list[DetectedFace]:
        """Measure and embed what was found in the pixels, in coordinates of the whole photograph."""
        if not found:
            return []
        factor = _shrunk(photograph)
        boxes, landmarks = (_stacked(found, part) for part in ("box", "landmarks"))
        boxes, landmarks = boxes * factor, landmarks * factor[:2]
        large = np.linalg.norm(landmarks[:, 1] - landmarks[:, 0], axis=1) >= LEAST_INTER_EYE_PX
        crops, embedded = self._embed(photograph, boxes[large], landmarks[large])
        made = zip(crops, embedded.templates, embedded.scores, strict=True)
        faces = []
        for one, box, points, is_large in zip(found, boxes, landmarks, large, strict=True):
            if is_large:
                crop, template, score = next(made)
                quality = measure(crop, points, one.score, int(score))
                faces.append(DetectedFace(box, points, one.score, quality, template=template))
            else:
                faces.append(DetectedFace(box, points, one.score, measure(_NOTHING, points, one.score, 0)))
        return faces

    def _embed(
        self, photograph: Photograph, boxes: Floats, landmarks: Floats
    ) -> tuple[list[NDArray[np.uint8]], Embedded]:
        """Align and embed n faces with (n, 4) boxes and (n, 5, 2) landmarks; return their crops as well.

        The embedder may look at each twice, the second time in a mirror. The landmark model's points align
        the first look; the mean of its and the detector's points align the second, so that an error of one of
        them is not in both.
        """
        crops, views = [], []
        for pixels, here, points in self._close_ups(photograph, boxes, landmarks):
            first, second = self._two_opinions(pixels, here, points)
            for one, other in zip(first, second, strict=True):
                crops.append(align_face(pixels, one, self.pack.alignment))
                views.append(crops[-1])
                if self.pack.embedder.mirror:
                    views.append(align_face(pixels, other, self.pack.alignment)[:, ::-1])
        return crops, self._embedder().embed(views)

    def _two_opinions(
        self, pixels: NDArray[np.uint8], boxes: Floats, landmarks: Floats
    ) -> tuple[Floats, Floats]:
        model = self.pack.landmarks
        if model is None:
            return landmarks, landmarks
        session = self._open("landmarks", lambda: open_session(faster(self.pack.content(model)), self.device))
        seen = find_landmarks(session, pixels, boxes, quarters_from_upright(landmarks), model)
        heard = (seen.face >= LEAST_FACE)[:, None, None]
        first = np.where(heard, seen.points, landmarks)
        return first, (landmarks + 2 * first) / 3  # the landmark model has looked twice

    def _close_ups(
        self, photograph: Photograph, boxes: Floats, landmarks: Floats
    ) -> list[tuple[NDArray[np.uint8], Floats, Floats]]:
        """Return pixels with the boxes and landmarks of the faces in them, in the order given.

        Where the photograph was read smaller than it is, a face that needs more pixels is read again.
        """
        factor = _shrunk(photograph)
        here = boxes / factor, landmarks / factor[:2]
        small = [abs(similarity(one, ARCFACE_112)[0]) > 1 for one in here[1]]
        if photograph.file is None or not any(small):
            return [(photograph.pixels, *here)] if len(boxes) else []
        squares = [_around(box, photograph) for box, again in zip(boxes, small, strict=True) if again]
        parts = iter(zip(self._decoder.regions(photograph.file, squares), squares, strict=True))
        close = []
        for at, again in enumerate(small):
            one = slice(at, at + 1)
            if again:
                part, (left, top, _, _) = next(parts)
                corner = np.array([left, top] * 2, np.float32)
                close.append((part, boxes[one] - corner, landmarks[one] - corner[:2]))
            else:
                close.append((photograph.pixels, here[0][one], here[1][one]))
        return close

    # --- the models, each opened when it is first needed ---

    def _detector(self) -> Any:
        pack = self.pack
        return self._open(
            "detector", lambda: open_detector(pack.content(pack.detector), pack.detector, self.device)
        )

    def _embedder(self) -> Embedder:
        pack = self.pack
        opened: Embedder = self._open(
            "embedder",
            lambda: Embedder(pack.content(pack.embedder), pack.embedder, _centre(pack), self.device),
        )
        return opened

    def _open(self, part: str, make: Callable[[], Any]) -> Any:
        with self._opening:
            if part not in self._opened:
                self._opened[part] = make()
            return self._opened[part]


def _shrunk(photograph: Photograph) -> Floats:
    """Return how many pixels of the whole one pixel here stands for, as (x, y, x, y)."""
    height, width = photograph.pixels.shape[:2]
    return np.array([photograph.width / width, photograph.height / height] * 2, np.float32)


def _stacked(faces: Sequence[Any], part: str) -> Floats:
    """Return the boxes (n, 4) or the landmarks (n, 5, 2) of n faces."""
    shape = (-1, 4) if part == "box" else (-1, 5, 2)
    return np.array([getattr(face, part) for face in faces], np.float32).reshape(shape)


def _around(box: Floats, photograph: Photograph) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom, whole px, of the square around a box (4,)."""
    left, top, side = square_around(box, photograph.width, photograph.height)
    return (
        int(left),
        int(top),
        min(photograph.width, math.ceil(left + side)),
        min(photograph.height, math.ceil(top + side)),
    )


def _centre(pack: ModelPack) -> Floats | None:
    if pack.centre is None:
        return None
    try:
        numbers = np.array(json.loads(pack.content(pack.centre)), np.float32)
        if numbers.shape != (pack.embedder.dimension,) or not np.isfinite(numbers).all():
            raise ValueError
    except (ValueError, TypeError) as error:
        raise ModelPackInvalid(
            f"{pack.centre.file} is not a list of {pack.embedder.dimension} numbers."
        ) from error
    return np.asarray(numbers * pack.centre.weight, np.float32)
