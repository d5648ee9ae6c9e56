"""Turn aligned faces into templates with the pack's embedder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament.errors import ModelPackInvalid
from lineament.vision.pack import EmbedderModel
from lineament.vision.runtime import input_tensor


def embed_crops(
    session: Any, crops: Iterable[NDArray[np.uint8]], model: EmbedderModel
) -> NDArray[np.float32]:
    """Embed n aligned (side, side, 3) uint8 RGB crops as (n, dimension) float32 rows of length 1.

    The default model's graph fixes the batch at one. Raises ModelPackInvalid when the model gives a vector
    that has no direction.
    """
    name = session.get_inputs()[0].name
    rows = [session.run(None, {name: input_tensor(crop, model)})[0].reshape(-1) for crop in crops]
    vectors = np.array(rows, np.float32).reshape(len(rows), model.dimension)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ModelPackInvalid("The embedder gave a vector that is not finite or has no length.")
    unit: NDArray[np.float32] = vectors / lengths
    return unit
