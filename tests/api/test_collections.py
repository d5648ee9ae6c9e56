"""Collections over HTTP and on their page: each says how its permission stands now."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from lineament.app import collections, sign_in
from lineament.app.installation import Installation
from lineament.core.permission import Status, WithdrawalReason
from lineament.testing import NOON, Clock, make_collection, make_permission


def expired(installation: Installation, clock: Clock) -> None:
    clock.turn(timedelta(days=400))


def narrowed(installation: Installation, clock: Clock) -> None:
    who = sign_in.operator(installation)
    sooner = make_permission(valid_until=NOON + timedelta(days=30))
    collections.permit(installation, who, "archive", replace(sooner, jurisdictions=("EU", "GB")))


def withdrawn(installation: Installation, clock: Clock) -> None:
    who = sign_in.operator(installation)
    collections.withdraw_permission(installation, who, "archive", WithdrawalReason.PERSON)


def not_yet(installation: Installation, clock: Clock) -> None:
    clock.turn(-timedelta(days=30))


def unchanged(installation: Installation, clock: Clock) -> None:
    """Nothing happens."""


@pytest.mark.parametrize(
    ("change", "state", "in_force", "words"),
    [
        (unchanged, "in force", True, "Permission in force"),
        (narrowed, "narrowed", True, "Permission in force, narrowed"),
        (expired, "expired", False, "Permission expired"),
        (withdrawn, "withdrawn", False, "Permission withdrawn"),
        (not_yet, "not yet in force", False, "Permission not yet in force"),
    ],
)
def test_a_collection_says_how_its_permission_stands(
    archive: Installation,
    client: TestClient,
    clock: Clock,
    change: Callable[[Installation, Clock], None],
    state: str,
    in_force: bool,
    words: str,
):
    """To a program as a field, to people in words; it follows the clock and the records at once."""
    change(archive, clock)
    client.headers["authorization"] = f"Bearer {sign_in.new_token(archive, sign_in.operator(archive))}"
    (one,) = client.get("/api/v1/collections").json()
    assert (one["permission"]["state"], one["permission"]["in_force"]) == (state, in_force)
    assert one["permission"]["retention_days"] == 30
    page = client.get("/collections").text
    assert f"{words}</p>" in page
    places = ["EU", "GB"] if change is narrowed else []
    assert one["permission"]["jurisdictions"] == places
    assert (", ".join(places) or "Not stated") in page


def test_a_draft_is_shown_as_one(archive: Installation, client: TestClient):
    """With what it lacks, and not to be chosen for a search."""
    lacks = {"evidence": None, "evidence_sha256": None}
    make_collection(archive, "drafted", None, replace(make_permission(), status=Status.DRAFT, **lacks))
    there = {one["name"]: one["permission"] for one in client.get("/api/v1/collections").json()}
    assert (there["drafted"]["state"], there["drafted"]["in_force"]) == ("draft", False)
    page = client.get("/collections").text
    assert "Permission only drafted</p>" in page
    assert "None yet" in page
    assert "permission a draft, which allows nothing" in " ".join(client.get("/").text.split())
