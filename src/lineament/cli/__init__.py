"""The command line: `lineament`."""

from lineament.cli.main import main

__all__ = ["main"]
