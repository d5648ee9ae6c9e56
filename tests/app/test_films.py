"""Films among photographs: each frame has the film's provenance and its time, and a face is kept once."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.app.films import FILM_ENDINGS, GAP_SECONDS, Tracks, with_frames
from lineament.core.faces import DetectedFace
from lineament.errors import DamagedFilm, ExtraMissing, NotAFilm
from lineament.sources import Item, Source, Unreadable, open_source
from lineament.testing import make_face
from lineament.vision import film as film_module
from lineament.vision.film import frames
from lineament.vision.pipeline import Vision
from tests.samples import CONGRESS
from tests.vision.recorded import PEOPLE, record, two_scenes


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of two people: one and a half seconds of each."""
    return record(tmp_path_factory.mktemp("films") / "clip.mp4", two_scenes((640, 480)))


class Listed:
    """A source of these items."""

    def __init__(self, *items: Item | Unreadable) -> None:
        self._items = items

    size = 1

    def __iter__(self) -> Iterator[Item | Unreadable]:
        return iter(self._items)


def only_items(source: Source) -> list[Item]:
    found = list(source)
    assert not [one for one in found if isinstance(one, Unreadable)]
    return [one for one in found if isinstance(one, Item)]


def film_item(place: Path | None, **known: str) -> Item:
    return Item(path="reels/clip.mp4", read=lambda: b"", place=place, **known)  # type: ignore[arg-type]


def test_a_frame_has_the_provenance_of_its_film_and_its_time(clip: Path) -> None:
    """Its link leads to the moment in the film, as the W3C's Media Fragments say it."""
    film = film_item(
        clip,
        source_url="https://example.org/clip.mp4",
        page_url="https://example.org/reel",
        caption="A hearing",
        date="1991",
        credit="The archive",
        licence="CC0-1.0",
        version="etag",
    )
    film = replace(film, extra={"shelf": "12"})
    source = with_frames(Listed(film))
    assert source.size is None
    found = only_items(source)
    assert [one.seconds for one in found] == [0.0, 1.0, 1.5, 2.0]
    assert found[2] == replace(
        film,
        path="reels/clip.mp4#t=1.500",
        read=found[2].read,
        source_url="https://example.org/clip.mp4#t=1.500",
        extra={"shelf": "12", "time": "0:00:01.500"},
        film="reels/clip.mp4",
        seconds=1.5,
        place=None,
    )
    assert [one.read() for one in found] == [frame.data for frame in frames(clip)]


def test_a_film_without_a_link_gives_frames_without_one(clip: Path) -> None:
    """And one whose link has a fragment keeps it."""
    assert only_items(with_frames(Listed(film_item(clip))))[1].source_url is None
    there = film_item(clip, source_url="https://example.org/page#film")
    assert only_items(with_frames(Listed(there)))[1].source_url == "https://example.org/page#film&t=1.000"


def test_times_are_told_as_people_read_them(tmp_path: Path) -> None:
    """Hours, minutes and seconds, in a film of more than an hour."""
    long = record(tmp_path / "long.mkv", two_scenes()[10:20], times=[*range(9), 36_655])
    assert [one.extra["time"] for one in only_items(with_frames(Listed(film_item(long))))] == [
        "0:00:00.000",
        "0:00:00.500",
        "1:01:05.500",
    ]


def test_photographs_and_films_come_in_their_order(tmp_path: Path, clip: Path) -> None:
    """A folder, and one with a manifest: what is no film passes through as it is."""
    shutil.copy(clip, tmp_path / "b.MP4")
    for name, person in zip(("a.jpg", "c.jpg"), PEOPLE, strict=True):
        shutil.copy(CONGRESS / person, tmp_path / name)
    names = ["a.jpg", "b.MP4#t=0.000", "b.MP4#t=1.000", "b.MP4#t=1.500", "b.MP4#t=2.000", "c.jpg"]
    found = only_items(with_frames(open_source(tmp_path)))
    assert [one.path for one in found] == names
    assert [one.film for one in found] == [None, *["b.MP4"] * 4, None]
    assert found[0].read() == (CONGRESS / PEOPLE[0]).read_bytes()
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source_url", "caption"])
        writer.writerow(["c.jpg", "https://example.org/c.jpg", "One"])
        writer.writerow(["b.MP4", "https://example.org/b.mp4", "Two"])
    found = only_items(with_frames(open_source(tmp_path)))
    assert [one.path for one in found] == ["c.jpg", *names[1:5]]
    assert [one.caption for one in found] == ["One", *["Two"] * 4]
    assert found[1].source_url == "https://example.org/b.mp4#t=0.000"


def test_a_damaged_film_gives_what_can_be_read_and_then_its_error(tmp_path: Path) -> None:
    """An ingest takes the frames, reports the film, and goes on with the next file."""
    whole = record(tmp_path / "whole.mkv", two_scenes(), g="5").read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 3])
    after = Item(path="after.jpg", read=lambda: b"")
    *taken, damaged, last = with_frames(Listed(film_item(tmp_path / "half.mkv"), after))
    assert taken[0].path == "reels/clip.mp4#t=0.000"
    assert isinstance(damaged, Unreadable)
    assert damaged.path == "reels/clip.mp4"
    assert isinstance(damaged.error, DamagedFilm)
    assert last is after


def test_a_film_that_lies_in_an_archive_is_reported(tmp_path: Path, clip: Path) -> None:
    """It would have to be unpacked as a whole first: whoever wants its frames does that."""
    with zipfile.ZipFile(tmp_path / "reels.zip", "w") as archive:
        archive.write(clip, "clip.mp4")
    (found,) = with_frames(open_source(tmp_path / "reels.zip"))
    assert isinstance(found, Unreadable)
    assert found.path == "reels.zip/clip.mp4"
    assert isinstance(found.error, NotAFilm)


def test_without_the_extra_each_film_is_reported_and_photographs_go_on(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with one film in it is no reason to take nothing in."""
    monkeypatch.setattr(film_module, "find_spec", lambda _name: None)
    after = Item(path="after.jpg", read=lambda: b"")
    missing, last = with_frames(Listed(film_item(clip), after))
    assert isinstance(missing, Unreadable)
    assert isinstance(missing.error, ExtraMissing)
    assert missing.error.code == "extra-missing"
    assert last is after


def test_every_ending_is_one_of_a_film(tmp_path: Path) -> None:
    """A text that is called a film is told apart from a photograph that cannot be read."""
    for ending in sorted(FILM_ENDINGS):
        place = tmp_path / f"diary{ending}"
        place.write_text("dear diary")
        (found,) = with_frames(Listed(Item(path=f"diary{ending.upper()}", read=lambda: b"", place=place)))
        assert isinstance(found, Unreadable)
        assert isinstance(found.error, NotAFilm)


# --- tracks ----------------------------------------------------------------------------------------------


def face(person: int | None, left: float = 0.0) -> DetectedFace:
    """Return a face of one of eight people who look nothing like each other, or one without a template."""
    template = None if person is None else np.eye(8, dtype=np.float32)[person]
    return replace(make_face((left, 0, left + 100, 100)), template=template)


def turned(person: int, cosine: float) -> DetectedFace:
    """Return a face whose template has such a cosine to the person's own."""
    template = np.zeros(8, np.float32)
    template[person], template[person - 1] = cosine, np.sqrt(1 - cosine**2)
    return replace(face(person), template=template)


def test_a_face_that_stays_is_kept_once_with_its_times() -> None:
    """As long as its track goes on; the box may move as it likes."""
    tracks = Tracks()
    first = face(1)
    kept = [tracks.add(second, [first if second == 0 else face(1, 50.0 * second)])[0] for second in range(9)]
    assert {id(one) for one in kept} == {id(kept[0])}
    assert kept[0].face is first
    assert kept[0].times == list(range(9))


def test_somebody_else_in_the_same_place_is_somebody_else() -> None:
    """A conversation is cut from one face to the other, both in the middle of the picture."""
    tracks = Tracks()
    kept = [tracks.add(second, [face(second % 2)])[0] for second in range(6)]
    assert [one.times for one in kept[:2]] == [[0, 2, 4], [1, 3, 5]]
    assert kept[0] is kept[2] is kept[4]


def test_a_face_that_has_turned_far_is_worth_keeping_as_well() -> None:
    """Nearly the same means a cosine of 0.7 to the kept one, however slowly it turned."""
    tracks = Tracks()
    kept = [tracks.add(0, [face(3)])[0]]
    kept += [tracks.add(second, [turned(3, cosine)])[0] for second, cosine in ((1, 0.9), (2, 0.75), (3, 0.6))]
    assert kept[0] is kept[1] is kept[2]
    assert kept[3] is not kept[0]
    assert kept[0].times == [0, 1, 2]


def test_faces_too_small_for_a_template_are_followed_by_their_boxes() -> None:
    """Half of both boxes together has to be shared from one frame to the next."""
    tracks = Tracks()
    kept = [tracks.add(second, [face(None, left)])[0] for second, left in enumerate((0, 30, 60, 110))]
    assert kept[0] is kept[1] is kept[2]
    assert kept[3] is not kept[0]


def test_a_track_ends_after_a_while_in_which_others_are_seen() -> None:
    """Who comes back later is kept again, with a picture of that moment."""
    tracks = Tracks()
    first = tracks.add(0, [face(1)])[0]
    tracks.add(1, [face(2)])
    assert tracks.add(1 + GAP_SECONDS, [face(2)])[0].times == [1, 1 + GAP_SECONDS]
    assert tracks.add(2 + GAP_SECONDS, [face(1)])[0] is not first


def test_a_track_goes_on_while_nothing_changes() -> None:
    """Frames that show nothing new are not given, so that the next one may come after minutes."""
    tracks = Tracks()
    tracks.add(0, [face(1)])
    assert tracks.add(600, [face(1)])[0].times == [0, 600]


def test_two_faces_of_one_frame_are_never_one() -> None:
    """Not even those of a person and their portrait on the wall."""
    tracks = Tracks()
    tracks.add(0, [face(1)])
    one, other = tracks.add(1, [face(1), turned(1, 0.9)])
    assert one.times == [0, 1]
    assert other.times == [1]


people = st.lists(st.tuples(st.none() | st.integers(0, 7), st.floats(0, 500)), max_size=4)


@given(st.lists(st.tuples(st.floats(0, 20), people), max_size=20))
def test_each_face_is_kept_once_or_counted_once(
    film: Sequence[tuple[float, list[tuple[int | None, float]]]],
) -> None:
    """Every face of every frame is one time of one kept face; a frame never names one twice."""
    tracks, seconds = Tracks(), 0.0
    seen = 0
    kept_faces = {}
    for passed, shown in film:
        seconds += passed
        faces = [face(*one) for one in shown]
        kept = tracks.add(seconds, faces)
        seen += len(faces)
        assert len(kept) == len(faces) == len({id(one) for one in kept})
        for one, detected in zip(kept, faces, strict=True):
            assert one.times[-1] == seconds
            assert one.times == sorted(one.times)
            assert (one.face is detected) == (len(one.times) == 1)
            assert np.array_equal(one.box, detected.box)
            if one.face.template is not None and detected.template is not None:
                assert one.face.template @ detected.template >= 0.7
            kept_faces[id(one)] = one
    assert sum(len(one.times) for one in kept_faces.values()) == seen


def test_two_people_of_a_film_are_two_kept_faces(clip: Path, vision: Vision) -> None:
    """With the real models: thirty frames, two people who move, two faces with their times."""
    tracks = Tracks()
    kept = {}
    for frame in frames(clip, 0.1):
        photograph = vision.read(frame.data)
        for one in tracks.add(frame.seconds, vision.detect(photograph)):
            kept[id(one)] = one
    first, second = kept.values()
    assert first.times[0] == 0.0
    assert first.times[-1] == 1.4
    assert second.times[0] == 1.5
    assert len(first.times) >= 8
    assert len(second.times) >= 8
