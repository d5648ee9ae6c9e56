"""Where photographs come from."""

from lineament.sources.files import read_file
from lineament.sources.opening import open_source
from lineament.sources.protocol import Item, Source, Unreadable

__all__ = ["Item", "Source", "Unreadable", "open_source", "read_file"]
