"""Lineament: an accountable face search engine.

    from lineament import load_settings, open_installation

    installation = open_installation(load_settings())

The names below are the public interface. They are loaded on first use, so that importing a part of the
package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineament.app.candidates import show_search as show_search
    from lineament.app.collections import add as add_collection
    from lineament.app.collections import permit as permit_collection
    from lineament.app.collections import read_permission as read_permission
    from lineament.app.ingest import ingest as ingest
    from lineament.app.installation import Installation as Installation
    from lineament.app.search import Request as Request
    from lineament.app.search import choose_face as choose_face
    from lineament.app.search import open_search as open_search
    from lineament.app.sign_in import operator as operator
    from lineament.config import Settings as Settings
    from lineament.config import load_settings as load_settings
    from lineament.core.permission import Permission as Permission
    from lineament.core.policy import Person as Person
    from lineament.core.policy import Policy as Policy
    from lineament.errors import LineamentError as LineamentError
    from lineament.sources import open_source as open_source
    from lineament.vision.pipeline import Vision as Vision
    from lineament.wiring import open_installation as open_installation

__version__ = "0.1.0"

_PUBLIC = {
    "Installation": "lineament.app.installation:Installation",
    "LineamentError": "lineament.errors:LineamentError",
    "Permission": "lineament.core.permission:Permission",
    "Person": "lineament.core.policy:Person",
    "Policy": "lineament.core.policy:Policy",
    "Request": "lineament.app.search:Request",
    "Settings": "lineament.config:Settings",
    "Vision": "lineament.vision.pipeline:Vision",
    "add_collection": "lineament.app.collections:add",
    "choose_face": "lineament.app.search:choose_face",
    "ingest": "lineament.app.ingest:ingest",
    "load_settings": "lineament.config:load_settings",
    "open_installation": "lineament.wiring:open_installation",
    "open_search": "lineament.app.search:open_search",
    "open_source": "lineament.sources:open_source",
    "operator": "lineament.app.sign_in:operator",
    "permit_collection": "lineament.app.collections:permit",
    "read_permission": "lineament.app.collections:read_permission",
    "show_search": "lineament.app.candidates:show_search",
}
__all__ = sorted([*_PUBLIC, "__version__"])


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lineament' has no attribute '{name}'")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
