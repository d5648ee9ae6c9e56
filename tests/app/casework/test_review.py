"""The first examiner: candidates are opened, judged, compared and put forward, and the search concluded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from lineament.app import sign_in
from lineament.app.candidates import show_search
from lineament.app.casework import review
from lineament.app.casework.cases import open_case
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.search_entry import candidate_bytes
from lineament.core.cases import CaseState, Obtained
from lineament.core.policy import Person, Role
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, LeadState, Seen
from lineament.errors import (
    ComparisonIncomplete,
    ImageNotFound,
    RoleMissing,
    SearchNotFound,
    WrongState,
)
from lineament.ledger import commitment, field_salt
from lineament.records import cases, reviews
from lineament.records.searches import Search
from lineament.testing import Clock
from tests.casework import a_case, a_search, close, reopen, somebody
from tests.reviewing import (
    a_comparison,
    assignments,
    colleague,
    entries,
    lead_of,
    looked_through,
    number_of,
    put_forward,
)
from tests.samples import BIDEN


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


@pytest.fixture
def search(desk: Installation) -> Search:
    return a_search(desk, a_case(desk))


def test_a_judgement_needs_a_look_and_is_given_once(desk: Installation, who: Person, search: Search):
    """It stays the first one."""
    with pytest.raises(WrongState, match="Open this candidate"):
        review.judge(desk, who, search.id, 1, Judgement.CANNOT_TELL)
    review.open_candidate(desk, who, search.id, 1)
    review.judge(desk, who, search.id, 1, Judgement.CANNOT_TELL)
    with pytest.raises(WrongState, match="given once"):
        review.judge(desk, who, search.id, 1, Judgement.WORTH_COMPARING)
    assert show_search(desk, who, search.id).candidates[0].judgement is Judgement.CANNOT_TELL
    for number in (0, 8, -1):
        with pytest.raises(SearchNotFound, match="no candidate"):
            review.open_candidate(desk, who, search.id, number)


def test_a_comparison_follows_a_judgement_and_is_recorded_once(
    desk: Installation, who: Person, search: Search
):
    """The ledger has a commitment to it that only who has its salt can open."""
    with pytest.raises(WrongState, match="first judgement"):
        review.compare(desk, who, search.id, 1, a_comparison())
    looked_through(desk, search)
    made = review.compare(desk, who, search.id, 1, a_comparison())
    with pytest.raises(WrongState, match="recorded once"):
        review.compare(desk, who, search.id, 1, a_comparison(Conclusion.DIFFERENT))
    (entry,) = entries(desk, "review.recorded")
    assert entry["review"] == made.id
    assert entry["content"] == commitment(field_salt(made.salt, "content"), review.review_bytes(made))
    assert review.state_of(desk, who, search.id).reviews[1] == (made,)


def test_a_comparison_is_for_examiners_who_work_on_the_case(desk: Installation, search: Search):
    """And nothing is reviewed in a closed case."""
    searcher = colleague(desk, search, Role.SEARCHER)
    looked_through(desk, search, searcher)
    with pytest.raises(RoleMissing):
        review.compare(desk, searcher, search.id, 1, a_comparison())
    examiner = somebody(desk, "Elsewhere", Role.EXAMINER)
    with pytest.raises(SearchNotFound):
        review.compare(desk, examiner, search.id, 1, a_comparison())
    examiner = colleague(desk, search, Role.EXAMINER)
    looked_through(desk, search, examiner)
    assert search.case_id
    close(desk, examiner, search.case_id)
    with pytest.raises(WrongState, match="closed"):
        review.compare(desk, examiner, search.id, 1, a_comparison())
    with pytest.raises(WrongState, match="closed"):
        review.conclude(desk, examiner, search.id, [])


WHOLE = a_comparison()


FIRST = WHOLE.findings[0]


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (replace(WHOLE, findings=WHOLE.findings[:-1]), "left out: other"),
        (replace(WHOLE, findings=(*WHOLE.findings, FIRST)), "comes twice"),
        (
            replace(WHOLE, findings=(Finding(Component.SKIN, Seen.DIFFERENT, " "), *WHOLE.findings[1:])),
            "what is different about: skin",
        ),
        (replace(WHOLE, similarities=" \n"), "similarities into words"),
        (replace(WHOLE, differences=""), "differences into words"),
        (replace(WHOLE, similarities="x" * 4_001), "Shorten the similarities"),
        (replace(WHOLE, similarities="The ears\x00"), "plain text"),
        (replace(WHOLE, similarities="The ears\x0cand the nose"), "plain text"),
        (replace(WHOLE, differences="None. It is a match."), "'match'"),
        (replace(WHOLE, similarities="The same at 99 %."), "instead of"),
        (replace(WHOLE, findings=(replace(FIRST, note="positive"), *WHOLE.findings[1:])), "'positive'"),
    ],
)
def test_a_comparison_is_whole_or_refused(
    desk: Installation, who: Person, search: Search, comparison: Comparison, sentence: str
):
    """Every component once, a note for each difference, both texts, and no word that decides."""
    looked_through(desk, search)
    with pytest.raises(ComparisonIncomplete, match=sentence):
        review.compare(desk, who, search.id, 1, comparison)
    assert entries(desk, "review.recorded") == []
    review.check(WHOLE)


def test_every_candidate_is_opened_before_any_is_put_forward(desk: Installation, who: Person, search: Search):
    """'None of these' included: what is missing is said."""
    for number in range(1, 7):
        review.open_candidate(desk, who, search.id, number)
    assert review.state_of(desk, who, search.id).missing == (
        "Open every candidate before you conclude: 1 candidate left.",
    )
    for numbers in ([], [1]):
        with pytest.raises(WrongState, match="1 candidate left"):
            review.conclude(desk, who, search.id, numbers)
    review.open_candidate(desk, who, search.id, 7)
    assert review.state_of(desk, who, search.id).missing == ()


def test_what_a_colleague_opened_does_not_count(desk: Installation, who: Person, search: Search):
    """Who concludes has looked at everything themselves."""
    looked_through(desk, search)
    other = colleague(desk, search, Role.EXAMINER)
    with pytest.raises(WrongState, match="7 candidates left"):
        review.conclude(desk, other, search.id, [])


def test_none_of_these_is_an_ordinary_outcome(desk: Installation, who: Person, search: Search):
    """It is on record, nothing waits for an examiner, and the case goes on as it was."""
    looked_through(desk, search)
    made = review.conclude(desk, who, search.id, [])
    assert made.put_forward == ()
    (entry,) = entries(desk, "search.concluded")
    assert (entry["opened"], entry["put_forward"], entry["search"]) == (7, [], search.id)
    assert search.case_id
    assert assignments(desk, search.case_id) == []
    with desk.records.read() as tx:
        case = cases.get_case(tx, search.case_id)
    assert case
    assert case.state is CaseState.SEARCHING
    with pytest.raises(WrongState, match="was concluded"):
        review.conclude(desk, who, search.id, [])


def test_an_empty_list_is_concluded_as_well(desk: Installation, who: Person):
    """Nobody passed the threshold: none of these."""
    case = open_case(desk, who, "2026/99", "A face in an album", "archive-research")
    request = Request(case.purpose, ("archive",), case.reference, Obtained.ARCHIVE)
    empty = open_search(desk, who, request, [BIDEN.read_bytes()])
    assert not show_search(desk, who, empty.id).blind
    assert review.conclude(desk, who, empty.id, []).put_forward == ()


def test_a_candidate_is_put_forward_after_ones_own_comparison_alone(
    desk: Installation, who: Person, search: Search
):
    """One that supports 'same'; a colleague's does not do, and nothing is done by halves."""
    looked_through(desk, search)
    other = colleague(desk, search, Role.EXAMINER)
    looked_through(desk, search, other)
    review.compare(desk, who, search.id, 1, a_comparison(Conclusion.INCONCLUSIVE))
    review.compare(desk, who, search.id, 2, a_comparison(Conclusion.STRONG_SAME))
    review.compare(desk, other, search.id, 3, a_comparison(Conclusion.SAME))
    for person, number in ((who, 1), (who, 4), (other, 1), (other, 2)):
        with pytest.raises(WrongState, match=f"Candidate {number} cannot be put forward"):
            review.conclude(desk, person, search.id, [number])
    with pytest.raises(WrongState):
        review.conclude(desk, who, search.id, [2, 4])
    assert review.state_of(desk, who, search.id).conclusion is None
    assert review.conclude(desk, who, search.id, [2, 2]).put_forward


def test_what_is_put_forward_waits_for_a_second_examiner(desk: Installation, who: Person, search: Search):
    """With the first one's comparison; the case is under review, and pairs with a known answer come along."""
    lead = put_forward(desk, search)
    assert lead.state is LeadState.PUT_FORWARD
    assert search.case_id
    with desk.records.read() as tx:
        case = cases.get_case(tx, search.case_id)
        (first,) = reviews.reviews_of_lead(tx, lead.id)
    assert case
    assert case.state is CaseState.UNDER_REVIEW
    assert first.person_id == who.id
    waiting = assignments(desk, search.case_id)
    assert [one.lead_id for one in waiting if one.seed is None] == [lead.id]
    assert [one.seed.mated for one in waiting if one.seed] == [False]  # there are no two of one person
    state = review.state_of(desk, who, search.id)
    number = number_of(desk, who, search)
    assert state.conclusion
    assert state.conclusion.put_forward == (number,)
    assert state.leads == {number: lead}


def test_the_public_entry_does_not_tell_the_rank_of_what_is_put_forward(
    desk: Installation, who: Person, search: Search
):
    """Its commitments are none of those in the search's entry, whose places are the ranks."""
    lead = put_forward(desk, search)
    (concluded,) = entries(desk, "search.concluded")
    (searched,) = entries(desk, "search")
    assert isinstance(concluded["put_forward"], list)
    assert isinstance(searched["candidates"], list)
    assert not set(concluded["put_forward"]) & set(searched["candidates"])
    salt = field_salt(search.salt, f"put-forward/{lead.rank}")
    assert concluded["put_forward"] == [commitment(salt, candidate_bytes(search.candidates[0]))]


def test_two_who_conclude_at_once_conclude_once(desk: Installation, who: Person, search: Search):
    """Whoever comes second is told so, and nothing of theirs is put forward."""
    other = colleague(desk, search, Role.EXAMINER)
    for person in (who, other):
        looked_through(desk, search, person)
        review.compare(desk, person, search.id, number_of(desk, person, search), a_comparison())

    def conclude(person: Person) -> bool:
        try:
            review.conclude(desk, person, search.id, [number_of(desk, person, search)])
        except WrongState:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(conclude, (who, other))) == [False, True]
    assert len(entries(desk, "search.concluded")) == 1
    assert search.case_id
    assert len(assignments(desk, search.case_id)) == 2


def test_what_others_said_is_not_shown_before_the_search_is_concluded(
    desk: Installation, who: Person, search: Search
):
    """Then it is, to everybody who works on the case."""
    looked_through(desk, search)
    mine = review.compare(desk, who, search.id, number_of(desk, who, search), a_comparison())
    other = colleague(desk, search, Role.EXAMINER)
    assert not any(review.state_of(desk, other, search.id).reviews.values())
    review.conclude(desk, who, search.id, [])
    assert [made for made in review.state_of(desk, other, search.id).reviews.values() if made] == [(mine,)]


def test_what_may_no_longer_be_shown_need_not_be_opened_and_cannot_be_put_forward(
    desk: Installation, who: Person, search: Search, clock: Clock
):
    """Its permission has ended meanwhile; the search is concluded without it."""
    looked_through(desk, search)
    review.compare(desk, who, search.id, 1, a_comparison())
    clock.turn(timedelta(days=400))
    assert not show_search(desk, who, search.id).blind
    for act in (
        lambda: review.open_candidate(desk, who, search.id, 1),
        lambda: review.conclude(desk, who, search.id, [1]),
    ):
        with pytest.raises(ImageNotFound, match="permission"):
            act()
    newcomer = colleague(desk, search, Role.EXAMINER)
    shown = show_search(desk, newcomer, search.id)  # a permission may come back, and then they judge
    assert {(one.rank, one.score, one.odds) for one in shown.candidates} == {(None, None, None)}
    assert review.conclude(desk, newcomer, search.id, []).put_forward == ()


def test_a_case_that_was_opened_again_goes_under_review_again(
    desk: Installation, who: Person, search: Search
):
    """By the way of every case: something was searched in it."""
    looked_through(desk, search)
    number = number_of(desk, who, search)
    review.compare(desk, who, search.id, number, a_comparison())
    assert search.case_id
    close(desk, who, search.case_id)
    reopen(desk, who, search.case_id)
    review.conclude(desk, who, search.id, [number])
    states = [entry["state"] for entry in entries(desk, "case.state")]
    assert states == ["searching", "closed", "open", "searching", "under-review"]
    assert lead_of(desk, search).state is LeadState.PUT_FORWARD
