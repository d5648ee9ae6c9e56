"""The limited process that reads image files: the only code that parses untrusted bytes.

It is started by ``decode.py`` as a file of its own, imports only Pillow and the standard library, and speaks
over its standard input and output: a request is a LENGTH and that many bytes of a file; a reply is a HEADER
(outcome, format, width, height) and, for pixels, height * width * 3 bytes of RGB.
"""

from __future__ import annotations

import io
import math
import re
import resource
import struct
import sys
import warnings
from collections.abc import Callable
from typing import BinaryIO, cast

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

LENGTH = struct.Struct(">I")
HEADER = struct.Struct(">BBII")
READY = b"R"  # said once: the worker has started and limited itself

# outcomes
PIXELS, NOT_A_PHOTOGRAPH, DAMAGED, TOO_LARGE, STOPPED = range(5)

MAX_PIXELS = 50_000_000
MAX_JPEG_SCANS = 100  # ordinary progressive files have about ten
CPU_SECONDS = 10  # a file; 50 megapixels of any format take two or three
MEMORY_BYTES = 2_000_000_000  # of address space; 50 megapixels of WebP with alpha and a profile need 1.6
DESCRIPTORS = 16

# What a file begins with, its media type, and the one Pillow class that may read it. Each class is named, and
# not found by Pillow's registry, so that no other format can come in (and a phone's MPO is read as its JPEG).
FORMATS: tuple[tuple[re.Pattern[bytes], str, Callable[[BinaryIO], ImageFile.ImageFile]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", PngImagePlugin.PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp", WebPImagePlugin.WebPImageFile),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif", AvifImagePlugin.AvifImageFile),
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
    _limit()
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    replies.write(READY)
    replies.flush()
    while len(prefix := requests.read(LENGTH.size)) == LENGTH.size:
        _renew_cpu()
        outcome, kind, width, height, image = _read(requests.read(LENGTH.unpack(prefix)[0]))
        replies.write(HEADER.pack(outcome, kind, width, height))
        if image is not None:
            for top in range(0, height, 256):  # in bands: a second copy of a large image is not needed
                replies.write(image.crop((0, top, width, min(top + 256, height))).tobytes())
        replies.flush()


def _limit() -> None:
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow raises an error above twice this
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def _renew_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _read(data: bytes) -> tuple[int, int, int, int, Image.Image | None]:
    """Return outcome, format, width, height, and the upright RGB image where the outcome is PIXELS."""
    kind = next((i for i, (magic, _, _) in enumerate(FORMATS) if magic.match(data)), None)
    if kind is None:
        return NOT_A_PHOTOGRAPH, 0, 0, 0, None
    width = height = 0
    try:
        image: Image.Image = FORMATS[kind][2](io.BytesIO(data))
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise Image.DecompressionBombError
        if FORMATS[kind][1] == "image/jpeg" and _jpeg_scans(data) > MAX_JPEG_SCANS:
            raise MemoryError
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        image = _rgb(image)
        image = image if turn is None else image.transpose(turn)
        return PIXELS, kind, image.width, image.height, image
    except Image.DecompressionBombError:
        outcome = TOO_LARGE
    except MemoryError:
        outcome = STOPPED
    except Exception:
        outcome = DAMAGED
    return outcome, kind, width, height, None


def _jpeg_scans(data: bytes) -> int:
    """Count the scans of the first image of a JPEG file (ISO/IEC 10918-1, annex B).

    A decoder does work for every pixel in every scan, and a scan may be a few bytes long.
    """
    marker = re.compile(rb"\xff+([^\x00\xff\x01\xd0-\xd8])")  # not stuffing, not restarts, not the start
    scans, position = 0, 2
    while (found := marker.search(data, position)) and found[1] != b"\xd9":
        scans += found[1] == b"\xda"
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return scans


def _rgb(image: Image.Image) -> Image.Image:
    """Bring any mode to 8-bit sRGB, on white."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in ("I", "F"):
        low, high = cast(tuple[float, float], image.getextrema())
        scale = 255 / ((high - low) or 1)
        image = image.point(lambda value: value * scale - low * scale).convert("L")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    if image.mode not in ("L", "CMYK"):
        image = image.convert("RGB")
    return _srgb(image, profile).convert("RGB")


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
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken EXIF: the picture itself may be whole
        return 1


if __name__ == "__main__":
    main()
