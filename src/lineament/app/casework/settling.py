"""What the examiners' conclusions on a candidate come to, and whom else is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from lineament.app.casework import seeds
from lineament.app.installation import Installation
from lineament.app.journal import Act
from lineament.app.search_entry import candidate_bytes
from lineament.core.jsontext import json_bytes
from lineament.core.review import FOR_SAME, LeadState, state_after
from lineament.core.times import iso
from lineament.ledger import commitment, field_salt
from lineament.records import reviews, searches
from lineament.records.reviews import Assignment, Lead, Review
from lineament.records.searches import Search

REVIEWERS = 2  # who must agree, where the policy no longer has the search's purpose


def settle(installation: Installation, doing: Act, lead: Lead) -> None:
    """Say what the examiners' conclusions on a candidate come to, and record it.

    It is a lead, or not supported, or waits for as many further examiners as are still needed; with each of
    them come pairs whose answer is known. Where it was settled before, nothing changes.
    """
    search = searches.get_search(doing.tx, lead.search_id)
    if lead.state is not LeadState.PUT_FORWARD or search is None:
        return
    purpose = installation.policy.purposes.get(search.purpose)
    needed = purpose.reviewers if purpose else REVIEWERS
    made = reviews.reviews_of_lead(doing.tx, lead.id)
    said = [one.comparison.conclusion for one in made]
    state, at = state_after(said, needed), iso(installation.clock())
    if state is LeadState.PUT_FORWARD:
        _ask_further(installation, doing.tx, lead, needed - sum(one in FOR_SAME for one in said))
        return
    if state is LeadState.LEAD:
        reviews.save_lead(doing.tx, replace(lead, state=state, made_at=at))
        doing.record(
            "lead.made",
            at=at,
            case=doing.in_case(lead.case_id),
            search=lead.search_id,
            lead=lead.id,
            candidate=commitment(field_salt(lead.salt, "candidate"), bytes_of_candidate(search, lead.rank)),
            reviewers=[one.person_id for one in made],
        )
    else:
        reviews.save_lead(doing.tx, replace(lead, state=state))
        doing.record(
            "lead.changed",
            at=at,
            who=None,
            case=doing.in_case(lead.case_id),
            lead=lead.id,
            change="not-supported",
            content=commitment(field_salt(lead.salt, "not-supported"), not_supported_bytes(made)),
        )


def not_supported_bytes(made: Sequence[Review]) -> bytes:
    """Return what the ledger commits to for a candidate that was not supported: the reviews that say so."""
    return json_bytes({"change": "not-supported", "reviews": [one.id for one in made]})


def bytes_of_candidate(search: Search, rank: int) -> bytes:
    """Return what is committed to for a candidate: of copies that share a rank, the first."""
    return candidate_bytes(next(row for row in search.candidates if row.rank == rank))


def _ask_further(installation: Installation, tx: Connection, lead: Lead, needed: int) -> None:
    """Let so many examiners' pairs wait for a candidate, those that are open counted; each with seeds."""
    there = reviews.assignments_of_case(tx, lead.case_id)
    open_ = sum(one.lead_id == lead.id and one.done_at is None for one in there)
    for _ in range(needed - open_):
        drawn = seeds.draw(installation, tx, lead)
        reviews.add_assignments(
            tx,
            [
                Assignment(
                    id=installation.new_id(),
                    case_id=lead.case_id,
                    lead_id=None if seed else lead.id,
                    seed=seed,
                    place=int.from_bytes(installation.new_salt()[:4]) >> 1,
                    created_at=iso(installation.clock()),
                )
                for seed in (None, *drawn)
            ],
        )
