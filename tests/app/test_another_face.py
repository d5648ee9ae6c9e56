"""Another face of a photograph than was searched: a search of its own, decided anew, that waits."""

import pytest

from lineament.app import sign_in
from lineament.app.another_face import search_another_face
from lineament.app.casework import cases
from lineament.app.edited import edits_of, search_edited
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.search import Request, choose_face, open_search
from lineament.core.cases import CaseState, Obtained
from lineament.core.policy import Person, Role
from lineament.errors import InvalidRequest, ProbeErased, SearchNotFound, SearchRefused, WrongState
from lineament.records import kept_probes, searches
from lineament.records.searches import Outcome, Search
from lineament.testing import recorded
from tests.casework import a_case, a_search, somebody
from tests.samples import BIDEN, OBAMA, SOLVAY

ARCHIVE = Request("archive-research", ("archive",))
BOX = (100.0, 100.0, 300.0, 300.0)


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


@pytest.fixture
def searched(desk: Installation, who: Person) -> Search:
    """A finished search for the only face that was found."""
    return open_search(desk, who, ARCHIVE, [OBAMA.read_bytes()])


def test_a_face_that_was_not_found_can_be_drawn(desk: Installation, who: Person, searched: Search) -> None:
    """The new search waits with the face that was found beside it; the old one stays as it is."""
    before = [one for one in recorded(desk) if one["kind"] == "search"]
    begun = search_another_face(desk, who, searched.id, 1)
    assert (begun.outcome, begun.edited_from, begun.probes[0].face) == (Outcome.AWAITING_FACE, None, None)
    assert (begun.id != searched.id, len(begun.probes[0].faces)) == (True, 1)
    done = choose_face(desk, who, begun.id, BOX)
    assert (done.probes[0].face, done.probes[0].faces[1].drawn) == (2, True)
    entries = [one for one in recorded(desk) if one["kind"] == "search"]
    assert entries[: len(before)] == before
    new = [(one["search"], one["outcome"]) for one in entries[len(before) :]]
    assert new == [(begun.id, "awaiting-face"), (begun.id, done.outcome)]
    with desk.records.read() as tx:
        still = searches.get_search(tx, searched.id)
    assert still
    assert (still.outcome, still.candidates) == (searched.outcome, searched.candidates)


def test_a_box_that_was_drawn_before_is_no_face_that_was_found(desk: Installation, who: Person) -> None:
    """The next search begins with what the detector sees, and the same face can be searched again."""
    drawn = open_search(desk, who, ARCHIVE, [OBAMA.read_bytes()], [BOX])
    begun = search_another_face(desk, who, drawn.id, 1)
    assert [one.drawn for one in begun.probes[0].faces] == [False]
    plain = open_search(desk, who, ARCHIVE, [OBAMA.read_bytes()])
    assert choose_face(desk, who, begun.id, 1).candidates == plain.candidates


def test_in_a_case_it_belongs_to_the_case(desk: Installation, who: Person) -> None:
    """With the same declaration of how the photograph was obtained."""
    case = a_case(desk)
    begun = search_another_face(desk, who, a_search(desk, case).id, 1)
    assert (begun.case_id, begun.obtained) == (case.id, Obtained.FROM_FAMILY)
    entry = recorded(desk)[-1]
    assert (entry["search"], entry["case"]["id"], entry["obtained"]) == (begun.id, case.id, begun.obtained)


def test_of_several_photographs_the_others_keep_their_face(desk: Installation, who: Person) -> None:
    """Only the one that is named is chosen anew."""
    both = open_search(desk, who, ARCHIVE, [OBAMA.read_bytes(), BIDEN.read_bytes()])
    begun = search_another_face(desk, who, both.id, 2)
    assert [probe.face for probe in begun.probes] == [1, None]
    assert choose_face(desk, who, begun.id, 1, 2).candidates == both.candidates
    with pytest.raises(InvalidRequest, match="no photograph 3"):
        search_another_face(desk, who, both.id, 3)


def test_the_policy_decides_again(desk: Installation, who: Person) -> None:
    """The case was closed meanwhile: the refusal is on record, and nothing else happens."""
    case = a_case(desk)
    before = a_search(desk, case)
    with act(desk) as doing:
        now = cases.readable(doing.tx, who, case.id, desk.clock())
        cases.change_state(desk, doing, who, now, CaseState.CLOSED)
    with pytest.raises(SearchRefused, match="closed"):
        search_another_face(desk, who, before.id, 1)
    assert (recorded(desk)[-1]["outcome"], recorded(desk)[-1]["code"]) == ("refused", "case-closed")


def test_it_is_begun_from_ones_own_finished_unedited_search(
    desk: Installation, who: Person, searched: Search
) -> None:
    """Whose photograph is still kept."""
    with pytest.raises(SearchNotFound):
        search_another_face(desk, somebody(desk, "Stranger", Role.SEARCHER), searched.id, 1)
    turned = search_edited(desk, who, searched.id, 1, edits_of(["flip"]))
    waiting = open_search(desk, who, ARCHIVE, [SOLVAY.read_bytes()])
    for search, sentence in [(turned, "of an edited photograph"), (waiting, "has no list")]:
        with pytest.raises(WrongState, match=sentence):
            search_another_face(desk, who, search.id, 1)
    with desk.records.write() as tx:
        kept_probes.forget_probes(tx, [searched.probes[0].sha256])
    with pytest.raises(ProbeErased):
        search_another_face(desk, who, searched.id, 1)
