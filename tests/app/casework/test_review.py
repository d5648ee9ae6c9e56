"""The first examiner: candidates are opened, judged before scores are shown, compared, and concluded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from lineament.app import collections, disclose, sign_in
from lineament.app.candidates import readable_search, show_search
from lineament.app.casework import review
from lineament.app.casework.cases import close, open_case, reopen
from lineament.app.casework.members import end_part, set_member
from lineament.app.installation import Installation
from lineament.app.search import Request, candidate_bytes, open_search
from lineament.core.cases import CaseState, Obtained, Part
from lineament.core.policy import Person, Role
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, LeadState, Seen
from lineament.errors import (
    CaseNotFound,
    ComparisonIncomplete,
    ImageNotFound,
    LineamentError,
    RoleMissing,
    SearchNotFound,
    WrongState,
)
from lineament.ledger import commitment, field_salt
from lineament.records import cases, reviews
from lineament.records.searches import Search
from lineament.testing import Clock, make_permission, recorded
from tests.casework import a_case, a_search, somebody
from tests.leads import a_comparison
from tests.reviewing import assignments, lead_of, looked_through, number_of, put_forward
from tests.samples import BIDEN


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


@pytest.fixture
def search(desk: Installation) -> Search:
    return a_search(desk, a_case(desk))


def colleague(installation: Installation, search: Search, *roles: Role, part: Part = Part.STAFF) -> Person:
    """Return somebody new with a part in the search's case."""
    assert search.case_id
    one = somebody(installation, f"{part} {installation.new_id()[:6]}", *roles)
    set_member(installation, sign_in.operator(installation), search.case_id, one.id, part)
    return one


def entries(installation: Installation, kind: str) -> list[dict[str, object]]:
    return [entry for entry in recorded(installation) if entry["kind"] == kind]


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


def test_a_permission_that_is_narrowed_withholds_nothing_else(
    desk: Installation, who: Person, search: Search
):
    """A list that is withheld as a whole is no longer blind, and says why it is empty of faces."""
    collections.permit(desk, who, "archive", make_permission(("archive-research",)))
    shown = show_search(desk, who, search.id)
    assert [one.face for one in shown.candidates] == [None] * 7
    with pytest.raises(LineamentError):
        review.open_candidate(desk, who, search.id, 1)
