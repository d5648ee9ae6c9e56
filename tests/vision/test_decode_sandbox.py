"""What a file that takes the decoding process over finds there: nothing to reach for."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

BOTH = """
import os, resource, signal, socket, subprocess, sys, threading
from lineament.vision.decode_sandbox import forbid_calls, forbid_files
landlock = forbid_files()
print(forbid_calls(), flush=True)
"""
LANDLOCK = "from lineament.vision.decode_sandbox import forbid_files\nprint(forbid_files())"


def ran(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "open('/tmp/lineament-was-here', 'w')",
        "os.listdir('/')",
        "os.unlink('/nowhere')",
        "os.memfd_create('x')",
        "socket.socket()",
        "socket.socketpair()",
        "os.fork()",
        "subprocess.run(['true'])",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "signal.pthread_kill(os.getppid(), 0)",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        "resource.prlimit(os.getppid(), resource.RLIMIT_AS)",
        "os.setuid(0)",
    ],
)
def test_what_a_taken_over_process_would_try_is_its_end(attempt: str) -> None:
    """No file, no socket, no process, no signal to others: the kernel ends it in the middle of the call."""
    tried = ran(f"{BOTH}\n{attempt}\nprint('done')")
    assert tried.stdout == "True\n"
    assert tried.returncode == -signal.SIGSYS


def test_computing_goes_on() -> None:
    """Memory, threads and the pipes that are open are what decoding needs; giving up is allowed as well."""
    assert ran(f"{BOTH}\nx = bytearray(50_000_000)\nprint(len(x))").stdout.endswith("50000000\n")
    thread = "thread = threading.Thread(target=print, args=('from a thread',)); thread.start(); thread.join()"
    assert ran(f"{BOTH}\n{thread}").stdout.endswith("from a thread\n")
    assert ran(f"{BOTH}\nos.abort()").returncode == -signal.SIGABRT


def needs_landlock(ran: subprocess.CompletedProcess[str]) -> list[str]:
    first, *words = ran.stdout.split()
    if first == "False":
        pytest.skip("this kernel has no landlock")
    return words


def test_landlock_alone_forbids_files() -> None:
    """Each of the two holds where the other would fail."""
    alone = ran(
        f"import os\n{LANDLOCK}\n"
        "for attempt in lambda: open('/etc/passwd'), lambda: open('/tmp/x', 'w'), lambda: os.listdir('/'):\n"
        "    try: attempt(); print('done')\n"
        "    except PermissionError: print('refused')"
    )
    assert needs_landlock(alone) == ["refused", "refused", "refused"]


def test_landlock_alone_forbids_connections() -> None:
    """A process that has no files left has no network either."""
    alone = ran(
        f"import socket\nserver = socket.create_server(('127.0.0.1', 0))\n{LANDLOCK}\n"
        "try: socket.create_connection(server.getsockname()); print('done')\n"
        "except PermissionError: print('refused')"
    )
    assert needs_landlock(alone) == ["refused"]


def test_the_worker_itself_is_confined() -> None:
    """What runs in the pool says so before it is given a file, and has the kernel's word for it."""
    worker = subprocess.Popen(
        [sys.executable, "-I", "-m", "lineament.vision.decode_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with worker:
        assert worker.stdin
        assert worker.stdout
        assert worker.stdout.read(1) in b"RL"
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert "NoNewPrivs:\t1\n" in status
        assert "Seccomp:\t2\n" in status
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
        assert re.search(r"Max address space +2000000000 +2000000000 ", limits)
        assert re.search(r"Max open files +3 +3 ", limits)
        worker.stdin.close()
    assert worker.returncode == 0
