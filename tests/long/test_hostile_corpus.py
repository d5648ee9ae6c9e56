"""100,000 damaged files and every bomb we know of: decoded or refused by name, soon, and without harm."""

from __future__ import annotations

import ctypes
import gzip
import io
import os
import struct
import time
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from lineament.errors import PhotographError
from lineament.vision.decode import Decoder
from tests.vision.damaged import HEIF, damaged, encoded, photographs

FILES = 100_000
WARM_UP = 1_000
SECONDS = 10.0
GROWTH = 4_000_000  # bytes: modules loaded late, fragments
FULL = 32 * 1024 * 1024 - 4096  # nearly as many bytes as a file may have


def test_damaged_files_do_not_crash_hold_or_swell_the_parent() -> None:
    """The parent meets sentences only; no file takes ten seconds; its memory stays what it was."""
    wholes = photographs()
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, float] = defaultdict(float)
    sizes = []
    with closing(Decoder(workers=1)) as decoder:
        for number in track(range(FILES), "damaged files"):
            kind, data = damaged(wholes, number)
            outcome, seconds = read(decoder, data, 40 if number % 3 else None)
            outcomes[kind][outcome] += 1
            slowest[kind] = max(slowest[kind], seconds)
            if (number + 1) % WARM_UP == 0:
                sizes.append(resident())
        for whole in chain.from_iterable(wholes.values()):
            assert read(decoder, whole, None)[0] == "decoded"
    table = Table("began as", *(columns := sorted(set(chain.from_iterable(outcomes.values())))), "slowest, s")
    for kind, counts in outcomes.items():
        table.add_row(kind, *(f"{counts[column]:,}" for column in columns), f"{slowest[kind]:.2f}")
    Console(width=130).print(table)
    print(f"parent, MB: {sizes[0] / 1e6:.1f} after {WARM_UP:,} files, {sizes[-1] / 1e6:.1f} after {FILES:,}")
    assert max(slowest.values()) < SECONDS
    assert sizes[-1] - sizes[0] < GROWTH


def test_bombs_are_put_out() -> None:
    """What a file asks for, beyond what a photograph needs, it does not get; the next file is read."""
    (portrait, *_) = photographs()["JPEG"]
    slowest = 0.0
    with closing(Decoder(workers=1)) as decoder:
        for name, data in bombs():
            outcome, seconds = read(decoder, data, None)
            slowest = max(slowest, seconds)
            print(f"{seconds:6.2f} s  {outcome:20}  {name}, {len(data):,} bytes")
            assert read(decoder, portrait, None)[0] == "decoded"
    assert slowest < SECONDS


def read(decoder: Decoder, data: bytes, long_side: int | None) -> tuple[str, float]:
    """Return what became of a file and after how many seconds."""
    started, sentence = time.monotonic(), ""
    try:
        decoder.decode(data, long_side)
        outcome = "decoded"
    except PhotographError as refused:
        outcome = "worker crashed" if "crashed" in str(refused) else refused.code
        sentence = str(refused)
    assert "not allowed" not in sentence  # the worker was never made to try what is forbidden to it
    return outcome, time.monotonic() - started


def resident() -> int:
    """Return the bytes that this process holds, less what the allocator only keeps for later."""
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield files that ask for far more than they bring, and files that pretend to be something else."""
    for family in (jpegs, pngs, tiffs, others, disguises):
        yield from family().items()


def jpegs() -> dict[str, bytes]:
    grey = encoded(Image.new("RGB", (6500, 6460), "grey"), "JPEG", progressive=True)
    last = grey[grey.rfind(b"\xff\xda") : -2]
    start, rest = grey[:2], grey[2:]
    segment = b"\xff\xe1" + struct.pack(">H", 65535) + bytes(65533)
    return {
        "JPEG of 42 MP, 99 scans": grey[:-2] + last * 89 + b"\xff\xd9",
        "JPEG of 42 MP, 99 scans that break off": grey[:-2] + last[:64] * 89 + b"\xff\xd9",
        "JPEG of 42 MP, 400 scans": grey[:-2] + last * 400 + b"\xff\xd9",
        "JPEG, sequential, 3,000 scans of one component": sequential(6500, 6460, 3000),
        "JPEG, sequential, 99 scans of one component": sequential(6500, 6460, 99),
        "JPEG of 65,500 x 65,500": patched(grey, b"\xff\xc2", 5, struct.pack(">HH", 65500, 65500)),
        "JPEG of 65,500 x 760, cut": patched(grey, b"\xff\xc2", 5, struct.pack(">HH", 760, 65500))[:4000],
        "JPEG of empty APP1 segments": start + b"\xff\xe1\0\x02" * (FULL // 4 - len(grey)) + rest,
        "JPEG of full APP1 segments": start + segment * 500 + rest,
        "JPEG of 0xFF bytes": start + b"\xff" * (FULL - len(grey)) + rest,
        "JPEG of junk between markers": start + b"\xff\xe1\0\x02" + b"\x11" * (FULL - len(grey)) + rest,
        "JPEG that begins again and again": start * 1_000_000 + rest,
        "JPEG with an EXIF loop": start
        + b"\xff\xe1\0\x26Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
        + rest,
        "JPEG, its EXIF 65,000 entries": start
        + b"\xff\xe1\xff\xffExif\0\0II*\0\x08\0\0\0\xff\xff"
        + (b"\x0f\x01\x02\0\xff\xff\xff\x7f\0\0\0\0" * 5500)[: 65533 - 16]
        + rest,
        "JPEG of 50 MP, CMYK, turned, with a profile": encoded(
            Image.new("CMYK", (7071, 7071), (9, 9, 9, 9)),
            "JPEG",
            icc_profile=photographs()["JPEG"][0].split(b"ICC_PROFILE\0\x01\x01")[1][:588],
            exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x05\0\0\0\0\0\0\0",
        ),
    }


def sequential(width: int, height: int, scans: int) -> bytes:
    """Return a baseline JPEG that decodes one component again and again, from a scan of a few bytes."""
    small = encoded(Image.new("RGB", (16, 16)), "JPEG", subsampling=0)
    head = patched(small[: small.find(b"\xff\xda")], b"\xff\xc0", 5, struct.pack(">HH", height, width))
    scan = b"\xff\xda\0\x08\x01%c\0\0\x3f\0" + b"\x28\xa2\x8a" * 8
    return head + b"".join(scan % (1 + number % 3) for number in range(scans)) + b"\xff\xd9"


def patched(data: bytes, marker: bytes, offset: int, value: bytes) -> bytes:
    place = data.find(marker) + offset
    return data[:place] + value + data[place + len(value) :]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, body: bytes, colour: int = 2, depth: int = 8, interlace: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """Return so many zero bytes, deflated, without holding them."""
    deflate, part = zlib.compressobj(9), bytes(1 << 20)
    return (
        b"".join(deflate.compress(part[: count - at]) for at in range(0, count, len(part))) + deflate.flush()
    )


def pngs() -> dict[str, bytes]:
    pixel = chunk(b"IDAT", zlib.compress(bytes(4)))
    billion = zeros(1_000_000_000)
    return {
        "PNG of 60,000 x 60,000 zeros": png(60_000, 60_000, chunk(b"IDAT", zeros(60_000 * 180_001))),
        "PNG of 7,000 x 7,000, 16-bit, alpha": png(
            7_000, 7_000, chunk(b"IDAT", zeros(7_000 * 56_001)), 6, 16
        ),
        "PNG of 7,000 x 7,000, interlaced": png(
            7_000, 7_000, chunk(b"IDAT", zeros(7_000 * 21_001 + 20_000)), interlace=1
        ),
        "PNG of 50,000,000 x 1": png(50_000_000, 1, chunk(b"IDAT", zeros(150_000_001))),
        "PNG of 1 x 50,000,000": png(1, 50_000_000, chunk(b"IDAT", zeros(200_000_000))),
        "PNG, more data than pixels": png(8, 8, chunk(b"IDAT", billion)),
        "PNG, a profile of 1 GB": png(1, 1, chunk(b"iCCP", b"x\0\0" + billion) + pixel),
        "PNG, a text of 1 GB": png(1, 1, chunk(b"zTXt", b"Comment\0\0" + billion) + pixel),
        "PNG, an international text of 1 GB": png(1, 1, chunk(b"iTXt", b"x\0\x01\0\0\0" + billion) + pixel),
        "PNG, 60 texts of 1 MB": png(1, 1, chunk(b"zTXt", b"Comment\0\0" + zeros(1_000_000)) * 60 + pixel),
        "PNG of 2,000,000 empty chunks": png(1, 1, chunk(b"tEXt", b"") * 2_000_000 + pixel),
        "PNG of 2,000,000 unknown chunks": png(1, 1, chunk(b"abCd", b"") * 2_000_000 + pixel),
    }


def tiff(*entries: tuple[int, int, int, int], after: bytes = b"", following: int = 0) -> bytes:
    """Return a little-endian TIFF of one directory: tag, type, count, value."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return (
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", following) + after
    )


def tiffs() -> dict[str, bytes]:
    def one(width: int, height: int, packing: int, place: int, size: int) -> list[tuple[int, int, int, int]]:
        return [
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, packing),
            (262, 3, 1, 1),
            (273, 4, 1, place),
            (277, 3, 1, 1),
            (278, 4, 1, height),
            (279, 4, 1, size),
        ]

    squeezed = zeros(49_000_000)
    start = 8 + 2 + 9 * 12 + 4
    return {
        "TIFF of 49 MP in one deflated strip": tiff(
            *one(7000, 7000, 8, start, len(squeezed)), after=squeezed
        ),
        "TIFF of 100,000 x 100,000": tiff(*one(100_000, 100_000, 8, start, 9), after=bytes(9)),
        "TIFF, its strip beyond the end": tiff(*one(7000, 7000, 1, 0xFFFFFF00, 0xFFFFFFFF)),
        "TIFF, one strip of 4 GB": tiff(*one(7000, 7000, 8, start, 0xFFFFFFFF), after=squeezed),
        "TIFF whose directory follows itself": tiff(*one(8, 8, 1, 8, 64), following=8),
        "TIFF of nested directories": tiff(
            *one(8, 8, 1, 8, 64), (330, 4, 1, 8), (34665, 4, 1, 8), (34853, 4, 1, 8)
        ),
        "TIFF of 500 million strips": tiff(
            *(entry for entry in one(7000, 7000, 1, 8, 64) if entry[0] not in (273, 278, 279)),
            (273, 4, 500_000_000, 8),
            (278, 4, 1, 1),
            (279, 4, 500_000_000, 8),
        ),
        "TIFF of 65,535 entries": tiff(
            *one(8, 8, 1, 8, 64), *((700, 1, 0xFFFFFFFF, 8) for _ in range(65_500))
        ),
        "TIFF of 65,535 samples a pixel": tiff(
            *(entry for entry in one(700, 700, 1, 8, 64) if entry[0] != 277), (277, 3, 1, 65_535)
        ),
        "TIFF of tiles of 4 GB": tiff(
            *one(7000, 7000, 1, 8, 64)[:5],
            *(
                (277, 3, 1, 1),
                (322, 4, 1, 0xFFFF),
                (323, 4, 1, 0xFFFF),
                (324, 4, 1, 8),
                (325, 4, 1, 0xFFFFFFFF),
            ),
        ),
        "TIFF of 300 pages": encoded(
            Image.new("L", (9, 9)), "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))] * 299
        ),
    }


def others() -> dict[str, bytes]:
    frame, wide = Image.new("P", (64, 64)), Image.new("RGB", (7000, 7000), "teal")
    noise = Image.effect_noise((64, 64), 99)
    moving = [Image.eval(noise, lambda value, by=by: (value + by) % 256) for by in range(200)]
    animated = encoded(frame, "GIF", save_all=True, append_images=moving)
    control, picture = b"\x21\xf9\x04\0\0\0\0\0", b",\0\0\0\0\x40\0\x40\0\0\x02\x01\x44\0"
    gif = animated[: animated.find(b"\x21")]
    avif, webp = encoded(wide, "AVIF", speed=10), encoded(wide, "WEBP", lossless=True, method=0)
    film = encoded(moving[0].convert("RGB"), "WEBP", save_all=True, append_images=moving)
    rle = (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 1078)
        + struct.pack("<IiiHHIIiiII", 40, 7000, 7000, 1, 8, 1, 0, 0, 0, 256, 0)
    )
    deep = b"".join(struct.pack(">I4s", 8 * (50_000 - level), b"moov") for level in range(50_000))
    return {
        "GIF of 200 frames": animated,
        "GIF of 1,000,000 frames": gif + (control + picture) * 1_000_000 + b";",
        "GIF of comments": gif + b"\x21\xfe\xff" * (FULL // 3) + b";",
        "GIF of 65,535 x 65,535": patched(gif + control + picture + b";", b"GIF8", 6, b"\xff" * 4),
        "GIF of 49 MP": encoded(Image.new("P", (7000, 7000)), "GIF"),
        "WebP of 49 MP": webp,
        "WebP of 16,384 x 16,384": b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f"
        + b"\xff" * 3
        + b"\x0f"
        + bytes(20),
        "WebP of 200 frames": film,
        "WebP, its canvas 16,777,216 wide": patched(film, b"VP8X", 12, b"\xff" * 6),
        "AVIF of 49 MP": avif,
        "AVIF of 4,294,967,295 x 4,294,967,295": patched(avif, b"ispe", 8, b"\xff" * 8),
        "AVIF of 7,000 x 70,000": patched(avif, b"ispe", 8, struct.pack(">II", 7000, 70_000)),
        "HEIF of 4,294,967,295 x 4,294,967,295": HEIF.replace(b"ispe", b"ISPE", 0).replace(
            ispe := HEIF[HEIF.find(b"ispe") : HEIF.find(b"ispe") + 16], ispe[:8] + b"\xff" * 8
        ),
        "HEIF of 7,000 x 7,000, its data for less": HEIF.replace(
            ispe, ispe[:8] + struct.pack(">II", 7000, 7000)
        ),
        "HEIF of boxes in boxes": HEIF[:28] + deep,
        "HEIF of 4,000,000 boxes": HEIF[:28] + b"\0\0\0\x08free" * 4_000_000,
        "AVIF of boxes in boxes": avif[:32] + deep,
        "BMP, 49 MP from one run": rle + bytes(1024) + b"\xff\x07" * 9 + b"\0\x01",
        "BMP, 49 MP of runs": rle + bytes(1024) + (b"\xff\x07" * 28 + b"\0\0") * 7000 + b"\0\x01",
        "BMP, 2,147,483,647 high": patched(rle, b"BM", 22, struct.pack("<i", 2**31 - 1)),
        "BMP, -2,147,483,648 high": patched(rle, b"BM", 22, struct.pack("<i", -(2**31))),
    }


def disguises() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("photo.jpg", bytes(50_000_000))
    image = Image.new("RGB", (16, 16))
    foreign = {
        "zip": archive.getvalue(),
        "gzip": gzip.compress(bytes(50_000_000)),
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/Launch/F(/bin/sh)>>>>endobj\n",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "PSD": b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 30_000, 30_000, 8, 3) + bytes(99),
        "ICO": encoded(image, "ICO"),
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd)(r)file\n",
        "JPEG 2000": encoded(image, "JPEG2000"),
        "TGA": encoded(image, "TGA"),
        "program": b"\x7fELF\x02\x01\x01" + bytes(99),
    }
    heads = {"JPEG": b"\xff\xd8\xff\xe0", "PNG": b"\x89PNG\r\n\x1a\n", "TIFF": b"II*\0", "GIF": b"GIF89a"}
    dressed = {
        f"{name} that begins as {kind}": head + data
        for name, data in foreign.items()
        for kind, head in heads.items()
    }
    inside = {
        f"{kind} in a TIFF in a JPEG": b"\xff\xd8\xff\xe1\xff\xffExif\0\0"
        + tiff((330, 4, 1, 8), after=whole[0])
        for kind, whole in photographs().items()
    }
    return {**foreign, **dressed, **inside}
