"""Leads: what a candidate that was put forward is, what was done with it, and whether it was right.

A candidate is put forward by its first examiner (``review``). What further examiners conclude makes it a lead
or ends it (``settling``). From then on people act on a lead or set it aside, put on record what supports it
besides the comparison, and later whether it was right. A lead never says who somebody is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.casework import cases as casework
from lineament.app.casework.texts import text
from lineament.app.installation import Installation
from lineament.app.journal import Act, act
from lineament.core.cases import CaseState, Part
from lineament.core.jsontext import json_bytes
from lineament.core.odds import Coincidence, Strength, sentence
from lineament.core.policy import Person
from lineament.core.review import LeadState, Truth
from lineament.core.times import iso
from lineament.core.wording import LEAD_STATES, TRUTHS
from lineament.errors import CaseNotFound, InvalidRequest, LeadNotFound, WrongState
from lineament.ledger import commitment, field_salt
from lineament.records import cases, reviews, searches
from lineament.records.cases import Case
from lineament.records.images import StoredFace
from lineament.records.reviews import Lead, LeadEvent, Review
from lineament.records.searches import Search

WHAT_A_LEAD_IS_NOT = (
    "A lead is not an identification. It says that examiners, of whom only the first knew more than the two "
    "photographs, saw enough to look further: relatives, lookalikes and chance can look this alike.",
    "A lead is not evidence on its own, and must not be the only ground for a decision about anybody. What "
    "supports it must come from elsewhere than a comparison of faces.",
)
LEADS = frozenset({LeadState.LEAD, LeadState.ACTED_ON, LeadState.SET_ASIDE})
_PLACES = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True)
class Examined:
    """One examiner's comparison: which examiner of this candidate it was, in words, and their name."""

    place: str
    name: str
    review: Review


@dataclass(frozen=True, eq=False)
class LeadView:
    """A candidate that was put forward, as one person may see it now.

    ``candidate`` is None when its permission has ended since the search; ``also_in`` lists copies of the same
    photograph. ``score``, ``strength`` and ``odds`` are None while this person has yet to judge the candidate
    by sight, and the latter two where error rates were not measured. ``examined`` holds the comparisons in
    order; until the lead is settled, only this person's own. ``names`` are those of everybody in ``events``.
    """

    lead: Lead
    case: Case
    part: Part | None
    search: Search
    candidate: StoredFace | None
    also_in: tuple[StoredFace, ...]
    score: float | None
    strength: Strength | None
    odds: str | None
    caution: str | None
    examined: tuple[Examined, ...]
    events: tuple[LeadEvent, ...]
    names: Mapping[str, str]

    @property
    def is_settled(self) -> bool:
        """Whether the examiners have come to an end."""
        return self.lead.state is not LeadState.PUT_FORWARD

    @property
    def is_lead(self) -> bool:
        """Whether they made it a lead."""
        return self.lead.state in LEADS

    @property
    def has_evidence(self) -> bool:
        """Whether independent evidence is on record."""
        return any(event.change == "evidence" for event in self.events)

    @property
    def sources(self) -> tuple[StoredFace, ...]:
        """Every copy of the candidate's photograph that may be shown."""
        return (self.candidate, *self.also_in) if self.candidate else ()

    @property
    def standing(self) -> str:
        """Where it stands, in words."""
        truth = self.lead.truth
        return LEAD_STATES[self.lead.state] + (f"; {TRUTHS[truth]}" if truth else "")


def lead_view(installation: Installation, who: Person, lead_id: str) -> LeadView:
    """Return a lead to whoever may read its case. Raises LeadNotFound."""
    now = installation.clock()
    with installation.records.read() as tx:
        lead, case = readable_lead(tx, who, lead_id, now)
        part = casework.part_of(tx, who, case.id, now)
        search = searches.get_search(tx, lead.search_id)
        if search is None:
            raise LeadNotFound("The search of this lead is not there.")
        rows = [row for row in search.candidates if row.rank == lead.rank]
        permitted = eligibility.faces_for(tx, [row.face_id for row in rows], search.purpose, now)
        examined = _examined(tx, lead)
        events = reviews.lead_events(tx, lead.id)
        names = cases.names(tx, [event.person_id for event in events])
        judged = any(
            one.rank == lead.rank and one.judgement for one in reviews.openings(tx, search.id, who.id)
        )
    settled = lead.state is not LeadState.PUT_FORWARD
    blind = part is Part.STAFF and not settled and not judged
    row, faces = rows[0], [permitted[row.face_id] for row in rows if row.face_id in permitted]
    odds = None
    if row.strangers is not None and not blind:
        odds = Coincidence(row.strangers, row.strangers_at_most)
    tail = installation.tail if search.contract == installation.vision.contract else None
    return LeadView(
        lead=lead,
        case=case,
        part=part,
        search=search,
        candidate=faces[0] if faces else None,
        also_in=tuple(faces[1:]),
        score=None if blind else row.score,
        strength=odds.strength if odds else None,
        odds=sentence(odds, search.searched_faces or 0) if odds else None,
        caution=tail.caution if tail and odds else None,
        examined=tuple(one for one in examined if settled or one.review.person_id == who.id),
        events=tuple(events),
        names=names,
    )


def add_evidence(
    installation: Installation, who: Person, lead_id: str, description: str, source: str, found_on: str
) -> Lead:
    """Put on record what supports a lead besides the comparison of faces.

    ``source`` says where it comes from and ``found_on``, a day as 2026-11-22, when it was found. Raises
    LeadNotFound, CaseNotFound, WrongState and InvalidRequest.
    """
    document = {
        "description": text("description", description),
        "source": text("source", source),
        "date": _day(found_on, installation.clock()),
    }
    return _change(installation, who, lead_id, "evidence", document, LEADS)


def act_on(installation: Installation, who: Person, lead_id: str, what: str) -> Lead:
    """Record what was done because of a lead.

    Raises LeadNotFound, CaseNotFound, WrongState and InvalidRequest.
    """
    document = {"what": text("account of what was done", what)}
    return _change(installation, who, lead_id, "acted-on", document, {LeadState.LEAD}, LeadState.ACTED_ON)


def set_aside(installation: Installation, who: Person, lead_id: str, reason: str) -> Lead:
    """Record that a lead is not followed, and why.

    Raises LeadNotFound, CaseNotFound, WrongState and InvalidRequest.
    """
    document = {"reason": text("reason", reason)}
    return _change(installation, who, lead_id, "set-aside", document, {LeadState.LEAD}, LeadState.SET_ASIDE)


def record_truth(installation: Installation, who: Person, lead_id: str, truth: Truth, how: str) -> Lead:
    """Record whether a lead was right, and how that is known; also after the case has closed, and again.

    Raises LeadNotFound, CaseNotFound, WrongState and InvalidRequest.
    """
    document = {"truth": truth.value, "how": text("account of how it is known", how)}
    return _change(installation, who, lead_id, "truth", document, LEADS)


def event_field(event: LeadEvent) -> str:
    """Return the name under which the ledger's commitment to what was done with a lead is salted."""
    return f"event/{event.id}"


def event_bytes(event: LeadEvent) -> bytes:
    """Return what the ledger commits to for what was done with a lead: JSON of the change and document."""
    return json_bytes({"change": event.change, "document": event.document})


def readable_lead(tx: Connection, who: Person, lead_id: str, now: datetime) -> tuple[Lead, Case]:
    """Return a lead and its case, if this person may read that at ``now`` (UTC). Raises LeadNotFound."""
    lead = reviews.get_lead(tx, lead_id)
    try:
        case = casework.readable(tx, who, lead.case_id, now) if lead else None
    except CaseNotFound:
        case = None
    if lead is None or case is None:
        raise LeadNotFound("There is no such lead of a case of yours.")
    return lead, case


def workable_lead(
    tx: Connection,
    who: Person,
    lead_id: str,
    states: Collection[LeadState],
    now: datetime,
    even_closed: bool = False,
) -> Lead:
    """Return a lead in one of these states that this person works on at ``now`` (UTC).

    Raises LeadNotFound, CaseNotFound, and WrongState, also for a closed case unless ``even_closed``.
    """
    lead, _case = readable_lead(tx, who, lead_id, now)
    case = casework.workable(tx, who, lead.case_id, now)
    if lead.state not in states:
        raise WrongState(f"Where this candidate stands does not allow it: {LEAD_STATES[lead.state]}.")
    if case.state is CaseState.CLOSED and not even_closed:
        raise WrongState("This case is closed. Reopen it before you do anything with its leads.")
    return lead


def record_event(
    installation: Installation, doing: Act, who: Person, lead: Lead, change: str, document: dict[str, Any]
) -> LeadEvent:
    """Record within an act what was done with a lead, with its entry."""
    now = iso(installation.clock())
    event = LeadEvent(installation.new_id(), lead.id, who.id, now, change, document)
    reviews.add_lead_event(doing.tx, event)
    doing.record(
        "lead.changed",
        at=now,
        who=who.id,
        case=doing.in_case(lead.case_id),
        lead=lead.id,
        change=change,
        content=commitment(field_salt(lead.salt, event_field(event)), event_bytes(event)),
    )
    return event


def _change(
    installation: Installation,
    who: Person,
    lead_id: str,
    change: str,
    document: dict[str, Any],
    states: Collection[LeadState],
    state: LeadState | None = None,
) -> Lead:
    """Record what is done with a lead that stands at one of ``states``, and where it stands then."""
    with act(installation) as doing:
        later = change == "truth"
        lead = workable_lead(doing.tx, who, lead_id, states, installation.clock(), even_closed=later)
        truth = Truth(document["truth"]) if later else lead.truth
        changed = replace(lead, state=state or lead.state, truth=truth)
        reviews.save_lead(doing.tx, changed)
        record_event(installation, doing, who, lead, change, document)
    return changed


def _examined(tx: Connection, lead: Lead) -> list[Examined]:
    """Return the comparisons of a candidate in the order in which its examiners came."""
    found = reviews.reviews_of_lead(tx, lead.id)
    found.sort(key=lambda one: one.search_id is None)  # only the first examiner's is of a search
    names = cases.names(tx, [one.person_id for one in found])
    return [
        Examined(f"{_PLACES[at] if at < len(_PLACES) else f'{at + 1}th'} examiner", names[one.person_id], one)
        for at, one in enumerate(found)
    ]


def _day(given: str, now: datetime) -> str:
    """Return a day in the past as ISO 8601. Raises InvalidRequest."""
    try:
        found = date.fromisoformat(given.strip())
    except ValueError:
        raise InvalidRequest("The date must be a day such as 2026-11-22.") from None
    if found > now.date():
        raise InvalidRequest("The date lies in the future.")
    return found.isoformat()
