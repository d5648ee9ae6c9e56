"""Nearly the same pictures have nearly the same fingerprint, and others do not."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from lineament.vision.fingerprint import FINGERPRINT_BYTES, fingerprint
from tests.samples import CONGRESS

ALIKE = 32  # bits


def bits_apart(one: Image.Image, other: Image.Image) -> int:
    first, second = (
        np.frombuffer(fingerprint(np.asarray(image.convert("RGB"))), np.uint8) for image in (one, other)
    )
    return int(np.bitwise_count(first ^ second).sum())


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(CONGRESS / "adam-smith.jpg").convert("RGB")


def test_it_is_32_bytes_and_always_the_same(portrait: Image.Image):
    """Whatever the size, and whether or not the pixels may be written to."""
    pixels = np.asarray(portrait).copy()
    made = fingerprint(pixels)
    pixels.flags.writeable = False
    assert fingerprint(pixels) == made
    for small in (np.zeros((1, 1, 3), np.uint8), pixels[:5], pixels):
        assert len(fingerprint(small)) == FINGERPRINT_BYTES


def test_another_size_light_or_colour_changes_few_bits(portrait: Image.Image):
    """The same photograph as it is found on other pages."""
    quarter = (portrait.width // 4, portrait.height // 4)
    assert bits_apart(portrait, portrait.resize(quarter)) <= ALIKE
    assert bits_apart(portrait, portrait.resize((1000, 1000))) <= ALIKE
    assert bits_apart(portrait, portrait.convert("L")) <= ALIKE
    assert bits_apart(portrait, ImageEnhance.Brightness(portrait).enhance(1.2)) <= ALIKE


def test_another_person_before_the_same_flag_is_far(portrait: Image.Image):
    """Official portraits look alike: size, light, flag and pose."""
    for name in ("adam-schiff", "adrian-smith", "ami-bera", "al-green"):
        assert bits_apart(portrait, Image.open(CONGRESS / f"{name}.jpg")) > 2 * ALIKE
