"""ONNX Runtime: how a session is opened, and how pixels become a model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lineament.errors import DeviceMissing
from lineament.vision.pack import ModelFile

_ERRORS_ONLY = 3


Device = Literal["cpu", "cuda"]
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def open_session(model: bytes, device: Device = "cpu") -> Any:
    """Open a session of one thread over checked model bytes; ``run`` may be called from many threads.

    One thread a session, and several callers, is faster than several threads a session. Memory patterns are
    off because the runtime would keep one for every size of input it ever sees. Raises DeviceMissing.
    """
    provider = _PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DeviceMissing(f"The models are to run on '{device}', which this ONNX Runtime cannot use.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=[provider])


def input_tensors(pictures: Sequence[NDArray[np.uint8]], model: ModelFile) -> NDArray[np.float32]:
    """Turn n pictures (H, W, 3) uint8 RGB of one size into (n, 3, H, W) float32 as the model wants them."""
    height, width = pictures[0].shape[:2]
    tensor = np.empty((len(pictures), 3, height, width), np.float32)
    for row, picture in zip(tensor, pictures, strict=True):
        row[:] = (picture if model.colour == "RGB" else picture[:, :, ::-1]).transpose(2, 0, 1)
    if any(model.mean):
        tensor -= np.array(model.mean, np.float32)[:, None, None]
    if model.scale != 1:
        tensor *= np.float32(model.scale)
    return tensor
