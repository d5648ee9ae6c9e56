"""Edits: each is what its definition says, to the byte, and can be done again."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lineament.core.edits import Edit, EditKind, as_written, hundredths
from lineament.core.faces import Photograph
from lineament.errors import EditNotReplayable, InvalidRequest
from lineament.vision.edits import apply, edited, pixels, replay
from tests.samples import OBAMA

Step = tuple[EditKind, tuple[float, ...]]

FACTORS = st.integers(20, 500).map(lambda n: as_written(n / 100))


def photograph(seed: int, width: int, height: int) -> Photograph:
    """Random pixels: every mistake of place or value shows in them."""
    shape = (height, width, 3)
    return Photograph(np.random.default_rng(seed).integers(0, 256, shape, np.uint8), "image/png")


@st.composite
def photographs(draw: st.DrawFn) -> Photograph:
    """A small photograph of random pixels."""
    return photograph(draw(st.integers(0, 99)), draw(st.integers(32, 60)), draw(st.integers(32, 60)))


@st.composite
def chains(draw: st.DrawFn) -> tuple[Photograph, list[Step]]:
    """A photograph and up to five edits that fit it, one after the other."""
    before = now = draw(photographs())
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(EditKind))
        values: tuple[float, ...] = ()
        if kind is EditKind.CROP:
            left, top = draw(st.integers(0, now.width - 32)), draw(st.integers(0, now.height - 32))
            right = draw(st.integers(left + 32, now.width))
            values = (left, top, right, draw(st.integers(top + 32, now.height)))
        elif kind is EditKind.ROTATE:
            values = (as_written(draw(st.integers(-36_000, 36_000)) / 100),)
        elif kind in {EditKind.BRIGHTNESS, EditKind.CONTRAST}:
            values = (draw(FACTORS),)
        elif kind is EditKind.DEINTERLACE:
            values = (draw(st.integers(0, 1)),)
        elif kind is EditKind.RESIZE:
            values = (draw(st.integers(32, 70)), draw(st.integers(32, 70)))
        steps.append((kind, values))
        now = apply(now, kind, values)
    return before, steps


def same(one: Photograph, other: Photograph) -> bool:
    return np.array_equal(one.pixels, other.pixels)


@given(before=photographs(), degrees=st.sampled_from([90, -90, 270]))
def test_what_undoes_itself_leaves_the_photograph_as_it_was(before: Photograph, degrees: int) -> None:
    """Two flips, four quarter turns."""
    flipped = apply(before, EditKind.FLIP, ())
    assert same(apply(flipped, EditKind.FLIP, ()), before)
    turned = before
    for _ in range(4):
        turned = apply(turned, EditKind.ROTATE, (degrees,))
    assert same(turned, before)


@given(before=photographs())
def test_what_changes_nothing_changes_nothing(before: Photograph) -> None:
    """Brightness 1, contrast 1, no turn, the whole photograph cut out, its own size."""
    size = (before.width, before.height)
    for kind, values in [
        (EditKind.BRIGHTNESS, (1,)),
        (EditKind.CONTRAST, (1,)),
        (EditKind.ROTATE, (0,)),
        (EditKind.ROTATE, (-360,)),
        (EditKind.CROP, (0, 0, *size)),
        (EditKind.RESIZE, size),
    ]:
        assert same(apply(before, kind, values), before), kind


@given(chain=chains())
def test_a_chain_is_done_again_to_the_recorded_digests(chain: tuple[Photograph, list[Step]]) -> None:
    """And the photograph that was given is as it was."""
    before, steps = chain
    digest = pixels(before)
    after, edits = edited(before, steps)
    assert [(edit.kind, edit.values) for edit in edits] == steps
    assert edits[-1].pixels == pixels(after)
    assert same(replay(before, edits), after)
    assert pixels(before) == digest


@given(chain=chains(), at=st.integers(0, 4))
def test_a_recorded_digest_that_is_another_one_is_found(
    chain: tuple[Photograph, list[Step]], at: int
) -> None:
    """The number of the edit is named."""
    before, steps = chain
    edits = list(edited(before, steps)[1])
    place = at % len(edits)
    edits[place] = replace(edits[place], pixels=64 * "0")
    with pytest.raises(EditNotReplayable, match=f"Edit {place + 1}, "):
        replay(before, edits)


def test_recorded_values_that_the_edit_does_not_take_are_not_replayed() -> None:
    """Somebody wrote into the records."""
    wrong = Edit(EditKind.CROP, (0, 0, 999, 999), 64 * "0")
    with pytest.raises(EditNotReplayable, match="inside the photograph of 40 x 50 pixels"):
        replay(photograph(1, 40, 50), [wrong])


ALONE = """
import json, sys
from PIL import Image
import numpy as np
from lineament.core.edits import EditKind
from lineament.core.faces import Photograph
from lineament.vision.edits import edited
image = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
steps = [(EditKind(kind), tuple(values)) for kind, values in json.loads(sys.argv[2])]
print(*(edit.pixels for edit in edited(Photograph(image, "image/jpeg"), steps)[1]))
"""
CHAIN: list[Step] = [
    (EditKind.DEINTERLACE, (1,)),
    (EditKind.ROTATE, (-7.5,)),
    (EditKind.CROP, (100, 100, 500, 700)),
    (EditKind.BRIGHTNESS, (1.3,)),
    (EditKind.CONTRAST, (0.85,)),
    (EditKind.RESIZE, (640, 900)),
    (EditKind.FLIP, ()),
    (EditKind.ROTATE, (90,)),
]


def test_another_process_gets_the_same_pixels() -> None:
    """Every kind of edit on a real photograph."""
    image = np.asarray(Image.open(OBAMA).convert("RGB"))
    _, edits = edited(Photograph(image, "image/jpeg"), CHAIN)
    command = [sys.executable, "-c", ALONE, str(OBAMA), json.dumps(CHAIN)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert said == [edit.pixels for edit in edits]


def test_the_digest_is_of_width_height_and_bytes() -> None:
    """Anybody can compute it; another shape of the same bytes has another one."""
    one = Photograph(np.arange(18, dtype=np.uint8).reshape(2, 3, 3), "image/png")
    assert pixels(one) == sha256(bytes([0, 0, 0, 3, 0, 0, 0, 2, *range(18)])).hexdigest()
    assert pixels(replace(one, pixels=one.pixels.reshape(3, 2, 3))) != pixels(one)


@given(before=photographs(), factor=FACTORS)
def test_brightness_and_contrast_are_as_defined(before: Photograph, factor: float) -> None:
    """In whole numbers, as docs/edits.md has it."""
    n, v = hundredths(factor), before.pixels.astype(int)
    brighter = np.minimum(255, (v * n + 50) // 100)
    assert np.array_equal(apply(before, EditKind.BRIGHTNESS, (factor,)).pixels, brighter)
    stronger = np.clip(128 + ((v - 128) * n + 50) // 100, 0, 255)
    assert np.array_equal(apply(before, EditKind.CONTRAST, (factor,)).pixels, stronger)


def test_a_field_is_kept_and_the_rows_between_are_means() -> None:
    """Both fields, with an even and an odd number of rows."""
    for height in (4, 5):
        rows = np.array([10, 21, 40, 80, 90][:height])
        one = Photograph(np.broadcast_to(rows[:, None, None], (height, 2, 3)).astype(np.uint8), "image/png")
        first = apply(one, EditKind.DEINTERLACE, (0,)).pixels[:, 0, 0].tolist()
        second = apply(one, EditKind.DEINTERLACE, (1,)).pixels[:, 0, 0].tolist()
        assert first == [10, 25, 40, 40 if height == 4 else 65, 90][:height]
        assert second == [21, 21, 51, 80, 80][:height]


def reference_turn(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turn pixel by pixel, word for word after docs/edits.md."""
    height, width = image.shape[:2]
    c, s = (round(65_536 * part(np.radians(degrees))) for part in (np.cos, np.sin))
    wide = -(-(width * abs(c) + height * abs(s)) // 65_536)
    high = -(-(width * abs(s) + height * abs(c)) // 65_536)
    out = np.zeros((high, wide, 3), np.uint8)

    def pixel(x: int, y: int) -> Sequence[int]:
        inside = 0 <= x < width and 0 <= y < height
        return [int(value) for value in image[y, x]] if inside else [0, 0, 0]

    for y in range(high):
        for x in range(wide):
            u, v = 2 * x + 1 - wide, 2 * y + 1 - high
            at_x, at_y = u * c - v * s + 65_536 * (width - 1), u * s + v * c + 65_536 * (height - 1)
            left, top, across, down = at_x >> 17, at_y >> 17, at_x >> 9 & 255, at_y >> 9 & 255
            for channel in range(3):
                above = pixel(left, top)[channel] * (256 - across) + pixel(left + 1, top)[channel] * across
                below = pixel(left, top + 1)[channel] * (256 - across)
                below += pixel(left + 1, top + 1)[channel] * across
                out[y, x, channel] = (above * (256 - down) + below * down + 32_768) >> 16
    return out


@pytest.mark.parametrize("degrees", [0.01, 7.5, 45, -30, 89.99, 123.45, 300])
def test_a_turn_by_any_angle_is_as_defined(degrees: float) -> None:
    """Against the definition written out pixel by pixel."""
    one = photograph(3, 13, 9)
    assert np.array_equal(apply(one, EditKind.ROTATE, (degrees,)).pixels, reference_turn(one.pixels, degrees))


def test_a_turn_goes_counter_clockwise_and_loses_nothing() -> None:
    """A bright spot on the right goes up, exactly by a quarter and nearly by any angle; corners stay in."""
    image = np.full((41, 41, 3), 50, np.uint8)
    image[20, 38] = 255
    one = Photograph(image, "image/png")
    quarter = apply(one, EditKind.ROTATE, (90,)).pixels[:, :, 0]
    assert np.argwhere(quarter == 255).tolist() == [[2, 20]]
    most = apply(one, EditKind.ROTATE, (45,)).pixels[:, :, 0]
    y, x = np.unravel_index(most.argmax(), most.shape)
    middle = (most.shape[0] - 1) / 2
    assert (x - middle, middle - y) == pytest.approx((18 * 0.707, 18 * 0.707), abs=1)
    assert (most > 0).sum() == pytest.approx(41 * 41, rel=0.06)


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        (EditKind.CROP, (0, 0, 41, 50), "must lie inside the photograph of 40 x 50 pixels"),
        (EditKind.CROP, (-1, 0, 40, 50), "must lie inside the photograph"),
        (EditKind.CROP, (20, 0, 10, 50), "must lie inside the photograph"),
        (EditKind.CROP, (0, 0, 31, 50), "at least 32 pixels wide and high"),
        (EditKind.CROP, (0.5, 0, 40, 50), "takes whole numbers of pixels"),
        (EditKind.CROP, (0, 0, 40), "takes 4 values: left, top, right, bottom"),
        (EditKind.ROTATE, (), "takes 1 value: degrees"),
        (EditKind.ROTATE, (361,), "-360 to 360"),
        (EditKind.ROTATE, (0.001,), "at most two decimals"),
        (EditKind.ROTATE, (float("nan"),), "at most two decimals"),
        (EditKind.ROTATE, (1e308,), "at most two decimals"),
        (EditKind.FLIP, (1,), "takes no value"),
        (EditKind.BRIGHTNESS, (0.19,), "from 0.2 to 5"),
        (EditKind.CONTRAST, (5.01,), "from 0.2 to 5"),
        (EditKind.CONTRAST, (float("inf"),), "at most two decimals"),
        (EditKind.DEINTERLACE, (2,), "is 0, which has the first row, or 1"),
        (EditKind.RESIZE, (0, 10), "1 to 4,096 pixels a side"),
        (EditKind.RESIZE, (10, 4097), "1 to 4,096 pixels a side"),
        (EditKind.RESIZE, (10.5, 10), "takes whole numbers of pixels"),
    ],
)
def test_what_an_edit_does_not_take_is_a_sentence(
    kind: EditKind, values: tuple[float, ...], sentence: str
) -> None:
    """Bounds, numbers of values, and numbers that are none."""
    with pytest.raises(InvalidRequest, match=sentence):
        apply(photograph(1, 40, 50), kind, values)


def test_a_row_has_no_two_fields_and_a_large_photograph_is_not_turned_larger() -> None:
    """Nothing is allocated that the limits do not allow."""
    with pytest.raises(InvalidRequest, match="one row"):
        apply(photograph(1, 40, 1), EditKind.DEINTERLACE, (0,))
    large = Photograph(np.zeros((5_000, 5_000, 3), np.uint8), "image/png")
    with pytest.raises(InvalidRequest, match="more than 25 megapixels"):
        apply(large, EditKind.ROTATE, (1,))
    assert apply(large, EditKind.ROTATE, (90,)).width == 5_000


@pytest.mark.parametrize("number", [0, 21])
def test_a_photograph_is_edited_by_1_to_20_edits(number: int) -> None:
    """Not by none, and not by any number."""
    with pytest.raises(InvalidRequest, match="1 to 20 edits"):
        edited(photograph(1, 40, 40), [(EditKind.FLIP, ())] * number)


@given(number=st.integers(-40_000, 40_000))
def test_a_value_is_written_in_one_way(number: int) -> None:
    """A whole number without a point, any other with at most two decimals; and it is read back as it was."""
    text = json.dumps(as_written(number / 100))
    assert json.loads(text) == number / 100
    assert ("." in text) == (number % 100 != 0)
    assert hundredths(json.loads(text)) == number
