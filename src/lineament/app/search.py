"""Search: the walk from photographs of one person to a candidate list.

1. The policy decides, before any pixel is decoded.
2. Each photograph is decoded and its faces are found; where it does not show one usable face alone, the
   searcher picks one of them, or draws a box around one that was not found.
3. One template is made of the chosen faces and compared with every face of the collections.
4. Candidates are scored again from the records and re-checked, and copies of one photograph are grouped.
5. The search and its ledger entry commit. Only then is anything shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.casework import cases as casework
from lineament.app.casework.texts import LINE_LENGTH_MAX
from lineament.app.choices import Choice
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.probes import searched
from lineament.app.ranking import best
from lineament.app.search_entry import search_entry
from lineament.core.cases import Obtained
from lineament.core.faces import Photograph
from lineament.core.odds import threshold_for
from lineament.core.policy import UNKNOWN_PURPOSE, Asked, Decision, Person, Purpose, Reason, decide
from lineament.core.times import iso
from lineament.core.words import counted, is_plain, plain
from lineament.errors import (
    BadInput,
    CollectionNotFound,
    InvalidRequest,
    LineamentError,
    NoSuchFace,
    NotCalibrated,
    SearchNotFound,
    SearchNotOpen,
    SearchRefused,
)
from lineament.records import collections, searches
from lineament.records.searches import Outcome, PinnedCollection, Probe, Search
from lineament.vision.pipeline import LARGEST_PROBE
from lineament.vision.quality import require_usable

LOWEST_SCORE = -1.0  # of a cosine: no threshold
DAY = timedelta(hours=24)
COLLECTIONS_MAX = 500  # so that an entry of the ledger holds them: it has 65,535 bytes
CANDIDATE_ROWS_MAX = 400  # copies counted; likewise


@dataclass(frozen=True)
class Request:
    """What a person asks for: a purpose of the policy, the collections by name, and the case, if any.

    ``case_reference`` is that of a case of theirs; ``obtained`` says how the photographs were obtained, which
    is needed in a case.
    """

    purpose: str
    collections: tuple[str, ...]
    case_reference: str | None = None
    obtained: Obtained | None = None


def open_search(
    installation: Installation,
    who: Person,
    request: Request,
    photos: Sequence[bytes],
    choices: Sequence[Choice] = (),
) -> Search:
    """Search with 1 to 20 photographs of one person.

    ``choices`` says which face of each photograph, in their order. Without them a photograph of one usable
    face needs no choice; with any other the search is returned waiting for ``choose_face``.
    Raises InvalidRequest and CollectionNotFound; and, each on record, SearchRefused, PhotographError,
    NoSuchFace, InvalidRequest for a box outside the photograph, or NotCalibrated.
    """
    _require_plain(request)
    _require_each_once(photos, choices)
    opened = _new(installation, who, request, photos)

    def look(place: int) -> Probe:
        with _about(place + 1, len(photos)):
            choice = choices[place] if choices else None
            return look_at(installation, opened.probes[place], read(place), choice)

    def read(place: int) -> Photograph:
        return installation.vision.read(photos[place])

    return run(installation, who, opened, look, read, photos)


def run(
    installation: Installation,
    who: Person,
    opened: Search,
    look: Callable[[int], Probe],
    photograph_of: Callable[[int], Photograph],
    photos: Sequence[bytes] = (),
) -> Search:
    """Steps 1 to 5 of a search as it begins; whatever stops it is on record.

    ``look`` finds the faces of a photograph by its place, from 0; ``photograph_of`` gives its pixels again.
    ``photos`` are kept where the search comes to an end. Raises what ``open_search`` raises.
    """
    purpose = _decide(installation, who, opened)
    try:
        seen = replace(opened, probes=tuple(map(look, range(len(opened.probes)))))
        done = _compare(installation, seen, purpose, photograph_of)
        for photo in photos:
            installation.documents.put(photo)
    except Exception as error:
        code = error.code if isinstance(error, LineamentError) else LineamentError.code
        sentence = str(error) if isinstance(error, LineamentError) else "Something went wrong."
        _save(installation, who, _stopped(opened, Outcome.FAILED, [Reason(code, sentence)]))
        raise
    return _save(installation, who, done, photos)


def choose_face(
    installation: Installation, who: Person, search_id: str, choice: Choice, number: int = 1
) -> Search:
    """Go on with a search that waits for a face. The policy decides again: things may have changed.

    ``number`` says in which of its photographs, counted from 1. While another one still needs a choice, the
    search waits on. Raises SearchNotFound, SearchNotOpen, and what ``open_search`` raises; a face that cannot
    be searched leaves the search waiting.
    """
    with installation.records.read() as tx:
        waiting = searches.get_search(tx, search_id)
    if waiting is None or waiting.person_id != who.id:
        raise SearchNotFound("There is no such search of yours.")
    if waiting.outcome is not Outcome.AWAITING_FACE:
        raise SearchNotOpen(_NOT_OPEN)
    if waiting.contract != installation.vision.contract:
        raise SearchNotOpen("The faces of this search were found by a model pack that is no longer in use.")
    probes = list(waiting.probes)
    if not 1 <= number <= len(probes):
        raise InvalidRequest(f"There is no photograph {number}: the search has {len(probes)}.")
    waiting = replace(waiting, policy=installation.policy.version)
    purpose = _decide(installation, who, waiting)

    def read(place: int) -> Photograph:
        return searched(installation, probes[place])

    with _about(number, len(probes)):
        probes[number - 1] = _choose(installation, probes[number - 1], read(number - 1), choice)
    done = _compare(installation, replace(waiting, probes=tuple(probes)), purpose, read)
    return _save(installation, who, done)


_NOT_OPEN = "This search is not waiting for a face to be chosen."


def _require_plain(request: Request) -> None:
    """Refuse what could not be recorded or shown, whichever door it came through."""
    if not is_plain(request.case_reference or "") or len(request.case_reference or "") > LINE_LENGTH_MAX:
        raise InvalidRequest(
            f"The case reference must be plain text of at most {LINE_LENGTH_MAX} characters."
        )
    if len(request.collections) > COLLECTIONS_MAX:
        raise InvalidRequest(f"At most {COLLECTIONS_MAX} collections can be searched at once.")


def _require_each_once(photos: Sequence[bytes], choices: Sequence[Choice]) -> None:
    """Refuse what cannot be one person's photographs with a choice for each or for none."""
    if not 1 <= len(photos) <= LARGEST_PROBE:
        raise InvalidRequest(f"A search is made with 1 to {LARGEST_PROBE} photographs of one person.")
    if len(set(photos)) < len(photos):
        raise InvalidRequest("The same photograph is given twice.")
    if len(choices) not in {0, len(photos)}:
        many = f"{counted(len(photos), 'photograph')} and {counted(len(choices), 'choice')} of a face"
        raise InvalidRequest(f"There are {many}: give one for each, in their order, or none.")


@contextmanager
def _about(number: int, of: int) -> Iterator[None]:
    """Where there are several photographs, say in an error which of them it is about."""
    try:
        yield
    except BadInput as error:
        if of == 1:
            raise
        raise type(error)(f"Photograph {number}: {error}") from error


def _new(installation: Installation, who: Person, request: Request, photos: Sequence[bytes]) -> Search:
    """Return the search as it begins, before anything is decided. Raises CollectionNotFound."""
    names = sorted(set(request.collections))
    reference = (request.case_reference or "").strip() or None
    with installation.records.read() as tx:
        found = collections.list_collections(tx, [name for name in names if is_plain(name)])
        case = casework.own_case(tx, who, reference, installation.clock())
    for name in names:
        if name not in {one.name for one in found}:
            raise CollectionNotFound(f"There is no collection named '{plain(name)[:40]}'.")
    known = request.purpose in installation.policy.purposes
    return Search(
        id=installation.new_id(),
        person_id=who.id,
        started_at=iso(installation.clock()),
        ended_at=None,
        outcome=Outcome.REFUSED,
        reasons=(),
        purpose=request.purpose if known else UNKNOWN_PURPOSE,
        case_reference=reference,
        case_id=case.id if case else None,
        obtained=request.obtained,
        edited_from=None,
        collections=tuple(PinnedCollection(one.id, one.name, one.revision) for one in found),
        policy=installation.policy.version,
        contract=None,
        mode=None,
        threshold=None,
        limit=None,
        salt=installation.new_salt(),
        probes=tuple(Probe(sha256(photo).hexdigest()) for photo in photos),
        searched_faces=None,
        truncated=False,
        candidates=(),
    )


def _decide(installation: Installation, who: Person, search: Search) -> Purpose:
    """Step 1. Return the purpose whose terms apply; record a refusal and raise SearchRefused."""
    with installation.records.read() as tx:
        decision = _decision(installation, tx, who, search)
    if decision.purpose is None:
        _save(installation, who, _stopped(search, Outcome.REFUSED, decision.reasons))
        raise _refusal(decision.reasons)
    return decision.purpose


def _decision(installation: Installation, tx: Connection, who: Person, search: Search) -> Decision:
    now = installation.clock()
    standings = eligibility.standings(tx, [pinned.name for pinned in search.collections])
    asked = Asked(
        search.purpose,
        search.case_reference,
        casework.standing(tx, who, search.case_id, now),
        search.obtained,
        searches.count_searches(tx, who.id, search.purpose, iso(now - DAY), search.id),
    )
    return decide(installation.policy, who, asked, standings, now)


def look_at(
    installation: Installation, probe: Probe, photograph: Photograph, choice: Choice | None = None
) -> Probe:
    """Step 2. Return the probe with the faces that are found; one that is alone and usable is chosen.

    A choice that was made comes first. Raises NoSuchFace, InvalidRequest for a box outside the photograph,
    and FaceTooSmall.
    """
    faces = tuple(installation.vision.detect(photograph))
    evident = 1 if len(faces) == 1 and faces[0].quality.usable else None
    seen = replace(probe, size=(photograph.width, photograph.height), faces=faces, face=evident)
    return seen if choice is None else _choose(installation, seen, photograph, choice)


def _choose(installation: Installation, probe: Probe, photograph: Photograph, choice: Choice) -> Probe:
    """Step 2. Return the probe with a face chosen. A box brings one more face, after those that were found.

    Raises NoSuchFace, InvalidRequest for a box outside the photograph, and FaceTooSmall.
    """
    faces = probe.faces
    if not isinstance(choice, int):
        faces += (installation.vision.face_at(photograph, choice),)
        choice = len(faces)
    if not 1 <= choice <= len(faces):
        found = {0: "no face was found", 1: "one face was found"}
        there = found.get(len(faces), f"there are 1 to {len(faces)}")
        raise NoSuchFace(f"There is no face {choice} in the photograph: {there}.")
    require_usable(faces[choice - 1])
    return replace(probe, faces=faces, face=choice)


def _compare(
    installation: Installation,
    search: Search,
    purpose: Purpose,
    photograph_of: Callable[[int], Photograph],
) -> Search:
    """Steps 3 and 4. Return the search with its candidates, or waiting for a face, ready to be saved."""
    search = replace(search, contract=installation.vision.contract)
    faces = [probe.chosen for probe in search.probes if probe.chosen]
    if len(faces) < len(search.probes):
        return replace(search, outcome=Outcome.AWAITING_FACE)
    probe = installation.vision.probe(faces, photograph_of)
    names = [pinned.name for pinned in search.collections]
    found, rows = best(installation, probe, names, _floor(installation, purpose), purpose.limit)
    kept = tuple(row for row in rows if row.rank <= purpose.limit)[:CANDIDATE_ROWS_MAX]
    return replace(
        search,
        outcome=Outcome.CANDIDATES if kept else Outcome.EMPTY,
        collections=found.collections,
        mode=purpose.mode,
        threshold=None if purpose.target_fpir is None else found.floor,
        limit=purpose.limit,
        searched_faces=found.hits.covered,
        truncated=found.hits.truncated or len(kept) < len(rows),
        candidates=kept,
    )


def _floor(installation: Installation, purpose: Purpose) -> Callable[[int], float]:
    """Return what gives the lowest score to list among so many faces: the target FPIR's, or any."""
    target, tail = purpose.target_fpir, installation.tail
    if target is None:
        return lambda _faces: LOWEST_SCORE
    if tail is None:
        raise NotCalibrated("The error rates of this model pack have not been measured.")
    return lambda faces: threshold_for(tail, target, faces)


def _stopped(search: Search, outcome: Outcome, reasons: Iterable[Reason]) -> Search:
    return replace(search, outcome=outcome, reasons=tuple(reasons), candidates=())


def _refusal(reasons: Iterable[Reason]) -> SearchRefused:
    return SearchRefused(" ".join(reason.sentence for reason in reasons))


def _save(installation: Installation, who: Person, search: Search, photos: Sequence[bytes] = ()) -> Search:
    """Step 5. Write the search and its ledger entry in one transaction.

    ``photos`` are kept from then on: the upkeep may just have erased one that an older search had left. The
    policy decides once more inside it: a list under a permission that has just ended is refused. Raises
    SearchRefused, or SearchNotOpen when somebody else finished the waiting search first.
    """
    search = replace(search, ended_at=iso(installation.clock()))
    reasons: tuple[Reason, ...] = ()
    with act(installation) as doing:
        if search.outcome in {Outcome.CANDIDATES, Outcome.EMPTY, Outcome.AWAITING_FACE}:
            reasons = _decision(installation, doing.tx, who, search).reasons
            search = _stopped(search, Outcome.REFUSED, reasons) if reasons else search
        if not searches.finish_search(doing.tx, search):
            if searches.get_search(doing.tx, search.id) is not None:
                raise SearchNotOpen(_NOT_OPEN)
            searches.add_search(doing.tx, search)
        for photo in photos:
            installation.documents.put(photo)
        if search.outcome is not Outcome.REFUSED:
            casework.begin_searching(installation, doing, who, search.case_id)
        doing.record("search", case=doing.in_case(search.case_id), **search_entry(search))
    if reasons:
        raise _refusal(reasons)
    return search
