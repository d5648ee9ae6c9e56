"""However short a list is, each place on it has every source, and no copy takes a place."""

from dataclasses import replace
from pathlib import Path

from lineament.app import sign_in
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.policy import Mode
from lineament.testing import make_collection
from tests.samples import OBAMA


def test_the_last_place_of_a_list_names_its_copies_too(archive: Installation, portraits: Path):
    """Seven portraits in three collections are seven places with three sources each; two are shown."""
    names = ("archive", "second", "third")
    for name in names[1:]:
        make_collection(archive, name, portraits)
    purposes = archive.policy.purposes
    purpose = replace(purposes["archive-research"], limit=2, mode=Mode.INVESTIGATION, target_fpir=None)
    short = replace(archive, policy=replace(archive.policy, purposes={purpose.name: purpose}))
    request = Request(purpose.name, names)
    search = open_search(short, sign_in.operator(short), request, [OBAMA.read_bytes()])
    assert [row.rank for row in search.candidates] == [1, 1, 1, 2, 2, 2]
    assert search.truncated
