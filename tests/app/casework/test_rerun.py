"""A bundle's searches, repeated: the same, the same but for what was withdrawn, or different, and where."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from lineament import ledger
from lineament.app import collections, disclose, sign_in
from lineament.app.casework.cases import open_case
from lineament.app.casework.disclosure import disclose as disclose_case
from lineament.app.casework.rerun import Rerun, rerun
from lineament.app.edited import search_edited
from lineament.app.erasure import erase
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.app.upkeep import upkeep
from lineament.app.withdraw import withdraw
from lineament.core.cases import Obtained
from lineament.core.edits import EditKind
from lineament.core.policy import Person, Role
from lineament.errors import CaseNotFound, InvalidRequest
from lineament.ledger import BundleInvalid
from lineament.records import images
from lineament.records.cases import Case
from lineament.records.schema import template
from lineament.records.sealed import seal
from lineament.records.searches import Search
from lineament.records.withdrawals import By, Scope
from lineament.sources import open_source
from lineament.testing import Clock, make_permission, recorded
from tests.casework import a_case, a_search, close, somebody
from tests.samples import OBAMA, SOLVAY


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


def disclosed(installation: Installation, case: Case) -> bytes:
    """Close a case, so that whoever worked on it may have its bundle, and return that."""
    who = sign_in.operator(installation)
    close(installation, who, case.id)
    return disclose_case(installation, who, case.id)


def a_found_face(installation: Installation) -> tuple[Case, Search]:
    """Return a case for archive research, and a search in it that one face passes the threshold of."""
    who = sign_in.operator(installation)
    case = open_case(installation, who, "K-1", "Who is this?", "archive-research")
    request = Request(case.purpose, ("archive",), case.reference, Obtained.ARCHIVE)
    search = open_search(installation, who, request, [OBAMA.read_bytes()])
    assert len(search.candidates) == 1
    return case, search


def test_a_search_is_the_same_at_once(desk: Installation, who: Person):
    """Unedited and edited, with a face that was chosen, and with an empty list; nothing is recorded."""
    case = a_case(desk)
    found = a_search(desk, case)
    edited = search_edited(desk, who, found.id, 1, [(EditKind.FLIP, ()), (EditKind.CONTRAST, (1.3,))])
    request = Request(case.purpose, ("archive",), case.reference, Obtained.PUBLISHED)
    waiting = open_search(desk, who, request, [SOLVAY.read_bytes()])
    chosen = choose_face(desk, who, waiting.id, 24)
    data, before = disclosed(desk, case), len(recorded(desk))
    assert rerun(desk, who, data) == [
        Rerun(one.id, True, "The same: 7 faces in the same order.") for one in (found, edited, chosen)
    ]
    assert len(recorded(desk)) == before


def test_a_search_with_an_empty_list_is_repeated_too(desk: Installation, who: Person):
    """With the threshold that was in force then."""
    case, search = a_found_face(desk)
    request = Request(case.purpose, ("archive",), case.reference, Obtained.ARCHIVE)
    empty = open_search(desk, who, request, [SOLVAY.read_bytes()], [24])
    assert [(one.search, one.sentence) for one in rerun(desk, who, disclosed(desk, case))] == [
        (search.id, "The same: 1 face in the same order."),
        (empty.id, "The same: 0 faces in the same order."),
    ]


def test_what_was_added_later_is_left_out(desk: Installation, who: Person, tmp_path: Path):
    """Also a photograph that would be first now."""
    case, search = a_found_face(desk)
    data = disclosed(desk, case)
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(OBAMA, more / "new.jpg")
    with (more / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "source_url"], ["new.jpg", "https://example.org/new"]])
    assert ingest(desk, who, "archive", open_source(more), lambda _done: None).new == 1
    again = open_search(desk, who, Request("archive-research", ("archive",)), [OBAMA.read_bytes()])
    assert (again.candidates[0].score, len(again.candidates)) == (pytest.approx(1), 2)
    (one,) = rerun(desk, who, data)
    assert one == Rerun(search.id, True, "The same: 1 face in the same order.")


@pytest.mark.parametrize("withdrawn", [1, 3])
def test_what_was_withdrawn_since_is_counted(desk: Installation, who: Person, withdrawn: int):
    """Before the bundle was made or after it: what is left is the same, in the same order."""
    case = a_case(desk)
    search = a_search(desk, case)
    data = disclosed(desk, case)
    gone = [row.face_id for row in search.candidates][:withdrawn]
    erase(desk, withdraw(desk, who, Scope.FACE, gone, By.PERSON))
    expected = f"The same but for {withdrawn} face{'s' if withdrawn > 1 else ''} withdrawn since."
    for bundle in (data, disclose_case(desk, who, case.id)):
        (one,) = rerun(desk, who, bundle)
        assert one == Rerun(search.id, True, expected, withdrawn)


def test_a_collection_whose_permission_ended_is_not_compared(desk: Installation, who: Person):
    """Every face of it counts as withdrawn."""
    case, search = a_found_face(desk)
    data = disclosed(desk, case)
    collections.permit(desk, who, "archive", make_permission(("own-likeness",)))
    (one,) = rerun(desk, who, data)
    assert one == Rerun(search.id, True, "The same but for 1 face withdrawn since.", 1)


def test_a_changed_template_makes_it_different(desk: Installation, who: Person):
    """Whoever can write to the records cannot hide it: here the second face is given that of the first."""
    case = a_case(desk)
    search = a_search(desk, case)
    data = disclosed(desk, case)
    first, second = (row.face_id for row in search.candidates[:2])
    change_template(desk, second, first)
    (one,) = rerun(desk, who, data)
    assert (one.same, one.sentence[:16]) == (False, "Different: face ")


def change_template(installation: Installation, face_id: str, other: str) -> None:
    """Give a face the template of another one."""
    contract = installation.vision.contract
    with installation.records.write() as tx:
        vector = images.templates_of(tx, installation.keys, contract, [other])[other]
        key = images.image_key(tx, installation.keys, images.faces(tx, [face_id])[face_id].image)
        sealed = seal(key, vector.astype("<f4").tobytes(), f"{face_id} {contract}")
        tx.execute(update(template).where(template.c.face_id == face_id).values(vector=sealed))


def test_a_changed_index_makes_it_different(desk: Installation, who: Person):
    """A face that it holds with another vector is not found; nor may one be missing in it."""
    case, search = a_found_face(desk)
    data = disclosed(desk, case)
    (row,), (pinned,) = search.candidates, search.collections
    contract, revision = desk.vision.contract, desk.index.revision
    with desk.records.read() as tx:
        vector = images.templates_of(tx, desk.keys, contract, [row.face_id])[row.face_id]
    desk.index.remove([row.face_id], revision)
    (missing,) = rerun(desk, who, data)
    assert (missing.same, missing.sentence[:38]) == (False, "It cannot be repeated: The index cover")
    desk.index.add([row.face_id], [pinned.id], -vector[np.newaxis], revision)
    (one,) = rerun(desk, who, data)
    assert one.sentence == "Different: the search returned 0 faces, and the record has more."


def test_what_cannot_be_repeated_is_said(desk: Installation, who: Person, clock: Clock):
    """Once the photographs were erased, as the policy says."""
    case, search = a_found_face(desk)
    data = disclosed(desk, case)
    clock.turn(desk.policy.purposes[case.purpose].probe_retention)
    upkeep(desk)
    assert rerun(desk, who, data)[0].same  # who was given the photographs has them
    assert rerun(desk, who, disclose_case(desk, who, case.id)) == [
        Rerun(search.id, False, "It cannot be repeated: its photographs were erased.")
    ]


def test_only_a_sound_bundle_of_a_case_is_repeated(desk: Installation, who: Person):
    """It is checked first, against the ledger here; another file is none."""
    case, search = a_found_face(desk)
    data = disclosed(desk, case)
    with pytest.raises(BundleInvalid):
        rerun(desk, who, data[:-1] + bytes([data[-1] ^ 1]))
    own = open_search(desk, who, Request("archive-research", ("archive",)), [OBAMA.read_bytes()])
    for other in (disclose.export(desk, who, own.id), disclose.receipt(desk, who, own.id)):
        with pytest.raises(InvalidRequest):
            rerun(desk, who, other)
    with pytest.raises(ledger.LedgerError):
        rerun(desk, who, b"nonsense")
    assert search.case_id == case.id


def test_who_may_not_read_the_case_does_not_repeat_its_searches(desk: Installation):
    """Although they hold the file."""
    case, _search = a_found_face(desk)
    data = disclosed(desk, case)
    with pytest.raises(CaseNotFound):
        rerun(desk, somebody(desk, "Stranger", Role.SEARCHER), data)
    assert rerun(desk, somebody(desk, "Auditor", Role.AUDITOR), data)
