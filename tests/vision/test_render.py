"""Display copies show our pixels, small enough, and tell nothing else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineament.core.faces import DetectedFace, Photograph
from lineament.testing import make_face
from lineament.vision.render import jpeg


def quarters(width: int = 400, height: int = 200) -> Photograph:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = (250, 250, 250)
    return Photograph(pixels, "image/png")


def face_in(*box: float) -> DetectedFace:
    return make_face(box)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_photograph_is_scaled_down_and_never_up() -> None:
    """The long side obeys; a small picture keeps its size."""
    assert opened(jpeg(quarters(), 100)).size == (100, 50)
    assert opened(jpeg(quarters(), 1000)).size == (400, 200)


def test_nothing_but_pixels_is_in_it() -> None:
    """No EXIF, no profile, no comment."""
    shown = opened(jpeg(quarters(), 100))
    assert shown.format == "JPEG"
    assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_face_is_shown_in_a_square_with_air_around_it() -> None:
    """The margin is a share of the box, on each side."""
    face = face_in(150, 80, 190, 120)
    shown = opened(jpeg(quarters(), 500, face))
    assert shown.size == (72, 72)
    assert np.asarray(shown)[36, 4].max() < 30
    assert np.asarray(shown)[36, 68].min() > 220


coordinates = st.floats(-50, 450, width=32)


@given(x=st.tuples(coordinates, coordinates), y=st.tuples(coordinates, coordinates))
def test_any_box_gives_a_square_within_the_photograph(x: tuple[float, float], y: tuple[float, float]) -> None:
    """At the edge and beyond it the square moves inwards."""
    face = face_in(min(x), min(y), max(x), max(y))
    width, height = opened(jpeg(quarters(), 160, face)).size
    assert width == height <= 160


def test_one_pixel_can_be_shown() -> None:
    """The smallest photograph is shown as it is."""
    photograph = Photograph(np.full((1, 1, 3), 7, np.uint8), "image/png")
    assert opened(jpeg(photograph, 640)).size == (1, 1)
    assert opened(jpeg(photograph, 640, face_in(0, 0, 1, 1))).size == (1, 1)
    assert np.asarray(opened(jpeg(photograph, 640)))[0, 0] == pytest.approx(7, abs=3)
