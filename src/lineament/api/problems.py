"""Errors as problem+json (RFC 9457): a status, a sentence, a stable code and what to do next."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lineament.errors import (
    BadInput,
    Broken,
    Conflict,
    InvalidRequest,
    LineamentError,
    NotFound,
    NotSignedIn,
    PhotographTooLarge,
    Refused,
)

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[LineamentError], int] = {  # the first that fits, most special first
    NotSignedIn: 401,
    PhotographTooLarge: 413,
    BadInput: 422,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    Broken: 503,
}


def status_of(error: LineamentError) -> int:
    """Return the HTTP status for an error."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def problem(error: LineamentError) -> JSONResponse:
    """Return the problem document for an error."""
    status = status_of(error)
    content = {
        "type": f"urn:lineament:error:{error.code}",
        "title": error.code.replace("-", " ").capitalize(),
        "status": status,
        "detail": str(error),
        "code": error.code,
        "remedy": error.remedy,
    }
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def too_large() -> JSONResponse:
    """Return the problem document for a request body over the cap."""
    return problem(PhotographTooLarge("The upload is larger than 32 MB."))


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @app.exception_handler(LineamentError)
    def known(_request: Request, error: LineamentError) -> JSONResponse:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return problem(InvalidRequest(f"'{place}' cannot be used: {first['msg']}."))

    @app.exception_handler(HTTPException)
    def plain(_request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 413:
            return too_large()
        detail = {404: "There is nothing at this address.", 405: "This address does not take that method."}
        content = {
            "type": "about:blank",
            "title": str(error.detail),
            "status": error.status_code,
            "detail": detail.get(error.status_code, str(error.detail)),
            "code": "http-error",
            "remedy": "Check the request against the OpenAPI document at /api/v1/openapi.json.",
        }
        return JSONResponse(content, error.status_code, error.headers, MEDIA_TYPE)
