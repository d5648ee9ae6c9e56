"""A search: decided before decoding, recorded before showing, and exactly what the records hold."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lineament import ledger
from lineament.app import collections, pictures
from lineament.app.candidates import face_for, show_search
from lineament.app.casework.cases import Grounds, open_case
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.app.search_entry import candidate_bytes, probe_bytes
from lineament.core.cases import Obtained
from lineament.core.odds import threshold_for
from lineament.core.policy import Person, Role
from lineament.errors import (
    CollectionNotFound,
    ImageNotFound,
    InvalidRequest,
    NoSuchFace,
    NotAPhotograph,
    SearchNotFound,
    SearchRefused,
)
from lineament.records import people
from lineament.records.searches import Outcome
from lineament.sources import open_source
from lineament.testing import NOON, Clock, holds, make_collection, make_permission, recorded
from tests.casework import a_case
from tests.samples import BIDEN, OBAMA, SOLVAY

ARCHIVE = Request("archive-research", ("archive",))


@pytest.fixture
def installation(archive: Installation) -> Installation:
    """Seven portraits are there to be searched."""
    return archive


def test_a_person_who_is_there_comes_first_with_source_and_odds(installation: Installation, who: Person):
    """Another photograph of the same person is the one candidate."""
    search = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    (candidate,) = show_search(installation, who, search.id).candidates
    assert search.outcome is Outcome.CANDIDATES
    assert candidate.face is not None
    assert candidate.face.image.provenance.extra["person"] == "Barack Obama"
    assert candidate.face.image.provenance.source_url.startswith("https://")
    assert candidate.score > search.threshold
    assert "Among these 7 faces" in candidate.odds


def test_a_person_who_is_not_there_gives_an_empty_list(installation: Installation, who: Person):
    """An empty list is an answer, and it is on record."""
    search = open_search(installation, who, ARCHIVE, [BIDEN.read_bytes()])
    assert search.outcome is Outcome.EMPTY
    assert search.searched_faces == 7
    assert recorded(installation)[-1]["outcome"] == "empty"


def test_a_refusal_decodes_nothing_and_is_on_record(installation: Installation, who: Person, monkeypatch):
    """The gate stands before the decoder: one that would explode is never reached."""
    for door in ("decode", "read"):
        monkeypatch.setattr(installation.vision, door, lambda _data: pytest.fail("a pixel was decoded"))
    with pytest.raises(SearchRefused, match="needs a case") as refused:
        open_search(installation, who, Request("missing-person", ("archive",)), [b"anything"])
    assert "does not allow 'missing-person'" in str(refused.value)
    entry = recorded(installation)[-1]
    assert (entry["outcome"], entry["code"], entry["contract"]) == ("refused", "case-missing", None)


def test_an_expired_permission_takes_effect_at_the_next_search(
    installation: Installation, who: Person, clock: Clock
):
    """No job has to run; and what was found before is no longer shown."""
    before = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    (candidate,) = show_search(installation, who, before.id).candidates
    clock.turn(timedelta(days=400))
    with pytest.raises(SearchRefused, match="ended on"):
        open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    (withheld,) = show_search(installation, who, before.id).candidates
    assert withheld.face is None
    with pytest.raises(ImageNotFound):
        pictures.crop(installation, who, candidate.face.id)


def test_a_failed_search_is_on_record_with_its_reason(installation: Installation, who: Person):
    """Bad bytes give a sentence and an entry."""
    with pytest.raises(NotAPhotograph):
        open_search(installation, who, ARCHIVE, [b"<html>"])
    entry = recorded(installation)[-1]
    assert (entry["outcome"], entry["code"]) == ("failed", "not-a-photograph")


def test_a_collection_that_does_not_exist_is_named(installation: Installation, who: Person):
    """It is not searched around."""
    with pytest.raises(CollectionNotFound, match="'attic'"):
        open_search(installation, who, Request("archive-research", ("archive", "attic")), [b""])


def test_searching_again_gives_the_same_faces_in_the_same_order(installation: Installation, who: Person):
    """Investigation mode shows the whole order; two runs agree to the last digit."""
    make_collection(installation, "missing", None, make_permission(("missing-person",)))
    collections.permit(installation, who, "archive", make_permission(("missing-person",)))
    case = a_case(installation, who=who)
    request = Request(case.purpose, ("archive", "missing"), case.reference, Obtained.FROM_FAMILY)
    one = open_search(installation, who, request, [BIDEN.read_bytes()])
    two = open_search(installation, who, request, [BIDEN.read_bytes()])
    assert one.candidates == two.candidates
    assert [row.rank for row in one.candidates] == list(range(1, 8))
    assert (one.mode, one.threshold) == ("investigation", None)


def test_a_probe_never_joins_a_collection(installation: Installation, who: Person):
    """Searching a photograph a second time does not find it."""
    for _ in range(2):
        assert open_search(installation, who, ARCHIVE, [BIDEN.read_bytes()]).outcome is Outcome.EMPTY
    assert holds(installation, "archive").images == 7


def test_copies_of_one_photograph_share_a_rank(installation: Installation, who: Person, portraits: Path):
    """The same bytes in another collection are another source, not another candidate."""
    copy = portraits.parent / "copy"
    copy.mkdir()
    shutil.copy(portraits / "obama.jpg", copy / "p.jpg")
    make_collection(installation, "second", copy)
    search = open_search(
        installation, who, Request("archive-research", ("archive", "second")), [OBAMA.read_bytes()]
    )
    (candidate,) = show_search(installation, who, search.id).candidates
    assert {candidate.face.collection, candidate.also_in[0].collection} == {"archive", "second"}


def test_new_faces_are_found_by_the_next_search(installation: Installation, who: Person, portraits: Path):
    """The index follows the records without a restart."""
    assert open_search(installation, who, ARCHIVE, [BIDEN.read_bytes()]).searched_faces == 7
    more = portraits.parent / "more"
    more.mkdir()
    shutil.copy(BIDEN, more / "b.jpg")
    make_collection(installation, "second", more)
    both = Request("archive-research", ("archive", "second"))
    assert open_search(installation, who, both, [BIDEN.read_bytes()]).searched_faces == 8


def test_somebody_else_sees_neither_the_search_nor_the_faces(installation: Installation, who: Person):
    """An id alone opens nothing; a searcher sees what their own searches returned."""
    search = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    (candidate,) = show_search(installation, who, search.id).candidates
    other = Person("f" * 32, "other", frozenset({Role.SEARCHER}))
    with pytest.raises(SearchNotFound):
        show_search(installation, other, search.id)
    with pytest.raises(ImageNotFound):
        face_for(installation, other, candidate.face.id)


def test_the_entry_commits_to_probe_and_candidates_without_naming_them(
    installation: Installation, who: Person
):
    """Whoever has the salt can open the commitments; the leaf itself says nothing about anybody."""
    search = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    entry = recorded(installation)[-1]

    def salted(field: str) -> bytes:
        return ledger.field_salt(search.salt, field)

    assert entry["candidates"] == [
        ledger.commitment(salted("candidates/0"), candidate_bytes(search.candidates[0]))
    ]
    assert entry["probes"] == [ledger.commitment(salted("probes/0"), probe_bytes(search.probes[0]))]
    assert search.candidates[0].face_id not in str(entry)
    assert NOON.strftime("%Y-%m-%dT%H:%M") in str(entry["started"])


def test_a_permission_that_ends_during_the_search_refuses_its_list(
    installation: Installation, who: Person, clock: Clock, monkeypatch
):
    """The policy decides once more in the transaction that records the list."""
    probe = installation.vision.probe

    def slow_probe(*args):
        clock.turn(timedelta(days=400))
        return probe(*args)

    monkeypatch.setattr(installation.vision, "probe", slow_probe)
    with pytest.raises(SearchRefused, match="ended on"):
        open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    entry = recorded(installation)[-1]
    assert (entry["outcome"], entry["candidates"]) == ("refused", [])


def test_the_threshold_belongs_to_the_faces_that_were_searched(
    installation: Installation, who: Person, portraits: Path, monkeypatch
):
    """Faces that come in while a search is under way raise its threshold, or are not searched."""
    more = portraits.parent / "more"
    more.mkdir()
    shutil.copy(BIDEN, more / "b.jpg")
    probe = installation.vision.probe

    def probe_while_an_ingest_commits(*args):
        ingest(installation, who, "archive", open_source(more), lambda _done: None)
        return probe(*args)

    monkeypatch.setattr(installation.vision, "probe", probe_while_an_ingest_commits)
    search = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    assert search.searched_faces == 8
    assert search.threshold == threshold_for(installation.tail, 0.01, 8)
    assert search.collections[0].revision == collections.find(installation, "archive").revision


def test_a_failed_search_offers_no_photograph(installation: Installation, who: Person):
    """What was not kept is not promised."""
    with pytest.raises(NoSuchFace):
        open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()], [9])
    search = recorded(installation)[-1]["search"]
    with pytest.raises(SearchNotFound, match="not kept"):
        pictures.probe(installation, who, str(search), 1)


def test_a_waiting_search_that_is_refused_keeps_what_it_found(
    installation: Installation, who: Person, clock: Clock
):
    """It is decided again; the record still says that faces were found and which photograph was kept."""
    waiting = open_search(installation, who, ARCHIVE, [SOLVAY.read_bytes()])
    clock.turn(timedelta(days=400))
    with pytest.raises(SearchRefused):
        choose_face(installation, who, waiting.id, 1)
    refused = show_search(installation, who, waiting.id).search
    assert (refused.outcome, len(refused.probes[0].faces)) == (Outcome.REFUSED, 29)
    assert pictures.probe(installation, who, waiting.id, 1)


def test_a_searcher_sees_a_picture_only_while_its_purpose_is_allowed(
    installation: Installation, who: Person, portraits: Path
):
    """A narrowed permission closes the picture's own address, and not only the list."""
    searcher = Person("e" * 32, "searcher", frozenset({Role.SEARCHER}))
    with installation.records.write() as tx:
        people.add_person(tx, searcher)
    search = open_search(installation, searcher, ARCHIVE, [OBAMA.read_bytes()])
    (candidate,) = show_search(installation, searcher, search.id).candidates
    assert pictures.crop(installation, searcher, candidate.face.id)
    collections.permit(installation, who, "archive", make_permission(("own-likeness",)))
    with pytest.raises(ImageNotFound):
        pictures.crop(installation, searcher, candidate.face.id)


def test_a_search_that_breaks_inside_is_on_record_too(installation: Installation, who: Person, monkeypatch):
    """Whatever fails, the attempt is written down."""
    monkeypatch.setattr(installation.vision, "detect", lambda _photograph: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    assert recorded(installation)[-1]["outcome"] == "failed"


def test_the_photographs_of_a_case_come_with_how_they_were_obtained(installation: Installation, who: Person):
    """Without it nothing is computed; with it the record and the entry say so."""
    case = open_case(installation, who, "K-17", "Somebody is sought", "archive-research")
    request = Request("archive-research", ("archive",), " K-17 ")
    with pytest.raises(SearchRefused, match="how the photograph was obtained"):
        open_search(installation, who, request, [BIDEN.read_bytes()])
    assert (recorded(installation)[-1]["code"], recorded(installation)[-1]["obtained"]) == (
        "obtained-missing",
        None,
    )
    search = open_search(
        installation, who, replace(request, obtained=Obtained.PUBLISHED), [BIDEN.read_bytes()]
    )
    assert (search.case_id, search.case_reference, search.obtained) == (case.id, "K-17", "published")
    assert recorded(installation)[-1]["obtained"] == "published"


def test_a_case_is_searched_for_its_own_purpose(installation: Installation, who: Person):
    """What was opened for one reason is not searched for another; the refusal is one of its acts."""
    case = open_case(
        installation, who, "K-17", "Somebody is sought", "own-likeness", Grounds(consent="Hers.")
    )
    request = Request("archive-research", ("archive",), "K-17", Obtained.PUBLISHED)
    with pytest.raises(SearchRefused, match="opened for the purpose 'own-likeness'"):
        open_search(installation, who, request, [BIDEN.read_bytes()])
    assert recorded(installation)[-1]["case"] == {"id": case.id, "number": 3}


@pytest.mark.parametrize("case", ["\x00", "\ud800", "\x1b[2J", "x" * 201])
def test_a_case_reference_that_cannot_be_shown_is_refused(installation: Installation, who: Person, case: str):
    """Through every door, because the use case says so."""
    with pytest.raises(InvalidRequest):
        open_search(installation, who, Request("archive-research", ("archive",), case), [b""])
    with pytest.raises(CollectionNotFound):
        open_search(installation, who, Request("archive-research", (case,)), [b""])
