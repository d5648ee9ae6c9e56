"""The photographs that are searched: as given, and as searched, for which their edits are made again."""

from __future__ import annotations

from lineament.app.installation import Installation
from lineament.core.faces import Photograph
from lineament.errors import ProbeErased, SearchNotFound
from lineament.records.searches import Probe
from lineament.vision.edits import replay


def probe_photograph(installation: Installation, probe: Probe) -> bytes:
    """Return a photograph as it was given to be searched.

    Raises ProbeErased where its time has passed, SearchNotFound where it was not read and so not kept, and
    BlobLost or StorageFailed.
    """
    if probe.size is None:
        raise SearchNotFound("The photographs of this search were not kept.")
    if probe.erased:
        raise ProbeErased("The photograph that was searched was erased, as the policy says.")
    return installation.documents.get(probe.sha256)


def whole(installation: Installation, probe: Probe) -> Photograph:
    """Return a photograph that is searched, at full size.

    Raises SearchNotFound, ProbeErased, BlobLost and EditNotReplayable.
    """
    return replay(installation.vision.decode(probe_photograph(installation, probe)), probe.edits)


def searched(installation: Installation, probe: Probe) -> Photograph:
    """Return the same as large as the detector needs it, where it was not edited."""
    return again(installation, probe, probe_photograph(installation, probe))


def again(installation: Installation, probe: Probe, data: bytes) -> Photograph:
    """Return the same from the photograph's bytes. Raises EditNotReplayable."""
    if probe.edits:
        return replay(installation.vision.decode(data), probe.edits)
    return installation.vision.read(data)
