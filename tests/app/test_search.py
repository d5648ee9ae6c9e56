"""A search: decided before decoding, recorded before showing, and exactly what the records hold."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from lineament import ledger
from lineament.app import collections, pictures, sign_in
from lineament.app.candidates import face_for, show_search
from lineament.app.choices import Box, parse_box
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import (
    Request,
    candidate_bytes,
    choose_face,
    open_search,
    probe_bytes,
)
from lineament.core.odds import threshold_for
from lineament.core.policy import Person, Role
from lineament.errors import (
    CollectionNotFound,
    FaceTooSmall,
    ImageNotFound,
    InvalidRequest,
    NoSuchFace,
    NotAPhotograph,
    SearchNotFound,
    SearchNotOpen,
    SearchRefused,
)
from lineament.records import people
from lineament.records.searches import Outcome
from lineament.sources import open_source
from lineament.testing import NOON, Clock, holds, make_collection, make_face, make_permission, recorded
from tests.samples import BIDEN, OBAMA, SOLVAY

ARCHIVE = Request("archive-research", ("archive",))


@pytest.fixture
def installation(archive: Installation) -> Installation:
    """Seven portraits are there to be searched."""
    return archive


@pytest.fixture
def who(installation: Installation) -> Person:
    """A searcher who is also the curator."""
    return sign_in.operator(installation)


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
    with pytest.raises(SearchRefused, match="needs a case reference") as refused:
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


def test_several_faces_wait_for_a_choice_and_none_is_taken_silently(installation: Installation, who: Person):
    """The search is on record while it waits, goes on with the chosen face, and only once."""
    waiting = open_search(installation, who, ARCHIVE, [SOLVAY.read_bytes()])
    assert waiting.outcome is Outcome.AWAITING_FACE
    assert len(waiting.probes[0].faces) == 29
    assert waiting.probes[0].face is None
    with pytest.raises(NoSuchFace, match="1 to 29"):
        choose_face(installation, who, waiting.id, 30)
    done = choose_face(installation, who, waiting.id, 24)
    assert (done.id, done.probes[0].face, done.outcome) == (waiting.id, 24, Outcome.EMPTY)
    with pytest.raises(SearchNotOpen):
        choose_face(installation, who, waiting.id, 3)
    outcomes = [entry["outcome"] for entry in recorded(installation) if entry["kind"] == "search"]
    assert outcomes == ["awaiting-face", "empty"]


@pytest.fixture
def two_photographs() -> list[bytes]:
    """A photograph of somebody who is there, and the same one smaller, as another file."""
    out = BytesIO()
    Image.open(OBAMA).resize((313, 600)).save(out, "PNG")
    return [OBAMA.read_bytes(), out.getvalue()]


def found_box(installation: Installation, photograph: Path) -> Box:
    """The box of the one face that the detector finds."""
    (face,) = installation.vision.detect(installation.vision.read(photograph.read_bytes()))
    left, top, right, bottom = face.box.tolist()
    return left, top, right, bottom


def test_a_face_that_was_not_found_is_drawn_and_searched(
    installation: Installation, who: Person, monkeypatch
):
    """Where no face is found the search waits; a box drawn by hand leads to the same candidate."""
    box = found_box(installation, OBAMA)
    monkeypatch.setattr(installation.vision, "detect", lambda _photograph: [])
    waiting = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    assert (waiting.outcome, waiting.probes[0].faces) == (Outcome.AWAITING_FACE, ())
    with pytest.raises(NoSuchFace, match="no face was found"):
        choose_face(installation, who, waiting.id, 1)
    with pytest.raises(InvalidRequest, match="inside the photograph"):
        choose_face(installation, who, waiting.id, (0, 0, 1e6, 1e6))
    done = choose_face(installation, who, waiting.id, box)
    (face,) = done.probes[0].faces
    assert (done.probes[0].face, face.drawn, face.box.tolist()) == (1, True, list(box))
    (candidate,) = show_search(installation, who, done.id).candidates
    assert candidate.face.image.provenance.extra["person"] == "Barack Obama"
    assert pictures.probe_crop(installation, who, done.id, 1)


def test_a_drawn_face_comes_after_those_that_were_found(installation: Installation, who: Person):
    """And is taken at once where the box comes with the photograph."""
    box = found_box(installation, OBAMA)
    done = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()], [box])
    assert [face.drawn for face in done.probes[0].faces] == [False, True]
    assert (done.probes[0].face, done.outcome) == (2, Outcome.CANDIDATES)


def test_a_face_too_small_to_compare_is_never_searched(installation: Installation, who: Person, monkeypatch):
    """Alone in its photograph it is not taken; chosen or drawn, it is refused and the search still waits."""
    small = make_face((100, 100, 120, 120), inter_eye_distance=8)
    monkeypatch.setattr(installation.vision, "detect", lambda _photograph: [small])
    waiting = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    assert (waiting.outcome, waiting.probes[0].face) == (Outcome.AWAITING_FACE, None)
    for choice in (1, (100.0, 100.0, 110.0, 110.0)):
        with pytest.raises(FaceTooSmall, match="px apart"):
            choose_face(installation, who, waiting.id, choice)
    assert show_search(installation, who, waiting.id).search.outcome is Outcome.AWAITING_FACE


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "nan,0,9,9", "0,0,inf,9"])
def test_a_box_is_four_numbers(text: str):
    """Whatever else is given is refused."""
    assert parse_box("1, 2.5,30,40") == (1, 2.5, 30, 40)
    with pytest.raises(InvalidRequest, match="four numbers"):
        parse_box(text)


def test_several_photographs_of_one_person_make_one_probe(
    installation: Installation, who: Person, two_photographs: list[bytes]
):
    """One template of them all leads to the person; running it again gives the same faces in that order."""
    collections.permit(installation, who, "archive", make_permission(("missing-person",)))
    request = Request("missing-person", ("archive",), "K-17")
    one, two = (open_search(installation, who, request, two_photographs) for _ in range(2))
    alone = open_search(installation, who, request, two_photographs[:1])
    assert [probe.face for probe in one.probes] == [1, 1]
    assert one.candidates == two.candidates
    assert one.candidates[0].face_id == alone.candidates[0].face_id
    assert one.candidates[0].score != alone.candidates[0].score
    assert len(recorded(installation)[-1]["probes"]) == 1
    assert len(recorded(installation)[-2]["probes"]) == 2
    for number in (1, 2):
        assert pictures.probe(installation, who, one.id, number)
        assert pictures.probe_crop(installation, who, one.id, number)
    with pytest.raises(SearchNotFound, match="no photograph 3"):
        pictures.probe(installation, who, one.id, 3)


def test_each_photograph_that_needs_it_is_asked_for_its_face(
    installation: Installation, who: Person, two_photographs: list[bytes]
):
    """In any order, and again while the search waits; nothing is compared before the last one."""
    photos = [SOLVAY.read_bytes(), *two_photographs, BIDEN.read_bytes()]
    waiting = open_search(installation, who, ARCHIVE, photos)
    assert [probe.face for probe in waiting.probes] == [None, 1, 1, 1]
    box = found_box(installation, BIDEN)
    for choice, number, faces in ((box, 4, [None, 1, 1, 2]), (1, 4, [None, 1, 1, 1])):
        still = choose_face(installation, who, waiting.id, choice, number)
        assert (still.outcome, [probe.face for probe in still.probes]) == (Outcome.AWAITING_FACE, faces)
    for number in (0, 5):
        with pytest.raises(InvalidRequest, match="no photograph"):
            choose_face(installation, who, waiting.id, 1, number)
    with pytest.raises(NoSuchFace, match="Photograph 1: There is no face 30"):
        choose_face(installation, who, waiting.id, 30)
    done = choose_face(installation, who, waiting.id, 24)
    assert [probe.face for probe in done.probes] == [24, 1, 1, 1]
    assert done.outcome in {Outcome.CANDIDATES, Outcome.EMPTY}
    at_once = open_search(installation, who, ARCHIVE, photos, [24, 1, 1, 1])
    assert at_once.candidates == done.candidates


def test_what_is_not_one_persons_photographs_is_refused(installation: Installation, who: Person):
    """None, too many, one twice, or choices that do not go with them."""
    one, other = OBAMA.read_bytes(), BIDEN.read_bytes()
    for photos, choices in (
        ([], []),
        ([bytes([number]) for number in range(21)], []),
        ([one, other, one], []),
        ([one, other], [1]),
        ([one], [1, 1]),
    ):
        with pytest.raises(InvalidRequest):
            open_search(installation, who, ARCHIVE, photos, choices)


def test_the_photograph_that_cannot_be_used_is_named(installation: Installation, who: Person):
    """By its place; and none of them is kept."""
    with pytest.raises(NotAPhotograph, match="Photograph 2: "):
        open_search(installation, who, ARCHIVE, [OBAMA.read_bytes(), b"<html>"])
    entry = recorded(installation)[-1]
    assert (entry["outcome"], len(entry["probes"])) == ("failed", 2)
    with pytest.raises(SearchNotFound, match="not kept"):
        pictures.probe(installation, who, str(entry["search"]), 1)


def test_a_waiting_search_is_decided_again(installation: Installation, who: Person, clock: Clock):
    """A permission that ended in between refuses the choice."""
    waiting = open_search(installation, who, ARCHIVE, [SOLVAY.read_bytes()])
    clock.turn(timedelta(days=400))
    with pytest.raises(SearchRefused):
        choose_face(installation, who, waiting.id, 1)


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
    request = Request("missing-person", ("archive", "missing"), "K-17")
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


def test_a_face_chosen_twice_at_once_is_searched_once(installation: Installation, who: Person):
    """Two windows choose at the same moment: one list, one entry, and a sentence for the other."""
    waiting = open_search(installation, who, ARCHIVE, [SOLVAY.read_bytes()])

    def choose(face: int) -> object:
        try:
            return choose_face(installation, who, waiting.id, face).probes[0].face
        except SearchNotOpen as error:
            return error.code

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(choose, [1, 2, 3, 4]))
    assert sorted(map(str, answers))[1:] == ["search-not-open"] * 3
    outcomes = [entry["outcome"] for entry in recorded(installation) if entry["kind"] == "search"]
    assert outcomes == ["awaiting-face", "empty"]


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
    """The record still says that faces were found and which photograph was kept."""
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


@pytest.mark.parametrize("case", ["\x00", "\ud800", "\x1b[2J", "x" * 201])
def test_a_case_reference_that_cannot_be_shown_is_refused(installation: Installation, who: Person, case: str):
    """Through every door, because the use case says so."""
    with pytest.raises(InvalidRequest):
        open_search(installation, who, Request("archive-research", ("archive",), case), [b""])
    with pytest.raises(CollectionNotFound):
        open_search(installation, who, Request("archive-research", (case,)), [b""])
