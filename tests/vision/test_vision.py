"""From a file to a template, with the real models and real photographs."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament.core.faces import DetectedFace, Photograph
from lineament.core.quality import LEAST_INTER_EYE_PX
from lineament.errors import FaceTooSmall
from lineament.testing import make_face
from lineament.vision.pack import load_pack
from lineament.vision.pipeline import Vision
from lineament.vision.quality import require_usable

Open = Callable[[str], Photograph]


def only_template(vision: Vision, photograph: Photograph) -> np.ndarray:
    faces = vision.detect(photograph)
    assert len(faces) == 1
    return vision.embed(photograph, faces)[0]


def test_one_person_scores_high_and_two_people_low(vision: Vision, photograph: Open) -> None:
    """Two photographs of one man agree beyond FMR 1e-5; either is far from another man."""
    obama, again, biden = (
        only_template(vision, photograph(f"mated/{name}.jpg")) for name in ("obama", "obama2", "biden")
    )
    assert obama @ again > 0.6
    assert max(obama @ biden, again @ biden) < 0.36


def test_every_portrait_of_the_congress_has_its_face(vision: Vision, samples: Path) -> None:
    """535 portraits, 535 faces in the middle; eleven show a bystander, or something taken for one, too."""

    def faces_of(path: Path) -> list[DetectedFace]:
        return vision.detect(vision.decode(path.read_bytes()))

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(faces_of, sorted((samples / "congress").glob("*.jpg"))))
    assert len(found) == 535
    largest = [max(faces, key=lambda face: face.quality.inter_eye_distance) for faces in found]
    assert all(face.quality.usable for face in largest)
    assert all(abs((face.box[0] + face.box[2]) / 2 - 256) < 130 for face in largest)
    assert sum(len(faces) > 1 for faces in found) < 15


def test_the_congress_is_told_apart(vision: Vision, samples: Path) -> None:
    """Sixty people, 1,770 pairs: unit templates, and at most three pairs of look-alikes."""
    templates = np.stack(
        [
            vision.embed(
                photograph, [max(vision.detect(photograph), key=lambda face: face.quality.inter_eye_distance)]
            )[0]
            for path in sorted((samples / "congress").glob("*.jpg"))[::9]
            for photograph in [vision.decode(path.read_bytes())]
        ]
    )
    assert templates.shape == (60, vision.dimension)
    assert templates.dtype == np.float32
    assert np.linalg.norm(templates, axis=1) == pytest.approx(1, abs=1e-5)
    scores = (templates @ templates.T)[np.triu_indices(60, 1)]
    assert np.count_nonzero(scores > 0.4) <= 3
    assert scores.max() < 0.5


def test_all_twenty_nine_of_solvay_are_found(vision: Vision, photograph: Open) -> None:
    """None is missed, two small neighbours are not taken for one, and the list begins at the top left."""
    faces = vision.detect(photograph("group/solvay1927.jpg"))
    assert len(faces) == 29
    assert all(face.score > 0.8 for face in faces)
    assert all(face.quality.usable for face in faces)
    tops = [face.box[1] for face in faces]
    assert faces[0].box[0] == min(face.box[0] for face in faces if face.box[1] < 10)
    assert max(tops[:9]) < 120
    assert min(tops[-9:]) > 200


def test_landmarks_are_in_the_order_that_the_words_say(vision: Vision, photograph: Open) -> None:
    """Eye on the image's left, eye on its right, nose, mouth corner on the left, on the right."""
    (face,) = vision.detect(photograph("mated/obama.jpg"))
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert (face.landmarks >= face.box[:2]).all()
    assert (face.landmarks <= face.box[2:]).all()
    assert (face.box.dtype, face.landmarks.dtype) == (np.float32, np.float32)


def test_a_turned_file_gives_the_same_template(vision: Vision, samples: Path) -> None:
    """A phone stores the picture on its side and says so; the person is the same."""
    original = Image.open(samples / "mated" / "obama.jpg")
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    original.transpose(Image.Transpose.ROTATE_90).save(out, "PNG", exif=exif)
    turned = vision.decode(out.getvalue())
    upright = vision.decode((samples / "mated" / "obama.jpg").read_bytes())
    assert turned.pixels.shape == upright.pixels.shape
    assert only_template(vision, turned) @ only_template(vision, upright) > 0.999


@pytest.mark.parametrize("width", [60, 200, 910, 2400])
def test_a_face_is_found_whatever_part_of_the_frame_it_fills(
    vision: Vision, samples: Path, width: int
) -> None:
    """From a small copy to one whose face is 700 px wide, the box lies in the same place."""
    original = Image.open(samples / "mated" / "obama.jpg").convert("RGB").crop((300, 0, 700, 480))
    scaled = original.resize((width, width * 480 // 400))
    (face,) = vision.detect(Photograph(np.asarray(scaled), "image/jpeg"))
    middle = (face.box[:2] + face.box[2:]) / 2 / width
    assert middle == pytest.approx([0.48, 0.62], abs=0.05)


def test_nothing_is_found_where_nobody_is(vision: Vision) -> None:
    """An empty list is an answer, and no faces make no templates, also of one pixel or of a thin strip."""
    for shape in ((1, 1, 3), (480, 640, 3), (5, 3000, 3)):
        photograph = Photograph(np.full(shape, 128, np.uint8), "image/png")
        assert vision.detect(photograph) == []
        assert vision.embed(photograph, []).shape == (0, 128)


def test_threads_share_one_vision_and_get_the_same_templates(samples: Path, photograph: Open) -> None:
    """Opened by many at once, it opens each model once and answers all alike."""
    picture = photograph("mated/obama.jpg")
    with closing(Vision(load_pack())) as vision, ThreadPoolExecutor(4) as pool:
        start = threading.Barrier(4)

        def template(_: int) -> bytes:
            start.wait()
            return only_template(vision, picture).tobytes()

        assert len(set(pool.map(template, range(4)))) == 1


def test_opening_costs_nothing_until_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process, no model: listing a pack's contract is free."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr("onnxruntime.InferenceSession", forbidden)
    monkeypatch.setattr("subprocess.Popen", forbidden)
    with closing(Vision.open()) as vision:
        assert vision.contract == load_pack().contract
        assert vision.dimension == 128


def test_eyes_too_close_are_said_to_be_so() -> None:
    """The sentence states both figures."""
    face = make_face(inter_eye_distance=9.4)
    assert not face.quality.usable
    with pytest.raises(FaceTooSmall) as refused:
        require_usable(face)
    assert str(refused.value) == "The eyes are 9 px apart; at least 12 are needed to compare a face."
    require_usable(make_face(inter_eye_distance=LEAST_INTER_EYE_PX))
