"""Collections, purposes and photographs over HTTP. Boxes are xyxy in pixels of the upright image."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from lineament.app.collections import Contents
from lineament.core.permission import Permission
from lineament.core.policy import Purpose
from lineament.core.times import iso
from lineament.records.collections import Collection
from lineament.records.images import StoredFace


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str | None = None


class PermissionOut(BaseModel):
    """Who allowed a collection to be searched, for what, where, from when to when.

    ``state``: draft, not yet in force, in force, narrowed (in force, for less than before), expired or
    withdrawn. No ``jurisdictions`` means that they were not stated.
    """

    grantor: str
    legal_basis: str
    purposes: list[str]
    jurisdictions: list[str]
    notice: str
    valid_from: str
    valid_until: str | None
    retention_days: int
    state: str
    in_force: bool


class CollectionOut(BaseModel):
    """A collection and its newest permission."""

    name: str
    title: str
    images: int
    faces: int
    revision: int
    permission: PermissionOut | None


class PurposeOut(BaseModel):
    """A reason for searching, from the policy.

    ``needs`` is what must be on record in a case first: case, narrative, authorisation, consent; without any
    a case is not needed. ``legal_bases`` are those of the permissions that it fits, ``reviewers`` how many
    examiners must agree on a lead, and ``probe_retention_hours`` how long searched photographs are kept after
    the case has closed, or after a search without one.
    """

    name: str
    title: str
    explanation: str
    mode: str
    limit: int
    target_fpir: float | None
    needs_case: bool
    needs: list[str]
    legal_bases: list[str]
    reviewers: int
    probe_retention_hours: int
    searches_a_day: int


class ImageOut(BaseModel):
    """A photograph of a collection and where it comes from."""

    image: str
    collection: str
    path: str
    source_url: str | None
    page_url: str | None
    caption: str | None
    credit: str | None
    extra: dict[str, str]
    width: int
    height: int
    image_href: str


class SourceOut(ImageOut):
    """One face in a photograph of a collection. ``advice`` is as for the faces that are searched."""

    face: str
    box: list[float]
    advice: list[str]
    crop_href: str


def permission_out(permission: Permission, now: datetime) -> PermissionOut:
    """Present a permission as it stands at ``now`` (UTC)."""
    return PermissionOut(
        grantor=permission.grantor,
        legal_basis=permission.legal_basis,
        purposes=list(permission.purposes),
        jurisdictions=list(permission.jurisdictions),
        notice=permission.notice,
        valid_from=iso(permission.valid_from),
        valid_until=iso(permission.valid_until) if permission.valid_until else None,
        retention_days=permission.retention_days,
        state=permission.state(now),
        in_force=permission.in_force(now),
    )


def collection_out(collection: Collection, holds: Contents, now: datetime) -> CollectionOut:
    """Present a collection as it stands at ``now`` (UTC)."""
    permission = collection.permission
    return CollectionOut(
        name=collection.name,
        title=collection.title,
        images=holds.images,
        faces=holds.faces,
        revision=collection.revision,
        permission=permission_out(permission, now) if permission else None,
    )


def purpose_out(purpose: Purpose) -> PurposeOut:
    """Present a purpose."""
    return PurposeOut(
        name=purpose.name,
        title=purpose.title,
        explanation=purpose.explanation,
        mode=purpose.mode,
        limit=purpose.limit,
        target_fpir=purpose.target_fpir,
        needs_case=purpose.needs_case,
        needs=sorted(purpose.needs),
        legal_bases=sorted(purpose.legal_bases),
        reviewers=purpose.reviewers,
        probe_retention_hours=purpose.retention_hours,
        searches_a_day=purpose.searches_a_day,
    )


def image_out(face: StoredFace) -> ImageOut:
    """Present the photograph that a face is in."""
    said = face.image.provenance
    return ImageOut(
        image=face.image.id,
        collection=face.collection,
        path=said.path,
        source_url=said.source_url,
        page_url=said.page_url,
        caption=said.caption,
        credit=said.credit,
        extra=dict(said.extra),
        width=face.image.width,
        height=face.image.height,
        image_href=f"/api/v1/images/{face.image.id}/image.jpg",
    )


def source_out(face: StoredFace) -> SourceOut:
    """Present a stored face with its photograph."""
    return SourceOut(
        **vars(image_out(face)),
        face=face.id,
        box=face.detected.box.tolist(),
        advice=list(face.detected.quality.advice),
        crop_href=f"/api/v1/faces/{face.id}/crop.jpg",
    )
