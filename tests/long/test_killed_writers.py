"""A process that appends entries is killed 500 times: no gap, no double, nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.progress import track

from lineament import ledger
from lineament.app import serving
from lineament.testing import make_installation, recorded

KILLS = 500
WRITER = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from lineament.app.journal import act
from lineament.testing import make_installation
installation = make_installation(Path(sys.argv[1]))
number = int(sys.argv[2]) << 32
print("ready", flush=True)
while True:
    number += 1
    with act(installation) as doing:
        doing.record("session.opened", at="2026-11-25T12:00:00.000Z", who=f"{number:032x}")
    print(f"{number:032x}", flush=True)
"""


def test_a_writer_killed_500_times_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """An entry is acknowledged once the act has returned; the log is sound after every fiftieth kill."""
    choose, acknowledged = random.Random(25), set[str]()
    data = tmp_path / "data"
    make_installation(data).close()
    command = [sys.executable, "-c", WRITER, str(data)]
    for kill in track(range(KILLS), "Killing writers"):
        with subprocess.Popen([*command, str(kill)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            time.sleep(choose.uniform(0, 0.08))
            os.kill(process.pid, signal.SIGKILL)
            said = process.stdout.read().splitlines()
        acknowledged |= {
            line for line in said if len(line) == 32
        }  # a line that was cut is no acknowledgement
        if kill % 50 == 49:
            _check(data, acknowledged)
    print(f"\n{KILLS} kills: {len(acknowledged):,} entries acknowledged, all there once and in order.")


def _check(data: Path, acknowledged: set[str]) -> None:
    installation = make_installation(data)
    serving.start(installation)  # what a server does after a crash
    written = [str(entry["who"]) for entry in recorded(installation) if entry["kind"] == "session.opened"]
    assert len(written) == len(set(written))
    assert acknowledged <= set(written)
    assert written == sorted(written)  # each writer counts up, and the next begins above it
    for writer in {who[:24] for who in written}:
        mine = [int(who, 16) for who in written if who.startswith(writer)]
        assert mine == list(range(mine[0], mine[0] + len(mine)))
    with installation.records.read() as tx:
        numbers = [
            row[0] for row in tx.exec_driver_sql("SELECT sequence FROM ledger_entry ORDER BY sequence")
        ]
    assert numbers == list(range(len(numbers)))
    assert ledger.fsck(installation.ledger_folder, installation.signer.verifier).size == len(numbers)
    installation.close()
