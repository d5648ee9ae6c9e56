"""Errors as problem+json (RFC 9457): a status, a sentence, a stable code and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    WrongHost,
)

MEDIA_TYPE = "application/problem+json"
UPLOAD_MB_MAX = 128  # of all photographs of one search together
_STATUS: dict[type[LineamentError], int] = {  # the first that fits, most special first
    NotSignedIn: 401,
    PhotographTooLarge: 413,
    WrongHost: 400,
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
    return problem(PhotographTooLarge(f"The upload is larger than {UPLOAD_MB_MAX} MB."))


def what_is_wrong(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a request in our words, for those of a validator mean nothing to people."""
    place = str(error["loc"][1]) if len(error["loc"]) > 1 else "the request"
    longest = error.get("ctx", {}).get("max_length")
    number = f"'{place}' must be a whole number from 1 on."
    sentences = {
        "missing": f"'{place}' is missing.",
        "json_invalid": "The body of the request is not JSON.",
        "string_too_long": f"'{place}' is longer than {longest} characters.",
        "too_long": f"'{place}' is given more than {longest} times.",
        "greater_than_equal": number,
        "int_parsing": number,
        "int_type": number,
    }
    if place == "box":
        return "'box' must be four numbers: left, top, right, bottom."
    otherwise = (
        "'photo' must be a file." if place == "photo" else f"'{place}' has not the form that is needed."
    )
    return sentences.get(error["type"], otherwise)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @app.exception_handler(LineamentError)
    def known(_request: Request, error: LineamentError) -> JSONResponse:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(InvalidRequest(what_is_wrong(error.errors()[0])))

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
