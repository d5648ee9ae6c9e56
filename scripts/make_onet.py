"""Write MTCNN's O-Net as ONNX, from the weights in the wheel of facenet-pytorch (MIT).

    pip download --no-deps facenet-pytorch==2.6.0 && unzip facenet_pytorch-2.6.0-*.whl
    pip install torch onnx
    python scripts/make_onet.py facenet_pytorch/data/onet.pt OUTPUT.onnx

Outputs: ``landmarks`` (N, 10), five x then five y as parts of the crop's side; ``face`` (N, 1), how likely it
is a face. The layers are those of Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks", IEEE SPL 23(10), 2016.
"""

import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

POOLS = [(3, 2), (3, 2), (2, 2), None]  # kernel and stride after each convolution


def main(source: str, target: str) -> None:
    weights = {name: value.numpy() for name, value in torch.load(source, weights_only=True).items()}
    constants, nodes = [], []

    def constant(name: str, values: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def add(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def layer(kind: str, name: str, inputs: str, **attributes: object) -> str:
        terms = [constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        return add(kind, [inputs, *terms], name, **attributes)

    def prelu(number: int, inputs: str, shape: tuple[int, ...]) -> str:
        slope = constant(f"prelu{number}.weight", weights[f"prelu{number}.weight"].reshape(shape))
        return add("PRelu", [inputs, slope], f"prelu{number}")

    at = "input"
    for number, pool in enumerate(POOLS, start=1):
        at = prelu(number, layer("Conv", f"conv{number}", at), (-1, 1, 1))
        if pool:
            kernel, stride = pool
            at = add(
                "MaxPool", [at], f"pool{number}",
                kernel_shape=[kernel] * 2, strides=[stride] * 2, ceil_mode=1,
            )  # fmt: skip
    flat = add("Flatten", [add("Transpose", [at], "transposed", perm=[0, 3, 2, 1])], "flat")
    at = prelu(5, layer("Gemm", "dense5", flat, transB=1), (-1,))
    add("Identity", [layer("Gemm", "dense6_3", at, transB=1)], "landmarks")
    classes = add("Softmax", [layer("Gemm", "dense6_1", at, transB=1)], "classes", axis=1)
    add("Gather", [classes, "second"], "face", axis=1)
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "second"))
    shapes = {"input": ["N", 3, 48, 48], "landmarks": ["N", 10], "face": ["N", 1]}
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()
    }
    graph = helper.make_graph(
        nodes, "onet", [values["input"]], [values["landmarks"], values["face"]], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
