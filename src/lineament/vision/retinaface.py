"""RetinaFace's outputs (Deng et al., CVPR 2020), as the exports of biubug6/Pytorch_Retinaface have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineament.errors import ModelPackInvalid

Floats = NDArray[np.float32]

# Sides of the priors, px, at every place of each stride, px; and what the outputs are divided by: all from
# that repository's data/config.py and layers/functions/prior_box.py.
PRIORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
VARIANCES = (0.1, 0.2)


def read(
    outputs: dict[str, Floats], size: tuple[int, int], threshold: float
) -> tuple[Floats, Floats, Floats]:
    """Return boxes (n, 4), landmarks (n, 5, 2) and scores (n,) in pixels of the input of ``size`` (H, W).

    From a prior with its middle at m and side p, a box has its centre at m + 0.1 * (dx, dy) * p and the size
    exp(0.2 * (dw, dh)) * p, and a landmark lies at m + 0.1 * (dx, dy) * p. The outputs are told apart by
    their last dimension: boxes (4), background and face (2), landmarks (10). Raises ModelPackInvalid.
    """
    kinds = {output.shape[-1]: output.reshape(-1, output.shape[-1]) for output in outputs.values()}
    middles, sides = _priors(size)
    if {kind: len(output) for kind, output in kinds.items()} != dict.fromkeys((2, 4, 10), len(sides)):
        raise ModelPackInvalid("The detector's outputs are not RetinaFace's for an input of this size.")
    chosen = np.flatnonzero(kinds[2][:, 1] >= threshold)  # (n,)
    middles, sides, offsets = middles[chosen], sides[chosen], kinds[4][chosen]
    centres = middles + VARIANCES[0] * offsets[:, :2] * sides
    halves = np.exp(VARIANCES[1] * offsets[:, 2:]) * sides / 2
    points = kinds[10][chosen].reshape(-1, 5, 2)
    landmarks = middles[:, None] + VARIANCES[0] * points * sides[:, None]
    return np.concatenate([centres - halves, centres + halves], axis=1), landmarks, kinds[2][chosen, 1]


def _priors(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the middles (n, 2) and sides (n, 1) of all priors, px: by stride, row, column and side."""
    middles, sides = [], []
    for stride, lengths in PRIORS.items():
        rows, columns = (-(-length // stride) for length in size)
        row, column = np.divmod(np.arange(rows * columns), columns)
        places = (np.stack([column, row], axis=1) + 0.5) * stride
        middles.append(places.repeat(len(lengths), axis=0))
        sides.append(np.tile(lengths, rows * columns)[:, None])
    return np.concatenate(middles).astype(np.float32), np.concatenate(sides).astype(np.float32)
