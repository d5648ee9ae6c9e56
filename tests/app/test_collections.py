"""A permission is drafted, given, narrowed, withdrawn and given again; each change is a version on record."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lineament.app import collections
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.dpv import history_to_jsonld, to_jsonld
from lineament.core.permission import PermissionState, Status, WithdrawalReason
from lineament.core.policy import Person, Role
from lineament.errors import (
    CollectionExists,
    CollectionNotFound,
    PermissionInvalid,
    PermissionNotInForce,
    RoleMissing,
    SearchRefused,
)
from lineament.sources import open_source
from lineament.testing import NOON, Clock, make_collection, make_permission, recorded
from tests.samples import OBAMA

DRAFT = replace(make_permission(), status=Status.DRAFT, evidence=None, evidence_sha256=None)


def entries(installation: Installation) -> list[tuple[object, object]]:
    """Version and state of each entry for a permission."""
    kept = [entry for entry in recorded(installation) if entry["kind"] == "permission.recorded"]
    return [(entry["version"], entry["state"]) for entry in kept]


def test_a_permission_from_its_draft_to_its_second_life(
    installation: Installation, who: Person, clock: Clock
):
    """Six versions, each with its entry, who recorded it and when; none is ever changed."""
    wide = make_permission(("archive-research", "own-likeness"))
    collections.add(installation, who, "archive", "Our archive", DRAFT)
    for permission in (wide, make_permission(), make_permission(valid_until=None)):
        clock.turn(timedelta(hours=1))
        collections.permit(installation, who, "archive", permission)
    clock.turn(timedelta(hours=1))
    withdrawn = collections.withdraw_permission(installation, who, "archive", WithdrawalReason.GRANTOR)
    assert withdrawn is not None
    assert withdrawn.state(clock.now) is PermissionState.WITHDRAWN
    collections.permit(installation, who, "archive", wide)
    states = ["draft", "given", "narrowed", "given", "withdrawn", "given"]
    assert entries(installation) == list(enumerate(states, start=1))
    history = collections.history(installation, "archive")
    assert [version.permission.status for version, _name in history.versions] == states
    assert [version.number for version, _name in history.versions] == [1, 2, 3, 4, 5, 6]
    assert [version.recorded_at for version, _name in history.versions][:2] == [
        NOON,
        NOON + timedelta(hours=1),
    ]
    assert {(version.recorded_by, name) for version, name in history.versions} == {(who.id, who.name)}
    assert history.versions[4][0].permission.reason is WithdrawalReason.GRANTOR
    assert history.collection.permission == history.versions[5][0].permission == wide


def test_under_a_draft_nothing_is_taken_in_or_searched(
    installation: Installation, who: Person, portraits: Path
):
    """The collection is there, and waits for what proves its permission."""
    make_collection(installation, "archive", None, DRAFT)
    source = open_source(portraits)
    with pytest.raises(PermissionNotInForce, match="is a draft, which allows nothing"):
        ingest(installation, who, "archive", source, lambda _done: None)
    with pytest.raises(SearchRefused, match="is a draft"):
        open_search(installation, who, Request("archive-research", ("archive",)), [OBAMA.read_bytes()])
    assert recorded(installation)[-1]["code"] == "permission-draft"
    collections.permit(installation, who, "archive", make_permission())
    assert ingest(installation, who, "archive", source, lambda _done: None).new == 7


def test_a_draft_follows_drafts_alone(installation: Installation, who: Person):
    """It would hide that something is in force, or that its images are to be erased."""
    collections.add(installation, who, "archive", "Our archive", DRAFT)
    collections.permit(installation, who, "archive", replace(DRAFT, notice="Another one."))
    collections.permit(installation, who, "archive", make_permission())
    with pytest.raises(PermissionInvalid, match="'archive' has had more than a draft"):
        collections.permit(installation, who, "archive", DRAFT)
    collections.withdraw_permission(installation, who, "archive", WithdrawalReason.PERSON)
    with pytest.raises(PermissionInvalid, match="'archive' has had more than a draft"):
        collections.permit(installation, who, "archive", DRAFT)
    assert entries(installation) == [(1, "draft"), (2, "draft"), (3, "given"), (4, "withdrawn")]


def test_it_is_withdrawn_once_and_stays_so_by_any_clock(
    installation: Installation, who: Person, clock: Clock
):
    """A second withdrawal changes nothing, and neither does the day on which it would have ended."""
    make_collection(installation, "archive")
    for reason in (WithdrawalReason.INVALID, WithdrawalReason.PERSON):
        collections.withdraw_permission(installation, who, "archive", reason)
    assert entries(installation) == [(1, "given"), (2, "withdrawn")]
    for _ in range(2):
        permission = collections.find(installation, "archive").permission
        assert permission is not None
        assert permission.standing(clock.now) == "withdrawn"
        assert permission.reason is WithdrawalReason.INVALID
        clock.turn(timedelta(days=400))
    with pytest.raises(SearchRefused, match="is withdrawn"):
        open_search(installation, who, Request("archive-research", ("archive",)), [OBAMA.read_bytes()])
    assert recorded(installation)[-1]["code"] == "permission-withdrawn"


def test_the_same_collection_is_made_once(installation: Installation, who: Person):
    """With the very same permission it is there already; a collection of the same name is another one."""
    for expected in (True, False):
        assert collections.add(installation, who, "archive", "Our archive", make_permission()) is expected
    narrowed = replace(make_permission(), status=Status.NARROWED)  # of what, nobody here knows
    assert collections.add(installation, who, "archive", "Our archive", narrowed) is False
    with pytest.raises(CollectionExists):
        collections.add(installation, who, "archive", "Our archive", DRAFT)


def test_only_a_curator_changes_a_permission_and_only_of_what_is_there(
    installation: Installation, who: Person
):
    """A searcher is refused, and a wrong name is a sentence."""
    make_collection(installation, "archive")
    searcher = replace(who, roles=frozenset({Role.SEARCHER}))
    for act in (
        lambda person, name: collections.permit(installation, person, name, make_permission()),
        lambda person, name: collections.withdraw_permission(
            installation, person, name, WithdrawalReason.PERSON
        ),
    ):
        with pytest.raises(RoleMissing):
            act(searcher, "archive")
        with pytest.raises(CollectionNotFound):
            act(who, "attic")
    with pytest.raises(CollectionNotFound):
        collections.history(installation, "attic")
    assert entries(installation) == [(1, "given")]


# --- files -----------------------------------------------------------------------------------------------


def write(folder: Path, document: object, name: str = "permission.jsonld") -> Path:
    """Write a permission file in JSON-LD beside a deed that proves it."""
    (folder / "deed.txt").write_text("We allow it.")
    file = folder / name
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize("name", ["permission.jsonld", "permission.json", "PERMISSION.JSONLD"])
def test_a_permission_can_be_read_from_json_ld(installation: Installation, tmp_path: Path, name: str):
    """Its evidence is kept, and must be the one that it was written about."""
    document = to_jsonld(make_permission(), NOON)
    file = write(tmp_path, document, name)
    with pytest.raises(PermissionInvalid, match="is not the digest of the evidence"):
        collections.read_permission(installation, file)
    del document["lineament:evidence"]["lineament:sha256"]
    read = collections.read_permission(installation, write(tmp_path, document, name))
    assert read == replace(make_permission(), evidence_sha256=read.evidence_sha256)
    assert installation.documents.get(str(read.evidence_sha256)) == b"We allow it."


def test_what_was_recorded_elsewhere_can_be_recorded_here(
    installation: Installation, who: Person, tmp_path: Path
):
    """The history of a collection is a permission file for another, which has a history of its own."""
    plain = to_jsonld(make_permission(("archive-research", "own-likeness")), NOON)
    del plain["lineament:evidence"]["lineament:sha256"]
    given = collections.read_permission(installation, write(tmp_path, plain))
    collections.add(installation, who, "archive", "Our archive", given)
    collections.permit(installation, who, "archive", replace(given, purposes=("own-likeness",)))
    versions = [version for version, _name in collections.history(installation, "archive").versions]
    file = write(tmp_path, history_to_jsonld("archive", versions, NOON))
    collections.add(installation, who, "second", "Another", collections.read_permission(installation, file))
    there = {one.name: one.permission for one in collections.show(installation)}
    assert there["archive"] == replace(given, purposes=("own-likeness",), status=Status.NARROWED)
    assert there["second"] == replace(given, purposes=("own-likeness",))
    collections.withdraw_permission(installation, who, "archive", WithdrawalReason.CURATOR)
    versions = [version for version, _name in collections.history(installation, "archive").versions]
    with pytest.raises(PermissionInvalid, match="withdraw-permission"):
        collections.read_permission(
            installation, write(tmp_path, history_to_jsonld("archive", versions, NOON))
        )


def test_a_draft_without_evidence_is_read_from_either_kind_of_file(
    installation: Installation, tmp_path: Path
):
    """And nothing is kept for it."""
    toml = tmp_path / "permission.toml"
    toml.write_text(
        'grantor = "The archive"\ncontact = "archive@example.org"\nlegal_basis = "own-images"\n'
        'purposes = ["archive-research"]\nnotice = "Photographs of our own."\nstatus = "draft"\n'
        "valid_from = 2026-11-21T12:00:00Z\nvalid_until = 2027-11-22T12:00:00Z\n"
    )
    for file in (toml, write(tmp_path, to_jsonld(DRAFT, NOON))):
        assert collections.read_permission(installation, file) == DRAFT


@pytest.mark.parametrize("name", ["permission.toml", "permission.jsonld"])
def test_a_purpose_that_the_policy_does_not_have_is_refused(
    installation: Installation, tmp_path: Path, name: str
):
    """It would allow nothing, and look as if it did."""
    document = to_jsonld(make_permission(("curiosity",)), NOON)
    del document["lineament:evidence"]["lineament:sha256"]
    file = write(tmp_path, document, name)
    if name.endswith("toml"):
        file.write_text(
            'grantor = "A"\ncontact = "a"\nlegal_basis = "own-images"\npurposes = ["curiosity"]\n'
            'notice = "n"\nvalid_from = 2026-01-01\nevidence = "deed.txt"\n'
        )
    with pytest.raises(PermissionInvalid, match="'purposes' names 'curiosity'"):
        collections.read_permission(installation, file)
