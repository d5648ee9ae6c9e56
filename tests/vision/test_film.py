"""Films become photographs with their times, upright and in their colours; what is no film is refused."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from lineament.errors import ExtraMissing, FileMissing, FilmTooLarge, NotAFilm
from lineament.vision import film as film_module
from lineament.vision.decode import Decoder
from lineament.vision.film import frames
from lineament.vision.film_worker import _Clock
from tests.samples import SOLVAY
from tests.vision.recorded import SIZE, picture, read, record, scene, two_scenes

RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of two people: one and a half seconds of each."""
    return record(tmp_path_factory.mktemp("films") / "clip.mp4", two_scenes())


def test_a_frame_is_taken_each_second_and_at_each_change_of_scene(clip: Path, decoder: Decoder) -> None:
    """The second person comes after one and a half seconds, and is not waited for."""
    found = list(frames(clip))
    assert [frame.seconds for frame in found] == [0.0, 1.0, 1.5, 2.0]
    shown = [decoder.decode(frame.data) for frame in found]
    assert {(one.media_type, one.width, one.height) for one in shown} == {("image/jpeg", *SIZE)}
    for one, person in zip(shown, (0, 0, 1, 1), strict=True):
        grey = one.pixels[235, 5].astype(int)
        assert (grey[1] - grey[0] > 50) == bool(person)  # the second background is green


@pytest.mark.parametrize(("step", "count"), [(0.1, 30), (0.5, 6), (10, 2)])
def test_the_time_step_is_the_caller_s(clip: Path, step: float, count: int) -> None:
    """A longer step still sees each scene."""
    assert len(read(clip, step)[0]) == count


def test_a_time_step_has_to_be_one(clip: Path) -> None:
    """Nothing is started for a step of nothing."""
    for step in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="more than 0"):
            next(frames(clip, step))


def test_the_same_film_gives_the_same_bytes(clip: Path) -> None:
    """An ingest knows a photograph by its digest."""
    assert list(frames(clip, 0.5)) == list(frames(clip, 0.5))


def test_a_still_picture_is_taken_once(tmp_path: Path) -> None:
    """However long it is shown, and however grainy it is."""
    rng = np.random.default_rng(1)
    (base, *_) = scene("abigail-spanberger.jpg", 0.1)
    grain = [
        np.asarray(base, int) + rng.normal(0, 8, (*SIZE[::-1], 1)).round().astype(int) for _ in range(40)
    ]
    film = record(
        tmp_path / "still.mp4", [Image.fromarray(one.clip(0, 255).astype(np.uint8)) for one in grain]
    )
    assert read(film) == ([0.0], None)


def test_a_small_face_that_comes_into_a_still_picture_is_seen(tmp_path: Path) -> None:
    """Thirty pixels wide, the least that can be compared, in a picture of 1280."""
    with Image.open(SOLVAY) as group:
        hall = group.convert("RGB").resize((1280, 720))
    (person, *_) = scene("adam-kinzinger.jpg", 0.1)
    entered = hall.copy()
    entered.paste(person.crop((30, 40, 140, 150)).resize((30, 30)), (100, 600))
    film = record(tmp_path / "hall.mp4", [hall] * 20 + [entered] * 20)
    assert read(film) == ([0.0, 2.0], None)


CODINGS = [
    ("clip.mp4", "libx264", "yuv420p"),
    ("clip.mov", "libx264", "yuv420p"),
    ("clip.m4v", "libx264", "yuv420p"),
    ("clip.mkv", "libx265", "yuv420p"),
    ("clip.ts", "libx264", "yuv420p"),
    ("clip.webm", "libvpx", "yuv420p"),
    ("clip9.webm", "libvpx-vp9", "yuv420p"),
    ("clip1.mp4", "libsvtav1", "yuv420p"),
    ("clip4.avi", "mpeg4", "yuv420p"),
    ("clipj.avi", "mjpeg", "yuvj420p"),
    ("clipp.mov", "prores_ks", "yuv422p10le"),
    ("clip.mpg", "mpeg2video", "yuv420p"),
]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"), CODINGS, ids=[f"{one[1]} in {one[0]}" for one in CODINGS]
)
def test_every_container_and_coding_on_the_list_is_read(
    tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    """And its pictures are those that were recorded, within what lossy coding does."""
    pictures = two_scenes()
    if codec == "mpeg2video":  # which has no ten pictures a second
        film = record(tmp_path / name, [one for one in pictures for _ in range(3)], codec, pixels, fps=30)
    else:
        film = record(tmp_path / name, pictures, codec, pixels, b="2M" if codec == "mpeg4" else "4M")
    found = list(frames(film))
    assert [frame.seconds for frame in found] == [0.0, 1.0, 1.5, 2.0]
    for frame in found:
        original = np.asarray(pictures[round(frame.seconds * 10)], int)
        assert np.abs(picture(frame) - original).mean() < 6


def red_left_blue_right(size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def test_a_film_that_was_taken_upright_is_shown_upright(tmp_path: Path) -> None:
    """A telephone stores the picture on its side and says so in its display matrix."""
    stored = red_left_blue_right((64, 32))
    for degrees, top_left, bottom_right in ((90, BLUE, RED), (-90, RED, BLUE), (180, BLUE, RED)):
        film = record(tmp_path / f"turned{degrees}.mp4", [stored] * 3, rotation=degrees, crf="5")
        (frame,) = frames(film)
        shown = picture(frame)
        assert shown.shape == ((32, 64, 3) if degrees == 180 else (64, 32, 3))
        assert np.abs(shown[3, 3] - top_left).max() < 15, degrees
        assert np.abs(shown[-4, -4] - bottom_right).max() < 15, degrees


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    """A face from a television tape keeps its proportions: a circle that was stored narrow is a circle."""
    for ratio, size in ((Fraction(4, 3), (96, 72)), (Fraction(3, 4), (72, 96))):
        stored = Image.new("RGB", (72, 72), "black")
        ImageDraw.Draw(stored).ellipse((18, 18, 53, 53), fill="white")
        (frame,) = frames(record(tmp_path / "tape.mkv", [stored] * 3, ratio=ratio, crf="5"))
        light = picture(frame).mean(axis=2) > 128
        assert light.shape == size[::-1]
        assert light.any(axis=0).sum() / light.any(axis=1).sum() == pytest.approx(float(ratio), abs=0.1)


def test_what_would_become_too_wide_keeps_its_pixels(tmp_path: Path) -> None:
    """No JPEG file is wider than 65,500."""
    stored = Image.new("RGB", (33_000, 16), RED)
    film = record(tmp_path / "wide.avi", [stored] * 3, "mjpeg", "yuvj420p", ratio=Fraction(2))
    assert [picture(frame).shape for frame in frames(film)] == [(16, 33_000, 3)]


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
@pytest.mark.parametrize("said", [True, False])
def test_colours_are_those_that_were_recorded(tmp_path: Path, size: tuple[int, int], said: bool) -> None:
    """High definition has other colours (BT.709) than what came before (BT.601), said or not."""
    matrix = 1 if size[1] == 720 else 5
    with av.open(str(tmp_path / "colours.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.colorspace = matrix if said else 2
        frame = av.VideoFrame.from_image(Image.new("RGB", size, RED))
        frame = frame.reformat(format="yuv420p", dst_colorspace=matrix)
        frame.pts = 0
        container.mux([*stream.encode(frame), *stream.encode()])
    (found,) = frames(tmp_path / "colours.mp4")
    assert np.abs(picture(found) - RED).max() < 8


def test_times_count_from_the_beginning(tmp_path: Path) -> None:
    """A broadcast's clock began long before the recording."""
    film = record(tmp_path / "late.mkv", two_scenes(), times=range(36_000, 36_030))
    assert read(film) == ([0.0, 1.0, 1.5, 2.0], None)


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_time_never_runs_backwards(said: list[float | None]) -> None:
    """Whatever the film says, and also where it says nothing."""
    clock = _Clock(0.0)
    told = [clock.tell(one) for one in said]
    assert told == sorted(told)
    assert all(one >= 0 for one in told)


def test_a_last_picture_that_is_shown_for_long_is_no_damage(tmp_path: Path) -> None:
    """Ten seconds of one slide are one picture; the film is whole."""
    with av.open(str(tmp_path / "slides.mp4"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuvj420p"
        for number, one in enumerate(two_scenes()[::15]):
            frame = av.VideoFrame.from_image(one)
            frame.pts = 100 * number
            for packet in stream.encode(frame):
                packet.duration = 100
                container.mux(packet)
    assert read(tmp_path / "slides.mp4") == ([0.0, 10.0], None)


def test_a_recording_that_begins_again_goes_on() -> None:
    """Two tapes in one file: the second one follows the first."""
    clock = _Clock(100.0)
    assert [clock.tell(one) for one in (100, 101, 102, 50, 51, None, 52)] == [0, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"Dear Sir or Madam, please find attached"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile '/etc/passwd'\n"),
        ("call.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
        ("page.mpd", b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'),
        ("song.mp4", b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\0"),
    ],
)
def test_what_is_no_film_is_refused_by_name(tmp_path: Path, name: str, data: bytes) -> None:
    """No playlist is followed, whatever the file is called: of FFmpeg's 300 formats five are read."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(NotAFilm, match="does not begin like any film"):
        next(frames(tmp_path / name))


def test_a_film_without_pictures_is_refused(tmp_path: Path) -> None:
    """Sound is not read, and neither is a coding that is not on the list."""
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux([*stream.encode(sound), *stream.encode()])
    record(tmp_path / "odd.avi", two_scenes()[:3], "ffv1")
    for name in ("sound.mp4", "odd.avi"):
        with pytest.raises(NotAFilm, match="no pictures, or they are coded in a way"):
            next(frames(tmp_path / name))


def test_sound_beside_the_pictures_does_no_harm(tmp_path: Path) -> None:
    """It is passed over."""
    with av.open(str(tmp_path / "both.mp4"), "w") as container:
        pictures = container.add_stream("libx264", rate=10)
        sounds = container.add_stream("aac", rate=8000, layout="mono")
        pictures.width, pictures.height = SIZE
        for number, one in enumerate(two_scenes()):
            frame = av.VideoFrame.from_image(one)
            frame.pts = number
            container.mux(pictures.encode(frame))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 24000), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux([*sounds.encode(sound), *sounds.encode(), *pictures.encode()])
    assert read(tmp_path / "both.mp4") == ([0.0, 1.0, 1.5, 2.0], None)


def test_frames_of_too_many_pixels_are_refused(tmp_path: Path) -> None:
    """More than 50 megapixels, as with photographs."""
    film = record(tmp_path / "wall.avi", [Image.new("RGB", (8016, 6256))], "mjpeg", "yuvj420p")
    with pytest.raises(FilmTooLarge, match="more than 50 megapixels"):
        next(frames(film))


def test_a_film_without_end_is_refused(tmp_path: Path) -> None:
    """Its second picture is said to come thirteen hours after the first."""
    film = record(tmp_path / "long.mkv", two_scenes()[:2], times=(0, 13 * 36_000))
    times, error = read(film)
    assert times == [0.0]
    assert isinstance(error, FilmTooLarge)
    assert str(error) == "The film is longer than 12 hours."


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    """A pipe is refused without waiting for somebody to write to it."""
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("pipe.mp4", "gone.mp4", "."):
        with pytest.raises(FileMissing):
            next(frames(tmp_path / name))


def test_without_the_extra_a_film_says_what_to_install(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    """Everything else works without PyAV."""
    monkeypatch.setattr(film_module, "find_spec", lambda _name: None)
    with pytest.raises(ExtraMissing, match="the extra 'video'"):
        next(frames(clip))
