"""What the ledger commits to in one case: read from the records, and opened for a bundle.

Nothing is assumed of the records: what a commitment may be of is tried, and where nothing fits that should,
the records and the ledger do not agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from lineament import ledger
from lineament.app.candidates import ShownSearch, order_for, shown_bytes
from lineament.app.casework.cases import grounds_field, note_bytes
from lineament.app.casework.leads import event_bytes, event_field
from lineament.app.casework.review import review_bytes
from lineament.app.casework.settling import not_supported_bytes
from lineament.app.disclose import search_values
from lineament.app.search_entry import candidate_bytes
from lineament.core.policy import Person
from lineament.errors import LedgerBroken
from lineament.ledger.case_file import committed
from lineament.records import cases, ledger_entries, reviews, searches
from lineament.records.cases import Case, Member, Note
from lineament.records.reviews import Assignment, Lead, LeadEvent, Opening, Review, SearchConclusion
from lineament.records.searches import Search

Option = tuple[bytes, bytes]  # a salt and a value that a commitment may be of


@dataclass(frozen=True, eq=False)
class CaseRecord:
    """One case with everything that the records hold of it, at one moment.

    ``entries`` are those of its acts by their numbers in the ledger. ``grounds`` is what it said, by the
    numbers of the acts that changed that. ``orders`` gives the ranks of a search's
    candidates as a person saw them, by the ids of both.
    """

    case: Case
    entries: dict[int, bytes]
    grounds: dict[int, bytes]
    members: list[Member]
    notes: list[Note]
    searches: list[Search]
    looked: dict[str, list[Opening]]
    conclusions: dict[str, SearchConclusion]
    leads: list[Lead]
    events: dict[str, list[LeadEvent]]
    reviews: list[Review]
    assignments: dict[str, Assignment]
    orders: dict[tuple[str, str], list[int]]

    @cached_property
    def acts(self) -> dict[int, dict[str, Any]]:
        """The entries, decoded."""
        return {index: ledger.decode(entry) for index, entry in self.entries.items()}

    def is_seed(self, review: Review) -> bool:
        """Whether a comparison was of a pair with which an examiner was tested."""
        return review.assignment_id is not None and self.assignments[review.assignment_id].seed is not None


def read_case(tx: Connection, case: Case) -> CaseRecord:
    """Read everything that belongs to a case. Raises LedgerBroken where an act of it is not in the ledger."""
    entries = ledger_entries.of_case(tx, case.id)
    if len(entries) != case.acts:
        raise LedgerBroken(f"There were {case.acts} acts in this case, and the ledger has {len(entries)}.")
    found = [searches.get_search(tx, one.id) for one in searches.searches_of_case(tx, case.id)]
    whole = {one.id: one for one in found if one is not None}
    leads = reviews.leads_of_case(tx, case.id)
    concluded = {one: reviews.search_conclusion_of(tx, one) for one in whole}
    shown = [act for act in map(ledger.decode, entries.values()) if act["kind"] == "search.shown"]
    return CaseRecord(
        case=case,
        entries=entries,
        grounds=cases.grounds(tx, case.id),
        members=cases.members(tx, case.id),
        notes=cases.notes(tx, case.id),
        searches=list(whole.values()),
        looked={one: reviews.openings(tx, one) for one in whole},
        conclusions={search_id: one for search_id, one in concluded.items() if one is not None},
        leads=leads,
        events={one.id: reviews.lead_events(tx, one.id) for one in leads},
        reviews=reviews.reviews_of_case(tx, case.id),
        assignments={one.id: one for one in reviews.assignments_of_case(tx, case.id)},
        orders={
            (str(act["search"]), str(act["who"])): order_for(
                tx, Person(str(act["who"]), "", frozenset()), whole[str(act["search"])]
            )
            for act in shown
        },
    )


def accounted(
    record: CaseRecord, shown: Mapping[str, ShownSearch]
) -> tuple[list[ledger.Opening], list[dict[str, Any]]]:
    """Return the openings of a case's acts, and of every commitment that is left closed why it is.

    ``shown`` are the searches as they may be shown now. Raises LedgerBroken where the records say something
    else than the ledger.
    """
    openings: dict[tuple[int, str], ledger.Opening] = {}
    for index, act in record.acts.items():
        for name, options in _options(record, shown, act):
            for salt, value in options:
                made = ledger.commitment(salt, value)
                for place in _places(act, name, made):
                    openings[index, place] = ledger.Opening(index, place, salt.hex(), value.decode())
    closed = []
    for index, what, place in committed(record.acts):
        if (index, place) not in openings:
            closed.append({"entry": index, "field": place, "why": _why(record, index, what)})
    return list(openings.values()), closed


def _places(act: Mapping[str, Any], name: str, made: str) -> Iterator[str]:
    """Yield where in a field a commitment stands, as an opening names it."""
    held = act[name]
    if held == made:
        yield name
    elif isinstance(held, list):
        yield from (f"{name}/{place}" for place, one in enumerate(held) if one == made)


def _options(
    record: CaseRecord, shown: Mapping[str, ShownSearch], act: Mapping[str, Any]
) -> Iterator[tuple[str, list[Option]]]:
    """Yield each field of an act that commits to something, with what it may be of."""
    kind = act["kind"]
    if kind == "search":
        one = shown[act["search"]]
        for field, value in search_values(one, act).items():
            yield field.partition("/")[0], [_option(one.search.salt, field, value)]
    elif kind == "search.shown":
        yield "list", _lists(record, shown[act["search"]], act["who"])
    elif kind == "search.concluded":
        one = shown[act["search"]]
        ranks = record.conclusions[act["search"]].put_forward
        rows = {rank: _candidate(one, rank) for rank in ranks}
        salt = one.search.salt
        yield "put_forward", [_option(salt, f"put-forward/{at}", row) for at, row in rows.items() if row]
    elif kind in {"case.opened", "case.grounds"}:
        number = act["case"]["number"]
        yield "content", [_option(record.case.salt, grounds_field(number), record.grounds[number])]
    elif kind == "case.note":
        yield (
            "content",
            [_option(one.salt, "note", note_bytes(one)) for one in record.notes if one.id == act["note"]],
        )
    elif kind == "review.recorded":
        yield (
            "content",
            [
                _option(one.salt, "content", review_bytes(one))
                for one in record.reviews
                if one.id == act["review"] and not record.is_seed(one)
            ],
        )
    elif kind in {"lead.made", "lead.changed"}:
        lead = next(one for one in record.leads if one.id == act["lead"])
        if kind == "lead.made":
            row = _candidate(shown[lead.search_id], lead.rank)
            yield "candidate", [_option(lead.salt, "candidate", row)] if row else []
        else:
            yield "content", _changes(record, lead)


def _option(salt: bytes, field: str, value: bytes) -> Option:
    return ledger.field_salt(salt, field), value


def _candidate(shown: ShownSearch, rank: int) -> bytes | None:
    """Return what is committed to for the candidate of a rank; None where its photograph was withdrawn."""
    row = next(row for row in shown.search.candidates if row.rank == rank)
    visible = {face.id for one in shown.candidates for face in one.sources}
    return candidate_bytes(row) if row.face_id in visible else None


def _lists(record: CaseRecord, shown: ShownSearch, who: str) -> list[Option]:
    """Return the list as a person would be shown it now, in an order of their own and by rank."""
    by_rank = {one.rank: one for one in shown.candidates}
    ranks = list(by_rank)
    return [
        _option(
            shown.search.salt,
            f"list/{who}",
            shown_bytes([replace(by_rank[rank], number=at) for at, rank in enumerate(order, start=1)]),
        )
        for order in (record.orders[shown.search.id, who], ranks)
    ]


def _changes(record: CaseRecord, lead: Lead) -> list[Option]:
    made = [one for one in record.reviews if one.lead_id == lead.id]
    events = [_option(lead.salt, event_field(event), event_bytes(event)) for event in record.events[lead.id]]
    settled = [not_supported_bytes(made[:count]) for count in range(len(made), 0, -1)]  # some came later
    return [*events, *(_option(lead.salt, "not-supported", value) for value in settled)]


def _why(record: CaseRecord, index: int, what: str) -> str:
    """Return why a commitment is left closed. Raises LedgerBroken where there is no reason."""
    act = record.acts[index]
    if what in {"search candidates", "search.concluded put_forward", "lead.made candidate"}:
        return "withdrawn"
    if what == "search.shown list":
        return "earlier"
    if what == "review.recorded content" and any(
        one.id == act["review"] and record.is_seed(one) for one in record.reviews
    ):
        return "seed"
    raise LedgerBroken(f"Entry {index} says something else of this case than the records.")
