"""Turn aligned faces into templates with the pack's embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lineament.errors import ModelPackInvalid
from lineament.vision.graph import faster
from lineament.vision.pack import EmbedderModel
from lineament.vision.runtime import Device, input_tensors, open_session

Floats = NDArray[np.float32]
Crop = NDArray[np.uint8]

BATCH = 16  # crops at a time: more are not faster on a processor, and take more memory


class Embedder:
    """An embedder at work. ``centre`` (dimension,) is taken from every vector once it has length 1."""

    def __init__(self, content: bytes, model: EmbedderModel, centre: Floats | None, device: Device) -> None:
        self._model, self._centre = model, centre
        self._session = open_session(faster(content), device)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        self._batch = BATCH if self._takes_two() else 1

    def embed(self, views: Sequence[Crop]) -> Floats:
        """Embed n faces, each aligned as (side, side, 3) uint8 RGB, as (n, dimension) float32 of length 1.

        With ``mirror`` each face comes twice, one after the other, and the mean of both is taken.
        Raises ModelPackInvalid when the model gives vectors of another dimension, or one without direction.
        """
        if not views:
            return np.zeros((0, self._model.dimension), np.float32)
        batches = [self._run(views[at : at + self._batch]) for at in range(0, len(views), self._batch)]
        vectors = unit(np.concatenate(batches))
        if self._model.mirror:
            vectors = unit(vectors[0::2] + vectors[1::2])
        return vectors if self._centre is None else unit(vectors - self._centre)

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
