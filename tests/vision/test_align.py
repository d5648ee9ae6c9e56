"""The laws of alignment: a similarity is recovered exactly, and pixels land where the landmarks say."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.errors import FaceTooSmall
from lineament.vision.align import ARCFACE_112, align_face, similarity

angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.05, 20)
shifts = st.complex_numbers(max_magnitude=5_000, allow_nan=False)
seeds = st.integers(0, 2**32 - 1)


def moved(points: np.ndarray, a: complex, b: complex) -> np.ndarray:
    placed = a * (points @ np.array([1, 1j])) + b
    return np.stack([placed.real, placed.imag], axis=1)


@given(angle=angles, scale=scales, shift=shifts)
def test_any_similarity_is_recovered(angle: float, scale: float, shift: complex) -> None:
    """Turn, scale and shift the template anyhow: the way back is found."""
    turned = moved(ARCFACE_112, cmath.rect(scale, angle), shift)
    a, b = similarity(turned, ARCFACE_112)
    assert a == pytest.approx(1 / cmath.rect(scale, angle), rel=1e-6)
    assert moved(turned, a, b) == pytest.approx(ARCFACE_112, abs=1e-5)


@given(seed=seeds)
def test_it_is_umeyamas_solution(seed: int) -> None:
    """For points that no similarity fits, the closed form equals Umeyama's by singular values (eq. 40-42)."""
    source, target = np.random.default_rng(seed).normal(size=(2, 5, 2))
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    covariance = (target - target_mean).T @ (source - source_mean) / 5
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.array([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = (singular * sign).sum() / source.var(axis=0).sum()
    expected = (scale * rotation @ source.T).T + target_mean - scale * rotation @ source_mean
    a, b = similarity(source, target)
    assert moved(source, a, b) == pytest.approx(expected, abs=1e-9)


def test_landmarks_on_one_point_are_refused() -> None:
    """There is no direction to turn such a face to."""
    with pytest.raises(FaceTooSmall):
        similarity(np.full((5, 2), 7.0), ARCFACE_112)


def most_different(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


def test_a_face_that_lies_right_already_is_copied() -> None:
    """No half pixel is lost: the identity gives back the pixels, but for Pillow's rounding down."""
    pixels = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert most_different(align_face(pixels, ARCFACE_112.astype(np.float32)), pixels) <= 1


def test_a_shift_moves_every_pixel_alike_and_outside_is_black() -> None:
    """What lies beyond the edge of the photograph is black, and nothing else moves."""
    pixels = np.random.default_rng(2).integers(1, 256, (112, 112, 3), dtype=np.uint8)
    crop = align_face(pixels, (ARCFACE_112 - (10, 20)).astype(np.float32))
    assert most_different(crop[20:, 10:], pixels[:-20, :-10]) <= 1
    assert not crop[:20].any()
    assert not crop[:, :10].any()


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.7, 2.0, 3.0, 3.7, 8.0])
@pytest.mark.parametrize("degrees", [0, 30, 90, 180])
def test_landmarks_land_on_the_template(factor: float, degrees: int) -> None:
    """A smooth spot painted on a landmark shows up, after turning and shrinking, at the template's place."""
    a = cmath.rect(factor, math.radians(degrees))
    centre = complex(56, 56)
    landmarks = moved(ARCFACE_112, a, complex(500, 500) - a * centre)
    y, x = np.mgrid[:1000, :1000]
    for point, expected in zip(landmarks, ARCFACE_112, strict=True):
        spot = 255 * np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * (3 * factor) ** 2))
        pixels = np.repeat(spot.astype(np.uint8)[:, :, None], 3, axis=2)
        crop = align_face(pixels, landmarks.astype(np.float32))[:, :, 0].astype(float)
        found = (
            np.array([(crop.sum(axis=0) @ np.arange(112)), (crop.sum(axis=1) @ np.arange(112))]) / crop.sum()
        )
        assert found == pytest.approx(expected, abs=0.1)


def test_a_large_face_does_not_alias() -> None:
    """Stripes finer than the crop can show become grey, not a false pattern."""
    y, x = np.mgrid[:1120, :1120]
    stripes = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[:, :, None], 3, axis=2)
    crop = align_face(stripes, (ARCFACE_112 * 9.3).astype(np.float32))
    assert np.abs(crop[10:100, 10:100].astype(int) - 127).max() < 20


def test_a_face_outside_the_photograph_is_black() -> None:
    """Landmarks that point nowhere give an empty crop, not an error."""
    pixels = np.full((50, 50, 3), 200, np.uint8)
    assert not align_face(pixels, (ARCFACE_112 + 5_000).astype(np.float32)).any()
