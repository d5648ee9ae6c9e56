"""The landmark model sees the face, however the photograph was laid on the scanner."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lineament.core.faces import Photograph
from lineament.vision.graph import faster
from lineament.vision.landmarks import find_landmarks, quarters_from_upright
from lineament.vision.pack import load_pack
from lineament.vision.pipeline import Vision
from lineament.vision.runtime import open_session


@pytest.fixture(scope="module")
def session() -> object:
    pack = load_pack()
    assert pack.landmarks is not None
    return open_session(faster(pack.content(pack.landmarks)))


def test_detector_and_landmark_model_agree(
    session: object, vision: Vision, photograph: Callable[[str], Photograph]
) -> None:
    """On 29 faces the two differ by less than a seventh of the distance between the eyes, in the mean."""
    picture = photograph("group/solvay1927.jpg")
    faces = vision.detect(picture)
    boxes, points = np.stack([one.box for one in faces]), np.stack([one.landmarks for one in faces])
    upright = np.zeros(len(faces), np.int64)
    seen = find_landmarks(session, picture.pixels, boxes, upright, load_pack().landmarks)
    assert seen.points.shape == (29, 5, 2)
    assert (seen.face > 0.5).mean() > 0.9
    apart = np.linalg.norm(seen.points - points, axis=2).mean(axis=1)
    assert np.median(apart / [one.quality.inter_eye_distance for one in faces]) < 1 / 7


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_face_has_the_same_points(
    session: object, vision: Vision, photograph: Callable[[str], Photograph], quarters: int
) -> None:
    """Turn the picture and the box, and the points come back turned, in the face's own order."""
    picture = photograph("mated/obama.jpg")
    (face,) = vision.detect(picture)
    model, still = load_pack().landmarks, np.zeros(1, np.int64)
    (expected,) = find_landmarks(session, picture.pixels, face.box[None], still, model).points
    pixels, box, points = picture.pixels, face.box.reshape(2, 2), expected
    for _ in range(quarters):  # clockwise: x becomes height - y, y becomes x
        height = pixels.shape[0]
        pixels = np.ascontiguousarray(np.rot90(pixels, -1))
        box = np.sort(np.stack([height - box[:, 1], box[:, 0]], axis=1), axis=0)
        points = np.stack([height - 1 - points[:, 1], points[:, 0]], axis=1)
    turns = quarters_from_upright(points[None].astype(np.float32))
    assert turns == [quarters]
    (found,) = find_landmarks(session, pixels, box.reshape(1, 4).astype(np.float32), turns, model).points
    assert found == pytest.approx(points, abs=0.5)


def test_no_faces_have_no_landmarks(session: object) -> None:
    """An empty list stays one."""
    seen = find_landmarks(
        session, np.zeros((9, 9, 3), np.uint8), np.zeros((0, 4)), np.zeros(0), load_pack().landmarks
    )
    assert seen.points.shape == (0, 5, 2)
