"""Retention: photographs that were searched leave when the policy says so, from the disk as well."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

import pytest

from lineament import ledger
from lineament.app import collections, pictures, sign_in
from lineament.app.candidates import show_search
from lineament.app.casework.overview import overview
from lineament.app.casework.retention import erase_probes
from lineament.app.disclose import export
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.app.upkeep import upkeep
from lineament.core.policy import Person
from lineament.errors import ProbeErased
from lineament.records import kept_probes
from lineament.records.blobs import keyed
from lineament.records.keys import DOCUMENTS
from lineament.testing import Clock, make_permission, recorded
from tests.casework import a_case, a_search, appeal, close, reopen
from tests.samples import BIDEN, OBAMA, SOLVAY

KEEP = timedelta(hours=48)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def who(desk: Installation) -> Person:
    """Who opens the cases and searches."""
    return sign_in.operator(desk)


@pytest.fixture
def is_kept(desk: Installation) -> Callable[[bytes], bool]:
    """Say whether a photograph lies on the disk, by the name that only this installation can tell."""
    with desk.records.read() as tx:
        key = desk.keys.get(tx, DOCUMENTS)
    folder = desk.ledger_folder.parent / "blobs"

    def look(photo: bytes) -> bool:
        name = keyed(key, sha256(photo).hexdigest())
        return any(name in f"{path.parent.name}{path.name}" for path in folder.rglob("*"))

    return look


def without_case(desk: Installation, who: Person, photo: bytes) -> str:
    """Search for a purpose that needs no case; return the search's id."""
    return open_search(desk, who, Request("archive-research", ("archive",)), [photo]).id


def test_a_case_keeps_its_photographs_until_a_while_after_it_was_closed(
    desk: Installation, who: Person, clock: Clock, is_kept: Callable[[bytes], bool]
):
    """Not a moment too early, and then from the disk; the record of the search stays as it was."""
    case = a_case(desk)
    search = a_search(desk, case)
    clock.turn(timedelta(days=400))
    collections.permit(desk, who, "archive", make_permission(("missing-person",), valid_until=None))
    assert erase_probes(desk) == 0  # however old it is
    close(desk, who, case.id)
    clock.turn(KEEP - MOMENT)
    assert erase_probes(desk) == 0
    assert is_kept(OBAMA.read_bytes())
    assert pictures.probe_crop(desk, who, search.id, 1)
    clock.turn(MOMENT)
    assert erase_probes(desk) == 1
    assert not is_kept(OBAMA.read_bytes())
    for look in (pictures.probe, pictures.probe_crop):
        with pytest.raises(ProbeErased, match="erased, as the policy says"):
            look(desk, who, search.id, 1)
    entry = recorded(desk)[-1]
    assert (entry["kind"], entry["photographs"]) == ("probes.erased", 1)
    assert (entry["case"]["id"], entry["case"]["number"]) == (case.id, overview(desk, who, case.id).case.acts)
    (probe,) = overview(desk, who, case.id).searches[0].probes
    assert (probe.erased, probe.face, len(probe.faces)) == (True, 1, 1)
    assert len(show_search(desk, who, search.id).candidates) == 7


def test_erasing_twice_is_erasing_once(desk: Installation, who: Person, clock: Clock):
    """Nothing is left to do, and nothing is recorded."""
    without_case(desk, who, OBAMA.read_bytes())
    clock.turn(KEEP)
    assert upkeep(desk).erased_probes == 1
    before = len(recorded(desk))
    assert upkeep(desk).erased_probes == 0
    assert len(recorded(desk)) == before


def test_reopening_or_appealing_a_case_stops_the_clock(
    desk: Installation, who: Person, clock: Clock, is_kept: Callable[[bytes], bool]
):
    """It starts anew when the case is closed again."""
    case = a_case(desk)
    a_search(desk, case)
    for bring in (reopen, appeal):
        close(desk, who, case.id)
        clock.turn(KEEP - MOMENT)
        bring(desk, who, case.id)
        clock.turn(10 * KEEP)
        assert erase_probes(desk) == 0
    close(desk, who, case.id)
    clock.turn(KEEP - MOMENT)
    assert erase_probes(desk) == 0
    assert is_kept(OBAMA.read_bytes())
    clock.turn(MOMENT)
    assert erase_probes(desk) == 1


def test_a_search_without_a_case_is_kept_for_as_long_after_it(
    desk: Installation, who: Person, clock: Clock, is_kept: Callable[[bytes], bool]
):
    """Also one that still waits for a face: nobody goes on with it."""
    waiting = without_case(desk, who, SOLVAY.read_bytes())
    clock.turn(timedelta(hours=1))
    without_case(desk, who, BIDEN.read_bytes())
    clock.turn(KEEP - timedelta(hours=1))
    assert erase_probes(desk) == 1
    assert (is_kept(SOLVAY.read_bytes()), is_kept(BIDEN.read_bytes())) == (False, True)
    assert recorded(desk)[-1]["case"] is None
    with pytest.raises(ProbeErased):
        choose_face(desk, who, waiting, 3)


def test_a_photograph_that_another_search_still_needs_stays(
    desk: Installation, who: Person, clock: Clock, is_kept: Callable[[bytes], bool]
):
    """Whichever search it was kept for first; it goes with the last of them, and each case says so."""
    early = a_case(desk)
    searches = [a_search(desk, early).id]
    close(desk, who, early.id)
    clock.turn(timedelta(hours=1))
    late = a_case(desk, "2026/18")
    searches.append(a_search(desk, late).id)
    clock.turn(2 * KEEP)
    without_case(desk, who, BIDEN.read_bytes())
    assert erase_probes(desk) == 0
    assert pictures.probe(desk, who, searches[0], 1)
    close(desk, who, late.id)
    clock.turn(KEEP)
    assert erase_probes(desk) == 2
    ends = [one for one in recorded(desk) if one["kind"] == "probes.erased"]
    of = [one["case"]["id"] if isinstance(one["case"], dict) else None for one in ends]
    assert of == [early.id, late.id, None]
    for search_id in searches:
        with pytest.raises(ProbeErased):
            pictures.probe(desk, who, search_id, 1)


def test_a_photograph_that_is_evidence_stays(
    desk: Installation, who: Person, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """A search of it ends; what proves a permission does not."""
    search = without_case(desk, who, OBAMA.read_bytes())
    clock.turn(KEEP)
    with desk.records.read() as tx:
        (kept,) = kept_probes.kept_probes(tx)
    deed = replace(make_permission(("archive-research",)), evidence_sha256=kept.sha256)
    collections.permit(desk, who, "archive", deed)
    assert erase_probes(desk) == 0
    assert pictures.probe(desk, who, search, 1)


def test_searching_an_erased_photograph_again_keeps_it_for_the_new_search_alone(
    desk: Installation, who: Person, clock: Clock, is_kept: Callable[[bytes], bool]
):
    """The old search does not show it again: what was erased for it stays so."""
    old = without_case(desk, who, OBAMA.read_bytes())
    clock.turn(KEEP)
    erase_probes(desk)
    new = without_case(desk, who, OBAMA.read_bytes())
    assert is_kept(OBAMA.read_bytes())
    assert pictures.probe(desk, who, new, 1)
    with pytest.raises(ProbeErased):
        pictures.probe(desk, who, old, 1)


def test_a_refused_or_failed_search_leaves_no_photograph(
    desk: Installation, who: Person, clock: Clock, is_kept: Callable[[bytes], bool]
):
    """There is nothing to erase, and nothing is recorded."""
    case = a_case(desk)
    close(desk, who, case.id)
    with pytest.raises(Exception, match="closed"):
        a_search(desk, case)
    assert not is_kept(OBAMA.read_bytes())
    clock.turn(KEEP)
    assert erase_probes(desk) == 0


def test_an_export_after_that_lacks_the_photograph_and_nothing_else(
    desk: Installation, who: Person, clock: Clock
):
    """It can still be made and checked."""
    search = without_case(desk, who, OBAMA.read_bytes())
    clock.turn(KEEP)
    erase_probes(desk)
    made = export(desk, who, search)
    with ZipFile(BytesIO(made)) as file:
        assert [name for name in file.namelist() if name.startswith("probes/")] == []
    policy = ledger.WitnessPolicy.of_log_alone(desk.signer.verifier)
    said: list[str] = []
    ledger.verify(made, policy, desk.ledger_folder, ledger.Steps(said.append))
    assert len(said) >= 4
