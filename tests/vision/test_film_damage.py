"""What is lost of a film is reported, and not made up."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from lineament.errors import DamagedFilm, FilmStopped, FilmTooLarge, NotAFilm
from lineament.vision.film import frames
from tests.vision.recorded import picture, read, record, two_scenes


def test_what_can_be_read_of_a_damaged_film_is_taken(tmp_path: Path) -> None:
    """It broke off while it was copied: the frames before come first, and the error says where it ended."""
    whole = record(tmp_path / "whole.mkv", two_scenes(), g="5").read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 3])
    times, error = read(tmp_path / "half.mkv")
    assert times[0] == 0.0
    assert times[-1] < 2
    assert isinstance(error, DamagedFilm)
    assert re.search(r"the last one that was read is at [01]\.\d s\.", str(error))


def test_frames_with_errors_are_left_out_and_not_mended(tmp_path: Path) -> None:
    """A guess is no evidence: what comes back is what was recorded, and the loss is reported.

    FFmpeg by itself shows frames in which it filled the gaps, and later ones that are built on them. Not
    every error can be noticed.
    """
    film = record(tmp_path / "clip.mp4", two_scenes(), g="10")
    data = film.read_bytes()
    original = {round(frame.time * 10): frame.to_ndarray(format="rgb24").astype(int) for frame in shown(film)}
    taken, wrong, mended, lost = 0, 0, 0, 0
    for number in range(12):
        chance = random.Random(number)  # noqa: S311 - seeded on purpose
        damaged = bytearray(data)
        for _ in range(3):
            damaged[chance.randrange(len(data) // 10, len(data) * 9 // 10)] ^= 1 << chance.randrange(8)
        film.write_bytes(damaged)
        for frame in shown(film):
            pixels = frame.to_ndarray(format="rgb24").astype(int)
            mended += np.abs(pixels - original[round(frame.time * 10)]).mean() > 8
        try:
            for one in frames(film, 0.1):
                taken += 1
                wrong += np.abs(picture(one) - original[round(one.seconds * 10)]).mean() > 8
        except DamagedFilm:
            lost += 1
    assert mended > 40
    assert taken > 100
    assert wrong < taken / 20
    assert lost > 9


def shown(film: Path) -> Iterator[av.VideoFrame]:
    """Yield the frames of a film as FFmpeg shows them, mended or not."""
    with av.open(str(film)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        yield from container.decode(video=0)


def test_a_picture_that_stands_by_itself_is_lost_alone(tmp_path: Path) -> None:
    """Of a film of photographs, such as Motion JPEG, the next one is taken in its place."""
    data = bytearray(record(tmp_path / "clip.avi", two_scenes(), "mjpeg", "yuvj420p").read_bytes())
    places = [found.start() for found in re.finditer(b"00dc", data[: data.rindex(b"idx1")])]
    start = places[11] + 8  # the first one is in the header
    data[start + 700 : start + 900] = b"\xff\xc4" * 100
    (tmp_path / "clip.avi").write_bytes(data)
    times, error = read(tmp_path / "clip.avi")
    assert times == [0.0, 1.1, 1.5, 2.0]  # in place of 1.0
    assert isinstance(error, DamagedFilm)


def test_a_film_without_its_table_of_contents_is_damaged(tmp_path: Path) -> None:
    """Half an MP4 cannot be read at all, and says so."""
    whole = record(tmp_path / "whole.mp4", two_scenes()).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[:20_000])
    with pytest.raises(DamagedFilm, match="none was read"):
        next(frames(tmp_path / "half.mp4"))


def test_dozens_of_damaged_films_harm_nobody(tmp_path: Path) -> None:
    """Seeded damage to films in several containers: read as far as it goes, or refused by name."""
    codings = (
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mkv", "libx265", "yuv420p"),
        ("clip.ts", "libx264", "yuv420p"),
        ("clip.webm", "libvpx-vp9", "yuv420p"),
        ("clip4.avi", "mpeg4", "yuv420p"),
        ("clipj.avi", "mjpeg", "yuvj420p"),
    )
    wholes = [
        record(tmp_path / name, two_scenes()[::3], codec, pixels).read_bytes()
        for name, codec, pixels in codings
    ]
    taken = refused = 0
    for number in range(60):
        chance = random.Random(number)  # noqa: S311 - seeded on purpose
        data = bytearray(chance.choice(wholes))
        for _ in range(chance.choice((1, 5, 50))):
            place = chance.choice(
                (chance.randrange(16, 2000), chance.randrange(len(data) - 2000, len(data) - 8))
            )
            data[place : place + 4] = chance.choice((0, 1, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "big")
        (tmp_path / "damaged").write_bytes(
            data[: chance.choice((len(data), chance.randrange(2000, len(data))))]
        )
        times, error = read(tmp_path / "damaged")
        taken += len(times)
        refused += isinstance(error, NotAFilm | DamagedFilm | FilmTooLarge | FilmStopped)
    assert taken > 20
    assert refused > 20
