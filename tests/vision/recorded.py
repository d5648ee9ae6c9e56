"""Short films of the sample portraits, made by PyAV, and what is read of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from lineament.errors import SourceError
from lineament.vision.film import Frame, frames
from tests.samples import CONGRESS

FPS = 10
SIZE = (320, 240)
PEOPLE = ("abigail-spanberger.jpg", "adam-kinzinger.jpg")


def scene(
    name: str, seconds: float, size: tuple[int, int] = SIZE, background: str = "grey"
) -> list[Image.Image]:
    """Return the pictures of a portrait that moves to the right."""
    with Image.open(CONGRESS / name) as whole:
        portrait = whole.convert("RGB").resize((size[1] * 3 // 5, size[1] * 3 // 4))
    pictures = []
    for number in range(round(seconds * FPS)):
        picture = Image.new("RGB", size, background)
        picture.paste(portrait, (10 + 3 * number, size[1] // 8))
        pictures.append(picture)
    return pictures


def two_scenes(size: tuple[int, int] = SIZE) -> list[Image.Image]:
    """Return three seconds of pictures: one person for one and a half seconds, then another."""
    return scene(PEOPLE[0], 1.5, size) + scene(PEOPLE[1], 1.5, size, "darkgreen")


def record(
    film: Path,
    pictures: Sequence[Image.Image],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    fps: int = FPS,
    rotation: int = 0,
    ratio: Fraction | None = None,
    times: Sequence[int] | None = None,
    **options: Any,
) -> Path:
    """Write a film whose container its name says, ``fps`` pictures a second or at ``times`` of 1 / fps."""
    with av.open(str(film), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps, options={"threads": "1", **options})
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = pixels
        if rotation:
            stream.set_display_rotation(rotation)
        if ratio:
            stream.codec_context.sample_aspect_ratio = ratio
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = times[number] if times else number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return film


def picture(frame: Frame) -> np.ndarray:
    """Return the pixels of a frame, (h, w, 3) int64 RGB."""
    with Image.open(io.BytesIO(frame.data)) as image:
        assert image.format == "JPEG"
        return np.asarray(image).astype(int)


def read(film: Path, step_seconds: float = 1.0) -> tuple[list[float], SourceError | None]:
    """Return the times of a film's frames, and how it ended."""
    times: list[float] = []
    try:
        for frame in frames(film, step_seconds):
            times.append(frame.seconds)
    except SourceError as error:
        return times, error
    return times, None
