"""What the OpenAPI document says of each route's answers: its errors, and pictures and files to keep."""

from __future__ import annotations

from typing import Any

from lineament import errors
from lineament.api.models import Problem
from lineament.api.problems import MEDIA_TYPE, status_of

Responses = dict[int | str, dict[str, Any]]
FILE: Responses = {200: {"content": {"application/octet-stream": {}}, "description": "A file to keep."}}
JPEG: Responses = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG picture."}}
_PROBLEM = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}


def problems(*kinds: type[errors.LineamentError]) -> Responses:
    """Document which errors a route answers with, besides those of every route."""
    document: Responses = {}
    always: tuple[type[errors.LineamentError], ...] = (errors.NotSignedIn, errors.InvalidRequest)
    for kind in always + kinds:
        status = status_of(kind(""))
        before = document.get(status, {}).get("description")
        text = f"{before}, {kind.code}" if before else kind.code
        document[status] = {"description": text, "content": _PROBLEM}
    return document
