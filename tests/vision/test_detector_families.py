"""SCRFD and RetinaFace work from their ONNX files: graphs that always see the same planted faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lineament.errors import ModelPackInvalid
from lineament.vision import retinaface
from lineament.vision.boxes import intersection_over_union
from lineament.vision.detect import detect_faces, open_detector
from lineament.vision.pack import DEFAULT_PACK, DetectorModel, load_pack

HEIGHT, WIDTH = 192, 256
BOXES = np.array([[20, 30, 60, 80], [140, 70, 240, 170]], np.float32)  # in reading order
POINTS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
LANDMARKS = BOXES[:, None, :2] + POINTS * (BOXES[:, 2:] - BOXES[:, :2])[:, None]
SCORES = (0.9, 0.95)
PLACES = ((8, 5, 6), (32, 3, 6))  # stride, row and column of the place that sees each face


def model(family: str, **changes: Any) -> DetectorModel:
    """Return the default detector's description as another family's."""
    return replace(load_pack().detector, family=family, long_sides=[640], **changes)


def graph(outputs: list[np.ndarray], size: tuple[Any, Any] = ("H", "W")) -> bytes:
    """Return a model whose outputs are these arrays, whatever it is shown; the names are numbers."""
    nodes = []
    for at, output in enumerate(outputs):
        value = numpy_helper.from_array(output.astype(np.float32))
        nodes.append(helper.make_node("Constant", [], [f"c{at}"], value=value))
        nodes.append(helper.make_node("Identity", [f"c{at}"], [str(440 + at)]))
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "planted",
            [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, *size])],
            [
                helper.make_tensor_value_info(str(440 + at), TensorProto.FLOAT, output.shape)
                for at, output in enumerate(outputs)
            ],
        ),
        opset_imports=[helper.make_opsetid("", 13)],
    )
    made.ir_version = 8
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def scrfd_outputs(batch: bool, size: tuple[int, int] = (HEIGHT, WIDTH)) -> list[np.ndarray]:
    """Return nine outputs, kind by kind, of two anchors a place: the second of each sees the face."""
    kinds: dict[int, list[np.ndarray]] = {1: [], 4: [], 10: []}
    for stride in (8, 16, 32):
        rows, columns = size[0] // stride, size[1] // stride
        scores, sides, points = (np.zeros((rows * columns * 2, last)) for last in kinds)
        for (at_stride, row, column), box, landmarks, score in zip(
            PLACES, BOXES, LANDMARKS, SCORES, strict=True
        ):
            if at_stride == stride:
                at, place = (row * columns + column) * 2 + 1, np.array([column, row]) * stride
                scores[at] = score
                sides[at] = np.concatenate([place - box[:2], box[2:] - place]) / stride
                points[at] = ((landmarks - place) / stride).reshape(-1)
        for last, output in zip(kinds, (scores, sides, points), strict=True):
            kinds[last].append(output[None] if batch else output)
    return [output for kind in kinds.values() for output in kind]


def retinaface_outputs() -> list[np.ndarray]:
    """Return loc, conf and landms; the first prior of a place that is about as large sees the face."""
    total = sum(HEIGHT // stride * (WIDTH // stride) * 2 for stride in (8, 16, 32))
    loc, conf, landms = np.zeros((1, total, 4)), np.tile([1.0, 0.0], (1, total, 1)), np.zeros((1, total, 10))
    starts = {8: 0, 16: 24 * 32 * 2, 32: 24 * 32 * 2 + 12 * 16 * 2}
    for (stride, row, column), box, landmarks, score in zip(PLACES, BOXES, LANDMARKS, SCORES, strict=True):
        at = starts[stride] + (row * (WIDTH // stride) + column) * 2
        prior = {8: 16, 32: 256}[stride]
        middle = (np.array([column, row]) + 0.5) * stride
        conf[0, at] = (1 - score, score)
        loc[0, at, :2] = ((box[:2] + box[2:]) / 2 - middle) / (0.1 * prior)
        loc[0, at, 2:] = np.log((box[2:] - box[:2]) / prior) / 0.2
        landms[0, at] = ((landmarks - middle) / (0.1 * prior)).reshape(-1)
    return [loc, conf, landms]


def assert_planted_faces_are_found(content: bytes, described: DetectorModel) -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    faces = detect_faces(open_detector(content, described), pixels, described)
    assert np.stack([face.box for face in faces]) == pytest.approx(BOXES, abs=0.01)
    assert np.stack([face.landmarks for face in faces]) == pytest.approx(LANDMARKS, abs=0.01)
    assert [face.score for face in faces] == pytest.approx(SCORES)


@pytest.mark.parametrize("batch", [True, False])
def test_scrfd_finds_the_planted_faces(batch: bool) -> None:
    """One face at the finest stride and one at the coarsest, with and without a batch dimension."""
    assert_planted_faces_are_found(graph(scrfd_outputs(batch)), model("scrfd"))


def test_an_export_of_one_size_is_shown_that_size() -> None:
    """The photograph is padded, or first made smaller, to the 640 x 640 that the file asks for."""
    content = graph(scrfd_outputs(False, (640, 640)), (640, 640))
    assert_planted_faces_are_found(content, model("scrfd"))
    described = replace(model("scrfd"), long_sides=[2000])
    pixels = np.full((960, 1280, 3), 90, np.uint8)
    faces = detect_faces(open_detector(content, described), pixels, described)
    assert np.stack([face.box for face in faces]) == pytest.approx(BOXES * 2, abs=0.02)


def test_an_export_of_one_size_is_shown_a_photograph_at_every_turn() -> None:
    """Its input is no square; a photograph in doubt is tried on its side and within a border all the same."""
    described = model("scrfd", certain_score=0.99)
    detector = open_detector(graph(scrfd_outputs(False), (HEIGHT, WIDTH)), described)
    faces = detect_faces(detector, np.full((HEIGHT, WIDTH, 3), 90, np.uint8), described)
    found = np.stack([face.box for face in faces])
    assert all(intersection_over_union(box, found).max() > 0.99 for box in BOXES)


def test_retinaface_finds_the_planted_faces() -> None:
    """One face by a prior of 16 px, one by a prior of 256 px."""
    assert_planted_faces_are_found(graph(retinaface_outputs()), model("retinaface"))


class SurerWithLight:
    """A RetinaFace session that sees one face at the top left, the surer the more light is at the top."""

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="input", shape=["batch", 3, "height", "width"])]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("loc", "conf", "landms")]

    def run(self, names: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        shown = feeds["input"]
        loc, conf, landms = (
            np.zeros((1, len(retinaface._priors(shown.shape[2:])[0]), last), np.float32)
            for last in (4, 2, 10)
        )
        sure = 0.99 + 0.0099 * shown[0, :, :32].mean() / 255
        conf[0, 0] = (1 - sure, sure)
        return [loc, conf, landms]


def test_the_turn_is_chosen_among_scores_that_are_all_near_one() -> None:
    """RetinaFace gives faces upside down 0.99 and upright ones 0.9999: a hundred times the odds."""
    described = model("retinaface", strong_score=0.99, certain_score=0.9999)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[-32:] = 255
    for photograph, place in ((pixels, (WIDTH - 4, HEIGHT - 4)), (pixels[::-1], (4, 4))):
        (face,) = detect_faces(SurerWithLight(), photograph, described)
        assert face.landmarks[0] == pytest.approx(place, abs=1)


def test_retinaface_has_as_many_priors_as_its_authors_count() -> None:
    """16,800 for an input of 640 x 640; a side that a stride does not divide is rounded up."""
    assert len(retinaface._priors((640, 640))[0]) == 16_800
    assert len(retinaface._priors((650, 640))[0]) == (82 * 80 + 41 * 40 + 21 * 20) * 2


@pytest.mark.parametrize("family", ["scrfd", "retinaface"])
def test_a_file_of_another_family_is_refused(family: str) -> None:
    """A wrong word in a pack ends in a sentence, not in wrong boxes."""
    outputs = {"scrfd": retinaface_outputs(), "retinaface": scrfd_outputs(True)}[family]
    detector = open_detector(graph(outputs), model(family))
    with pytest.raises(ModelPackInvalid):
        detect_faces(detector, np.zeros((HEIGHT, WIDTH, 3), np.uint8), model(family))


def test_a_pack_may_name_each_family_and_no_other(tmp_path: Path) -> None:
    """No model file is opened for it."""
    text = (DEFAULT_PACK / "pack.toml").read_text()
    for family in ("yunet", "scrfd", "retinaface"):
        (tmp_path / "pack.toml").write_text(text.replace('family = "yunet"', f'family = "{family}"'))
        assert load_pack(tmp_path).detector.family == family
    (tmp_path / "pack.toml").write_text(text.replace('family = "yunet"', 'family = "haar"'))
    with pytest.raises(ModelPackInvalid, match="'retinaface', 'scrfd', 'yunet'"):
        load_pack(tmp_path)


def test_a_yunet_file_of_another_size_is_refused() -> None:
    """The one that is published declares 640 x 640, which is then opened to any size."""
    with pytest.raises(ModelPackInvalid, match="640 x 640"):
        open_detector(graph(retinaface_outputs()), model("yunet"))
