"""Files that do harm, on purpose or not: each is refused by name, and the next one is read."""

from __future__ import annotations

import io
import os
import random
import signal
import struct
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from lineament.errors import (
    DamagedPhotograph,
    DecoderStopped,
    DecoderUnavailable,
    NotAPhotograph,
    PhotographError,
    PhotographTooLarge,
)
from lineament.vision import decode
from lineament.vision.decode import Decoder


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *more: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IEND", b"")


def portrait(samples: Path) -> bytes:
    return (samples / "congress" / "abigail-spanberger.jpg").read_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"Dear Sir or Madam, please find attached",
        b"<!doctype html><title>404 Not Found</title>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run",
        b"%PDF-1.7\n",
        b"BM, as the letter begins, is not a bitmap",
        b"\0\0\0\x18ftypheic\0\0\0\0",
    ],
)
def test_what_is_not_an_image_is_refused_by_name(decoder: Decoder, data: bytes) -> None:
    """No parser is even tried on a format that is not on the list."""
    with pytest.raises(NotAPhotograph):
        decoder.decode(data)


def test_a_truncated_photograph_is_damaged(decoder: Decoder, samples: Path) -> None:
    """Half a download is not shown as if it were whole."""
    whole = portrait(samples)
    for part in (4, 30, 400, len(whole) // 2, len(whole) - 200):
        with pytest.raises(DamagedPhotograph, match="The JPEG file breaks off or is damaged"):
            decoder.decode(whole[:part])


@pytest.mark.parametrize(
    "data",
    [
        png(30_000, 30_000, chunk(b"IDAT", zlib.compress(b"\0" * 1_000))),
        b"GIF89a" + struct.pack("<HHBBBcHHHHBB", 30_000, 30_000, 0, 0, 0, b",", 0, 0, 9, 9, 0, 8) + bytes(9),
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
    ids=["png", "gif", "bmp"],
)
def test_too_many_pixels_are_refused_from_the_header(decoder: Decoder, data: bytes) -> None:
    """Nothing of 900 megapixels is decoded, and the sentence states the facts."""
    with pytest.raises(PhotographTooLarge) as refused:
        decoder.decode(data)
    assert str(refused.value) == (
        "30,000 x 30,000 pixels is more than the 50 megapixels that are read from an untrusted file."
    )


def test_a_webp_that_only_claims_its_size_is_refused(decoder: Decoder) -> None:
    """268 megapixels in 45 bytes."""
    size = (16_382 | 16_382 << 14).to_bytes(4, "little")
    with pytest.raises(PhotographTooLarge):
        decoder.decode(b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f" + size + bytes(20))


def test_too_many_bytes_are_refused_before_they_are_sent(decoder: Decoder) -> None:
    """The cap on bytes needs no parser at all."""
    with pytest.raises(PhotographTooLarge, match=r"32\.0 MB is more than the 32 MB"):
        decoder.decode(b"\xff" * (32 * 1024 * 1024 + 1))


def test_a_text_bomb_inside_a_png_is_damage(decoder: Decoder) -> None:
    """A compressed comment of 200 MB is not unpacked."""
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9))
    with pytest.raises(PhotographError):
        decoder.decode(png(8, 8, bomb))


def test_a_jpeg_of_four_hundred_passes_is_stopped(decoder: Decoder) -> None:
    """A progressive file may ask for any number of passes over every pixel; ours end at a hundred."""
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "grey").save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    last_scan = whole[whole.rfind(b"\xff\xda") : -2]
    assert decoder.decode(whole[:-2] + last_scan * 20 + b"\xff\xd9").width == 640
    with pytest.raises(DecoderStopped):
        decoder.decode(whole[:-2] + last_scan * 400 + b"\xff\xd9")


def test_a_worker_that_stalls_is_replaced(samples: Path) -> None:
    """A frozen worker costs one file its time limit; the next file is read by a new process."""
    with closing(Decoder(workers=1, seconds=2)) as decoder:
        decoder.decode(portrait(samples))
        (stalled,) = decoder.worker_pids()
        os.kill(stalled, signal.SIGSTOP)
        with pytest.raises(DecoderStopped, match="had not finished when its time was up"):
            decoder.decode(portrait(samples))
        assert decoder.decode(portrait(samples)).width == 512
        assert decoder.worker_pids() != [stalled]
        assert not Path(f"/proc/{stalled}").exists()


def test_a_worker_that_died_is_replaced_at_no_cost(samples: Path) -> None:
    """The system may kill it at any time between two files; the next file is read all the same."""
    with closing(Decoder(workers=1)) as decoder:
        decoder.decode(portrait(samples))
        (dead,) = decoder.worker_pids()
        os.kill(dead, signal.SIGKILL)
        os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
        assert decoder.decode(portrait(samples)).width == 512
        assert decoder.worker_pids() != [dead]


PIXELS_OF_A_HUGE_IMAGE = struct.pack(">BBII", 0, 0, 60_000, 60_000)


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff" * 10,
        PIXELS_OF_A_HUGE_IMAGE,
        struct.pack(">BBII", 0, 0, 0, 9),
        struct.pack(">BBII", 0, 99, 1, 1),
        b"?",
    ],
    ids=["no such outcome", "too many pixels", "no pixels", "no such format", "half a header"],
)
def test_a_worker_that_answers_nonsense_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, samples: Path, answer: bytes
) -> None:
    """Even a worker that a file has taken over can only make that file be refused."""
    taken_over = (
        "import sys; sys.stdout.buffer.write(b'R'); sys.stdout.flush();"
        f"sys.stdin.buffer.read(9); sys.stdout.buffer.write({answer!r})"
    )
    monkeypatch.setattr(decode, "_COMMAND", (sys.executable, "-I", "-c", taken_over))
    with closing(Decoder(workers=1)) as decoder, pytest.raises(DecoderStopped):
        decoder.decode(portrait(samples))


def test_a_worker_that_speaks_out_of_turn_is_replaced(monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    """An answer left over from one file is never taken for the answer to the next."""
    not_a_photograph, too_large = struct.pack(">BBII", 1, 0, 0, 0), struct.pack(">BBII", 3, 0, 9, 9)
    talker = (
        "import sys; sys.stdout.buffer.write(b'R'); sys.stdout.flush();"
        "size = int.from_bytes(sys.stdin.buffer.read(4), 'big'); sys.stdin.buffer.read(size);"
        f"sys.stdout.buffer.write({not_a_photograph + too_large!r}); sys.stdout.flush(); sys.stdin.read()"
    )
    monkeypatch.setattr(decode, "_COMMAND", (sys.executable, "-I", "-c", talker))
    with closing(Decoder(workers=1)) as decoder:
        for _ in range(3):
            with pytest.raises(NotAPhotograph):
                decoder.decode(portrait(samples))


def test_the_worker_can_write_no_file_and_take_no_more_memory() -> None:
    """The limits hold from inside: what a taken-over worker would try first fails."""
    attempt = (
        "import runpy, sys, io, resource, tempfile;"
        "sys.stdin = io.TextIOWrapper(io.BytesIO());"
        f"runpy.run_path({decode.worker.__file__!r}, run_name='__main__');"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "\ntry: bytearray(3_000_000_000); print('memory taken')\nexcept MemoryError: print('memory refused')"
        "\ntry:\n f = tempfile.TemporaryFile(buffering=0); f.write(b'x'); print('file written')"
        "\nexcept OSError: print('file refused')"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", attempt], capture_output=True, text=True, check=True)
    assert ran.stdout.removeprefix("R").split("\n")[:2] == ["memory refused", "file refused"]


def test_the_worker_loads_no_model_runtime() -> None:
    """Neither its own start nor importing it by name brings in more than Pillow and the standard library."""
    probe = (
        "import sys; import lineament.vision.decode_worker;"
        "print([name for name in ('onnxruntime', 'numpy', 'pickle') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_hundreds_of_damaged_files_harm_nobody(samples: Path) -> None:
    """Seeded damage to real photographs in every format: decoded or refused by name, never worse."""
    chance = random.Random(1927)  # noqa: S311 - seeded on purpose
    small = Image.open(samples / "mated" / "obama.jpg").resize((180, 224))
    originals = [portrait(samples)]
    for kind, options in [
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("AVIF", {"speed": 10}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("BMP", {}),
        ("GIF", {}),
    ]:
        out = io.BytesIO()
        small.save(out, kind, **options)
        originals.append(out.getvalue())
    decoded = refused = 0
    with closing(Decoder(workers=2)) as decoder:
        for number in range(450):
            data = bytearray(originals[number % len(originals)])
            reach = len(data) if number % 2 else min(len(data), 400)  # every other one: damage the header
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(8, reach)] = chance.randrange(256)
            if number % 7 == 0:
                del data[chance.randrange(8, len(data)) :]
            try:
                decoder.decode(bytes(data))
                decoded += 1
            except PhotographError:
                refused += 1
        assert decoder.decode(originals[0]).width == 512
    assert decoded > 50
    assert refused > 50


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "print('hello')"])
def test_a_worker_that_does_not_start_is_no_fault_of_the_photograph(
    monkeypatch: pytest.MonkeyPatch, samples: Path, program: str
) -> None:
    """The installation is to be mended, and not the file; and nothing is left behind."""
    monkeypatch.setattr(decode, "_COMMAND", (sys.executable, "-I", "-c", program))
    with closing(Decoder(workers=1)) as decoder, pytest.raises(DecoderUnavailable):
        decoder.decode(portrait(samples))
    monkeypatch.setattr(decode, "_COMMAND", ("/nowhere/python",))
    with closing(Decoder(workers=1)) as decoder, pytest.raises(DecoderUnavailable):
        decoder.decode(portrait(samples))
