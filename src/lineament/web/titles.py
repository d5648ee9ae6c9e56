"""The titles of purposes and collections, which the records hold by name."""

from __future__ import annotations

from typing import Any

from lineament.app import collections
from lineament.app.installation import Installation
from lineament.records.searches import Search


def purpose_titles(served: Installation) -> dict[str, str]:
    """Return the title of each of the policy's purposes, by name."""
    return {one.name: one.title for one in served.policy.purposes.values()}


def titles(served: Installation, search: Search) -> dict[str, Any]:
    """Return what the page of a search needs of them."""
    return {
        "purpose_title": purpose_titles(served).get(search.purpose, search.purpose),
        "collection_titles": {one.name: one.title for one in collections.show(served)},
    }
