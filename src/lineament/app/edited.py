"""Searching once more with one photograph edited. The list for the unedited photograph stays on record.

An edited search is made from a finished one of the same person's own, so that the unedited photograph was
always searched as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lineament.app.candidates import own_search, readable_search
from lineament.app.choices import Choice
from lineament.app.installation import Installation
from lineament.app.pictures import IMAGE_SIDE
from lineament.app.probes import probe_photograph, searched, whole
from lineament.app.search import look_at, run
from lineament.core.edits import EditKind
from lineament.core.faces import Photograph
from lineament.core.policy import Person
from lineament.core.times import iso
from lineament.core.words import plain
from lineament.errors import InvalidRequest, ProbeErased, WrongState
from lineament.records import collections, searches
from lineament.records.searches import Outcome, PinnedCollection, Probe, Search
from lineament.vision.edits import check, edited
from lineament.vision.render import jpeg

Steps = Sequence[tuple[EditKind, tuple[float, ...]]]  # kinds and values, in the order in which they are done


def search_edited(
    installation: Installation,
    who: Person,
    search_id: str,
    number: int,
    edits: Steps,
    choice: Choice | None = None,
) -> Search:
    """Search again, as a finished search of this person's did, with its photograph ``number`` edited.

    Photographs are counted from 1; the others are searched as they were. Without ``choice`` a face that is
    alone and usable in the edited photograph is taken; with any other the search waits for ``choose_face``.
    The policy decides again. Raises SearchNotFound, ProbeErased, WrongState and InvalidRequest; and, on
    record, what ``open_search`` raises, and InvalidRequest for an edit that does not fit the photograph.
    """
    unedited = repeatable(installation, who, search_id, number)
    check(edits)
    photos = [probe_photograph(installation, probe) for probe in unedited.probes]
    looked: list[Probe] = []

    def look(place: int) -> Probe:
        probe = unedited.probes[place]
        if place == number - 1:
            photograph, made = edited(installation.vision.decode(photos[place]), edits)
            probe = look_at(installation, Probe(probe.sha256, edits=made), photograph, choice)
        looked.append(probe)
        return probe

    def photograph_of(place: int) -> Photograph:
        return searched(installation, looked[place])

    opened = replace(begun_again(installation, unedited), edited_from=unedited.id)
    return run(installation, who, opened, look, photograph_of, photos)


def preview(
    installation: Installation, who: Person, search_id: str, number: int, edits: Steps
) -> tuple[bytes, tuple[int, int]]:
    """Return what would be searched as a JPEG, and its true width and height, px.

    Raises SearchNotFound, ProbeErased, WrongState and InvalidRequest.
    """
    photograph = whole(installation, repeatable(installation, who, search_id, number).probes[number - 1])
    if edits:
        photograph, _ = edited(photograph, edits)
    return jpeg(photograph, IMAGE_SIDE), (photograph.width, photograph.height)


def siblings(installation: Installation, who: Person, search: Search) -> tuple[Search | None, list[Search]]:
    """Return the search of the unedited photographs, if this one is edited, and the edited ones made from it.

    Whoever may read a search may read these: they are of the same person, in the same case. Raises
    SearchNotFound.
    """
    readable_search(installation, who, search.id)
    with installation.records.read() as tx:
        before = searches.get_search(tx, search.edited_from) if search.edited_from else None
        return before, searches.edited_searches(tx, search.id)


def edits_of(texts: Sequence[str]) -> Steps:
    """Return the edits that a door was given as texts, such as ``rotate=90`` and ``flip``.

    Raises InvalidRequest.
    """
    return [_edit(text.strip()) for text in texts if text.strip()]


def _edit(text: str) -> tuple[EditKind, tuple[float, ...]]:
    name, _, values = text.partition("=")
    if name not in set(EditKind):
        raise InvalidRequest(f"There is no edit '{plain(name)[:40]}'. The edits are: {', '.join(EditKind)}.")
    try:
        return EditKind(name), tuple(map(float, values.split(","))) if values else ()
    except ValueError as error:
        raise InvalidRequest(
            f"The values of the edit '{name}' are numbers, such as in rotate=90 or crop=10,10,200,300."
        ) from error


def repeatable(installation: Installation, who: Person, search_id: str, number: int) -> Search:
    """Return one of this person's searches whose photograph ``number`` may be searched again in another way.

    Raises SearchNotFound, ProbeErased, WrongState, and InvalidRequest for a photograph that is not there.
    """
    search = own_search(installation, who, search_id)
    if search.edited_from is not None:
        raise WrongState("This search is of an edited photograph. Go back to the one that it was made from.")
    if search.outcome not in {Outcome.CANDIDATES, Outcome.EMPTY}:
        raise WrongState("A photograph is searched as it is first: this search has no list.")
    if search.contract != installation.vision.contract:
        raise WrongState(
            "The model pack of this search is no longer in use. Search anew with the photograph."
        )
    if not 1 <= number <= len(search.probes):
        raise InvalidRequest(f"There is no photograph {number}: the search has {len(search.probes)}.")
    if any(probe.erased for probe in search.probes):
        raise ProbeErased("The photographs of this search were erased, as the policy says.")
    return search


def begun_again(installation: Installation, before: Search) -> Search:
    """Return a further search of the same photographs as it begins, before anything is decided."""
    with installation.records.read() as tx:
        found = collections.list_collections(tx, [one.name for one in before.collections])
    return replace(
        before,
        id=installation.new_id(),
        started_at=iso(installation.clock()),
        ended_at=None,
        outcome=Outcome.REFUSED,
        edited_from=None,
        collections=tuple(PinnedCollection(one.id, one.name, one.revision) for one in found),
        policy=installation.policy.version,
        contract=None,
        mode=None,
        threshold=None,
        limit=None,
        salt=installation.new_salt(),
        probes=tuple(Probe(probe.sha256) for probe in before.probes),
        searched_faces=None,
        truncated=False,
        candidates=(),
    )
