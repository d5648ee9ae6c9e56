"""Finding faces: large and small, many at once, lying on their side, and in a box drawn by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineament.vision.boxes import Found, intersection_over_union, suppress_overlaps, turn_back
from lineament.vision.detect import Detection, detect_faces, detect_in, open_detector, reading_order
from lineament.vision.pack import load_pack
from tests.samples import CONGRESS, OBAMA, SOLVAY

MODEL = load_pack().detector
QUARTERS = st.integers(0, 3)


@pytest.fixture(scope="module")
def detector() -> Any:
    return open_detector(load_pack().content(MODEL), MODEL)


def pixels_of(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    image = Image.open(path).convert("RGB")
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS) if size else image)


def turned(pixels: np.ndarray, quarters: int) -> np.ndarray:
    """Return the photograph as a scanner that lies differently would give it."""
    return np.ascontiguousarray(np.rot90(pixels, -quarters))


def upright_again(face: Detection, quarters: int, pixels: np.ndarray) -> Detection:
    """Return a face found in ``turned(pixels, quarters)`` where it is in ``pixels``."""
    there = Found(face.box[None], face.landmarks[None], np.array([face.score], np.float32))
    boxes, landmarks, scores = turn_back(there, -quarters % 4, pixels.shape[1], pixels.shape[0])
    return Detection(boxes[0], landmarks[0], float(scores[0]))


def largest(faces: list[Detection]) -> Detection:
    return max(faces, key=lambda face: float(face.box[2] - face.box[0]))


def crowd(size: tuple[int, int], widths: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return a photograph of 120 people with faces of these widths, px, and where their middles are.

    A portrait of the sample is 512 px and its face about 200 px wide.
    """
    canvas = Image.new("RGB", size, (110, 110, 110))
    middles, pitch = [], (size[0] // 12, size[1] // 10)
    for at, path in enumerate(sorted(CONGRESS.glob("*.jpg"))[: 120 * 4 : 4]):
        side = round(512 / 200 * widths[at % len(widths)])
        corner = (at % 12 * pitch[0], at // 12 * pitch[1])
        portrait = Image.open(path).convert("RGB").crop((64, 64, 448, 448))
        canvas.paste(portrait.resize((side * 3 // 4,) * 2, Image.Resampling.LANCZOS), corner)
        middles.append(np.array(corner) + side * 3 / 8)
    return np.asarray(canvas), np.array(middles)


def test_a_crowd_of_a_hundred_and_twenty_is_found(detector: Any) -> None:
    """Faces of 20 to 60 px in a photograph of 1,600 px; one may be missed, nothing else is seen."""
    pixels, middles = crowd((1600, 1300), (20, 30, 40, 50, 60))
    boxes = np.stack([face.box for face in detect_faces(detector, pixels, MODEL)])
    inside = (boxes[:, None, :2] < middles) & (middles < boxes[:, None, 2:])
    assert inside.all(axis=2).any(axis=0).sum() >= 119
    assert len(boxes) <= 120


@pytest.mark.parametrize(("width", "share"), [(36, 1.0), (24, 0.95), (20, 0.8)])
def test_a_crowd_far_away_is_looked_at_in_all_pixels(detector: Any, width: int, share: float) -> None:
    """In 4,000 px faces of 20 px are 6 px wide at the second scale and 10 px, a suspicion, at the finest."""
    pixels, middles = crowd((4000, 3000), (width,))
    boxes = np.stack([face.box for face in detect_faces(detector, pixels, MODEL)])
    inside = (boxes[:, None, :2] < middles) & (middles < boxes[:, None, 2:])
    assert inside.all(axis=2).any(axis=0).mean() >= share
    assert len(boxes) <= 120


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("share", [1, 2])
def test_all_twenty_nine_of_solvay_at_every_turn(detector: Any, quarters: int, share: int) -> None:
    """At full and at half size, as it hangs and as a scanner may have seen it."""
    pixels = pixels_of(SOLVAY, (2048 // share, 922 // share))
    faces = detect_faces(detector, turned(pixels, quarters), MODEL)
    assert len(faces) == 29
    ordered = reading_order([upright_again(face, quarters, pixels) for face in faces])
    upright = detect_faces(detector, pixels, MODEL)
    for there, here in zip(ordered, upright, strict=True):
        assert intersection_over_union(here.box, there.box[None])[0] > 0.7


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_portrait_on_its_side_gives_the_landmarks_of_the_upright_one(detector: Any, quarters: int) -> None:
    """In the coordinates of the photograph as given, in the order of the face: its right eye is the first."""
    for path in sorted(CONGRESS.glob("*.jpg"))[::20]:
        pixels = pixels_of(path)
        upright = largest(detect_faces(detector, pixels, MODEL))
        face = largest(detect_faces(detector, turned(pixels, quarters), MODEL))
        assert face.box.dtype == face.landmarks.dtype == np.dtype(np.float32)
        again = upright_again(face, quarters, pixels)
        # 6 of about 100 px between the eyes: of two scales that see a face equally well, either may be taken
        assert again.landmarks == pytest.approx(upright.landmarks, abs=6)
        assert intersection_over_union(upright.box, again.box[None])[0] > 0.9


@pytest.mark.parametrize("fill", [0.9, 1.0, 1.2])
@pytest.mark.parametrize("side", [120, 1000])
def test_a_face_may_fill_the_frame(detector: Any, fill: float, side: int) -> None:
    """Its box is 90, 100 or 120 % as high as the picture; what lies outside is cut off."""
    for path in sorted(CONGRESS.glob("*.jpg"))[::25]:
        image = Image.open(path).convert("RGB")
        box = largest(detect_faces(detector, np.asarray(image), MODEL)).box
        half = (box[3] - box[1]) / fill / 2
        middle = (box[:2] + box[2:]) / 2
        close = image.crop((*map(round, middle - half), *map(round, middle + half))).resize((side, side))
        (face,) = detect_faces(detector, np.asarray(close), MODEL)
        assert face.box[3] - face.box[1] > 0.75 * side
        assert (face.box >= 0).all()
        assert (face.box <= side).all()


@pytest.mark.parametrize(("fill", "quarters"), [(1.2, 0), (1.2, 1), (1.4, 0)])
def test_a_face_may_be_wider_than_the_frame(detector: Any, fill: float, quarters: int) -> None:
    """What is left of it is seen once there is a border around it, and its eyes are where they were."""
    for path in sorted(CONGRESS.glob("*.jpg"))[::50]:
        image = Image.open(path).convert("RGB")
        known = largest(detect_faces(detector, np.asarray(image), MODEL))
        half = (known.box[2] - known.box[0]) / fill / 2
        corner = ((known.box[:2] + known.box[2:]) / 2 - half).round()
        side = round(2 * float(half))
        close = image.crop((*map(int, corner), int(corner[0]) + side, int(corner[1]) + side)).resize(
            (900, 900)
        )
        pixels = np.asarray(close)
        face = largest(detect_faces(detector, turned(pixels, quarters), MODEL))
        eyes = upright_again(face, quarters, pixels).landmarks[:2] * side / 900 + corner
        apart = float(np.hypot(*(known.landmarks[1] - known.landmarks[0])))
        assert eyes == pytest.approx(known.landmarks[:2], abs=0.25 * apart)


def test_no_turn_sees_a_face_where_there_is_none(detector: Any) -> None:
    """Noise of every grain, which is looked at four times."""
    noise = np.random.default_rng(1)
    for cells in (4, 10, 30, 80, 200):
        small = Image.fromarray(noise.integers(0, 255, (cells, cells, 3), np.uint8))
        assert detect_faces(detector, np.asarray(small.resize((500, 500))), MODEL) == []


@pytest.mark.parametrize("quarters", [0, 1, 2])
def test_a_drawn_box_gives_the_face_that_it_holds(detector: Any, quarters: int) -> None:
    """Each of Solvay's 29, by a box that a hand drew a little to the side and a little too large."""
    pixels = pixels_of(SOLVAY)
    faces = detect_faces(detector, turned(pixels, quarters), MODEL)
    for face in faces:
        width, height = face.box[2:] - face.box[:2]
        drawn = face.box + np.array([-0.1, -0.2, 0.3, 0.1], np.float32) * (width, height, width, height)
        seen = detect_in(detector, turned(pixels, quarters), drawn, MODEL)
        assert seen is not None
        assert intersection_over_union(face.box, seen.box[None])[0] > 0.6
        assert seen.landmarks == pytest.approx(face.landmarks, abs=0.15 * float(width))
        assert seen.box.dtype == seen.landmarks.dtype == np.dtype(np.float32)


def test_a_drawn_box_finds_what_is_too_small_to_be_found(detector: Any) -> None:
    """A face of 10 px, at the edge of the photograph."""
    small = Image.open(OBAMA).convert("RGB")
    face = largest(detect_faces(detector, np.asarray(small), MODEL))
    factor = 10 / float(face.box[2] - face.box[0])
    pixels = np.asarray(small.resize((round(small.width * factor), round(small.height * factor))))
    seen = detect_in(detector, pixels, face.box * np.float32(factor), MODEL)
    assert seen is not None
    assert seen.landmarks == pytest.approx(face.landmarks * factor, abs=1)


def test_a_box_drawn_where_nobody_is_gives_nothing(detector: Any) -> None:
    """Nor does one that the face beside it does not fill."""
    pixels = pixels_of(OBAMA)
    blank = np.full_like(pixels, 120)
    assert detect_in(detector, blank, np.array([10, 10, 90, 100], np.float32), MODEL) is None
    face = largest(detect_faces(detector, pixels, MODEL))
    beside = face.box + np.float32(0.8) * (face.box[2] - face.box[0]) * np.array([1, 0, 1, 0], np.float32)
    assert detect_in(detector, pixels, beside, MODEL) is None


@given(QUARTERS, st.integers(1, 9), st.integers(1, 9), st.data())
def test_what_was_turned_comes_back(quarters: int, width: int, height: int, data: st.DataObject) -> None:
    """A point set in a photograph is found in the turned one and returns to its place; so does its box."""
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    pixels = np.zeros((height, width), np.uint8)
    pixels[y, x] = 1
    ((there_y,), (there_x,)) = np.nonzero(np.rot90(pixels, quarters))
    box = np.array([[there_x, there_y, there_x + 1, there_y + 1]], np.float32)
    landmarks = np.full((1, 5, 2), (there_x, there_y), np.float32)
    boxes, landmarks, _ = turn_back(Found(box, landmarks, np.ones(1, np.float32)), quarters, width, height)
    assert boxes.tolist() == [[x, y, x + 1, y + 1]]
    assert (landmarks == (x, y)).all()


@given(st.integers(0, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.3, 0.5, 0.9]))
def test_of_overlapping_boxes_the_best_stays(number: int, seed: int, threshold: float) -> None:
    """What went overlaps a better one that stayed, what stayed overlaps none; the order is nothing to it."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 50, (number, 2))
    boxes = np.concatenate([corners, corners + random.uniform(1, 40, (number, 2))], axis=1).astype(np.float32)
    scores = random.permutation(np.linspace(0.6, 0.99, number)).astype(np.float32)
    kept = suppress_overlaps(boxes, scores, threshold)
    assert scores[kept].tolist() == sorted(scores[kept], reverse=True)
    for i in range(number):
        better = [j for j in kept if scores[j] > scores[i]]
        covered = bool((intersection_over_union(boxes[i], boxes[better]) > threshold).any())
        assert covered != (i in kept)
    order = random.permutation(number)
    assert [order[i] for i in suppress_overlaps(boxes[order], scores[order], threshold)] == kept


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    """A third box that overlaps less than the threshold stays too."""
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [9, 0, 19, 10]], np.float32)
    assert suppress_overlaps(boxes, np.array([0.7, 0.9, 0.8], np.float32), 0.3) == [1, 2]


def test_reading_order_does_not_depend_on_the_order_found() -> None:
    """Two uneven rows, shuffled."""
    middles = [(100, 100), (200, 110), (300, 95), (90, 200), (310, 190)]
    rows = [
        Detection(np.array([x - 30, y - 30, x + 30, y + 30], np.float32), np.zeros((5, 2), np.float32), 0.9)
        for x, y in middles
    ]
    for seed in range(20):
        shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(5)]
        assert [id(face) for face in reading_order(shuffled)] == [id(face) for face in rows]
