"""Review of a search by who works on its case: open, judge, compare, conclude.

1. Every candidate that is shown is opened, each beside the probe.
2. A first judgement of it is recorded; then its score and rank are shown.
3. An examiner compares it with the probe, feature by feature.
4. The search is concluded: what was compared and found to support 'same' may be put forward, or none of it.
5. What is put forward waits for further examiners, who are told nothing of it, among pairs whose answer is
   known. ``settling`` says what their conclusions come to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from lineament.app import candidates, eligibility
from lineament.app.casework import cases as casework
from lineament.app.casework.settling import bytes_of_candidate, settle
from lineament.app.installation import Installation, require
from lineament.app.journal import Act, act
from lineament.core.cases import CaseState, Part, may_become
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person, Role
from lineament.core.report_words import refused
from lineament.core.review import FOR_SAME, Comparison, Component, Judgement, LeadState, Seen
from lineament.core.times import iso
from lineament.core.words import counted, is_plain_text
from lineament.errors import ComparisonIncomplete, ImageNotFound, SearchNotFound, WrongState
from lineament.ledger import commitment, field_salt
from lineament.records import cases, reviews
from lineament.records.cases import Case
from lineament.records.reviews import Lead, Opening, Review, SearchConclusion
from lineament.records.searches import Outcome, Search

SAID_LENGTH_MAX = 4_000  # characters of the similarities, or of the differences
NOTE_LENGTH_MAX = 500  # characters


@dataclass(frozen=True)
class SearchReview:
    """Where the review of a search stands, for one person; candidates go by that person's own numbers.

    ``works`` says whether they may review in its case: they work on it, and it is not closed.
    ``openings`` are the candidates that they have opened. ``reviews`` are their own comparisons, and
    everybody's once the search is concluded or where they only read the case. ``conclusion`` puts forward
    numbers, not ranks. ``missing`` says in sentences what this person has to do before they can conclude.
    """

    works: bool
    openings: frozenset[int]
    reviews: Mapping[int, tuple[Review, ...]]
    conclusion: SearchConclusion | None
    leads: Mapping[int, Lead]
    missing: tuple[str, ...]


def state_of(installation: Installation, who: Person, search_id: str) -> SearchReview:
    """Return where the review of a search stands that this person may read. Raises SearchNotFound."""
    now = installation.clock()
    with installation.records.read() as tx:
        search, seen_as = candidates.readable(tx, who, search_id, now)
        case = cases.get_case(tx, search.case_id) if search.case_id else None
        numbers = {rank: at for at, rank in enumerate(candidates.order_for(tx, who, search), start=1)}
        opened = {one.rank for one in reviews.openings(tx, search.id, who.id)}
        concluded = reviews.search_conclusion_of(tx, search.id)
        made = [one for one in reviews.reviews_of_search(tx, search.id) if one.rank is not None]
        if concluded is None and candidates.works_on(tx, who, search):
            made = [one for one in made if one.person_id == who.id]
        found = reviews.leads_of_search(tx, search.id)
        unopened = _permitted_ranks(tx, search, installation) - opened
    return SearchReview(
        works=seen_as == Part.STAFF and case is not None and case.state is not CaseState.CLOSED,
        openings=frozenset(numbers[rank] for rank in opened),
        reviews={number: tuple(one for one in made if one.rank == rank) for rank, number in numbers.items()},
        conclusion=concluded
        and replace(concluded, put_forward=tuple(sorted(numbers[rank] for rank in concluded.put_forward))),
        leads={numbers[one.rank]: one for one in found},
        missing=() if concluded else _missing(search, len(unopened)),
    )


def open_candidate(installation: Installation, who: Person, search_id: str, number: int) -> None:
    """Record that a person has looked at a candidate beside the probe.

    Nothing is recorded for those who only read the search. Raises SearchNotFound, also where there is no such
    candidate, and ImageNotFound where its permission has ended.
    """
    now = installation.clock()
    with installation.records.write() as tx:
        search, seen_as = candidates.readable(tx, who, search_id, now)
        rank = _rank(tx, who, search, number, installation)
        if seen_as == Part.STAFF:
            reviews.add_opening(tx, Opening(search.id, rank, who.id, iso(now)))


def judge(installation: Installation, who: Person, search_id: str, number: int, judgement: Judgement) -> None:
    """Record a person's first judgement of a candidate; from now on its score and rank are shown to them.

    Raises SearchNotFound, ImageNotFound, CaseNotFound for who does not work on the case, and WrongState where
    the candidate was not opened or is judged.
    """
    now = installation.clock()
    with installation.records.write() as tx:
        search, _ = _worked_on(tx, who, search_id, installation)
        rank = _rank(tx, who, search, number, installation)
        opened = {one.rank: one for one in reviews.openings(tx, search.id, who.id)}
        if rank not in opened:
            raise WrongState("Open this candidate beside the photograph before you judge it.")
        if not reviews.set_judgement(tx, search.id, rank, who.id, judgement, iso(now)):
            raise WrongState("You have judged this candidate. A first judgement is given once.")


def compare(
    installation: Installation, who: Person, search_id: str, number: int, comparison: Comparison
) -> Review:
    """Record an examiner's comparison of a candidate with the probe.

    Raises RoleMissing, ComparisonIncomplete, SearchNotFound, ImageNotFound, CaseNotFound for who does not
    work on the case, and WrongState where the candidate was not judged or is compared, or the search is
    concluded.
    """
    require(who, Role.EXAMINER)
    check(comparison)
    with act(installation) as doing:
        search, case = _worked_on(doing.tx, who, search_id, installation)
        rank = _rank(doing.tx, who, search, number, installation)
        _require_not_blind(doing.tx, who, case)
        if reviews.search_conclusion_of(doing.tx, search.id) is not None:
            raise WrongState("This search was concluded.")
        judged = {one.rank for one in reviews.openings(doing.tx, search.id, who.id) if one.judgement}
        if rank not in judged:
            raise WrongState("Record your first judgement of this candidate before you compare it.")
        made = reviews.reviews_of_search(doing.tx, search.id)
        if any((one.rank, one.person_id) == (rank, who.id) for one in made):
            raise WrongState("You have compared this candidate. A comparison is recorded once.")
        new = Review(
            id=installation.new_id(),
            case_id=case.id,
            lead_id=None,
            search_id=search.id,
            rank=rank,
            assignment_id=None,
            person_id=who.id,
            at=iso(installation.clock()),
            comparison=comparison,
            salt=installation.new_salt(),
        )
        record_review(doing, new)
    return new


def conclude(
    installation: Installation, who: Person, search_id: str, numbers: Sequence[int]
) -> SearchConclusion:
    """Record how a search ended: the candidates that are put forward, by number, or none of these.

    Every candidate that is shown must have been opened by this person, and each that is put forward compared
    by them with a conclusion that supports 'same'. Raises SearchNotFound, ImageNotFound, CaseNotFound for who
    does not work on the case, and WrongState.
    """
    with act(installation) as doing:
        search, case = _worked_on(doing.tx, who, search_id, installation)
        _require_not_blind(doing.tx, who, case)
        opened = {one.rank for one in reviews.openings(doing.tx, search.id, who.id)}
        missing = _missing(search, len(_permitted_ranks(doing.tx, search, installation) - opened))
        if missing:
            raise WrongState(" ".join(missing))
        ranks = {number: _rank(doing.tx, who, search, number, installation) for number in numbers}
        own = {
            one.rank: one for one in reviews.reviews_of_search(doing.tx, search.id) if one.person_id == who.id
        }
        for number, rank in ranks.items():
            if rank not in own or own[rank].comparison.conclusion not in FOR_SAME:
                raise WrongState(
                    f"Candidate {number} cannot be put forward: that takes a comparison of your own which "
                    "supports that the photographs show one person."
                )
        at = iso(installation.clock())
        made = SearchConclusion(search.id, who.id, at, tuple(sorted(ranks.values())))
        if not reviews.conclude_search(doing.tx, made):
            raise WrongState("This search was concluded.")
        doing.record(
            "search.concluded",
            at=at,
            who=who.id,
            case=doing.in_case(case.id),
            search=search.id,
            opened=len(opened),
            put_forward=put_forward_commitments(search, made),
        )
        for rank in made.put_forward:
            _put_forward(installation, doing, who, search, own[rank], rank)
    return made


def check(comparison: Comparison) -> None:
    """Raise ComparisonIncomplete unless a comparison is whole and says what one may say.

    Every component comes exactly once, a difference has a note, similarities and differences are both put
    into words, and none of the words is one that a report must not say.
    """
    said = [one.component for one in comparison.findings]
    if sorted(said) != sorted(Component):
        left_out = ", ".join(one.value for one in Component if one not in said)
        raise ComparisonIncomplete(
            f"These components are left out: {left_out}." if left_out else "A component comes twice."
        )
    for one in comparison.findings:
        if one.seen is Seen.DIFFERENT and not one.note.strip():
            raise ComparisonIncomplete(f"Say in a note what is different about: {one.component}.")
        _check_text(f"the note on {one.component}", one.note, NOTE_LENGTH_MAX)
    for name in ("similarities", "differences"):
        text = getattr(comparison, name)
        if not text.strip():
            raise ComparisonIncomplete(f"Put the {name} into words, also where there are none.")
        _check_text(f"the {name}", text, SAID_LENGTH_MAX)


def record_review(doing: Act, new: Review) -> None:
    """Record an examiner's comparison with its entry."""
    reviews.add_review(doing.tx, new)
    doing.record(
        "review.recorded",
        at=new.at,
        who=new.person_id,
        case=doing.in_case(new.case_id),
        review=new.id,
        content=commitment(field_salt(new.salt, "content"), review_bytes(new)),
    )


def review_bytes(one: Review) -> bytes:
    """Return what the ledger commits to for a comparison: JSON of what was compared, and of what was found.

    That is a candidate of a search, or a pair that was taken, with the lead that it is about; it has none
    where the answer is known.
    """
    first = {"search": one.search_id, "rank": one.rank}
    about = first if one.assignment_id is None else {"assignment": one.assignment_id, "lead": one.lead_id}
    return json_bytes(about | reviews.comparison_document(one.comparison))


def put_forward_commitments(search: Search, concluded: SearchConclusion) -> list[str]:
    """Return the commitments to the candidates that were put forward, in no order that says anything.

    Each has a salt of its own, ``put-forward/RANK``, and so cannot be found among the commitments of the
    search's entry: there its place would tell its rank, to everybody who reads the ledger.
    """
    return sorted(
        commitment(field_salt(search.salt, f"put-forward/{rank}"), bytes_of_candidate(search, rank))
        for rank in concluded.put_forward
    )


def _worked_on(
    tx: Connection, who: Person, search_id: str, installation: Installation
) -> tuple[Search, Case]:
    """Return a search with its case, in which this person works. Raises as the acts above say."""
    now = installation.clock()
    search, _ = candidates.readable(tx, who, search_id, now)
    if search.case_id is None:
        raise WrongState("This search belongs to no case: only searches in a case are reviewed.")
    case = casework.workable(tx, who, search.case_id, now)
    if case.state is CaseState.CLOSED:
        raise WrongState("This case is closed. Reopen it before you review in it.")
    return search, case


def _require_not_blind(tx: Connection, who: Person, case: Case) -> None:
    """Whoever had a blind pair of a case is none of its first examiners, however they came to work on it."""
    if who.id in casework.compared_blind(tx, case.id):
        raise WrongState("You were a blind examiner in this case, so you cannot review its searches.")


def _rank(tx: Connection, who: Person, search: Search, number: int, installation: Installation) -> int:
    """Return the rank of a candidate that may be shown. Raises SearchNotFound and ImageNotFound."""
    order = candidates.order_for(tx, who, search)
    if not 1 <= number <= len(order):
        raise SearchNotFound(f"There is no candidate {number} in this search.")
    rank = order[number - 1]
    if rank not in _permitted_ranks(tx, search, installation):
        raise ImageNotFound("The permission for this photograph has ended; it is no longer shown.")
    return rank


def _permitted_ranks(tx: Connection, search: Search, installation: Installation) -> set[int]:
    """Return the ranks of the candidates that may be shown now."""
    ids = [row.face_id for row in search.candidates]
    permitted = eligibility.faces_for(tx, ids, search.purpose, installation.clock())
    return {row.rank for row in search.candidates if row.face_id in permitted}


def _missing(search: Search, unopened: int) -> tuple[str, ...]:
    """Say what stands in the way of concluding a search of which so many candidates were not opened."""
    if search.case_id is None:
        return ("This search belongs to no case: only searches in a case are concluded.",)
    if search.outcome not in {Outcome.CANDIDATES, Outcome.EMPTY}:
        return ("This search has no list that could be concluded.",)
    left = counted(unopened, "candidate")
    return (f"Open every candidate before you conclude: {left} left.",) if unopened else ()


def _put_forward(
    installation: Installation, doing: Act, who: Person, search: Search, first: Review, rank: int
) -> None:
    """Record that a candidate is put forward with its first examiner's comparison, and ask further ones."""
    at = iso(installation.clock())
    lead = Lead(
        id=installation.new_id(),
        case_id=first.case_id,
        search_id=search.id,
        rank=rank,
        state=LeadState.PUT_FORWARD,
        put_forward_at=at,
        made_at=None,
        truth=None,
        salt=installation.new_salt(),
    )
    reviews.add_lead(doing.tx, lead)
    reviews.set_lead_of_review(doing.tx, first.id, lead.id)
    casework.begin_searching(installation, doing, who, lead.case_id)  # a case that was opened again
    case = cases.get_case(doing.tx, lead.case_id)
    if case is not None and may_become(case.state, CaseState.UNDER_REVIEW):
        casework.change_state(installation, doing, who, case, CaseState.UNDER_REVIEW)
    settle(installation, doing, lead)


def _check_text(name: str, text: str, longest: int) -> None:
    """Raise ComparisonIncomplete for a text that is too long, cannot be shown, or says too much."""
    if len(text) > longest:
        raise ComparisonIncomplete(f"Shorten {name} to {longest:,} characters.")
    if not is_plain_text(text.replace("\r\n", "\n")):
        raise ComparisonIncomplete(f"Use plain text in {name}.")
    words = refused(text)
    if words:
        listed = ", ".join(f"'{word}'" for word in words)
        raise ComparisonIncomplete(f"Say what you see instead of {listed} in {name}.")
