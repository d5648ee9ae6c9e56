"""One case with everything that can be in it, played through the application."""

from dataclasses import dataclass

import pytest

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.candidates import show_search
from lineament.app.casework import blind, leads, review
from lineament.app.casework.cases import Grounds, add_note, set_grounds
from lineament.app.edited import search_edited
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import Obtained
from lineament.core.edits import EditKind
from lineament.core.policy import Person, Role
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, Seen, Truth
from lineament.errors import LineamentError, NothingToReview
from lineament.records.cases import Case
from lineament.records.searches import Search
from lineament.testing import make_permission
from tests.casework import a_case, a_search, somebody
from tests.samples import BIDEN, SOLVAY


@dataclass(frozen=True)
class WholeCase:
    """A case in which a candidate was put forward, and agreed on by a second examiner.

    ``found`` is the search that it was found by, ``edited`` the same with an edited photograph. ``waiting``
    waits for a face. One more was refused, and one failed.
    """

    case: Case
    who: Person
    second: Person
    found: Search
    edited: Search
    waiting: Search


def comparison(conclusion: Conclusion = Conclusion.SAME) -> Comparison:
    """Return a whole comparison with this conclusion."""
    findings = tuple(Finding(one, Seen.SIMILAR) for one in Component)
    return Comparison(findings, "The eyes and the nose.", "None that can be seen.", conclusion)


def a_whole_case(installation: Installation) -> WholeCase:
    """Play one case with all kinds of searches, reviews, a lead, and notes."""
    who = sign_in.operator(installation)
    case = a_case(installation)
    wanted = (case.purpose, ("archive",), case.reference)
    with pytest.raises(LineamentError):
        open_search(installation, who, Request(*wanted), [BIDEN.read_bytes()])  # obtained nobody says how
    with pytest.raises(LineamentError):
        open_search(installation, who, Request(*wanted, Obtained.ARCHIVE), [b"not a photograph"])
    waiting = open_search(installation, who, Request(*wanted, Obtained.ARCHIVE), [SOLVAY.read_bytes()])
    set_grounds(installation, who, case.id, Grounds("Last seen in May, in Kyiv."))
    found = a_search(installation, case)
    edited = search_edited(installation, who, found.id, 1, [(EditKind.BRIGHTNESS, (1.2,))])
    looked_through(installation, who, found)
    number = put_forward(installation, who, found)
    review.conclude(installation, who, found.id, [number])
    looked_through(installation, who, edited)
    review.conclude(installation, who, edited.id, [])
    second = somebody(installation, "Bo", Role.EXAMINER)
    compared_blind(installation, second)
    (lead,) = review.state_of(installation, who, found.id).leads.values()
    leads.add_evidence(installation, who, lead.id, "A ticket.", "The railway", "2026-05-03")
    leads.act_on(installation, who, lead.id, "Asked the railway.")
    leads.record_truth(installation, who, lead.id, Truth.RIGHT, "He came home and said so.")
    add_note(installation, who, case.id, "His sister called.")
    return WholeCase(case, who, second, found, edited, waiting)


def looked_through(installation: Installation, who: Person, search: Search) -> None:
    """Open and judge every candidate."""
    for number in range(1, len({row.rank for row in search.candidates}) + 1):
        review.open_candidate(installation, who, search.id, number)
        review.judge(installation, who, search.id, number, Judgement.CANNOT_TELL)


def put_forward(installation: Installation, who: Person, search: Search) -> int:
    """Compare the candidate of rank 1, and say 'same'; return its number."""
    shown = show_search(installation, who, search.id)
    number = next(one.number for one in shown.candidates if one.rank == 1)
    review.compare(installation, who, search.id, number, comparison())
    return number


def compared_blind(installation: Installation, who: Person, conclusion: Conclusion = Conclusion.SAME) -> int:
    """Take and compare every pair that waits, each with this conclusion; return how many there were."""
    done = 0
    while True:
        try:
            pair = blind.take(installation, who)
        except NothingToReview:
            return done
        blind.record(installation, who, pair, comparison(conclusion))
        done += 1


def steps_of(installation: Installation, data: bytes) -> list[str]:
    """Return the steps of a check that a bundle passes, as an outsider with the ledger's key makes it."""
    said: list[str] = []
    trusted = ledger.WitnessPolicy.of_log_alone(installation.signer.verifier)
    ledger.verify(data, trusted, None, ledger.Steps(said.append))
    return said


def let_cases(installation: Installation) -> None:
    """Permit the collection 'archive' for casework, as the fixture ``desk`` does."""
    purposes = ("archive-research", "missing-person", "examiner-testing", "line-up")
    collections.permit(installation, sign_in.operator(installation), "archive", make_permission(purposes))
