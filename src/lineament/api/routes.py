"""The HTTP interface, version 1: collections, searches, and the pictures that they return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field, FiniteFloat, StringConstraints

from lineament import errors
from lineament.api.access import Searcher, Served, SignedIn
from lineament.api.documented import FILE, JPEG, problems
from lineament.api.models import (
    CollectionOut,
    ImageOut,
    PurposeOut,
    SourceOut,
    collection_out,
    image_out,
    purpose_out,
    source_out,
)
from lineament.api.search_models import SearchOut, search_out
from lineament.app import another_face, candidates, collections, disclose, pictures, search
from lineament.app.casework.texts import LINE_LENGTH_MAX
from lineament.app.choices import Choice, choices_of
from lineament.core.cases import Obtained
from lineament.limits import PHOTOGRAPH_MB_MAX
from lineament.vision.pipeline import LARGEST_PROBE

_PICTURE_HEADERS = {"Cache-Control": "no-store"}  # a permission that ends takes effect at once


async def each_once(request: Request) -> None:
    """Refuse a form that gives a field twice: nobody could say which of the two counts."""
    form = await request.form()
    for name in ("purpose", "box", "case", "obtained"):
        if len(form.getlist(name)) > 1:
            raise errors.InvalidRequest(f"'{name}' is given more than once.")


FaceNumber = Annotated[int, Field(ge=1)]
CollectionName = Annotated[str, StringConstraints(max_length=100)]


@dataclass(frozen=True)
class SearchForm:
    """What the form of a new search says; the pages take the same one."""

    request: search.Request
    photos: Sequence[bytes]
    choices: Sequence[Choice]


def search_form(
    photo: Annotated[
        list[UploadFile],
        File(
            max_length=LARGEST_PROBE,
            description=f"Photographs of one person, each at most {PHOTOGRAPH_MB_MAX} MB.",
        ),
    ],
    purpose: Annotated[str, Form(max_length=40, description="One of the policy's purposes.")],
    collection: Annotated[
        list[CollectionName], Form(max_length=search.COLLECTIONS_MAX, description="The collections.")
    ],
    face: Annotated[
        list[FaceNumber] | None, Form(description="The face to search, from 1, for each photograph.")
    ] = None,
    box: Annotated[
        str | None,
        Form(max_length=100, description="Around a face of one photograph: left,top,right,bottom in px."),
    ] = None,
    case: Annotated[
        str | None, Form(max_length=LINE_LENGTH_MAX, description="The reference of a case of yours.")
    ] = None,
    obtained: Annotated[
        Obtained | None, Form(description="In a case: how the photographs were obtained.")
    ] = None,
) -> SearchForm:
    """Read the form of a new search. Raises InvalidRequest."""
    asked = search.Request(purpose, tuple(collection), case or None, obtained)
    return SearchForm(asked, [one.file.read() for one in photo], choices_of(face or (), box))


router = APIRouter(prefix="/api/v1")


@router.get("/collections", responses=problems())
def list_collections(served: Served, _who: SignedIn) -> list[CollectionOut]:
    """List the collections, each with its permission."""
    now = served.clock()
    return [collection_out(one, holds, now) for one, holds in collections.stock(served)]


@router.get("/purposes", responses=problems())
def list_purposes(served: Served, _who: SignedIn) -> list[PurposeOut]:
    """List the purposes that the policy allows."""
    return [purpose_out(purpose) for purpose in served.policy.purposes.values()]


@router.post(
    "/searches",
    status_code=201,
    dependencies=[Depends(each_once)],
    responses=problems(
        errors.NotAPhotograph,
        errors.DamagedPhotograph,
        errors.PhotographTooLarge,
        errors.DecoderStopped,
        errors.FaceTooSmall,
        errors.NoSuchFace,
        errors.SearchRefused,
        errors.NotCalibrated,
        errors.CollectionNotFound,
        errors.IndexBehind,
        errors.IndexUnavailable,
        errors.IndexDamaged,
    ),
)
def new_search(
    served: Served,
    who: Searcher,
    response: Response,
    form: Annotated[SearchForm, Depends(search_form)],
) -> SearchOut:
    """Search with 1 to 20 photographs of one person, in a case or without one.

    The policy decides before any of them is decoded. Where one does not show one usable face alone, and
    neither `face` nor `box` is given, the search waits (`outcome: awaiting-face`) for
    `POST /searches/{id}/face`.
    """
    done = search.open_search(served, who, form.request, form.photos, form.choices)
    response.headers["Location"] = f"/api/v1/searches/{done.id}"
    return search_out(candidates.show_search(served, who, done.id))


@router.get("/searches/{search_id}", responses=problems(errors.SearchNotFound))
def get_search(served: Served, who: SignedIn, search_id: str) -> SearchOut:
    """Return a search of yours, or of a case of yours, with its candidate list as it was."""
    return search_out(candidates.show_search(served, who, search_id))


class FaceChoice(BaseModel):
    """The face to search, counted from 1, or a box around one that was not found: xyxy px.

    `probe` says in which of the photographs, counted from 1.
    """

    probe: int = Field(1, ge=1, strict=True)
    face: int | None = Field(None, ge=1, strict=True)
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None


@router.post(
    "/searches/{search_id}/face",
    responses=problems(
        errors.SearchNotFound,
        errors.SearchNotOpen,
        errors.NoSuchFace,
        errors.FaceTooSmall,
        errors.SearchRefused,
        errors.NotCalibrated,
        errors.IndexBehind,
        errors.IndexUnavailable,
        errors.IndexDamaged,
    ),
)
def choose_face(served: Served, who: Searcher, search_id: str, choice: FaceChoice) -> SearchOut:
    """Go on with a search that waits for a face."""
    chosen = choice.face if choice.box is None else choice.box
    if chosen is None or (choice.face is not None and choice.box is not None):
        raise errors.InvalidRequest("Give either 'face' or 'box'.")
    done = search.choose_face(served, who, search_id, chosen, choice.probe)
    return search_out(candidates.show_search(served, who, done.id))


@router.post(
    "/searches/{search_id}/probes/{number}/another-face",
    status_code=201,
    responses=problems(
        errors.SearchNotFound,
        errors.ProbeErased,
        errors.WrongState,
        errors.SearchRefused,
        errors.NotCalibrated,
    ),
)
def search_another_face(
    served: Served, who: Searcher, response: Response, search_id: str, number: int
) -> SearchOut:
    """Begin a new search as a finished one of yours, that waits for another face of one of its photographs.

    Purpose, case and collections are the same, and the policy decides anew.
    """
    done = another_face.search_another_face(served, who, search_id, number)
    response.headers["Location"] = f"/api/v1/searches/{done.id}"
    return search_out(candidates.show_search(served, who, done.id))


@router.get(
    "/searches/{search_id}/probes/{number}/image.jpg",
    responses=problems(errors.SearchNotFound, errors.ProbeErased) | JPEG,
    response_class=Response,
)
def get_probe(served: Served, who: SignedIn, search_id: str, number: int) -> Response:
    """Return a photograph that such a search is made with, by its number, counted from 1."""
    return _picture(pictures.probe(served, who, search_id, number))


@router.get(
    "/searches/{search_id}/probes/{number}/crop.jpg",
    responses=problems(errors.SearchNotFound, errors.ProbeErased) | JPEG,
    response_class=Response,
)
def get_probe_crop(served: Served, who: SignedIn, search_id: str, number: int) -> Response:
    """Return the face that is searched in such a photograph."""
    return _picture(pictures.probe_crop(served, who, search_id, number))


@router.get(
    "/searches/{search_id}/receipt.tlog-proof",
    responses=problems(errors.SearchNotFound, errors.LedgerBroken) | FILE,
    response_class=Response,
)
def get_receipt(served: Served, who: Searcher, search_id: str) -> Response:
    """Return the receipt that proves the ledger's entry for one of your searches (c2sp.org/tlog-proof)."""
    return _file(disclose.receipt(served, who, search_id), f"search-{search_id[:8]}.tlog-proof")


@router.post(
    "/searches/{search_id}/export",
    responses=problems(errors.SearchNotFound, errors.LedgerBroken) | FILE,
    response_class=Response,
)
def export(served: Served, who: Searcher, search_id: str) -> Response:
    """Return a bundle with all that one of your searches left, to be checked by others. This is on record."""
    return _file(disclose.export(served, who, search_id), f"search-{search_id[:8]}.zip")


@router.get("/images/{image_id}", responses=problems(errors.ImageNotFound))
def get_image(served: Served, who: SignedIn, image_id: str) -> ImageOut:
    """Return where a photograph comes from."""
    return image_out(candidates.image_for(served, who, image_id)[0])


@router.get(
    "/images/{image_id}/image.jpg",
    responses=problems(errors.ImageNotFound) | JPEG,
    response_class=Response,
)
def get_image_picture(served: Served, who: SignedIn, image_id: str) -> Response:
    """Return the photograph."""
    return _picture(pictures.image(served, who, image_id))


@router.get("/faces/{face_id}", responses=problems(errors.ImageNotFound))
def get_face(served: Served, who: SignedIn, face_id: str) -> SourceOut:
    """Return a face and where its photograph comes from."""
    return source_out(candidates.face_for(served, who, face_id))


@router.get(
    "/faces/{face_id}/crop.jpg",
    responses=problems(errors.ImageNotFound) | JPEG,
    response_class=Response,
)
def get_crop(served: Served, who: SignedIn, face_id: str) -> Response:
    """Return a face with a little of its surroundings."""
    return _picture(pictures.crop(served, who, face_id))


def _file(data: bytes, name: str) -> Response:
    headers = _PICTURE_HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _picture(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers=_PICTURE_HEADERS)
