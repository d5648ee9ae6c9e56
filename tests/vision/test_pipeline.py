"""From bytes to templates: quicker ways give the same answer as the slow one."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament.core.faces import DetectedFace, Photograph
from lineament.errors import InvalidRequest, ModelPackInvalid
from lineament.vision.pack import load_pack
from lineament.vision.pipeline import Vision

Open = Callable[[str], Photograph]


def as_probe(
    shots: list[tuple[Photograph, DetectedFace]],
) -> tuple[list[DetectedFace], Callable[[int], Photograph]]:
    return [face for _, face in shots], lambda place: shots[place][0]


def large_jpeg(samples: Path, width: int) -> bytes:
    """Return a 4000 x 3000 px JPEG with Obama's portrait, that many pixels wide, on grey."""
    picture = Image.new("RGB", (4000, 3000), (90, 100, 110))
    portrait = Image.open(samples / "mated" / "obama.jpg").convert("RGB")
    picture.paste(portrait.resize((width, width * portrait.height // portrait.width)), (1500, 700))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.mark.parametrize("width", [400, 1600])
def test_a_photograph_read_smaller_gives_the_template_of_the_whole(
    vision: Vision, samples: Path, width: int
) -> None:
    """Coordinates are those of the whole; a small face is read again at full size."""
    file = large_jpeg(samples, width)
    whole, smaller = vision.decode(file), vision.read(file)
    assert smaller.pixels.shape[1] < whole.pixels.shape[1] == smaller.width == 4000
    (of_whole,), (of_smaller,) = vision.detect(whole), vision.detect(smaller)
    assert of_smaller.box == pytest.approx(of_whole.box, abs=width / 50)
    a, b = vision.embed(whole, [of_whole])[0], vision.embed(smaller, [of_smaller])[0]
    assert a @ b > 0.95


def test_faces_of_twenty_pixels_in_a_large_photograph_are_found(vision: Vision, samples: Path) -> None:
    """A small face in the smaller version is a reason to look at the whole."""
    picture = Image.new("RGB", (4000, 3000), (90, 100, 110))
    portraits = sorted((samples / "congress").glob("*.jpg"))[:40]
    for at, path in enumerate(portraits):
        portrait = Image.open(path).convert("RGB").resize((48, 48), Image.Resampling.LANCZOS)
        picture.paste(portrait, (200 + 350 * (at % 10), 300 + 600 * (at // 10)))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    assert len(vision.detect(vision.read(out.getvalue()))) >= 32


def test_what_comes_back_from_the_records_is_embedded_to_the_same_template(
    vision: Vision, photograph: Open
) -> None:
    """A face keeps its template only while it is at hand; without it, it is embedded again."""
    picture = photograph("group/solvay1927.jpg")
    faces = vision.detect(picture)
    kept = vision.embed(picture, faces)
    again = vision.embed(picture, [replace(face, template=None) for face in faces])
    assert np.einsum("nd,nd->n", kept, again) == pytest.approx(1, abs=1e-5)


def test_several_photographs_make_one_template_closer_to_the_person(vision: Vision, photograph: Open) -> None:
    """Two of one man; and the order does not count."""
    shots = []
    for name in ("obama", "obama2"):
        picture = photograph(f"mated/{name}.jpg")
        shots.append((picture, vision.detect(picture)[0]))
    both = vision.probe(*as_probe(shots))
    assert np.linalg.norm(both) == pytest.approx(1, abs=1e-5)
    assert both == pytest.approx(vision.probe(*as_probe(shots[::-1])), abs=1e-6)
    single = [vision.probe(*as_probe([shot])) for shot in shots]
    assert min(both @ one for one in single) > single[0] @ single[1]
    with pytest.raises(InvalidRequest, match="1 to 20"):
        vision.probe(*as_probe(shots * 11))


def test_the_better_photograph_counts_for_more(vision: Vision, photograph: Open) -> None:
    """The template lies nearer to the one of higher quality."""
    picture = photograph("mated/obama.jpg")
    (good,) = vision.detect(picture)
    other = photograph("mated/obama2.jpg")
    (bad,) = vision.detect(other)
    bad = replace(bad, quality=replace(bad.quality, unified_score=0))
    both = vision.probe(*as_probe([(picture, good), (other, bad)]))
    assert both @ good.template > both @ bad.template


def test_a_drawn_box_is_searched_like_a_detected_one(vision: Vision, photograph: Open) -> None:
    """Somebody draws roughly around the face: nearly the same template."""
    picture = photograph("mated/obama.jpg")
    (face,) = vision.detect(picture)
    side = face.box[2] - face.box[0]
    drawn = vision.face_at(picture, face.box + side * np.array([-0.1, -0.05, 0.15, 0.1]))
    assert drawn.drawn
    assert vision.embed(picture, [drawn])[0] @ vision.embed(picture, [face])[0] > 0.8


def test_a_box_where_nobody_is_still_has_a_face(vision: Vision) -> None:
    """The person at the screen decides what is a face; its quality says what it is worth."""
    grey = Photograph(np.full((300, 300, 3), 120, np.uint8), "image/png")
    face = vision.face_at(grey, (50, 50, 200, 220))
    assert face.drawn
    assert face.score == 0
    assert vision.embed(grey, [face]).shape == (1, 128)


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 0, 10),
        (-1, 0, 10, 10),
        (0, 0, 301, 10),
        (10, 10, 5, 20),
        (1, 2, 3),
        (0, 0, float("nan"), 9),
        (float("nan"), 0, 9, 9),
    ],
)
def test_a_box_that_is_none_is_refused(vision: Vision, box: tuple[float, ...]) -> None:
    """In words."""
    grey = Photograph(np.full((300, 300, 3), 120, np.uint8), "image/png")
    with pytest.raises(InvalidRequest):
        vision.face_at(grey, box)


def test_an_embedder_of_another_dimension_is_named(photograph: Open) -> None:
    """A pack that says 512 where its model gives 128."""
    pack = load_pack()
    wrong = replace(pack, embedder=replace(pack.embedder, dimension=512), centre=None)
    with closing(Vision(wrong)) as vision, pytest.raises(ModelPackInvalid, match="512 numbers"):
        vision.detect(photograph("mated/obama.jpg"))


def test_a_pack_without_extras_works(photograph: Open) -> None:
    """No landmark model, no mirror, no centre, no lengths: as an operator's first pack is."""
    pack = load_pack()
    embedder = replace(pack.embedder, mirror=False, lengths=None)
    with closing(Vision(replace(pack, landmarks=None, centre=None, embedder=embedder))) as vision:
        obama, again, biden = (
            vision.embed(picture, faces[:1])[0]
            for name in ("obama", "obama2", "biden")
            for picture in [photograph(f"mated/{name}.jpg")]
            for faces in [vision.detect(picture)]
        )
        (face,) = vision.detect(photograph("mated/obama.jpg"))
    assert face.quality.unified_score == 50
    assert obama @ again > 0.6
    assert max(obama @ biden, again @ biden) < 0.4
