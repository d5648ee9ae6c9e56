"""One case with everything that can be in it, played through the application."""

from dataclasses import dataclass

import pytest

from lineament import ledger
from lineament.app import sign_in
from lineament.app.casework import leads, review
from lineament.app.casework.cases import Grounds, add_note, set_grounds
from lineament.app.edited import search_edited
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import Obtained
from lineament.core.edits import EditKind
from lineament.core.policy import Person, Role
from lineament.core.review import Truth
from lineament.errors import LineamentError
from lineament.records.cases import Case
from lineament.records.searches import Search
from tests.casework import a_case, a_search, somebody
from tests.reviewing import compare_all, looked_through, put_forward
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
    lead = put_forward(installation, found, who)
    looked_through(installation, edited, who)
    review.conclude(installation, who, edited.id, [])
    second = somebody(installation, "Bo", Role.EXAMINER)
    compare_all(installation, second)
    leads.add_evidence(installation, who, lead.id, "A ticket.", "The railway", "2026-05-03")
    leads.act_on(installation, who, lead.id, "Asked the railway.")
    leads.record_truth(installation, who, lead.id, Truth.RIGHT, "He came home and said so.")
    add_note(installation, who, case.id, "His sister called.")
    return WholeCase(case, who, second, found, edited, waiting)


def steps_of(installation: Installation, data: bytes) -> list[str]:
    """Return the steps of a check that a bundle passes, as an outsider with the ledger's key makes it."""
    said: list[str] = []
    trusted = ledger.WitnessPolicy.of_log_alone(installation.signer.verifier)
    ledger.verify(data, trusted, None, ledger.Steps(said.append))
    return said
