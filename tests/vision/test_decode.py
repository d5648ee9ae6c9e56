"""What an archive really holds: every format, mode, profile and orientation becomes upright 8-bit sRGB."""

from __future__ import annotations

import io
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from lineament.vision.decode import Decoder

RED, BLUE = (200, 30, 30), (30, 30, 200)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def red_left_blue_right() -> Image.Image:
    image = Image.new("RGB", (64, 32), RED)
    image.paste(BLUE, (32, 0, 64, 32))
    return image


def colour_at(pixels: np.ndarray, x: int, y: int) -> list[int]:
    return pixels[y, x].astype(int).tolist()


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("GIF", "image/gif"),
    ],
)
def test_every_format_on_the_list_gives_its_colours(decoder: Decoder, kind: str, media_type: str) -> None:
    """Red stays on the left, blue on the right, within what lossy coding does."""
    photograph = decoder.decode(encoded(red_left_blue_right(), kind))
    assert (photograph.width, photograph.height) == (64, 32)
    assert photograph.media_type == media_type
    assert photograph.pixels.dtype == np.uint8
    assert np.abs(np.subtract(colour_at(photograph.pixels, 8, 16), RED)).max() < 12
    assert np.abs(np.subtract(colour_at(photograph.pixels, 56, 16), BLUE)).max() < 12


def test_the_pixels_of_a_photograph_cannot_be_changed(decoder: Decoder) -> None:
    """Evidence is read-only."""
    photograph = decoder.decode(encoded(red_left_blue_right(), "PNG"))
    with pytest.raises(ValueError, match="read-only"):
        photograph.pixels[0, 0] = 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_exif_orientation_is_applied_exactly_once(decoder: Decoder, kind: str, orientation: int) -> None:
    """A camera stores the picture turned and says so; we see it upright: dark top left, light elsewhere."""
    upright = Image.new("L", (48, 32), 220)
    upright.paste(20, (0, 0, 16, 16))
    # What the camera stores: undoing the tag's turn. Those two of the eight that are quarter turns swap.
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decoder.decode(encoded(stored.convert("RGB"), kind, exif=exif)).pixels
    assert pixels.shape == (32, 48, 3)
    assert pixels[4, 4].max() < 60
    assert min(pixels[4, 44].min(), pixels[28, 4].min(), pixels[28, 44].min()) > 180


def test_broken_exif_does_not_cost_the_picture(decoder: Decoder) -> None:
    """A photograph with unreadable metadata is still a photograph."""
    broken = b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40
    assert decoder.decode(encoded(red_left_blue_right(), "JPEG", exif=broken)).width == 64


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "I;16", "F"])
def test_other_modes_become_eight_bit_rgb(decoder: Decoder, mode: str) -> None:
    """A ramp from black to white stays a ramp, whatever holds it."""
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (32, 1))
    if mode == "I;16":
        image = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode in ("F", "1", "L", "P"):
        image = Image.fromarray(ramp).convert(mode, dither=Image.Dither.NONE)
    else:
        image = Image.fromarray(ramp).convert("RGB").convert(mode)
    pixels = decoder.decode(encoded(image, "TIFF")).pixels
    assert pixels[:, :4].max() < 40
    assert pixels[:, -4:].min() > 215


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_lies_on_white(decoder: Decoder, mode: str) -> None:
    """A cut-out portrait gets a white background, not a black one."""
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    image.paste((10, 10, 10, 255), (0, 0, 16, 32))
    kind = "TIFF" if mode == "PA" else "PNG"
    pixels = decoder.decode(encoded(image.convert(mode) if mode != "PA" else image, kind)).pixels
    assert pixels[16, 4].max() < 20
    assert pixels[16, 28].min() == 255


def test_an_embedded_profile_is_honoured(decoder: Decoder) -> None:
    """A profile whose red and green are exchanged turns a stored red into a green."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
    swapped = swapped.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    image = Image.new("RGB", (16, 16), (200, 30, 30))
    assert colour_at(decoder.decode(encoded(image, "PNG")).pixels, 8, 8) == [200, 30, 30]
    red, green, _ = colour_at(decoder.decode(encoded(image, "PNG", icc_profile=swapped)).pixels, 8, 8)
    assert green > 180
    assert red < 60


def test_a_profile_that_makes_no_sense_is_ignored(decoder: Decoder) -> None:
    """Scanners write odd profiles; the picture is shown as it is stored."""
    image = Image.new("RGB", (16, 16), RED)
    stored = encoded(image, "PNG", icc_profile=b"not a profile at all" * 10)
    assert colour_at(decoder.decode(stored).pixels, 8, 8) == list(RED)


def test_the_first_frame_of_an_animation_is_read(decoder: Decoder) -> None:
    """An animation is not a video: its first frame is the picture."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        stored = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert decoder.decode(stored).pixels[8, 8, 0] > 150, kind


def test_a_phone_picture_with_a_second_image_behind_it_is_read(decoder: Decoder) -> None:
    """Phones write MPO: a JPEG, and a depth map or a second eye after it."""
    second = Image.new("RGB", (64, 32), BLUE)
    stored = encoded(red_left_blue_right(), "MPO", save_all=True, append_images=[second])
    photograph = decoder.decode(stored)
    assert photograph.media_type == "image/jpeg"
    assert photograph.pixels[16, 8, 0] > 150


def test_one_pixel_is_a_photograph(decoder: Decoder) -> None:
    """The smallest image there is decodes; whether a face is in it is another question."""
    photograph = decoder.decode(encoded(Image.new("RGB", (1, 1), RED), "PNG"))
    assert photograph.pixels.tolist() == [[list(RED)]]


def test_fifty_megapixels_fit(decoder: Decoder) -> None:
    """The largest photograph allowed, with transparency and turned, stays within the worker's memory."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = encoded(Image.new("RGBA", (8000, 6250), (9, 9, 9, 128)), "PNG", exif=exif, compress_level=1)
    assert decoder.decode(stored).pixels.shape == (8000, 6250, 3)


def test_many_threads_share_few_workers(decoder: Decoder) -> None:
    """Eight callers, two workers: everyone gets their own picture back."""
    results: dict[int, int] = {}

    def ask(width: int) -> None:
        results[width] = decoder.decode(encoded(Image.new("RGB", (width, 4)), "PNG")).width

    threads = [threading.Thread(target=ask, args=(width,)) for width in range(10, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {width: width for width in range(10, 50)}


def test_closing_ends_the_workers() -> None:
    """After the block no process is left, and nothing more is read."""
    with closing(Decoder(workers=1)) as decoder:
        decoder.decode(encoded(Image.new("RGB", (4, 4)), "PNG"))
        (pid,) = decoder.worker_pids()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(RuntimeError, match="closed"):
        decoder.decode(b"GIF89a")
