"""Only this machine's own names are answered to; Starlette's TrustedHostMiddleware says no in plain text."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from lineament.api.problems import problem
from lineament.errors import WrongHost

LOOPBACK_NAMES = ("127.0.0.1", "localhost")


class OwnHost:
    """ASGI middleware: a name that somebody points at loopback (DNS rebinding) gets a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and _host(scope) not in LOOPBACK_NAMES:
            names = " or ".join(LOOPBACK_NAMES)
            await problem(WrongHost(f"This server answers to {names} only."))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _host(scope: Scope) -> str:
    return Headers(scope=scope).get("host", "").partition(":")[0]
