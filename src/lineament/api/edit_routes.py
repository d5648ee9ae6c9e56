"""Edited probes, over HTTP: what would be searched, and the search."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, FiniteFloat

from lineament import errors
from lineament.api.access import Searcher, Served
from lineament.api.documented import JPEG, problems
from lineament.api.search_models import SearchOut, search_out
from lineament.app import candidates, edited
from lineament.core.edits import EDITS_MAX, EditKind

router = APIRouter(prefix="/api/v1")


class EditIn(BaseModel):
    """One edit, by its kind, with its values.

    crop: left, top, right, bottom (px). rotate: degrees, counter-clockwise. flip: none. brightness, contrast:
    a factor. deinterlace: the field that is kept, 0 or 1. resize: width, height (px).
    """

    kind: EditKind
    values: tuple[FiniteFloat, ...] = Field((), max_length=4)


class EditsIn(BaseModel):
    """Edits in the order in which they are made; without any the photograph is as it was searched."""

    edits: list[EditIn] = Field([], max_length=EDITS_MAX)

    def steps(self) -> edited.Steps:
        """Return them as the use case takes them."""
        return [(one.kind, one.values) for one in self.edits]


class EditedSearch(EditsIn):
    """One to twenty edits of one of a search's photographs, counted from 1.

    `face` or `box` (xyxy px) chooses a face of the edited photograph, as in `POST /searches/{id}/face`.
    """

    edits: list[EditIn] = Field(min_length=1, max_length=EDITS_MAX)
    probe: int = Field(1, ge=1, strict=True)
    face: int | None = Field(None, ge=1, strict=True)
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None


@router.post(
    "/searches/{search_id}/probes/{number}/preview",
    responses=problems(errors.SearchNotFound, errors.ProbeErased, errors.WrongState) | JPEG,
    response_class=Response,
)
def preview(served: Served, who: Searcher, search_id: str, number: int, wanted: EditsIn) -> Response:
    """Return a photograph of one of your searches after edits, exactly as it would be searched.

    The header `X-Photograph-Size` has its true width and height in px, such as `626x1200`.
    """
    data, (width, height) = edited.preview(served, who, search_id, number, wanted.steps())
    headers = {"Cache-Control": "no-store", "X-Photograph-Size": f"{width}x{height}"}
    return Response(data, media_type="image/jpeg", headers=headers)


@router.post(
    "/searches/{search_id}/edited",
    status_code=201,
    responses=problems(
        errors.SearchNotFound,
        errors.ProbeErased,
        errors.WrongState,
        errors.FaceTooSmall,
        errors.NoSuchFace,
        errors.SearchRefused,
        errors.NotCalibrated,
        errors.IndexBehind,
        errors.IndexUnavailable,
        errors.IndexDamaged,
    ),
)
def search_edited(
    served: Served, who: Searcher, response: Response, search_id: str, wanted: EditedSearch
) -> SearchOut:
    """Search again, as a finished search of yours did, with one photograph edited.

    The policy decides anew. The search that it is made from stays as it is: both lists are on record.
    """
    if wanted.face is not None and wanted.box is not None:
        raise errors.InvalidRequest("Give either 'face' or 'box'.")
    choice = wanted.face if wanted.box is None else wanted.box
    done = edited.search_edited(served, who, search_id, wanted.probe, wanted.steps(), choice)
    response.headers["Location"] = f"/api/v1/searches/{done.id}"
    return search_out(candidates.show_search(served, who, done.id))
