"""A face that is seen in many frames of a film is kept once, however often the film comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from lineament.app import sign_in
from lineament.app.film_faces import SAME_AS, SEEN_UNTIL
from lineament.app.films import with_frames
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.records import images, schema
from lineament.sources import Item, Source, Unreadable, open_source
from lineament.testing import holds, make_collection, make_installation
from lineament.vision.pipeline import Vision
from tests.samples import CONGRESS
from tests.vision.recorded import FPS, record

SIZE = (480, 360)
PEOPLE = ("adam-schiff.jpg", "ami-bera.jpg", "al-green.jpg")


def pictures(shown: list[tuple[tuple[int, ...], float]]) -> Iterator[Image.Image]:
    """Yield the pictures of a film: who is shown, side by side, and for how many seconds."""
    for people, seconds in shown:
        for number in range(round(seconds * FPS)):
            picture = Image.new("RGB", SIZE, "grey")
            for place, person in enumerate(people):
                with Image.open(CONGRESS / PEOPLE[person]) as portrait:
                    picture.paste(portrait.resize((220, 220)), (place * 235 + number % 12, 70))
            yield picture


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one film of eight seconds: one person, two together, the second alone, then a third."""
    folder = tmp_path_factory.mktemp("films")
    shown = [((0,), 2.0), ((0, 1), 2.0), ((1,), 2.0), ((2,), 2.0)]
    record(folder / "interview.mp4", list(pictures(shown)))
    return folder


@dataclass
class Beginning:
    """The first frames of a source, as of an ingest that was stopped after them."""

    source: Source
    frames: int
    size = None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        yield from islice(iter(with_frames(self.source)), self.frames)


def take_in(installation: Installation, source: Source) -> Report:
    return ingest(installation, sign_in.operator(installation), "films", source, lambda _done: None)


def on_record(installation: Installation) -> dict[str, tuple[int, dict[str, str]]]:
    """Return how many faces each frame keeps, and what is known of it, by its path."""
    with installation.records.read() as tx:
        found = {}
        for row in tx.execute(select(schema.image).order_by(schema.image.c.path)):
            found[row.path] = (len(images.faces_of_image(tx, row.id)), dict(row.extra))
        return found


def test_each_face_is_kept_once_with_its_time(installation: Installation, film: Path):
    """What is known of the frame says from when to when its faces were seen; the other frames name it."""
    make_collection(installation, "films")
    report = take_in(installation, open_source(film))
    frames = on_record(installation)
    assert (report.faces, holds(installation, "films").faces) == (3, 3)
    assert report.new + report.known == len(frames) >= 8
    kept = {path: extra for path, (faces, extra) in frames.items() if faces}
    assert [extra["time"] for extra in kept.values()] == ["0:00:00.000", "0:00:02.000", "0:00:06.000"]
    first, second, third = (extra[SEEN_UNTIL] for extra in kept.values())
    assert first < "0:00:04" < second < "0:00:06" < third
    named = {name for _, extra in frames.values() for name in extra.get(SAME_AS, "").split()}
    assert len(named) == 3
    assert {name.partition("&xywh=")[0] for name in named} == kept.keys()
    together = frames["interview.mp4#t=2.000"]
    assert (together[0], together[1][SAME_AS]) == (1, next(one for one in named if "#t=0.000&" in one))


def test_a_film_that_comes_again_brings_nothing(
    installation: Installation, film: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its frames are known, and none is looked at."""
    make_collection(installation, "films")
    frames = take_in(installation, open_source(film))
    before = on_record(installation)
    monkeypatch.setattr(installation.vision, "detect", lambda _photograph: pytest.fail("it is looked at"))
    again = take_in(installation, open_source(film))
    assert (again.new, again.known, again.no_face) == (0, frames.new + frames.known, 0)
    assert (again.corrected, again.rejected) == (0, [])
    assert on_record(installation) == before


@pytest.mark.parametrize("frames", [1, 3, 4, 6])
def test_an_ingest_that_goes_on_in_the_middle_keeps_what_it_would_have_kept(
    tmp_path: Path, installation: Installation, film: Path, vision: Vision, frames: int
):
    """Wherever in the film it was stopped."""
    make_collection(installation, "films")
    take_in(installation, open_source(film))
    other = make_installation(tmp_path / "stopped", vision=vision)
    make_collection(other, "films")
    take_in(other, Beginning(open_source(film), frames))
    assert len(on_record(other)) == frames
    take_in(other, open_source(film))
    assert on_record(other) == on_record(installation)
    other.index.close()
    other.records.close()


def test_two_films_do_not_know_each_other(installation: Installation, film: Path, tmp_path: Path):
    """The same person in another film is kept there as well; photographs between them are as ever."""
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "a.mp4").write_bytes((film / "interview.mp4").read_bytes())
    record(folder / "c.mp4", list(pictures([((0,), 2.0)])))
    (folder / "b.jpg").write_bytes((CONGRESS / PEOPLE[0]).read_bytes())
    make_collection(installation, "films")
    assert take_in(installation, open_source(folder)).faces == 5
    kept = [path for path, (faces, _) in on_record(installation).items() if faces]
    assert [path.partition("#")[0] for path in kept] == ["a.mp4", "a.mp4", "a.mp4", "b.jpg", "c.mp4"]
    assert take_in(installation, open_source(folder)).new == 0
