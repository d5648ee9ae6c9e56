"""Say a model's graph in other words, so that the runtime computes the same numbers faster and in batches."""

from __future__ import annotations

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper

from lineament.errors import ModelPackInvalid


def faster(model: bytes) -> bytes:
    """Return an ONNX model that gives the same outputs for any batch size. Raises ModelPackInvalid.

    - Weights that are also declared as inputs become constants, so that the runtime can fold them.
    - The batch dimension of inputs and outputs is left open.
    - PReLU with a slope a channel becomes ``slope * x + (1 - slope) * relu(x)``. ONNX Runtime keeps these
      three in its blocked memory layout, and would convert to and from it around each PReLU. SFace takes a
      third of the time; the outputs differ by 2e-6 at most.
    """
    try:
        graph = (whole := onnx.load_model_from_string(model)).graph
    except DecodeError as error:
        raise ModelPackInvalid("A model file is not an ONNX model.") from error
    constants = {one.name: one for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in constants]
    del graph.input[:], graph.value_info[:]
    graph.input.extend(inputs)
    for value in (*graph.input, *graph.output):
        if dimensions := value.type.tensor_type.shape.dim:
            dimensions[0].dim_param = "N"  # takes the place of a fixed number
    nodes = [other for node in graph.node for other in _without_prelu(node, graph, constants)]
    del graph.node[:]
    graph.node.extend(nodes)
    whole.ir_version = max(whole.ir_version, 4)  # before it, every weight had to be an input
    return bytes(whole.SerializeToString())


def _without_prelu(
    node: onnx.NodeProto, graph: onnx.GraphProto, constants: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Return what takes a node's place; batch normalisation is how a scale a channel is said."""
    if node.op_type != "PRelu" or node.input[1] not in constants:
        return [node]
    slope = numpy_helper.to_array(constants[node.input[1]])
    if slope.size == 1 or slope.ndim < 3 or slope.shape[-3] != slope.size:  # not (channels, 1, 1)
        return [node]
    (x, _), out = node.input, node.output[0]
    channels = slope.reshape(-1).astype(np.float64)
    zero, one = np.zeros(slope.size), np.ones(slope.size)
    for name, values in (("slope", channels), ("rest", 1 - channels), ("zero", zero), ("one", one)):
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), f"{out}/{name}"))

    def scaled(source: str, by: str, to: str) -> onnx.NodeProto:
        terms = [source, f"{out}/{by}", f"{out}/zero", f"{out}/zero", f"{out}/one"]
        return helper.make_node("BatchNormalization", terms, [to], epsilon=0.0)

    return [
        helper.make_node("Relu", [x], [f"{out}/relu"]),
        scaled(x, "slope", f"{out}/below"),
        scaled(f"{out}/relu", "rest", f"{out}/above"),
        helper.make_node("Add", [f"{out}/below", f"{out}/above"], [out]),
    ]
