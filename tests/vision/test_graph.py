"""A model said in other words computes the same numbers."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from lineament.errors import DeviceMissing, ModelPackInvalid
from lineament.vision.graph import faster
from lineament.vision.pack import load_pack
from lineament.vision.runtime import open_session


def plain_session(model: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def prelu_model(slope: np.ndarray) -> bytes:
    """Return a model of one PReLU over (1, 3, 4, 4) whose slope is also declared as an input."""
    float32 = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("PRelu", ["x", "slope"], ["y"])],
        "one",
        [
            helper.make_tensor_value_info("x", float32, [1, 3, 4, 4]),
            helper.make_tensor_value_info("slope", float32, list(slope.shape)),
        ],
        [helper.make_tensor_value_info("y", float32, [1, 3, 4, 4])],
        [numpy_helper.from_array(slope.astype(np.float32), "slope")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    return bytes(made.SerializeToString())


def test_the_default_embedder_gives_the_same_vectors_as_the_file_that_ships() -> None:
    """To within a rounding of float32, for faces and for noise; and for eight at once as for one."""
    pack = load_pack()
    content = pack.content(pack.embedder)
    shipped, other = plain_session(content), open_session(faster(content))
    pictures = np.random.default_rng(7).uniform(0, 255, (8, 3, 112, 112)).astype(np.float32)
    together = other.run(None, {"data": pictures})[0]
    for picture, vector in zip(pictures, together, strict=True):
        alone = shipped.run(None, {"data": picture[None]})[0][0]
        assert vector == pytest.approx(alone, abs=2e-5)
        assert other.run(None, {"data": picture[None]})[0][0] == pytest.approx(alone, abs=2e-5)


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 1, 1), (4,), (1,), (1, 1, 1)])
def test_any_prelu_keeps_its_meaning(shape: tuple[int, ...]) -> None:
    """A slope a channel is said otherwise, also above one or negative; one of another kind stays."""
    slope = np.array([0.25, -0.7, 1.4, 0.1][: np.prod(shape)]).reshape(shape)
    x = np.random.default_rng(1).normal(size=(1, 3, 4, 4)).astype(np.float32)
    expected = np.where(x >= 0, x, x * slope)
    (given,) = open_session(faster(prelu_model(slope))).run(None, {"x": x})
    assert given == pytest.approx(expected.reshape(x.shape), abs=1e-6)


def test_a_weight_is_no_longer_an_input() -> None:
    """Only what has no value must be given; the batch is open."""
    graph = onnx.load_model_from_string(faster(prelu_model(np.full((3, 1, 1), 0.5)))).graph
    assert [value.name for value in graph.input] == ["x"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_what_is_no_model_is_refused() -> None:
    """In words, whatever the parser says."""
    with pytest.raises(ModelPackInvalid):
        faster(b"\xff\xff not a model")


def test_a_device_that_is_not_there_is_named() -> None:
    """No quiet fall-back to the processor: the operator asked for the card."""
    with pytest.raises(DeviceMissing, match="'cuda'"):
        open_session(faster(prelu_model(np.full((3, 1, 1), 0.5))), "cuda")
