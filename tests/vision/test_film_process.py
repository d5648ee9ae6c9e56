"""A film is read by a process that has nothing else, and of which nothing is believed."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineament.errors import DecoderUnavailable, FilmStopped
from lineament.vision import film as film_module
from lineament.vision.film import Frame, frames
from tests.vision.recorded import record, two_scenes


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of two people: one and a half seconds of each."""
    return record(tmp_path_factory.mktemp("films") / "clip.mp4", two_scenes())


def children() -> set[int]:
    """Return the ids of the processes that this thread, the first one, has started."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@pytest.fixture
def begun(clip: Path) -> Iterator[tuple[Iterator[Frame], int]]:
    """A film of which the first frame was taken, and its process: more is to come than a pipe holds."""
    before = children()
    found = frames(record(clip.with_name("long.mp4"), two_scenes((1280, 720)), preset="ultrafast"), 0.1)
    next(found)
    (pid,) = children() - before
    yield found, pid
    found.close()


def test_the_process_is_confined_and_has_the_film_alone(
    begun: tuple[Iterator[Frame], int], clip: Path
) -> None:
    """The kernel's word for it: no new privileges, a filter of calls, three open files, with the film."""
    _, pid = begun
    status = Path(f"/proc/{pid}/status").read_text()
    assert "NoNewPrivs:\t1\n" in status
    assert "Seccomp:\t2\n" in status
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max address space +2000000000 +2000000000 ", limits)
    assert re.search(r"Max open files +3 +3 ", limits)
    open_files = {one.name: os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
    assert open_files.keys() == {"0", "1", "2"}
    assert open_files["0"] == str(clip.with_name("long.mp4"))


def test_a_process_that_is_killed_is_reported(begun: tuple[Iterator[Frame], int]) -> None:
    """The frames that it had written come first."""
    found, pid = begun
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(
        FilmStopped, match=r"ended on its own, or at its limit of memory; it had come to [012]"
    ):
        list(found)
    assert pid not in children()


def test_a_film_that_takes_too_long_in_all_is_given_up(
    begun: tuple[Iterator[Frame], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each frame may be within its time, and the film still be made to keep a machine busy for days."""
    _, pid = begun
    monkeypatch.setattr(film_module, "LONGEST", 0.0)
    monkeypatch.setattr(film_module, "LONGEST_FOR_A_MB", 1e-9)
    film = Path(os.readlink(f"/proc/{pid}/fd/0"))
    with pytest.raises(FilmStopped, match="was at work for more than 0 minutes"):
        list(frames(film))


def test_a_process_that_stalls_is_ended(
    begun: tuple[Iterator[Frame], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a film for ever."""
    found, pid = begun
    monkeypatch.setattr(film_module, "WALL_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(FilmStopped, match="had not finished when its time was up"):
        list(found)
    assert pid not in children()


def test_whoever_has_seen_enough_ends_the_process(begun: tuple[Iterator[Frame], int]) -> None:
    """Nothing is left behind of a film that was not read to its end."""
    found, pid = begun
    found.close()
    assert pid not in children()


def message(kind: int, seconds: float, size: int = 0, data: bytes = b"") -> bytes:
    return struct.pack(">BdI", kind, seconds, size) + data


PASSED, CHOSEN = 0, 1


NONSENSE = {
    "no such kind": message(200, 0.0),
    "two gigabytes": message(CHOSEN, 0.0, 2**31),
    "no time": message(CHOSEN, float("nan"), 1, b"x"),
    "never": message(CHOSEN, float("inf"), 1, b"x"),
    "before": message(CHOSEN, -1.0, 1, b"x"),
    "backwards": message(PASSED, 5.0) + message(PASSED, 4.0),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_process_that_answers_nonsense_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, clip: Path, name: str
) -> None:
    """A film that takes its process over can only make itself be refused; nothing is waited for."""
    program = (
        f"import signal, sys; sys.stdout.buffer.write(b'R' + {NONSENSE[name]!r}); sys.stdout.flush(); "
        "signal.pause()"
    )
    monkeypatch.setattr(film_module, "worker_command", lambda *_: (sys.executable, "-I", "-c", program))
    with pytest.raises(FilmStopped, match="answered nonsense"):
        list(frames(clip))


@pytest.mark.parametrize("answer", [message(CHOSEN, 0.0, 9, b"half"), message(PASSED, 1.0), b"?"])
def test_a_process_that_breaks_off_is_reported(
    monkeypatch: pytest.MonkeyPatch, clip: Path, answer: bytes
) -> None:
    """A film has an end that is said."""
    program = f"import sys; sys.stdout.buffer.write(b'R' + {answer!r}); sys.stdout.flush()"
    monkeypatch.setattr(film_module, "worker_command", lambda *_: (sys.executable, "-I", "-c", program))
    with pytest.raises(FilmStopped, match="ended on its own"):
        list(frames(clip))


def test_a_process_that_does_not_start_is_no_fault_of_the_film(
    monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    """The installation is to be mended, and an ingest does not go on without."""
    monkeypatch.setattr(film_module, "worker_command", lambda *_: (sys.executable, "-c", "raise SystemExit"))
    with pytest.raises(DecoderUnavailable):
        next(frames(clip))


def test_nothing_that_reads_films_is_loaded_where_frames_are_stored() -> None:
    """FFmpeg is in the limited process alone, and NumPy, which the process does not need, is not in it."""
    for module, library in (("film", "av"), ("film_worker", "numpy")):
        probe = f"import sys, lineament.vision.{module}; print({library!r} in sys.modules)"
        ran = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
        assert ran.stdout == "False\n"


@pytest.mark.parametrize(
    ("attempt", "end"),
    [
        ("open('/etc/passwd')", "PermissionError"),
        ("open('/tmp/lineament-was-here', 'w')", "PermissionError"),
        ("os.stat('/etc/passwd')", "PermissionError"),
        ("os.lseek(0, 0, 0)", ""),
        ("socket.socket()", ""),
        ("os.fork()", ""),
    ],
)
def test_the_film_s_process_reaches_for_nothing(attempt: str, end: str) -> None:
    """It may read at a place of what it has open; a path is refused, and all else is its end."""
    program = (
        "import os, socket; from lineament.vision.film_worker import CALLS, REFUSED;"
        "from lineament.vision.decode_sandbox import confine; print(confine(2_000_000_000, CALLS, REFUSED));"
        "print(len(os.pread(0, 3, 1)), flush=True)\n"
        f"try: {attempt}; print('done')\nexcept OSError as error: print(type(error).__name__)"
    )
    with (Path(__file__)).open("rb") as film:
        tried = subprocess.run(
            [sys.executable, "-I", "-c", program], stdin=film, capture_output=True, text=True, check=False
        )
    assert tried.stdout.split()[1:] == (["3", end] if end else ["3"])
    assert tried.returncode == (0 if end else -signal.SIGSYS)
