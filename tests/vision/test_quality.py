"""The measures fall when what they measure gets worse, and the pose has the signs that its words say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from lineament.core.faces import Photograph
from lineament.core.quality import Quality
from lineament.testing import make_face
from lineament.vision.align import ARCFACE_112
from lineament.vision.pipeline import Vision
from lineament.vision.quality import head_pose

Open = Callable[[str], Photograph]


def quality_of(vision: Vision, picture: Image.Image) -> Quality:
    faces = vision.detect(Photograph(np.asarray(picture), "image/png"))
    return max(faces, key=lambda one: one.quality.inter_eye_distance).quality


@pytest.fixture(scope="module")
def portrait(vision: Vision, samples: object) -> Image.Image:
    return Image.open(f"{samples}/mated/obama.jpg").convert("RGB")


@given(st.floats(-45, 45), st.floats(-20, 20), st.floats(-180, 180))
def test_a_turned_head_has_the_pose_it_was_turned_to(yaw: float, pitch: float, roll: float) -> None:
    """A head of three dimensions, turned and seen from afar: yaw and pitch come back within ten degrees."""
    head = np.column_stack([ARCFACE_112, [0, 0, np.ptp(ARCFACE_112[:2, 0]) / 2, 0, 0]])
    head -= head.mean(axis=0)
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    seen = (head @ (about_y @ about_x).T)[:, :2] @ [[np.cos(r), np.sin(r)], [-np.sin(r), np.cos(r)]]
    found = head_pose((seen * 3 + 500).astype(np.float32))
    assert found[:2] == pytest.approx((yaw, pitch), abs=10)


def test_nose_to_the_right_is_a_positive_yaw_and_nose_up_a_positive_pitch() -> None:
    """As the words of core.quality say."""
    points = ARCFACE_112.astype(np.float32)
    assert head_pose(points)[:2] == pytest.approx((0, 0), abs=1)
    assert head_pose(points + np.eye(5)[2][:, None] * (8, 0))[0] > 10
    assert head_pose(points - np.eye(5)[2][:, None] * (0, 8))[1] > 10


def test_a_blurred_face_is_less_sharp_and_worth_less(vision: Vision, portrait: Image.Image) -> None:
    """Both measures fall with every step of blur."""
    steps = [quality_of(vision, portrait.filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 3, 8)]
    for better, worse in pairwise(steps):
        assert worse.sharpness < better.sharpness
        assert worse.unified_score < better.unified_score


def test_light_is_measured(vision: Vision, portrait: Image.Image) -> None:
    """Too dark and too bright are told apart."""
    good = quality_of(vision, portrait)
    dark = quality_of(vision, ImageEnhance.Brightness(portrait).enhance(0.12))
    bright = quality_of(vision, ImageEnhance.Brightness(portrait).enhance(3))
    assert dark.under_exposure_prevention < 60 < good.under_exposure_prevention
    assert bright.over_exposure_prevention < 80 < good.over_exposure_prevention


def test_a_good_portrait_needs_no_advice(vision: Vision, portrait: Image.Image) -> None:
    """And an advice is a sentence with its figure."""
    assert quality_of(vision, portrait).advice == ()
    assert make_face(inter_eye_distance=18.4).quality.advice == (
        "eyes 18 px apart: too small to compare reliably",
    )
    assert make_face(inter_eye_distance=9).quality.advice == ("eyes 9 px apart: too small to compare",)
