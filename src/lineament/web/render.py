"""Templates to pages. Everything that a template prints is escaped."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from lineament.api.access import installation, visitor
from lineament.core.policy import Person
from lineament.errors import NotSignedIn
from lineament.web import pictures, words

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # so that the browser says where the sign-out form comes from
}

_templates = Environment(
    loader=PackageLoader("lineament.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= words.FILTERS | pictures.FILTERS


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return one page. The templates also get ``visitor`` and ``path``."""
    html = _templates.get_template(template).render(
        visitor=_visitor(request), path=request.url.path, **values
    )
    return HTMLResponse(html, status, _HEADERS)


def _visitor(request: Request) -> Person | None:
    """Return who is signed in, None for nobody: error pages and public pages are for both."""
    try:
        return visitor(request, installation(request))
    except NotSignedIn:
        return None
