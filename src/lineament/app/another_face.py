"""Searching another face of a photograph than was searched, such as one that was not found and is drawn."""

from __future__ import annotations

from dataclasses import replace

from lineament.app.edited import begun_again, repeatable
from lineament.app.installation import Installation
from lineament.app.probes import probe_photograph, searched
from lineament.app.search import run
from lineament.core.faces import Photograph
from lineament.core.policy import Person
from lineament.records.searches import Probe, Search


def search_another_face(installation: Installation, who: Person, search_id: str, number: int) -> Search:
    """Begin a search like a finished one of this person's, that waits for a face of photograph ``number``.

    Photographs are counted from 1; of the others the same faces are searched. Nothing is decoded or found
    anew, and nothing compared before ``choose_face``. The policy decides again. Raises SearchNotFound,
    ProbeErased, WrongState and InvalidRequest; and, on record, what ``open_search`` raises.
    """
    before = repeatable(installation, who, search_id, number)
    photos = [probe_photograph(installation, probe) for probe in before.probes]

    def look(place: int) -> Probe:
        probe = before.probes[place]
        if place != number - 1:
            return probe
        return replace(probe, faces=tuple(one for one in probe.faces if not one.drawn), face=None)

    def photograph_of(place: int) -> Photograph:
        return searched(installation, before.probes[place])

    return run(installation, who, begun_again(installation, before), look, photograph_of, photos)
