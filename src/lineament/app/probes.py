"""The pixels of the photographs that are searched, as they were searched: their edits are made again."""

from __future__ import annotations

from lineament.app.installation import Installation
from lineament.app.stored import probe_photograph
from lineament.core.faces import Photograph
from lineament.records.searches import Probe
from lineament.vision.edits import replay


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
