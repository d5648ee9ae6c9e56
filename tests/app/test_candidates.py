"""What a person is shown of a search in a case: no score and no rank before a judgement of their own."""

import pytest

from lineament.app import collections, disclose, sign_in
from lineament.app.candidates import readable_search, show_search
from lineament.app.casework import review
from lineament.app.casework.members import end_part
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import Part
from lineament.core.policy import Person, Role
from lineament.core.review import Judgement
from lineament.errors import (
    CaseNotFound,
    LineamentError,
    SearchNotFound,
    WrongState,
)
from lineament.records.searches import Search
from lineament.testing import make_permission
from tests.casework import a_case, a_search, somebody
from tests.reviewing import colleague, entries, looked_through
from tests.samples import BIDEN


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


@pytest.fixture
def search(desk: Installation) -> Search:
    return a_search(desk, a_case(desk))


def test_who_works_on_a_case_sees_its_candidates_without_anything_that_tells_how_they_scored(
    desk: Installation, who: Person, search: Search
):
    """Neither in the list nor in the search that it came from, and not by what comes first."""
    shown = show_search(desk, who, search.id)
    assert shown.blind
    assert [one.number for one in shown.candidates] == list(range(1, 8))
    for one in shown.candidates:
        assert one.blind
        assert one.face
        assert (one.rank, one.score, one.strength, one.odds) == (None, None, None, None)
    assert (shown.search.candidates, shown.search.threshold, shown.search.salt) == ((), None, b"")
    assert shown.at_threshold is None


def test_each_person_has_an_order_of_their_own_and_it_stays(desk: Installation, who: Person, search: Search):
    """Five people do not all see one order, nor that of the ranks, and judging moves nothing."""

    def order(person: Person) -> list[str]:
        return [one.face.id for one in show_search(desk, person, search.id).candidates if one.face]

    people = [who, *(colleague(desk, search, Role.EXAMINER) for _ in range(4))]
    orders = [order(one) for one in people]
    assert len({tuple(one) for one in orders}) > 2
    assert [one for one in orders if one != [row.face_id for row in search.candidates]]
    looked_through(desk, search)
    assert order(who) == orders[0]


def test_a_judgement_shows_the_score_of_its_candidate_alone(desk: Installation, who: Person, search: Search):
    """And once all are judged, nothing is hidden any more."""
    review.open_candidate(desk, who, search.id, 3)
    assert show_search(desk, who, search.id).candidates[2].opened
    review.judge(desk, who, search.id, 3, Judgement.WORTH_COMPARING)
    shown = show_search(desk, who, search.id)
    seen = [one for one in shown.candidates if one.score is not None]
    assert [(one.number, one.judgement, one.blind) for one in seen] == [(3, Judgement.WORTH_COMPARING, False)]
    assert seen[0].face
    row = next(row for row in search.candidates if row.face_id == seen[0].face.id)
    assert (seen[0].rank, seen[0].score) == (row.rank, row.score)
    assert shown.blind
    looked_through_rest(desk, who, search, but=3)
    whole = show_search(desk, who, search.id)
    assert not whole.blind
    assert sorted(one.rank or 0 for one in whole.candidates) == list(range(1, 8))
    assert whole.search.candidates == search.candidates


def looked_through_rest(installation: Installation, who: Person, search: Search, but: int) -> None:
    for number in range(1, 8):
        if number != but:
            review.open_candidate(installation, who, search.id, number)
            review.judge(installation, who, search.id, number, Judgement.NOT_WORTH_COMPARING)


def test_what_one_person_judges_shows_a_colleague_nothing(desk: Installation, who: Person, search: Search):
    """Each judges for themselves."""
    other = colleague(desk, search, Role.SEARCHER)
    looked_through(desk, search)
    assert not show_search(desk, who, search.id).blind
    assert all(one.blind for one in show_search(desk, other, search.id).candidates)


def test_who_only_reads_a_case_sees_all_of_it_by_rank(desk: Installation, search: Search):
    """Counsel, expert and auditor; what they open is not on record, and they judge nothing."""
    readers = [
        colleague(desk, search, Role.COUNSEL, part=Part.COUNSEL),
        colleague(desk, search, Role.EXPERT, part=Part.EXPERT),
        somebody(desk, "Auditor", Role.AUDITOR),
    ]
    for reader in readers:
        shown = show_search(desk, reader, search.id)
        assert not shown.blind
        assert [(one.number, one.rank) for one in shown.candidates] == [(at, at) for at in range(1, 8)]
        review.open_candidate(desk, reader, search.id, 1)
        assert review.state_of(desk, reader, search.id).openings == frozenset()
        with pytest.raises(CaseNotFound):
            review.judge(desk, reader, search.id, 1, Judgement.CANNOT_TELL)
    roles = [entry["role"] for entry in entries(desk, "search.shown")]
    assert roles == ["counsel", "expert", "auditor"]


def test_a_stranger_reads_nothing_and_neither_does_who_has_left(desk: Installation, search: Search):
    """The answer is the one for a search that there is not."""
    left = colleague(desk, search, Role.SEARCHER)
    assert search.case_id
    end_part(desk, sign_in.operator(desk), search.case_id, left.id)
    for stranger in (left, somebody(desk, "Stranger", Role.SEARCHER, Role.EXAMINER)):
        for act in (show_search, readable_search, review.state_of):
            with pytest.raises(SearchNotFound):
                act(desk, stranger, search.id)
        with pytest.raises(SearchNotFound):
            review.open_candidate(desk, stranger, search.id, 1)


def test_a_list_is_on_record_once_however_much_was_judged(desk: Installation, who: Person, search: Search):
    """What was shown is the order and the faces; they stay the same."""
    for _ in range(2):
        show_search(desk, who, search.id)
    looked_through(desk, search)
    show_search(desk, who, search.id)
    (entry,) = entries(desk, "search.shown")
    assert (entry["role"], entry["shown"], entry["withheld"]) == ("staff", 7, 0)


def test_a_search_without_a_case_is_shown_as_it_was(desk: Installation, who: Person):
    """By rank, with scores; and there is nothing to conclude."""
    found = open_search(desk, who, Request("archive-research", ("archive",)), [BIDEN.read_bytes()])
    assert not show_search(desk, who, found.id).blind
    assert "belongs to no case" in review.state_of(desk, who, found.id).missing[0]
    with pytest.raises(WrongState, match="belongs to no case"):
        review.conclude(desk, who, found.id, [])


def test_receipt_and_bundle_wait_until_everything_is_judged(desk: Installation, who: Person, search: Search):
    """They would tell the ranks."""
    for hand_out in (disclose.receipt, disclose.export):
        with pytest.raises(WrongState, match="Judge every candidate"):
            hand_out(desk, who, search.id)
    looked_through(desk, search)
    assert disclose.receipt(desk, who, search.id)
    assert disclose.export(desk, who, search.id)


def test_a_permission_that_is_narrowed_withholds_nothing_else(
    desk: Installation, who: Person, search: Search
):
    """A list that is withheld as a whole is no longer blind, and says why it is empty of faces."""
    collections.permit(desk, who, "archive", make_permission(("archive-research",)))
    shown = show_search(desk, who, search.id)
    assert [one.face for one in shown.candidates] == [None] * 7
    with pytest.raises(LineamentError):
        review.open_candidate(desk, who, search.id, 1)
