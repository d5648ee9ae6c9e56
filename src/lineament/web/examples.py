"""Photographs that the first page offers to try, read once at the start."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from lineament.api.access import signed_in
from lineament.errors import SettingsInvalid

_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


@dataclass(frozen=True)
class Example:
    """One photograph with the words beside it."""

    file_name: str
    title: str
    note: str
    media_type: str
    data: bytes


def load_examples(listing: Path | None) -> list[Example]:
    """Read the examples that a TOML file lists; their files lie beside it. Raises SettingsInvalid."""
    if listing is None:
        return []
    try:
        entries = tomllib.loads(listing.read_text("utf-8"))["example"]
        return [_example(listing.parent / entry["file"], entry["title"], entry["note"]) for entry in entries]
    except OSError as error:
        why = f"{error.filename} cannot be read: {error.strerror}"
        raise SettingsInvalid(f"LINEAMENT_EXAMPLES cannot be used: {why}.") from error
    except (ValueError, KeyError, TypeError) as error:
        why = f"{listing} does not list examples with file, title and note"
        raise SettingsInvalid(f"LINEAMENT_EXAMPLES cannot be used: {why}.") from error


def _example(file: Path, title: str, note: str) -> Example:
    return Example(file.name, title, note, _TYPES[file.suffix.lower()], file.read_bytes())


router = APIRouter(include_in_schema=False, dependencies=[Depends(signed_in)])


@router.get("/examples/{number}")
def example_photograph(request: Request, number: int) -> Response:
    """Return one of the photographs, by its place in the list, counted from 1."""
    examples: list[Example] = request.app.state.examples
    if not 1 <= number <= len(examples):
        raise HTTPException(404)
    example = examples[number - 1]
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(example.data, media_type=example.media_type, headers=headers)
