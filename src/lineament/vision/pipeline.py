"""The door of this room: a photograph's bytes in, faces and templates out."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import DetectedFace, Photograph
from lineament.errors import InvalidRequest
from lineament.vision.align import ARCFACE_112, SIDE, align_face
from lineament.vision.decode import Decoder
from lineament.vision.detect import Detection, detect_faces, open_detector
from lineament.vision.embed import embed_crops
from lineament.vision.pack import DEFAULT_PACK, ModelPack, load_pack
from lineament.vision.quality import measure
from lineament.vision.runtime import open_session


class Vision:
    """One model pack at work; any number of threads may use it.

    It costs nothing until it is used: models are checked and opened, and decode workers started, on the first
    call that needs them. Close it, or use it in a ``with`` block, so that the workers end.
    """

    def __init__(self, pack: ModelPack, decode_workers: int | None = None) -> None:
        self.pack = pack
        self._decoder = Decoder(decode_workers or os.cpu_count() or 1)
        self._opening = threading.Lock()
        self._sessions: dict[str, Any] = {}

    @classmethod
    def open(cls, folder: Path = DEFAULT_PACK) -> Self:
        """Open a pack's folder, by default the pack that ships. Raises ModelPackInvalid."""
        return cls(load_pack(folder))

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

    def detect(self, photograph: Photograph) -> list[DetectedFace]:
        """Return the faces in reading order; an empty list where there is none. Raises ModelPackInvalid."""
        found = detect_faces(self._session("detector"), photograph.pixels, self.pack.detector)
        return [self._face(photograph, one) for one in found]

    def face_at(self, photograph: Photograph, box: NDArray[np.float32]) -> DetectedFace:
        """Return the face in a box (4,) xyxy px that a person drew, whether or not a detector sees one there.

        Raises InvalidRequest for a box that is no box inside the photograph.
        """
        x1, y1, x2, y2 = (float(value) for value in box)
        width, height = photograph.width, photograph.height
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise InvalidRequest(f"The box must lie inside the photograph of {width} x {height} pixels.")
        inside = detect_faces(self._session("detector"), photograph.pixels, self.pack.detector)
        # TODO: the detector closer up, then the points that the landmark model gives for any box
        centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
        near = min(
            inside,
            key=lambda one: float(np.linalg.norm((one.box[:2] + one.box[2:]) / 2 - centre)),
            default=None,
        )
        landmarks = near.landmarks if near is not None else _typical_landmarks(np.asarray(box, np.float32))
        return replace(
            self._face(photograph, Detection(np.asarray(box, np.float32), landmarks, 0.0)), drawn=True
        )

    def _face(self, photograph: Photograph, found: Detection) -> DetectedFace:
        quality = measure(photograph.pixels, found.landmarks)
        return DetectedFace(found.box, found.landmarks, found.score, quality)

    def probe(self, shots: Sequence[tuple[Photograph, DetectedFace]]) -> NDArray[np.float32]:
        """Return one template (dimension,) of one person from 1 to 20 photographs, weighted by quality.

        Raises ModelPackInvalid, and FaceTooSmall for a face whose landmarks are one point.
        """
        rows = np.concatenate([self.embed(photograph, [face]) for photograph, face in shots])
        weights = np.array([face.quality.unified_score for _, face in shots], np.float32) + 1
        summed = weights @ rows
        return np.asarray(summed / np.linalg.norm(summed), np.float32)

    def embed(self, photograph: Photograph, faces: Sequence[DetectedFace]) -> NDArray[np.float32]:
        """Return one template a face, (n, dimension) float32 of length 1, in the order given.

        Small faces are embedded too: ``quality.usable`` says which of them mean something.
        Raises ModelPackInvalid, and FaceTooSmall for a face whose landmarks are one point.
        """
        crops = [align_face(photograph.pixels, face.landmarks, self.pack.alignment) for face in faces]
        return embed_crops(self._session("embedder"), crops, self.pack.embedder)

    def close(self) -> None:
        """End the decode workers; those at work finish their file first."""
        self._decoder.close()

    def _session(self, part: str) -> Any:
        with self._opening:
            if part not in self._sessions:
                if part == "detector":
                    self._sessions[part] = open_detector(self.pack.model_bytes(self.pack.detector))
                else:
                    self._sessions[part] = open_session(self.pack.model_bytes(self.pack.embedder))
            return self._sessions[part]


def _typical_landmarks(box: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(box[:2] + ARCFACE_112 / SIDE * (box[2:] - box[:2]), np.float32)
