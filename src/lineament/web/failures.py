"""Errors on pages are pages: the sentence, what to do next, and the code. The interface keeps its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lineament.api.headers import HEADERS
from lineament.api.problems import problem, status_of, what_is_wrong
from lineament.errors import InvalidRequest, LineamentError, NotSignedIn
from lineament.web.render import page

_GET_IN = (
    "On the machine that runs Lineament, run `lineament sign-in` and open the link that it prints. "
    "The link works once, within 15 minutes."
)
_UNKNOWN = "There is nothing at this address."
_UNKNOWN_REMEDY = "Check the address, or start from the first page."


def install(app: FastAPI) -> None:
    """Answer with a page wherever the address is not one of the interface's."""
    _for_pages(app, LineamentError, _known)
    _for_pages(app, HTTPException, _plain)
    _for_pages(app, RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def _for_pages(app: FastAPI, kind: type[Exception], on_page: Callable[[Request, Any], Response]) -> None:
    on_interface: Any = app.exception_handlers[kind]

    def handler(request: Request, error: Exception) -> Response:
        answer: Response = (on_interface if _is_interface(request) else on_page)(request, error)
        return answer

    app.add_exception_handler(kind, handler)


def _is_interface(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _known(request: Request, error: LineamentError) -> Response:
    remedy = _GET_IN if isinstance(error, NotSignedIn) else error.remedy
    return _page(request, status_of(error), str(error), remedy, error.code)


def _plain(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return _page(request, 404, _UNKNOWN, _UNKNOWN_REMEDY, "not-found")
    return _page(request, error.status_code, f"{error.detail}.", _UNKNOWN_REMEDY, "http-error")


def _invalid(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    if first["loc"][0] in {"path", "query"}:
        return _page(request, 404, _UNKNOWN, _UNKNOWN_REMEDY, "not-found")
    return _known(request, InvalidRequest(what_is_wrong(first)))


def _unexpected(request: Request, _error: Exception) -> Response:
    """The server's log has the traceback. This answer passes no middleware, so it brings the headers."""
    sentence = "Something went wrong inside Lineament."
    error = LineamentError(sentence)
    remedy = "Try again; if it happens again, tell whoever runs this installation when it happened."
    interface = _is_interface(request)
    response = problem(error) if interface else _page(request, 500, sentence, remedy, error.code)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _page(request: Request, status: int, sentence: str, remedy: str, code: str) -> Response:
    return page(request, "message.html", status=status, sentence=sentence, remedy=remedy, code=code)
