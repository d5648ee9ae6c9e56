"""Turn aligned faces into templates with the pack's embedder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lineament.errors import ModelPackInvalid
from lineament.vision.graph import faster
from lineament.vision.pack import EmbedderModel
from lineament.vision.runtime import Device, input_tensors, open_session

Floats = NDArray[np.float32]
Crop = NDArray[np.uint8]

BATCH = 16  # crops at a time: more are not faster on a processor, and take more memory
UNKNOWN = 50  # the quality score of every face where a pack does not say what lengths mean


class Embedded(NamedTuple):
    """n faces: (n, dimension) float32 templates of length 1, and (n,) unified quality scores, 0 to 100."""

    templates: Floats
    scores: NDArray[np.int64]


class Embedder:
    """An embedder at work. ``centre`` (dimension,) is taken from every vector once it has length 1."""

    def __init__(self, content: bytes, model: EmbedderModel, centre: Floats | None, device: Device) -> None:
        self._model, self._centre = model, centre
        self._session = open_session(faster(content), device)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        self._batch = BATCH if self._takes_two() else 1

    def embed(self, views: Sequence[Crop]) -> Embedded:
        """Embed n faces, each aligned as (side, side, 3) uint8 RGB.

        With ``mirror`` each face comes twice, one after the other, and the mean of both is taken.
        Raises ModelPackInvalid when the model gives vectors of another dimension, or one without direction.
        """
        if not views:
            return Embedded(np.zeros((0, self._model.dimension), np.float32), np.zeros(0, np.int64))
        batches = [self._run(views[at : at + self._batch]) for at in range(0, len(views), self._batch)]
        vectors = np.concatenate(batches)
        lengths, vectors = np.linalg.norm(vectors, axis=1), unit(vectors)
        if self._model.mirror:
            lengths, vectors = (lengths[0::2] + lengths[1::2]) / 2, unit(vectors[0::2] + vectors[1::2])
        templates = vectors if self._centre is None else unit(vectors - self._centre)
        return Embedded(templates, self._quality(lengths))

    def _quality(self, lengths: Floats) -> NDArray[np.int64]:
        """A network is less sure of a face that it sees badly, and its vector is shorter.

        Meng et al., "MagFace: A Universal Representation for Face Recognition and Quality Assessment", CVPR
        2021, train for it; docs/accuracy.md shows that it holds for the embedder that ships.
        """
        if self._model.lengths is None:
            return np.full(len(lengths), UNKNOWN)
        least, most = self._model.lengths
        return np.asarray(np.round(100 * np.clip((lengths - least) / (most - least), 0, 1)), np.int64)

    def _run(self, views: Sequence[Crop]) -> Floats:
        try:
            vectors = self._session.run([self._output], {self._input: input_tensors(views, self._model)})[0]
            return np.asarray(vectors, np.float32).reshape(len(views), self._model.dimension)
        except Exception as error:  # the runtime's errors share no class of their own
            raise ModelPackInvalid(
                f"The embedder {self._model.file} does not give {self._model.dimension} numbers a face."
            ) from error

    def _takes_two(self) -> bool:
        """Some exports have a batch of one written into their inner shapes."""
        side = self._model.side
        try:
            self._run([np.zeros((side, side, 3), np.uint8)] * 2)
        except ModelPackInvalid:
            return False
        return True


def unit(vectors: Floats) -> Floats:
    """Bring (n, D) rows to length 1. Raises ModelPackInvalid for one that is not finite or has no length."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ModelPackInvalid("The embedder gave a vector that is not finite or has no length.")
    return np.asarray(vectors / lengths, np.float32)
