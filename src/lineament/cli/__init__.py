"""The command line: `lineament`."""

import signal
import sys
from types import FrameType

INTERRUPTED = 130  # as a shell counts a program that Ctrl-C has stopped
_interrupts: list[int] = []


def run() -> None:
    """Run the command; Ctrl-C ends it quietly at any moment, also while it still loads."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        from lineament.cli.main import main

        main()
    except (KeyboardInterrupt, SystemExit, Exception) as end:
        if was_interrupted() and not (isinstance(end, SystemExit) and end.code == 0):
            sys.exit(INTERRUPTED)
        raise


def was_interrupted() -> bool:
    """Say whether Ctrl-C was pressed: a library that was just loading may have made another error of it."""
    return bool(_interrupts)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _interrupts.append(number)
    raise KeyboardInterrupt
