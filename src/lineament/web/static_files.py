"""Style sheets and scripts, held in memory: no address that a visitor makes up can reach another file."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from starlette.exceptions import HTTPException

from lineament.api.access import everyone

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {file.name: file.read_bytes() for file in (files("lineament.web") / "static").iterdir()}
_TAGS = {name: f'"{sha256(data).hexdigest()[:16]}"' for name, data in _FILES.items()}

router = APIRouter(include_in_schema=False, dependencies=[Depends(everyone)])


@router.get("/static/{name}")
def static_file(name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """Return one file; a browser that has this very version gets 304."""
    if name not in _FILES:
        raise HTTPException(404)
    headers = {"ETag": _TAGS[name], "Cache-Control": "no-cache"}
    if if_none_match == _TAGS[name]:
        return Response(status_code=304, headers=headers)
    media_type = _TYPES["." + name.rpartition(".")[2]]
    return Response(_FILES[name], media_type=media_type, headers=headers)
