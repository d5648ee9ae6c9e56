"""Factories that the tests share with people who test their own code against Lineament.

Everything here is real but the clock: the models, the records, the index and the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.config import Settings
from lineament.core.faces import DetectedFace
from lineament.core.permission import LegalBasis, Permission
from lineament.core.quality import Quality
from lineament.records import ledger_entries
from lineament.sources import open_source
from lineament.vision.align import ARCFACE_112, SIDE
from lineament.vision.pipeline import Vision
from lineament.wiring import open_installation

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands until it is turned."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Return the time it shows."""
        return self.now

    def turn(self, by: timedelta) -> None:
        """Turn it, forwards or backwards."""
        self.now += by


def make_face(
    box: Sequence[float] = (0, 0, 100, 100), inter_eye_distance: float = 40.0, unified_score: int = 80
) -> DetectedFace:
    """Return a face that looks straight ahead out of a box, xyxy px."""
    corners = np.array(box, np.float32)
    landmarks = corners[:2] + ARCFACE_112.astype(np.float32) / SIDE * (corners[2:] - corners[:2])
    quality = Quality(unified_score, inter_eye_distance, 0.0, 0.0, 0.0, 90, 90, 90, 90)
    return DetectedFace(corners, landmarks, 0.9, quality)


def make_installation(folder: Path, clock: Clock | None = None, vision: Vision | None = None) -> Installation:
    """Open a whole installation in a folder, with a clock that can be turned.

    Opening the models takes a second; tests may share one ``vision``, which keeps no state between calls.
    """
    made = open_installation(Settings(data=folder))
    return replace(made, clock=clock or Clock(), vision=vision or made.vision)


def make_permission(
    purposes: tuple[str, ...] = ("archive-research",),
    valid_from: datetime = NOON - timedelta(days=1),
    valid_until: datetime | None = NOON + timedelta(days=365),
) -> Permission:
    """Return a permission that is in force at ``NOON``."""
    return Permission(
        grantor="The archive",
        contact="archive@example.org",
        legal_basis=LegalBasis.OWN_IMAGES,
        purposes=purposes,
        notice="Photographs of our own.",
        valid_from=valid_from,
        valid_until=valid_until,
        evidence="deed.txt",
        evidence_sha256="0" * 64,
    )


def make_collection(
    installation: Installation, name: str, source: Path | None = None, permission: Permission | None = None
) -> Report | None:
    """Create a collection under a permission and, where a source is given, ingest it."""
    who = sign_in.operator(installation)
    collections.add(installation, who, name, name.title(), permission or make_permission())
    if source is None:
        return None
    return ingest(installation, who, name, open_source(source), lambda _done: None)


def holds(installation: Installation, name: str) -> collections.Contents:
    """Return what one collection holds."""
    return next(holds for one, holds in collections.stock(installation) if one.name == name)


def recorded(installation: Installation) -> list[dict[str, object]]:
    """Return every ledger entry, decoded, in order."""
    with installation.records.read() as tx:
        return [ledger.decode(one) for one in ledger_entries.read(tx, 0, ledger_entries.count(tx))]
