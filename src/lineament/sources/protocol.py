"""What every source yields: photographs with their provenance, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lineament.errors import SourceError


@dataclass(frozen=True)
class Item:
    """One file of a source. ``read`` returns its bytes and raises SourceError when it cannot.

    ``path`` is its place in the source, the same each time, such as 'reel-3.zip/0012.jpg'. ``date`` is when
    the photograph was made, as the source says it; ``licence`` a name or address. ``version`` changes when
    the bytes do (an ETag, a checksum that the source states): a file that is known by path and version is not
    fetched again. ``film`` names the recording that a frame is of, ``seconds`` the frame's time in it.
    ``place`` is where the bytes lie on this machine, for what is too large to be read at once.
    """

    path: str
    read: Callable[[], bytes]
    source_url: str | None = None
    page_url: str | None = None
    caption: str | None = None
    date: str | None = None
    credit: str | None = None
    licence: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    film: str | None = None
    seconds: float | None = None
    place: Path | None = None


@dataclass(frozen=True)
class Unreadable:
    """One place in a source that yields no file, and why."""

    path: str
    error: SourceError


class Source(Protocol):
    """A place that photographs come from, always in the same order. Nothing is held in memory but the next.

    An iteration may raise SourceError where the source as a whole breaks off; what came before it counts.
    """

    @property
    def size(self) -> int | None:
        """How many items will be yielded, where that is known beforehand."""

    def __iter__(self) -> Iterator[Item | Unreadable]:
        """Yield every item once."""
