"""Leads: what is done with them, in which order, and who is told what and when."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from lineament.app import collections, sign_in
from lineament.app.casework import leads
from lineament.app.casework.cases import join
from lineament.app.casework.leads import (
    act_on,
    add_evidence,
    event_bytes,
    event_field,
    lead_view,
    record_truth,
    set_aside,
)
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.cases import Part
from lineament.core.permission import WithdrawalReason
from lineament.core.policy import Person, Role
from lineament.core.report_words import refused
from lineament.core.review import Conclusion, Judgement, LeadState, Truth
from lineament.core.times import iso
from lineament.core.wording import LEAD_STATES, TRUTHS
from lineament.errors import CaseNotFound, InvalidRequest, LeadNotFound, WrongState
from lineament.ledger import commitment, field_salt
from lineament.records import cases, reviews
from lineament.records.cases import Member
from lineament.records.reviews import Lead, Opening
from lineament.testing import Clock, recorded
from tests.casework import close, somebody
from tests.leads import a_lead

ACTS: dict[str, Callable[[Installation, Person, str], Lead]] = {
    "evidence": lambda at, who, lead: add_evidence(at, who, lead, "A ticket.", "The railway", "2026-05-03"),
    "acted-on": lambda at, who, lead: act_on(at, who, lead, "Asked the railway for its pictures."),
    "set-aside": lambda at, who, lead: set_aside(at, who, lead, "He was abroad."),
    "truth": lambda at, who, lead: record_truth(at, who, lead, Truth.RIGHT, "He came home and said so."),
}
AFTER = {"evidence": LeadState.LEAD, "truth": LeadState.LEAD}  # the others are called as their state


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


def with_part(installation: Installation, lead: Lead, person: Person, part: Part) -> Person:
    """Give somebody a part in the lead's case."""
    by = sign_in.operator(installation)
    with act(installation) as doing:
        member = Member(person.id, person.name, part, by.id, iso(installation.clock()), None)
        join(doing, by, lead.case_id, member)
    return person


@pytest.mark.parametrize("change", ACTS)
def test_each_act_is_on_record_with_a_commitment_that_can_be_opened(
    desk: Installation, who: Person, change: str
):
    """The entry holds no word of it; the record has the words and the salt."""
    lead = a_lead(desk)
    before = len(recorded(desk))
    after = ACTS[change](desk, who, lead.id)
    assert after.state == AFTER.get(change, LeadState(change) if change not in AFTER else None)
    (entry,) = recorded(desk)[before:]
    view = lead_view(desk, who, lead.id)
    (event,) = view.events
    assert (entry["kind"], entry["change"], entry["lead"]) == ("lead.changed", change, lead.id)
    assert entry["content"] == commitment(field_salt(lead.salt, event_field(event)), event_bytes(event))
    assert (view.lead.state, event.change, view.names[event.person_id]) == (after.state, change, who.name)


def test_the_acts_follow_one_another_as_they_can(desk: Installation, who: Person, clock: Clock):
    """Evidence and truth can come at any time and again; acting and setting aside exclude each other."""
    lead = a_lead(desk)
    for change in ("evidence", "acted-on", "evidence", "truth"):
        ACTS[change](desk, who, lead.id)
        clock.turn(timedelta(minutes=1))
    last = record_truth(desk, who, lead.id, Truth.WRONG, "It was his brother who came home.")
    assert (last.state, last.truth) == (LeadState.ACTED_ON, Truth.WRONG)
    for change in ("acted-on", "set-aside"):
        with pytest.raises(WrongState):
            ACTS[change](desk, who, lead.id)
    assert [event.change for event in lead_view(desk, who, lead.id).events] == [
        "evidence",
        "acted-on",
        "evidence",
        "truth",
        "truth",
    ]
    assert lead_view(desk, who, lead.id).standing == "a lead that was acted on; it turned out to be wrong"


@pytest.mark.parametrize("state", [LeadState.PUT_FORWARD, LeadState.NOT_SUPPORTED])
@pytest.mark.parametrize("change", ACTS)
def test_nothing_is_done_with_what_is_no_lead(desk: Installation, who: Person, change: str, state: LeadState):
    """And nothing of it is on record: neither an event nor an entry."""
    lead = a_lead(desk, (Conclusion.SAME,), state)
    before = recorded(desk)
    with pytest.raises(WrongState, match="does not allow it"):
        ACTS[change](desk, who, lead.id)
    assert recorded(desk) == before
    assert lead_view(desk, who, lead.id).events == ()


def test_in_a_closed_case_only_the_truth_is_still_recorded(desk: Installation, who: Person):
    """It often comes later."""
    lead = a_lead(desk)
    close(desk, who, lead.case_id)
    for change in ("evidence", "acted-on", "set-aside"):
        with pytest.raises(WrongState, match="closed"):
            ACTS[change](desk, who, lead.id)
    assert ACTS["truth"](desk, who, lead.id).truth is Truth.RIGHT


@pytest.mark.parametrize("change", ACTS)
def test_only_staff_of_the_case_do_anything_with_a_lead(desk: Installation, change: str):
    """Counsel reads it, an auditor too; to everybody else it does not exist."""
    lead = a_lead(desk)
    counsel = with_part(desk, lead, somebody(desk, "Cora", Role.COUNSEL), Part.COUNSEL)
    auditor = somebody(desk, "Abel", Role.AUDITOR)
    for reader in (counsel, auditor):
        assert lead_view(desk, reader, lead.id).lead == lead
        with pytest.raises(CaseNotFound):
            ACTS[change](desk, reader, lead.id)
    stranger = somebody(desk, "Sam", Role.SEARCHER, Role.EXAMINER)
    for doing in (ACTS[change], lead_view):
        with pytest.raises(LeadNotFound):
            doing(desk, stranger, lead.id)
        with pytest.raises(LeadNotFound):
            doing(desk, stranger, "0" * 32)


def test_while_a_lead_is_not_settled_each_examiner_reads_only_their_own(desk: Installation, who: Person):
    """Neither other staff nor an auditor learn what was concluded; afterwards all readers see all of it."""
    first = somebody(desk, "Edda First", Role.EXAMINER, Role.SEARCHER)
    lead = a_lead(desk, state=LeadState.PUT_FORWARD, first=first)
    with_part(desk, lead, first, Part.STAFF)
    auditor = somebody(desk, "Abel", Role.AUDITOR)
    (own,) = lead_view(desk, first, lead.id).examined
    assert (own.place, own.name) == ("first examiner", "Edda First")
    assert own.review.comparison.conclusion is Conclusion.STRONG_SAME
    assert lead_view(desk, who, lead.id).examined == lead_view(desk, auditor, lead.id).examined == ()
    with desk.records.write() as tx:
        reviews.save_lead(tx, Lead(**vars(lead) | {"state": LeadState.LEAD}))
    seen = [(one.place, one.name) for one in lead_view(desk, who, lead.id).examined]
    assert seen == [("first examiner", "Edda First"), ("second examiner", "Sven Second")]


def test_staff_who_have_yet_to_judge_a_candidate_see_no_score(desk: Installation, who: Person):
    """As on the search's own page; an auditor judges nothing and sees it."""
    lead = a_lead(desk, (Conclusion.SAME,), LeadState.PUT_FORWARD)
    view = lead_view(desk, who, lead.id)
    assert (view.score, view.odds, view.strength, view.caution) == (None, None, None, None)
    assert lead_view(desk, somebody(desk, "Abel", Role.AUDITOR), lead.id).score is not None
    now = iso(desk.clock())
    with desk.records.write() as tx:
        reviews.add_opening(tx, Opening(lead.search_id, 1, who.id, now))
        reviews.set_judgement(tx, lead.search_id, 1, who.id, Judgement.WORTH_COMPARING, now)
    view = lead_view(desk, who, lead.id)
    assert view.score is not None
    assert view.odds is not None
    assert "strangers would be expected to score this high" in view.odds


def test_a_candidate_whose_permission_ended_is_withheld(desk: Installation, who: Person):
    """The lead stays on record, without a picture or a source."""
    lead = a_lead(desk)
    assert lead_view(desk, who, lead.id).candidate is not None
    collections.withdraw_permission(desk, who, "archive", WithdrawalReason.GRANTOR)
    view = lead_view(desk, who, lead.id)
    assert (view.candidate, view.sources) == (None, ())
    assert view.score is not None


def test_evidence_has_words_a_source_and_a_day_in_the_past(desk: Installation, who: Person):
    """Or it is refused, and nothing is on record."""
    lead, today = a_lead(desk), desk.clock().date()
    for given in (
        (" ", "The railway", "2026-05-03"),
        ("A ticket.", "", "2026-05-03"),
        ("A ticket.\x00", "The railway", "2026-05-03"),
        ("A ticket.", "The railway", "last week"),
        ("A ticket.", "The railway", str(today + timedelta(days=1))),
        ("x" * 10_001, "The railway", "2026-05-03"),
    ):
        with pytest.raises(InvalidRequest):
            add_evidence(desk, who, lead.id, *given)
    add_evidence(desk, who, lead.id, " A ticket.\r\nTwo of them. ", "The railway", str(today))
    (event,) = lead_view(desk, who, lead.id).events
    assert event.document == {
        "description": "A ticket.\nTwo of them.",
        "source": "The railway",
        "date": str(today),
    }


def test_a_part_that_has_ended_shows_no_lead(desk: Installation, clock: Clock):
    """As with the case itself."""
    lead, expert = a_lead(desk), somebody(desk, "Eva", Role.EXPERT)
    until = iso(clock() + timedelta(days=1))
    with desk.records.write() as tx:
        member = Member(expert.id, "Eva", Part.EXPERT, expert.id, iso(clock()), until)
        cases.set_member(tx, lead.case_id, member)
    assert lead_view(desk, expert, lead.id).part is Part.EXPERT
    clock.turn(timedelta(days=1))
    with pytest.raises(LeadNotFound):
        lead_view(desk, expert, lead.id)


def test_what_is_said_of_leads_has_no_refused_word():
    """Where a lead stands, and what it is not."""
    for sentence in (*leads.WHAT_A_LEAD_IS_NOT, *LEAD_STATES.values(), *TRUTHS.values()):
        assert refused(sentence) == []
