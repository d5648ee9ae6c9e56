"""Templates to pages. Everything that a template prints is escaped."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from lineament.api.access import installation, visitor
from lineament.app.casework.examiners import SEE_ALL
from lineament.core.policy import Person, Role
from lineament.errors import NotSignedIn
from lineament.web import pictures, words

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # so that the browser says where the sign-out form comes from
}

_IN_CASES = {Role.SEARCHER, Role.EXAMINER, Role.COUNSEL, Role.EXPERT, Role.AUDITOR}
_ABOUT_REVIEWS = SEE_ALL | {Role.EXAMINER}

_templates = Environment(
    loader=PackageLoader("lineament.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= words.FILTERS | pictures.FILTERS


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return one page. The templates also get ``visitor``, ``places`` and ``path``."""
    who = _visitor(request)
    html = _templates.get_template(template).render(
        visitor=who, places=_places(who), path=request.url.path, **values
    )
    return HTMLResponse(html, status, _HEADERS)


def _places(who: Person | None) -> list[tuple[str, str]]:
    """Return where the page's head leads, (address, name): only where somebody with these roles has work."""
    places = []
    if who and Role.SEARCHER in who.roles:
        places.append(("/", "Search"))
    if who and who.roles & _IN_CASES:
        places.append(("/cases", "Cases"))
    if who and who.roles & _ABOUT_REVIEWS:
        places.append(("/reviews", "Reviews"))
    if who:
        places += [("/collections", "Collections"), ("/policy", "Policy")]
    return [*places, ("/ledger", "Ledger")]


def _visitor(request: Request) -> Person | None:
    """Return who is signed in, None for nobody: error pages and public pages are for both."""
    try:
        return visitor(request, installation(request))
    except NotSignedIn:
        return None
