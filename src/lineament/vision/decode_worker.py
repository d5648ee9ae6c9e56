"""The limited process that reads image files: the only code that parses untrusted bytes.

``decode.py`` starts it and speaks to it over its standard input and output. A request is a REQUEST (bytes of
the file; the long side in pixels that is enough, 0 for all; how many boxes), the boxes, and the file. A reply
is a HEADER (outcome, format, width and height of the upright image, width and height of the pixels that
follow) and, where the outcome is PIXELS, height * width * 3 bytes of RGB: of the image, or of each box. A
LENGTH and the EXIF texts, as ``texts.py`` packs them, stand before the pixels of a whole image.
"""

from __future__ import annotations

import io
import re
import signal
import struct
import sys
import warnings
from collections.abc import Callable
from typing import BinaryIO, cast

import pi_heif.options
from pi_heif.as_plugin import HeifImageFile
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from lineament.limits import PIXELS_MAX
from lineament.vision.decode_sandbox import CPU_SECONDS, NO_SECCOMP, confine
from lineament.vision.exif import exif_block, exif_texts
from lineament.vision.texts import LENGTH, packed

REQUEST = struct.Struct(">III")
BOX = struct.Struct(">IIII")  # left, top, right, bottom: pixels of the upright image
HEADER = struct.Struct(">BBIIII")

# outcomes
PIXELS, NOT_A_PHOTOGRAPH, DAMAGED, TOO_LARGE, STOPPED, SEVERAL_PAGES, OUTSIDE = range(7)

MAX_JPEG_SCANS = 100  # ordinary progressive files have about ten
MEMORY_BYTES = 2_000_000_000  # of address space; 50 megapixels of WebP with alpha and a profile need 1.6
BAND_BYTES = 1_000_000

Box = tuple[int, int, int, int]

# What a file begins with, its media type, and the one class that may read it. Each class is named, and not
# found by Pillow's registry, so that no other format can come in (and a phone's MPO is read as its JPEG).
FORMATS: tuple[tuple[re.Pattern[bytes], str, Callable[[BinaryIO], ImageFile.ImageFile]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", PngImagePlugin.PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp", WebPImagePlugin.WebPImageFile),
    # A file that is first of all a container says further on what it contains.
    (
        re.compile(rb"....ftyp(avi[fs]|m[is]f1....(....){0,9}avi[fs])", re.DOTALL),
        "image/avif",
        AvifImagePlugin.AvifImageFile,
    ),
    (re.compile(rb"....ftyp(he[iv][cxms]|m[is]f1)", re.DOTALL), "image/heif", HeifImageFile),
    (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"), "image/tiff", TiffImagePlugin.TiffImageFile),
    (re.compile(rb"BM.{12}[\x0c\x10\x28-\x7c]\0\0\0", re.DOTALL), "image/bmp", BmpImagePlugin.BmpImageFile),
    (re.compile(rb"GIF8[79]a"), "image/gif", GifImagePlugin.GifImageFile),
)

_ORIENTATION_TAG = 0x0112
# EXIF 2.32, tag Orientation: what turns the stored pixels upright
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def main() -> None:
    """Limit this process, then answer one request after the other until the input ends."""
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    ready = _confine()
    replies.write(ready)
    replies.flush()
    while ready != NO_SECCOMP and len(prefix := requests.read(REQUEST.size)) == REQUEST.size:
        size, long_side, boxes = REQUEST.unpack(prefix)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # SIGPROF ends the process
        wanted = [BOX.unpack(requests.read(BOX.size)) for _ in range(boxes)]
        outcome, kind, width, height, images, texts = _read(requests.read(size), long_side, wanted)
        replies.write(HEADER.pack(outcome, kind, width, height, *(images[0].size if images else (0, 0))))
        if images and not wanted:
            replies.write(LENGTH.pack(len(texts)) + texts)
        for image in images:
            rows = max(1, BAND_BYTES // (3 * image.width))
            for top in range(0, image.height, rows):  # in bands: a second copy of a large image is not needed
                band = image.crop((0, top, image.width, min(top + rows, image.height)))
                replies.write(band.tobytes())
        replies.flush()


def _confine() -> bytes:
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX // 2  # Pillow raises an error above twice this
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pi_heif.options.DECODE_THREADS = 0  # none but the one that libde265 cannot do without
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    return confine(MEMORY_BYTES)


def _read(
    data: bytes, long_side: int, boxes: list[Box]
) -> tuple[int, int, int, int, list[Image.Image], bytes]:
    """Return outcome, format, width, height, upright RGB images (the whole one, or one a box), EXIF texts."""
    kind = next((i for i, (magic, _, _) in enumerate(FORMATS) if magic.match(data)), None)
    if kind is None:
        return NOT_A_PHOTOGRAPH, 0, 0, 0, [], b""
    width = height = 0
    try:
        image: Image.Image = FORMATS[kind][2](io.BytesIO(data))
        width, height = image.size
        if width * height > PIXELS_MAX:
            raise Image.DecompressionBombError
        if FORMATS[kind][1] == "image/jpeg" and _jpeg_scans(data) > MAX_JPEG_SCANS:
            raise MemoryError
        if FORMATS[kind][1] == "image/tiff" and getattr(image, "is_animated", False):
            return SEVERAL_PAGES, kind, width, height, [], b""
        drafted = _draft(image, long_side) if long_side else False
        image.load()
        orientation = _orientation(image)  # a PNG's may stand behind its pixels
        if not drafted:
            width, height = image.size  # some formats know it only now
        if orientation >= 5:
            width, height = height, width
        if width * height > PIXELS_MAX:
            raise Image.DecompressionBombError
        if any(right > width or bottom > height for _, _, right, bottom in boxes):
            return OUTSIDE, kind, width, height, [], b""
        texts = b"" if boxes else _texts(data, image)
        image = _eight_bits(image)
        parts = [image.crop(_stored(box, orientation, image.size)) for box in boxes] or [image]
        return PIXELS, kind, width, height, [_upright(_rgb(part), orientation) for part in parts], texts
    except Image.DecompressionBombError:
        outcome = TOO_LARGE
    except MemoryError:
        outcome = STOPPED
    except Exception:
        outcome = DAMAGED
    return outcome, kind, width, height, [], b""


def _draft(image: Image.Image, long_side: int) -> bool:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8, the smallest with such a long side; say if it will be."""
    scale = max(1, max(image.size) // long_side)
    return image.draft(None, (max(1, image.width // scale), max(1, image.height // scale))) is not None


def _jpeg_scans(data: bytes) -> int:
    """Count the scans that are decoded for the first image of a JPEG file (ISO/IEC 10918-1, annex B).

    A decoder does work for every pixel in every scan, and a scan may be a few bytes long. A sequential file
    whose first scan has every component has no second one.
    """
    marker = re.compile(rb"\xff([^\x00\xff\x01\xd0-\xd8])")  # not stuffing, not restarts, not the start
    scans, position, components = 0, 2, b""
    while (found := marker.search(data, position)) and found[1] != b"\xd9":
        segment = data[found.end() : found.end() + 8]
        position = found.end() + int.from_bytes(segment[:2], "big")
        if found[1] in (b"\xc0", b"\xc1"):  # a sequential frame: length, precision, height, width, components
            components = segment[7:8]
        elif found[1] == b"\xda":  # a scan: length, components
            scans += 1
            if segment[2:3] == components:
                break
    return scans


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring longer samples to eight bits: of 16 bits the high byte, the others by their range."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("I", "F"):
        low, high = cast(tuple[float, float], image.getextrema())
        scale = 255 / ((high - low) or 1)
        return image.point(lambda value: value * scale - low * scale).convert("L")
    return image


def _rgb(image: Image.Image) -> Image.Image:
    """Bring any mode to 8-bit sRGB, on white."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    if image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("RGB")
    image = _srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from an embedded ICC profile; one that cannot be used, or says sRGB, changes nothing."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 for HEIF, which libheif turns as its own properties say."""
    if isinstance(image, HeifImageFile):
        return 1
    try:
        orientation = int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken EXIF: the picture itself may be whole
        return 1
    return orientation if orientation in _UPRIGHT else 1


def _texts(data: bytes, image: Image.Image) -> bytes:
    """Return the EXIF texts of a file, packed; b"" where they make no sense, for the picture may be whole."""
    try:
        return packed(exif_texts(exif_block(data, image.info)))
    except Exception:
        return b""


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _stored(box: Box, orientation: int, size: tuple[int, int]) -> Box:
    """Return where a box of the upright image lies in the stored one, of such a size."""
    left, top, right, bottom = box
    if orientation in (5, 6, 7, 8):
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = size[0] - right, size[0] - left
    if orientation in (3, 4, 6, 7):
        top, bottom = size[1] - bottom, size[1] - top
    return left, top, right, bottom


if __name__ == "__main__":
    main()
