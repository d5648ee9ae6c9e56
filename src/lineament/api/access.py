"""Who may call: every route declares one of these rules, and a test fails for any that does not."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from lineament.app import sign_in
from lineament.app.installation import Installation, require
from lineament.core.policy import Person, Role
from lineament.errors import ForeignOrigin, RoleMissing
from lineament.records.people import CredentialKind

SESSION_COOKIE = "lineament_session"
_SAFE_METHODS = {"GET", "HEAD"}


def installation(request: Request) -> Installation:
    """Return the installation that this server serves."""
    served: Installation = request.app.state.installation
    return served


Served = Annotated[Installation, Depends(installation)]


def everyone() -> None:
    """Rule: no sign-in is needed."""


def visitor(request: Request, served: Installation) -> Person:
    """Return who a request comes from, looked up once: whose session it brings, unless it came with a token.

    Raises NotSignedIn.
    """
    if not hasattr(request.state, "visitor"):
        secret = request.cookies.get(SESSION_COOKIE)
        request.state.visitor = sign_in.who_holds(served, CredentialKind.SESSION, secret)
    who: Person = request.state.visitor
    return who


def signed_in(request: Request, served: Served) -> Person:
    """Rule: a session of this site, or an API token, and at least one role.

    Raises NotSignedIn, ForeignOrigin and RoleMissing.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        request.state.visitor = sign_in.who_holds(served, CredentialKind.TOKEN, token.strip())
    elif request.method not in _SAFE_METHODS:
        _require_own_origin(request)
    who = visitor(request, served)
    if not who.roles:
        raise RoleMissing("All your roles were taken away.")
    return who


SignedIn = Annotated[Person, Depends(signed_in)]


def searcher(who: SignedIn) -> Person:
    """Rule: signed in, with the role of a searcher. Raises RoleMissing."""
    require(who, Role.SEARCHER)
    return who


Searcher = Annotated[Person, Depends(searcher)]


def examiner(who: SignedIn) -> Person:
    """Rule: signed in, with the role of an examiner. Raises RoleMissing."""
    require(who, Role.EXAMINER)
    return who


Examiner = Annotated[Person, Depends(examiner)]


def administrator(who: SignedIn) -> Person:
    """Rule: signed in, with the role of an administrator. Raises RoleMissing."""
    require(who, Role.ADMINISTRATOR)
    return who


Administrator = Annotated[Person, Depends(administrator)]


def _require_own_origin(request: Request) -> None:
    """A cookie alone acts only from our own pages: the browser says where a request comes from."""
    origin = request.headers.get("origin")
    if origin is None or origin != str(request.base_url).rstrip("/"):
        raise ForeignOrigin("This request came from a page of another site.")
