"""The door of this room: a photograph's bytes in, faces and templates out."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lineament.core.faces import DetectedFace, Photograph
from lineament.vision.align import align_face
from lineament.vision.decode import Decoder
from lineament.vision.detect import detect_faces, open_detector
from lineament.vision.embed import embed_crops
from lineament.vision.pack import DEFAULT_PACK, ModelPack, load_pack
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
        return detect_faces(self._session("detector"), photograph.pixels, self.pack.detector)

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
