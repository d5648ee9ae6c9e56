"""What every source yields: photographs with their provenance, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lineament.errors import SourceError


@dataclass(frozen=True)
class Item:
    """One file of a source. ``read`` returns its bytes and raises SourceError when it cannot."""

    path: str
    read: Callable[[], bytes]
    source_url: str | None = None
    page_url: str | None = None
    caption: str | None = None
    credit: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unreadable:
    """One place in a source that yields no file, and why."""

    path: str
    error: SourceError


class Source(Protocol):
    """A place that photographs come from, always in the same order."""

    def __len__(self) -> int:
        """Return how many items will be yielded."""

    def __iter__(self) -> Iterator[Item | Unreadable]:
        """Yield every item once."""
