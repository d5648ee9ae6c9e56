"""Cases: opened, searched, numbered without a gap, and closed to everybody who has no part in them."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from lineament.app import candidates, people, sign_in
from lineament.app.casework import cases, members
from lineament.app.casework.cases import Grounds, case_bytes, note_bytes, open_case
from lineament.app.casework.disclosure import disclose
from lineament.app.casework.overview import my_cases, overview, searchable_cases
from lineament.app.casework.timeline import SENTENCES
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.cases import Authorisation, CaseState, Part
from lineament.core.policy import ROLES_FOR, Person, Role
from lineament.core.times import iso
from lineament.errors import (
    CaseExists,
    CaseNotFound,
    InvalidRequest,
    NotFound,
    PartRefused,
    SearchRefused,
    WrongState,
)
from lineament.ledger import commitment, field_salt
from lineament.ledger.entries import ID, KINDS
from lineament.records import cases as records
from lineament.records import reviews
from lineament.records.reviews import Assignment, Seed
from lineament.records.searches import Outcome
from lineament.testing import NOON, Clock, recorded
from tests.casework import PURPOSE, a_case, a_search, appeal, close, reopen, somebody

NO_MOMENT = datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=2)))  # in UTC the year 10,000
PAPER = Authorisation("AZ 17/26", "The district court", "A search for one person", NOON + timedelta(days=30))


@pytest.fixture
def who(desk: Installation) -> Person:
    """Who opens the cases; somebody with every role."""
    return sign_in.operator(desk)


def acts(desk: Installation) -> list[tuple[str, int]]:
    """What was done in cases, with its numbers."""
    entries = [one for one in recorded(desk) if isinstance(one.get("case"), dict)]
    return [(str(one["kind"]), one["case"]["number"]) for one in entries]


def test_a_search_in_a_case_is_one_of_its_numbered_acts(desk: Installation):
    """What is done in a case is numbered from 1 on, so that nothing of it can be left out unseen."""
    case = a_case(desk)
    search = a_search(desk, case)
    assert search.outcome is Outcome.CANDIDATES
    assert acts(desk) == [("case.opened", 1), ("case.member", 2), ("case.state", 3), ("search", 4)]


def test_two_cases_are_numbered_each_on_its_own(desk: Installation, who: Person):
    """An act in one takes no number from the other."""
    one, two = a_case(desk), a_case(desk, "2026/18")
    cases.add_note(desk, who, one.id, "The first.")
    cases.add_note(desk, who, two.id, "The second.")
    assert [number for kind, number in acts(desk) if kind == "case.note"] == [3, 3]


def test_a_reference_belongs_to_one_case(desk: Installation):
    """Also where it is written so that the eye does not tell it apart."""
    a_case(desk, "A 2026/17")
    for reference in (" A 2026/17 ", "a  2026/17", "A 2026/\u200b17"):
        with pytest.raises(CaseExists):
            a_case(desk, reference)


def test_the_ledger_commits_to_the_grounds_at_every_change(desk: Installation, who: Person):
    """Whoever has the salt can show what the case said then; the entry says nothing."""
    case = a_case(desk)
    changed = cases.set_grounds(desk, who, case.id, Grounds("Seen in June.", PAPER, "By letter of 2 June."))
    entry = recorded(desk)[-1]
    said = field_salt(case.salt, "case/3")
    assert (entry["kind"], entry["content"]) == ("case.grounds", commitment(said, case_bytes(changed)))
    assert overview(desk, who, case.id).case == replace(changed, acts=3)
    assert b"Seen in June" in case_bytes(changed)
    assert "June" not in str(entry)


@pytest.mark.parametrize(
    "wrong",
    [
        Grounds("\x1b[2J"),
        Grounds("x" * 10_001),
        Grounds("Seen in May.", replace(PAPER, number=" ")),
        Grounds("Seen in May.", replace(PAPER, scope="one\nand another")),
        Grounds("Seen in May.", replace(PAPER, expires_at=PAPER.expires_at.replace(tzinfo=None))),
        Grounds("Seen in May.", replace(PAPER, expires_at=NO_MOMENT)),
    ],
)
def test_grounds_that_cannot_be_kept_are_refused(desk: Installation, who: Person, wrong: Grounds):
    """When a case is opened, and later."""
    with pytest.raises(InvalidRequest):
        open_case(desk, who, "2026/99", "Somebody is missed", PURPOSE, wrong)
    with pytest.raises(InvalidRequest):
        cases.set_grounds(desk, who, a_case(desk).id, wrong)


def test_a_case_says_what_the_policy_still_needs(desk: Installation, who: Person):
    """The same sentence that would refuse a search, before one is made."""
    case = open_case(desk, who, "2026/17", "Somebody is missed", PURPOSE)
    (sentence,) = overview(desk, who, case.id).lacking
    assert "narrative" in sentence
    with pytest.raises(SearchRefused) as refused:
        a_search(desk, case)
    assert sentence in str(refused.value)
    cases.set_grounds(desk, who, case.id, Grounds("Last seen in May."))
    assert overview(desk, who, case.id).lacking == ()
    assert a_search(desk, case).outcome is Outcome.CANDIDATES


def test_a_note_is_kept_and_committed_to(desk: Installation, who: Person):
    """Its text is in the records, and its commitment in the ledger."""
    case = a_case(desk)
    note = cases.add_note(desk, who, case.id, "  The family called.\nThey have a photograph. ")
    (kept,) = overview(desk, who, case.id).notes
    assert (kept, kept.text) == (note, "The family called.\nThey have a photograph.")
    entry = recorded(desk)[-1]
    assert entry["content"] == commitment(field_salt(note.salt, "note"), note_bytes(note))
    with pytest.raises(InvalidRequest):
        cases.add_note(desk, who, case.id, " \n ")


def test_a_closed_case_is_neither_searched_nor_changed_until_it_is_opened_again(
    desk: Installation, who: Person, clock: Clock
):
    """The refusal is one of its acts; an appealed case is closed to searches, too."""
    case = a_case(desk)
    clock.turn(timedelta(hours=1))
    closed = close(desk, who, case.id)
    assert (closed.state, closed.closed_at) == (CaseState.CLOSED, iso(NOON + timedelta(hours=1)))
    for state in (CaseState.CLOSED, CaseState.APPEALED):
        with pytest.raises(SearchRefused, match="closed"):
            a_search(desk, case)
        assert (recorded(desk)[-1]["code"], recorded(desk)[-1]["case"]["id"]) == ("case-closed", case.id)
        with pytest.raises(WrongState):
            cases.set_grounds(desk, who, case.id, Grounds("Another story."))
        if state is CaseState.CLOSED:
            with pytest.raises(WrongState):
                cases.add_note(desk, who, case.id, "Too late.")
            assert appeal(desk, who, case.id).closed_at == closed.closed_at
        clock.turn(timedelta(hours=1))
    assert cases.add_note(desk, who, case.id, "The court asks.")
    opened = reopen(desk, who, case.id)
    assert (opened.state, opened.closed_at) == (CaseState.OPEN, None)
    assert a_search(desk, case).outcome is Outcome.CANDIDATES
    assert [search.outcome for search in overview(desk, who, case.id).searches] == [
        Outcome.REFUSED,
        Outcome.REFUSED,
        Outcome.CANDIDATES,
    ]


def test_a_case_goes_only_where_it_may(desk: Installation, who: Person):
    """An open case is not appealed, and a closed one is not closed again; nothing is recorded then."""
    case = a_case(desk)
    before = len(recorded(desk))
    for wrong in (appeal, reopen):
        with pytest.raises(WrongState):
            wrong(desk, who, case.id)
    assert len(recorded(desk)) == before
    close(desk, who, case.id)
    with pytest.raises(WrongState):
        close(desk, who, case.id)


def test_only_who_has_a_part_reads_a_case_and_only_staff_works_on_it(desk: Installation, who: Person):
    """Counsel and expert read; an auditor reads without a part; everybody else is told that there is none."""
    case = a_case(desk)
    counsel = somebody(desk, "Counsel", Role.COUNSEL)
    auditor = somebody(desk, "Auditor", Role.AUDITOR)
    stranger = somebody(desk, "Stranger", Role.SEARCHER, Role.EXAMINER, Role.ADMINISTRATOR)
    members.set_member(desk, who, case.id, "Counsel", Part.COUNSEL)
    for reader, part in ((counsel, Part.COUNSEL), (auditor, None)):
        assert overview(desk, reader, case.id).part is part
        assert [(one.id, theirs) for one, theirs in my_cases(desk, reader)] == [(case.id, part)]
        assert searchable_cases(desk, reader) == []
    with pytest.raises(CaseNotFound):
        overview(desk, stranger, case.id)
    assert my_cases(desk, stranger) == []
    before = len(recorded(desk))
    for reader in (counsel, auditor, stranger):
        for attempt in (
            lambda who: cases.set_grounds(desk, who, case.id, Grounds("Mine.")),
            lambda who: cases.add_note(desk, who, case.id, "Mine."),
            lambda who: close(desk, who, case.id),
            lambda who: members.set_member(desk, who, case.id, who.id, Part.STAFF),
            lambda who: members.end_part(desk, who, case.id, "operator"),
        ):
            with pytest.raises(CaseNotFound):
                attempt(reader)
    assert len(recorded(desk)) == before


def test_a_search_under_anothers_reference_is_refused_and_names_no_case(desk: Installation, who: Person):
    """A guessed reference and an unknown one get the same answer, and the entry does not tell them apart."""
    case = a_case(desk)
    stranger = somebody(desk, "Stranger", Role.SEARCHER)
    said = set()
    for one in (case, replace(case, reference="2026/nothing")):
        with pytest.raises(SearchRefused) as refused:
            a_search(desk, one, stranger)
        said.add(str(refused.value))
        entry = recorded(desk)[-1]
        assert (entry["outcome"], entry["code"], entry["case"]) == ("refused", "case-unknown", None)
    assert len(said) == 1
    assert overview(desk, who, case.id).searches == []


def test_a_part_has_an_end_and_can_be_taken_away(desk: Installation, who: Person, clock: Clock):
    """Who had one stays on the list, and reads nothing any more."""
    case = a_case(desk)
    counsel, expert = somebody(desk, "Counsel", Role.COUNSEL), somebody(desk, "Expert", Role.EXPERT)
    until = NOON + timedelta(days=7)
    clock.turn(timedelta(hours=1))
    members.set_member(desk, who, case.id, counsel.id, Part.COUNSEL, until)
    clock.turn(timedelta(hours=1))
    members.set_member(desk, who, case.id, "Expert", Part.EXPERT)
    entry = recorded(desk)[-2]
    assert (entry["person"], entry["part"], entry["until"]) == (counsel.id, "counsel", iso(until))
    clock.turn(timedelta(days=8))
    members.end_part(desk, who, case.id, "Expert")
    for gone in (counsel, expert):
        with pytest.raises(CaseNotFound):
            overview(desk, gone, case.id)
        with pytest.raises(PartRefused, match="has no part"):
            members.end_part(desk, who, case.id, gone.id)
    assert [one.name for one in overview(desk, who, case.id).members] == ["operator", "Counsel", "Expert"]
    for end in (NOON, NO_MOMENT):
        with pytest.raises(InvalidRequest):
            members.set_member(desk, who, case.id, "Counsel", Part.COUNSEL, end)


def test_a_part_needs_a_role_that_fits(desk: Installation, who: Person):
    """Counsel does not become staff by one click, nor a searcher an independent expert."""
    case = a_case(desk)
    somebody(desk, "Counsel", Role.COUNSEL)
    somebody(desk, "Searcher", Role.SEARCHER)
    for name, part in (("Counsel", Part.STAFF), ("Searcher", Part.EXPERT), ("Searcher", Part.COUNSEL)):
        with pytest.raises(PartRefused, match="role"):
            members.set_member(desk, who, case.id, name, part)


def test_a_part_counts_as_long_as_its_role(desk: Installation, who: Person):
    """Whose role is taken away reads nothing more, and with the role the part is back."""
    case = a_case(desk)
    search = a_search(desk, case)
    face_id = search.candidates[0].face_id
    parts = {
        Part.STAFF: somebody(desk, "Staff", Role.SEARCHER, Role.ADMINISTRATOR),
        Part.COUNSEL: somebody(desk, "Counsel", Role.COUNSEL, Role.SEARCHER),
    }
    for part, one in parts.items():
        members.set_member(desk, who, case.id, one.id, part)
        assert candidates.face_for(desk, one, face_id)
        left = people.set_roles(desk, who, one.id, one.roles - ROLES_FOR[part])
        for read in (
            lambda who: overview(desk, who, case.id),
            lambda who: candidates.show_search(desk, who, search.id),
            lambda who: candidates.face_for(desk, who, face_id),
            lambda who: cases.add_note(desk, who, case.id, "Mine."),
        ):
            with pytest.raises(NotFound):
                read(left)
        assert my_cases(desk, left) == []
        assert overview(desk, people.set_roles(desk, who, one.id, one.roles), case.id).part is part


def test_who_read_a_case_with_its_scores_cannot_work_on_it(desk: Installation, who: Person):
    """As counsel or as auditor; whoever works on it and becomes a reader does not come back either."""
    case = a_case(desk)
    search = a_search(desk, case)
    auditor = somebody(desk, "Auditor", Role.AUDITOR, Role.EXAMINER)
    disclosed = somebody(desk, "Disclosed", Role.AUDITOR, Role.EXAMINER)
    member = somebody(desk, "Member", Role.COUNSEL, Role.EXAMINER)
    for part in (Part.STAFF, Part.COUNSEL):
        members.set_member(desk, who, case.id, member.id, part)
        assert candidates.show_search(desk, member, search.id).blind is (part is Part.STAFF)
    candidates.show_search(desk, auditor, search.id)
    disclose(desk, disclosed, case.id)
    for one in (auditor, disclosed, member):
        with pytest.raises(PartRefused, match="with the scores"):
            members.set_member(desk, who, case.id, one.id, Part.STAFF)


def test_somebody_always_works_on_a_case(desk: Installation, who: Person):
    """The last one cannot leave, nor set an end for themselves, nor become a reader."""
    case = a_case(desk)
    soon = NOON + timedelta(days=1)
    for attempt in (
        lambda: members.end_part(desk, who, case.id, who.id),
        lambda: members.set_member(desk, who, case.id, who.id, Part.STAFF, soon),
        lambda: members.set_member(desk, who, case.id, who.id, Part.EXPERT),
    ):
        with pytest.raises(PartRefused, match="Somebody must work on the case"):
            attempt()
    somebody(desk, "Colleague", Role.SEARCHER)
    members.set_member(desk, who, case.id, "Colleague", Part.STAFF)
    members.end_part(desk, who, case.id, who.id)
    assert my_cases(desk, replace(who, roles=frozenset({Role.SEARCHER}))) == []


def test_who_compares_faces_of_a_case_without_knowing_whose_has_no_part_in_it(
    desk: Installation, who: Person
):
    """Not even as a reader, until the case is closed; then everything may be known."""
    case = a_case(desk)
    blind = somebody(desk, "Blind", Role.EXAMINER, Role.EXPERT)
    pair = Assignment(desk.new_id(), case.id, None, Seed("a", "b", mated=True), 1, iso(NOON))
    with act(desk) as doing:
        reviews.add_assignments(doing.tx, [pair])
        reviews.take_assignment(doing.tx, pair.id, blind.id, iso(NOON))
        here = doing.in_case(case.id)
        doing.record("review.assigned", at=iso(NOON), who=blind.id, case=here, assignment=pair.id)
    for part in (Part.STAFF, Part.EXPERT):
        with pytest.raises(PartRefused, match="without knowing whose"):
            members.set_member(desk, who, case.id, "Blind", part)
    close(desk, who, case.id)
    members.set_member(desk, who, case.id, "Blind", Part.EXPERT)
    assert overview(desk, blind, case.id).part is Part.EXPERT


def test_who_lost_their_part_cannot_go_on_with_a_search_in_the_case(desk: Installation, who: Person):
    """The gate asks anew each time."""
    case = a_case(desk)
    colleague = somebody(desk, "Colleague", Role.SEARCHER)
    members.set_member(desk, who, case.id, "Colleague", Part.STAFF)
    assert a_search(desk, case, colleague).outcome is Outcome.CANDIDATES
    members.end_part(desk, who, case.id, "Colleague")
    with pytest.raises(SearchRefused, match="no case of yours"):
        a_search(desk, case, colleague)


def test_the_timeline_says_in_order_what_was_done_by_whom(desk: Installation, who: Person):
    """A sentence for each act, with its number and its entry in the ledger."""
    case = a_case(desk)
    a_search(desk, case)
    cases.add_note(desk, who, case.id, "Nobody of these.")
    close(desk, who, case.id)
    told = overview(desk, who, case.id).timeline
    assert [one.number for one in told] == list(range(1, 7))
    assert [one.sentence for one in told] == [
        "Opened the case for the purpose 'missing-person'.",
        "Gave operator the part of staff.",
        "Began to search.",
        "Searched with 1 photograph: 7 faces listed.",
        "Added a note.",
        "Closed the case.",
    ]
    assert {one.who for one in told} == {"operator"}
    assert [one.at for one in told] == [iso(NOON)] * 6
    entries = recorded(desk)
    assert [entries[one.entry]["kind"] for one in told if one.entry is not None][-1] == "case.state"


def test_a_gap_in_the_numbers_is_said_out_loud(desk: Installation, who: Person):
    """In the middle, and at the end: the case itself knows how many acts there were."""
    case = a_case(desk)
    for _ in range(2):
        with act(desk) as doing:
            doing.in_case(case.id)  # numbers that no entry has: as if the entries had been taken out
            doing.record("case.state", at=iso(NOON), who=who.id, case=doing.in_case(case.id), state="open")
    with desk.records.write() as tx:
        records.next_act(tx, case.id)
    told = overview(desk, who, case.id).timeline
    missing = [one.number for one in told if one.entry is None]
    assert (missing, len(told)) == ([3, 5, 7], 7)
    assert all("is missing" in one.sentence for one in told if one.entry is None)


def test_every_kind_of_entry_in_a_case_has_a_sentence():
    """So that a new kind is not left out of the timeline."""
    # `disclosure.made` names a case by its id alone: it is of a kind that no case has any more.
    in_a_case = {kind for kind, fields in KINDS.items() if "case" in fields and fields["case"] is not ID}
    assert in_a_case == SENTENCES.keys()
