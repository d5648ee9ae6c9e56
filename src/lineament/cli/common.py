"""What the commands share: exit codes and the installation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

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


def exit_code(error: LineamentError) -> Exit:
    """Return the exit code for an error."""
    if isinstance(error, Broken):
        return Exit.BROKEN
    return Exit.REFUSED if isinstance(error, Refused) else Exit.BAD_INPUT


@contextmanager
def opened() -> Iterator[Installation]:
    """Open the installation for one command."""
    from lineament.wiring import open_installation

    os.umask(0o077)  # what this process writes is for its owner alone

    installation = open_installation(load_settings())
    try:
        yield installation
    finally:
        installation.close()
