"""Leads that the tests of casework share, made as the examiners' comparisons would make them."""

from collections.abc import Sequence
from datetime import timedelta

from lineament.app import sign_in
from lineament.app.casework import leads
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.core.policy import Person, Role
from lineament.core.review import Conclusion, LeadState
from lineament.core.times import iso
from lineament.ledger import commitment
from lineament.records import reviews
from lineament.records.reviews import Lead, Review
from tests.casework import a_case, a_search, somebody
from tests.reviewing import a_comparison

BOTH_FOR = (Conclusion.STRONG_SAME, Conclusion.SAME)


def a_lead(
    installation: Installation,
    conclusions: Sequence[Conclusion] = BOTH_FOR,
    state: LeadState = LeadState.LEAD,
    reference: str = "2026/17",
    first: Person | None = None,
) -> Lead:
    """Return the best candidate of a new search in a new case, as so many examiners left it.

    The operator is staff of the case, and the first examiner is by default somebody else who is not.
    """
    case = a_case(installation, reference)
    search = a_search(installation, case)
    now, salt = iso(installation.clock()), installation.new_salt()
    made_at = now if state in leads.LEADS else None
    lead = Lead(installation.new_id(), case.id, search.id, 1, state, now, made_at, None, salt)
    with installation.records.write() as tx:
        reviews.add_lead(tx, lead)
    for at, conclusion in enumerate(conclusions):
        names = ("Edda First", "Sven Second", "Tove Third")
        by = first if first and not at else somebody(installation, names[at], Role.EXAMINER)
        _review(installation, lead, by, conclusion, at)
    if made_at:
        with act(installation) as doing:
            doing.record(
                "lead.made",
                at=now,
                case=doing.in_case(case.id),
                search=search.id,
                lead=lead.id,
                candidate=commitment(salt, b"1"),
                reviewers=[one.person_id for one in reviews.reviews_of_lead(doing.tx, lead.id)],
            )
    return lead


def supported(installation: Installation, lead: Lead) -> Lead:
    """Put independent evidence on record for a lead."""
    who = sign_in.operator(installation)
    what, source = "A neighbour saw him board the train.", "Her statement of 3 May"
    return leads.add_evidence(installation, who, lead.id, what, source, "2026-05-03")


def _review(installation: Installation, lead: Lead, by: Person, conclusion: Conclusion, place: int) -> None:
    now, salt = iso(installation.clock() + timedelta(seconds=place)), installation.new_salt()
    one = Review(
        installation.new_id(),
        lead.case_id,
        lead.id,
        None if place else lead.search_id,
        None if place else lead.rank,
        None,
        by.id,
        now,
        a_comparison(conclusion),
        salt,
    )
    with act(installation) as doing:
        reviews.add_review(doing.tx, one)
        doing.record(
            "review.recorded",
            at=now,
            who=by.id,
            case=doing.in_case(lead.case_id),
            review=one.id,
            content=commitment(salt, b"1"),
        )
