"""Files that do harm, on purpose or not: each is refused by name, and the next one is read."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import zlib
from contextlib import closing
from itertools import chain
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
from tests.vision.damaged import damaged, photographs


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
        b"\0\0\0\x18ftypisom\0\0\0\0",
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


def test_a_tiff_of_several_pages_is_no_photograph(decoder: Decoder) -> None:
    """Nobody chose which of the pages is meant, so none is taken."""
    out = io.BytesIO()
    page = Image.new("RGB", (64, 48), "grey")
    page.save(out, "TIFF", save_all=True, append_images=[page])
    with pytest.raises(NotAPhotograph) as refused:
        decoder.decode(out.getvalue())
    assert str(refused.value) == (
        "The TIFF file has several pages; save each photograph as a file of its own."
    )


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


def header(outcome: int, kind: int, *sizes: int) -> bytes:
    return struct.pack(">BBIIII", outcome, kind, *sizes)


def taken_over(program: str, ready: bytes = b"R") -> tuple[str, ...]:
    """Return the command of a worker that starts as it should, reads a little, and goes another way then."""
    start = f"import os, signal, sys; sys.stdout.buffer.write({ready!r}); sys.stdout.flush(); "
    return (sys.executable, "-I", "-c", start + "sys.stdin.buffer.read(9); " + program)


def answering(answer: bytes, ready: bytes = b"R") -> tuple[str, ...]:
    """Return the command of a worker that always says this, and stays."""
    return taken_over(
        f"sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); sys.stdin.buffer.read()", ready
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff" * 18,
        header(0, 0, 60_000, 60_000, 60_000, 60_000),
        header(0, 0, 9, 9, 10, 9),
        header(0, 0, 9, 9, 9, 0),
        header(0, 0, 0, 9, 0, 9),
        header(0, 99, 1, 1, 1, 1),
        b"?",
    ],
    ids=[
        "no such outcome",
        "too many",
        "more than all",
        "none",
        "no size",
        "no such format",
        "half a header",
    ],
)
def test_a_worker_that_answers_nonsense_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, samples: Path, answer: bytes
) -> None:
    """Even a worker that a file has taken over can only make that file be refused."""
    monkeypatch.setattr(decode, "_COMMAND", taken_over(f"sys.stdout.buffer.write({answer!r})"))
    with closing(Decoder(workers=1)) as decoder:
        with pytest.raises(DecoderStopped):
            decoder.decode(portrait(samples))
        with pytest.raises(DecoderStopped):
            decoder.regions(portrait(samples), [(0, 0, 64, 64)])


def test_a_region_that_the_worker_says_is_outside_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    """A worker cannot have us take more memory than its own photograph allows."""
    monkeypatch.setattr(decode, "_COMMAND", answering(header(0, 0, 9, 9, 9, 9)))
    with closing(Decoder(workers=1)) as decoder, pytest.raises(DecoderStopped, match="nonsense"):
        decoder.regions(portrait(samples), [(0, 0, 1_000_000, 1_000_000)])


def test_a_worker_that_speaks_out_of_turn_is_replaced(monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    """An answer left over from one file is never taken for the answer to the next."""
    answers = header(1, 0, 0, 0, 0, 0) + header(3, 0, 9, 9, 0, 0)
    monkeypatch.setattr(decode, "_COMMAND", answering(answers))
    with closing(Decoder(workers=1)) as decoder:
        for _ in range(3):
            with pytest.raises(NotAPhotograph):
                decoder.decode(portrait(samples))


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ("SIGSYS", "The process that read the file tried what it is not allowed to do."),
        ("SIGPROF", "The process that read the file had not finished after 8 seconds of computing."),
        ("SIGSEGV", "The process that read the file crashed."),
        ("SIGABRT", "The process that read the file ended on its own, or at its limit of memory."),
    ],
)
def test_the_report_says_how_the_worker_ended(
    monkeypatch: pytest.MonkeyPatch, samples: Path, end: str, sentence: str
) -> None:
    """An attack is told apart from a file that is merely too much."""
    monkeypatch.setattr(decode, "_COMMAND", taken_over(f"os.kill(os.getpid(), signal.{end})"))
    with closing(Decoder(workers=1)) as decoder, pytest.raises(DecoderStopped) as stopped:
        decoder.decode(portrait(samples))
    assert str(stopped.value) == sentence


def test_a_system_without_seccomp_reads_no_file(monkeypatch: pytest.MonkeyPatch, samples: Path) -> None:
    """Nothing is decoded with less protection than was promised, and the sentence says what is missing."""
    monkeypatch.setattr(decode, "_COMMAND", taken_over("", ready=b"S"))
    with (
        closing(Decoder(workers=1)) as decoder,
        pytest.raises(DecoderUnavailable, match="This system has no seccomp filter"),
    ):
        decoder.decode(portrait(samples))


def test_a_system_without_landlock_says_so_once(
    monkeypatch: pytest.MonkeyPatch, samples: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The filter of system calls alone denies files and sockets too; the operator hears that it is alone."""
    monkeypatch.setattr(decode, "_COMMAND", answering(header(1, 0, 0, 0, 0, 0), ready=b"L"))
    for _ in range(2):
        with closing(Decoder(workers=1)) as decoder, pytest.raises(NotAPhotograph):
            decoder.decode(portrait(samples))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "This system has no landlock" in caplog.text


def test_the_worker_loads_no_model_runtime() -> None:
    """Neither its own start nor importing it by name brings in more than Pillow and the standard library."""
    probe = (
        "import sys; import lineament.vision.decode_worker as worker;"
        "print([name for name in ('onnxruntime', 'numpy', 'pickle') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_hundreds_of_damaged_files_harm_nobody(decoder: Decoder) -> None:
    """Seeded damage to photographs in every format: decoded or refused by name, never worse."""
    wholes = photographs()
    decoded = refused = 0
    for number in range(800):
        try:
            decoder.decode(damaged(wholes, number)[1])
            decoded += 1
        except PhotographError:
            refused += 1
    for whole in chain.from_iterable(wholes.values()):
        assert decoder.decode(whole).pixels.size == 96 * 120 * 3
    assert decoded > 200
    assert refused > 200


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
