"""ONNX Runtime: how a session is opened, and how pixels become a model's input."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lineament.vision.pack import ModelFile

_ERRORS_ONLY = 3


def open_session(model: bytes) -> Any:
    """Open a session of one thread over checked model bytes; ``run`` may be called from many threads.

    One thread a session, and several callers, is faster than several threads a session. Memory patterns are
    off because the runtime would keep one for every size of input it ever sees.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def input_tensor(pixels: NDArray[np.uint8], model: ModelFile) -> NDArray[np.float32]:
    """Turn (H, W, 3) uint8 RGB into (1, 3, H, W) float32 as the model wants it."""
    channels = pixels if model.colour == "RGB" else pixels[:, :, ::-1]
    values = (channels - np.array(model.mean, np.float32)) * np.float32(model.scale)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])
