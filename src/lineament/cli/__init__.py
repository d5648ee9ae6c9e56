"""The command line: `lineament`."""

import sys

INTERRUPTED = 130  # as a shell counts a program that Ctrl-C has stopped


def run() -> None:
    """Run the command; Ctrl-C ends it quietly at any moment, also while it still loads."""
    try:
        from lineament.cli.main import main

        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
