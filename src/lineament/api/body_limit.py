"""A cap on request bodies, answered by a problem document; FastAPI's own `max_body_size` sends plain text."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineament.api.problems import UPLOAD_MB_MAX, too_large

BODY_BYTES_MAX = (UPLOAD_MB_MAX + 1) * 1024 * 1024  # the photographs and their form


class BodyLimit:
    """ASGI middleware: a body that is announced or turns out larger than the cap is refused, unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def capped() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES_MAX:
                raise HTTPException(413)  # the one kind that FastAPI lets through while it reads a body
            return message

        if _announced(scope) > BODY_BYTES_MAX:
            await too_large()(scope, receive, send)
            return
        await self._app(scope, capped, send)


def _announced(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"")
    return int(value) if value.isdigit() else 0
