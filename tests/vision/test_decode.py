"""What an archive really holds: every format, mode, profile and orientation becomes upright 8-bit sRGB."""

from __future__ import annotations

import base64
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from lineament.vision.decode import Decoder
from tests.vision.damaged import encoded

RED, BLUE = (200, 30, 30), (30, 30, 200)

# The same picture as phones write it: stored turned, its turn said by HEIF's own property and again by EXIF.
# Nothing that is installed here writes HEIF; this was made with pillow-heif 1.8.
TURNED_HEIF = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0005VZDn*}000000000XXk=`10000000000aA{+700000000000000000000G-+&a"
    "V*mgE07O6l0ssL300001>;M4(00000003S90ssI200K$?0RR9100000Bme*aIB98aW&i*H00062000$fZf0cy000000RRAKc4ILB"
    "0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031009SSaB^?}008D`aAR)(004Gqc4I>U18@KU0FVFx0000U@BsY%`1k+-"
    "4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096hLID8-Z~y=U0FVFx0{{R603M(qfd!W8<fgf}2xu@M00096AOHXZ03l)k"
    "0RRR>0l{;?i2wiq6Ju{|a&BX6cmM$a4FCp!0000KX>)L8000000000$0000$0000eV{Bn?0000W000010000$00001|NsBs00002"
    "00000000020000GaA|mH000000|*ER00009X>xCL0{{R38EJ5BVE_OC000000RRC8fdT^sgoXeB02*m>Wo7^X0000001jhhb7KGk"
    "009620001rZDe6|00015C;_ht;5j2CzyJJQ|K9&kZvXtOPPJWf<M=#V|M*w<-}^T@*j93!L|Mi=hRK~}K#Y1rszHCP1w)x*39B51"
    "G5}RT&qggFW`gA%GIwxES#?+_3lYNrufPBR00u>PX=VTbO-%qQ000080099K00RI30096700000000"
)


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
        ("HEIF", "image/heif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("GIF", "image/gif"),
    ],
)
def test_every_format_on_the_list_gives_its_colours(decoder: Decoder, kind: str, media_type: str) -> None:
    """Red stays on the left, blue on the right, within what lossy coding does."""
    stored = TURNED_HEIF if kind == "HEIF" else encoded(red_left_blue_right(), kind)
    photograph = decoder.decode(stored)
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


# What a camera does to the upright picture before it stores it: the tag's turn undone.
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_turned(upright: Image.Image, orientation: int, kind: str, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(UNDO[orientation]) if orientation in UNDO else upright
    return encoded(stored, kind, exif=exif, **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_exif_orientation_is_applied_exactly_once(decoder: Decoder, kind: str, orientation: int) -> None:
    """A camera stores the picture turned and says so; we see it upright: dark top left, light elsewhere."""
    upright = Image.new("RGB", (48, 32), (220, 220, 220))
    upright.paste((20, 20, 20), (0, 0, 16, 16))
    photograph = decoder.decode(stored_turned(upright, orientation, kind))
    pixels = photograph.pixels
    assert pixels.shape == (photograph.height, photograph.width, 3) == (32, 48, 3)
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


@pytest.mark.parametrize(
    ("long_side", "shape"),
    [
        (None, (1000, 2000, 3)),
        (2000, (1000, 2000, 3)),
        (1001, (1000, 2000, 3)),
        (1000, (500, 1000, 3)),
        (501, (500, 1000, 3)),
        (500, (250, 500, 3)),
        (250, (125, 250, 3)),
        (1, (125, 250, 3)),
    ],
)
def test_a_jpeg_is_decoded_no_larger_than_is_needed(
    decoder: Decoder, long_side: int | None, shape: tuple[int, int, int]
) -> None:
    """The detector looks at a smaller picture; its boxes still count the pixels of the whole one."""
    stored = stored_turned(red_left_blue_right().resize((2000, 1000)), 6, "JPEG")
    photograph = decoder.decode(stored, long_side)
    assert photograph.pixels.shape == shape
    assert (photograph.width, photograph.height) == (2000, 1000)
    assert np.abs(np.subtract(colour_at(photograph.pixels, 8, 8), RED)).max() < 12


def test_other_formats_are_decoded_whole(decoder: Decoder) -> None:
    """Only JPEG stores what a smaller picture can be computed from."""
    for kind in ("PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"):
        photograph = decoder.decode(encoded(red_left_blue_right(), kind), 16)
        assert (photograph.width, photograph.height) == (64, 32), kind
        assert photograph.pixels.shape == (32, 64, 3), kind
    assert decoder.decode(TURNED_HEIF, 16).pixels.shape == (32, 64, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_is_what_the_whole_picture_shows_there(
    decoder: Decoder, samples: Path, kind: str, orientation: int
) -> None:
    """Faces are cut out of the upright picture at full scale, pixel for pixel, whichever way it is stored."""
    with Image.open(samples / "congress" / "abigail-spanberger.jpg") as portrait:
        stored = stored_turned(portrait.crop((100, 40, 340, 240)), orientation, kind)
    whole = decoder.decode(stored).pixels
    boxes = [(0, 0, 240, 200), (10, 20, 11, 21), (30, 0, 90, 50), (200, 150, 240, 200)]
    for (left, top, right, bottom), region in zip(boxes, decoder.regions(stored, boxes), strict=True):
        assert np.array_equal(region, whole[top:bottom, left:right])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16", "F"])
def test_a_region_has_the_colours_of_the_whole_picture(decoder: Decoder, samples: Path, mode: str) -> None:
    """Bringing samples to eight bits, transparency to white and CMYK to RGB does not depend on the box."""
    with Image.open(samples / "congress" / "abigail-spanberger.jpg") as portrait:
        if mode in ("I;16", "F"):
            image = Image.fromarray(
                np.asarray(portrait.convert("L"), np.uint16 if mode != "F" else np.float32)
            )
        else:
            image = portrait.convert(mode)
        if mode in ("RGBA", "LA"):
            image.putalpha(portrait.convert("L"))
        stored = encoded(image, "TIFF", icc_profile=portrait.info.get("icc_profile"))
    whole = decoder.decode(stored).pixels
    (region,) = decoder.regions(stored, [(50, 60, 250, 260)])
    assert np.array_equal(region, whole[60:260, 50:250])


@pytest.mark.parametrize("box", [(0, 0, 65, 32), (0, 0, 64, 33), (-1, 0, 5, 5), (5, 5, 5, 9), (9, 9, 5, 12)])
def test_a_region_lies_inside_the_photograph(decoder: Decoder, box: tuple[int, int, int, int]) -> None:
    """A box that is empty or reaches out is the caller's mistake, and not the file's."""
    with pytest.raises(ValueError, match="not inside the photograph"):
        decoder.regions(encoded(red_left_blue_right(), "PNG"), [(0, 0, 4, 4), box])


def test_no_boxes_need_no_decoding(decoder: Decoder) -> None:
    """A photograph without a face is not read again."""
    assert decoder.regions(b"no image at all", []) == []


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
