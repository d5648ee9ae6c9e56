"""Libraries that only some installations need."""

from __future__ import annotations

from importlib.util import find_spec

from lineament.errors import ExtraMissing


def require_extra(extra: str, library: str) -> None:
    """Raise ExtraMissing unless the library is installed that an extra of Lineament brings."""
    if find_spec(library) is None:
        raise ExtraMissing(f"This needs {library}, which is not installed; the extra is '{extra}'.")
