"""What the commands share: exit codes and the installation."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lineament.cli import INTERRUPTED
from lineament.config import load_settings
from lineament.errors import Broken, LineamentError, Refused

if TYPE_CHECKING:
    from lineament.app.installation import Installation


class Exit(IntEnum):
    """Exit codes that scripts can rely on."""

    DONE = 0
    NOTHING = 1
    BAD_INPUT = 2
    REFUSED = 3
    CHOOSE_FACE = 4
    BROKEN = 5
    INTERRUPTED = INTERRUPTED


EXIT_CODES = """\b
Exit codes:
  0  done; a search found at least one candidate
  1  done; no candidate, some files were not taken in, or the quorum is not met
  2  the input cannot be used, or does not pass a check
  3  a rule forbids it
  4  a face is to be chosen with --face, or drawn with --box
  5  the installation needs attention
  130  stopped by Ctrl-C"""


_PIPE_WIDTH = 400  # characters


def exit_code(error: LineamentError) -> Exit:
    """Return the exit code for an error."""
    if isinstance(error, Broken):
        return Exit.BROKEN
    return Exit.REFUSED if isinstance(error, Refused) else Exit.BAD_INPUT


def progress_bar() -> Progress:
    """Return a progress bar on standard error."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def print_table(table: Table) -> None:
    """Print a table. In a file or a pipe nothing is cut off or wrapped."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(markup=False, highlight=False, width=width).print(table)


def confirmed(question: str) -> bool:
    """Ask a person; where nobody sits at the terminal, the answer is no."""
    return sys.stdin.isatty() and click.confirm(question, default=False)


@contextmanager
def opened(to_migrate: bool = False) -> Iterator[Installation]:
    """Open the installation for one command; with ``to_migrate`` also without the model pack in use."""
    from lineament.wiring import open_installation

    os.umask(0o077)  # what this process writes is for its owner alone

    installation = open_installation(load_settings(), to_migrate)
    try:
        yield installation
    finally:
        installation.close()
