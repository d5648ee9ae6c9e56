"""Upkeep: retention empties what was kept for long enough, on a clock that can be turned."""

from datetime import timedelta

from lineament.app import collections
from lineament.app.erasure import unfinished
from lineament.app.installation import Installation
from lineament.app.upkeep import Report, upkeep
from lineament.app.withdraw import show, withdraw
from lineament.core.policy import Person
from lineament.records.withdrawals import By, Scope
from lineament.testing import NOON, Clock, make_collection, make_permission, recorded
from tests.filled import files_with, fill


def test_a_collection_is_emptied_once_it_was_kept_for_long_enough(installation: Installation, clock: Clock):
    """Not a day too early, and nothing of another collection; the ledger says that nobody had to ask."""
    days = make_permission().retention_days
    short = make_permission(valid_until=NOON + timedelta(days=10))
    make_collection(installation, "archive", permission=short)
    filled, others = fill(installation, "archive", 3), fill(installation, "press", 2, seed=2)
    clock.turn(timedelta(days=10 + days - 1))
    assert upkeep(installation) == Report(0, (), ())
    clock.turn(timedelta(days=1))
    assert upkeep(installation) == Report(0, ("archive",), ())
    folder = installation.ledger_folder.parent
    assert files_with(folder, [form for one in filled for form in one.forms]) == []
    assert all(installation.blobs.is_there(one.image_id) for one in others)
    ((one, name),) = show(installation, 10)
    assert (one.by, one.scope, name, one.images, one.faces) == ("retention", "collection", "archive", 3, 3)
    assert [entry["kind"] for entry in recorded(installation)[-2:]] == ["withdrawal.recorded", "erasure.done"]
    assert upkeep(installation) == Report(0, (), ())


def test_a_collection_without_photographs_is_left_alone(installation: Installation, clock: Clock):
    """There is nothing to empty, and nothing to record."""
    make_collection(installation, "archive")
    before = len(recorded(installation))
    clock.turn(timedelta(days=10_000))
    assert upkeep(installation) == Report(0, (), ())
    assert len(recorded(installation)) == before


def test_what_a_stop_left_is_finished(installation: Installation, who: Person):
    """By whoever comes next."""
    first, _ = fill(installation, "archive", 2)
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    assert upkeep(installation) == Report(1, (), ())
    assert unfinished(installation) == []


def test_under_a_new_permission_it_can_be_filled_again(installation: Installation, who: Person, clock: Clock):
    """Its time had passed; nobody took it back."""
    fill(installation, "archive", 1)
    clock.turn(timedelta(days=10_000))
    upkeep(installation)
    collections.permit(installation, who, "archive", make_permission(valid_until=None))
    fill(installation, "archive", 1)
    assert upkeep(installation) == Report(0, (), ())
