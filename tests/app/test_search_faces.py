"""Which face is searched, of one photograph or of several: one that is evident, chosen, or drawn."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from lineament.app import collections, pictures
from lineament.app.candidates import show_search
from lineament.app.choices import Box, parse_box
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.core.cases import Obtained
from lineament.core.policy import Person
from lineament.errors import (
    FaceTooSmall,
    InvalidRequest,
    NoSuchFace,
    NotAPhotograph,
    SearchNotFound,
    SearchNotOpen,
)
from lineament.records.searches import Outcome
from lineament.testing import make_face, make_permission, recorded
from tests.casework import a_case
from tests.samples import BIDEN, OBAMA, SOLVAY

ARCHIVE = Request("archive-research", ("archive",))


@pytest.fixture
def installation(archive: Installation) -> Installation:
    """Seven portraits are there to be searched."""
    return archive


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
    case = a_case(installation, who=who)
    request = Request(case.purpose, ("archive",), case.reference, Obtained.FROM_FAMILY)
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
