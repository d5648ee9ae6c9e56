"""Cases over HTTP: opened, searched, read by those who have a part, and bounded in size."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from lineament.app import sign_in
from lineament.app.casework.retention import erase_probes
from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.testing import NOON, Clock
from tests.casework import PURPOSE, somebody
from tests.samples import OBAMA

NEW = {
    "reference": "2026/17",
    "title": "Somebody is missed",
    "purpose": PURPOSE,
    "narrative": "Last seen in May.",
}
PAPER = {
    "number": "AZ 17",
    "issuer": "The court",
    "scope": "One person",
    "expires_at": "2026-12-01T12:00:00Z",
}


@pytest.fixture
def client(desk: Installation, client: TestClient) -> TestClient:
    """A script with the operator's API token, over a collection that may be searched for missing people."""
    return client


@pytest.fixture
def as_somebody(desk: Installation, client: TestClient) -> Callable[[Person], dict[str, str]]:
    """The headers of somebody else's API token."""
    return lambda who: {"authorization": f"Bearer {sign_in.new_token(desk, who)}"}


def search(client: TestClient, **form: str):
    data = {"purpose": PURPOSE, "collection": "archive", "case": "2026/17"} | form
    return client.post("/api/v1/searches", data=data, files={"photo": OBAMA.read_bytes()})


def test_a_case_from_its_opening_to_its_end(client: TestClient):
    """Every act is one of its numbered ones, and the case says what is in it."""
    answer = client.post("/api/v1/cases", json=NEW)
    assert answer.status_code == 201
    case = answer.json()
    assert answer.headers["location"] == case["href"]
    assert (case["state"], case["part"], case["lacking"]) == ("open", "staff", [])
    again = client.post("/api/v1/cases", json=NEW)
    assert (again.status_code, again.json()["code"]) == (409, "case-exists")
    grounds = {"narrative": "Last seen in June.", "authorisation": PAPER}
    changed = client.put(f"{case['href']}/grounds", json=grounds).json()
    assert (changed["narrative"], changed["consent"]) == ("Last seen in June.", None)
    assert changed["authorisation"] == PAPER | {"expires_at": "2026-12-01T12:00:00.000Z"}
    note = client.post(f"{case['href']}/notes", json={"text": "The family called."})
    assert (note.status_code, note.json()["text"]) == (201, "The family called.")
    found = search(client, obtained="given-by-the-family").json()
    assert (found["case_id"], found["case_reference"]) == (case["id"], "2026/17")
    assert (found["obtained"], found["edited_from"]) == ("given-by-the-family", None)
    done = client.post(f"{case['href']}/state", json={"state": "closed"}).json()
    assert (done["state"], [one["id"] for one in done["searches"]]) == ("closed", [found["id"]])
    assert [one["number"] for one in done["timeline"]] == list(range(1, len(done["timeline"]) + 1))
    assert done["timeline"][-1]["sentence"] == "Closed the case."
    wrong = client.post(f"{case['href']}/state", json={"state": "closed"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong-state")
    listed = client.get("/api/v1/cases").json()
    assert [(one["id"], one["state"]) for one in listed] == [(case["id"], "closed")]


def test_a_search_in_a_case_shows_no_score_before_a_first_judgement(client: TestClient):
    """Candidates come numbered in an order of one's own; the payload holds neither rank nor score."""
    client.post("/api/v1/cases", json=NEW)
    found = search(client, obtained="given-by-the-family").json()
    assert found["blind"]
    assert [one["number"] for one in found["candidates"]] == list(range(1, 8))
    for name in ("rank", "score", "strength", "odds", "judgement"):
        assert {one[name] for one in found["candidates"]} == {None}
    assert found["threshold"] is None


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({}, 403, "Say how the photograph was obtained."),
        ({"obtained": ""}, 403, "Say how the photograph was obtained."),
        ({"obtained": "found"}, 422, "'obtained' has not the form that is needed."),
        ({"case": "2026/18", "obtained": "evidence"}, 403, "There is no case of yours with this reference."),
        ({"case": "x" * 201, "obtained": "evidence"}, 422, "'case' is longer than 200 characters."),
    ],
)
def test_a_search_says_which_case_and_how_the_photograph_was_obtained(
    client: TestClient, form: dict[str, str], status: int, sentence: str
):
    """Each that does not is refused with what is missing."""
    client.post("/api/v1/cases", json=NEW)
    answer = search(client, **form)
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]


def test_purposes_say_what_they_need(client: TestClient):
    """So that a client can ask for it before it searches."""
    purposes = {one["name"]: one for one in client.get("/api/v1/purposes").json()}
    missing = purposes["missing-person"]
    assert (missing["needs"], missing["needs_case"]) == (["case", "narrative"], True)
    assert (missing["reviewers"], missing["probe_retention_hours"]) == (2, 48)
    assert missing["searches_a_day"] >= 1
    assert "consent" in missing["legal_bases"]


def test_counsel_reads_one_case_and_does_nothing_in_it(
    desk: Installation, client: TestClient, as_somebody: Callable[[Person], dict[str, str]]
):
    """Its searches and their pictures as well, while they have a part; without one there is no such case."""
    case = client.post("/api/v1/cases", json=NEW).json()
    found = search(client, obtained="given-by-the-family").json()
    counsel = as_somebody(somebody(desk, "Counsel", Role.COUNSEL))
    addresses = (case["href"], found["href"], found["probes"][0]["crop_href"])
    assert {client.get(one, headers=counsel).status_code for one in addresses} == {404}
    given = {"person": "Counsel", "part": "counsel", "until": iso(NOON + timedelta(days=30))}
    member = client.post(f"{case['href']}/members", json=given)
    assert (member.status_code, member.json()["part"]) == (201, "counsel")
    assert {client.get(one, headers=counsel).status_code for one in addresses} == {200}
    assert client.get(case["href"], headers=counsel).json()["part"] == "counsel"
    for method, path, body in (
        ("POST", "", NEW | {"reference": "2026/18"}),
        ("PUT", "/grounds", {"narrative": "Mine."}),
        ("POST", "/notes", {"text": "Mine."}),
        ("POST", "/members", {"person": "Counsel", "part": "staff"}),
        ("POST", "/state", {"state": "closed"}),
    ):
        address = case["href"] + path if path else "/api/v1/cases"
        refused = client.request(method, address, json=body, headers=counsel)
        assert refused.status_code == (404 if path else 403), path
    taken = client.post(f"{case['href']}/members", json={"person": "Counsel", "part": None})
    assert (taken.status_code, taken.json()["until"]) == (201, iso(NOON))
    assert {client.get(one, headers=counsel).status_code for one in addresses} == {404}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", NEW | {"title": ""}),
        ("", NEW | {"title": "x" * 201}),
        ("", NEW | {"title": "one\ntwo"}),
        ("", NEW | {"narrative": "x" * 10_001}),
        ("", NEW | {"purpose": "curiosity"}),
        ("", NEW | {"authorisation": PAPER | {"expires_at": "2026-12-01T12:00:00"}}),
        ("", NEW | {"authorisation": {"number": "AZ 17"}}),
        ("/state", {"state": "searching"}),
        ("/notes", {"text": ""}),
        ("/members", {"person": "operator", "part": "judge"}),
        ("/members", {"person": "operator", "part": "expert", "until": iso(NOON)}),
    ],
)
def test_what_is_given_is_bounded_and_checked(client: TestClient, path: str, body: dict[str, object]):
    """422, and nothing is recorded in the case."""
    case = client.post("/api/v1/cases", json=NEW | {"reference": "2026/16"}).json()
    answer = client.post(case["href"] + path if path else "/api/v1/cases", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert len(client.get(case["href"]).json()["timeline"]) == 2


def test_an_erased_photograph_has_no_address(desk: Installation, client: TestClient, clock: Clock):
    """Its addresses say why, and the rest of the search is there."""
    case = client.post("/api/v1/cases", json=NEW).json()
    found = search(client, obtained="given-by-the-family").json()
    client.post(f"{case['href']}/state", json={"state": "closed"})
    clock.turn(timedelta(hours=48))
    assert erase_probes(desk) == 1
    token = sign_in.new_token(desk, sign_in.operator(desk))
    client.headers["authorization"] = f"Bearer {token}"
    (probe,) = client.get(found["href"]).json()["probes"]
    assert (probe["erased"], probe["image_href"], probe["crop_href"]) == (True, None, None)
    for name in ("image", "crop"):
        answer = client.get(f"{found['href']}/probes/1/{name}.jpg")
        assert (answer.status_code, answer.json()["code"]) == (404, "probe-erased")
