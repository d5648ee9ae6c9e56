"""Leads over HTTP: what is done with one, what stays locked, and the reports."""

import io
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from lineament.app import sign_in
from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.core.review import WORDING, Conclusion, LeadState
from lineament.records.reviews import Lead
from lineament.testing import recorded
from tests.api.conftest import BASE
from tests.casework import somebody
from tests.leads import a_lead

EVIDENCE = {"description": "A ticket.", "source": "The railway", "date": "2026-05-03"}
LINE_UP = {"description": "Representative", "fillers": 3}
POSTS = {
    "evidence": EVIDENCE,
    "action": {"action": "acted-on", "account": "Asked the railway."},
    "truth": {"truth": "right", "how": "He came home."},
    "line-up": LINE_UP,
}


@pytest.fixture
def client(desk: Installation, client: TestClient) -> TestClient:
    """A script with the operator's API token."""
    return client


@pytest.fixture
def as_somebody(desk: Installation, client: TestClient) -> Callable[[Person], dict[str, str]]:
    """The headers of somebody else's API token."""
    return lambda who: {"authorization": f"Bearer {sign_in.new_token(desk, who)}"}


@pytest.fixture
def lead(desk: Installation) -> Lead:
    return a_lead(desk)


def test_a_lead_from_its_evidence_to_its_truth(client: TestClient, lead: Lead):
    """Each act answers with the lead as it stands then."""
    here = f"/api/v1/leads/{lead.id}"
    first = client.get(here).json()
    assert (first["state"], first["line_up_locked"], first["events"]) == ("lead", True, [])
    assert "not an identification" in first["not_a"][0]
    assert [one["wording"] for one in first["examined"]] == [
        WORDING[Conclusion.STRONG_SAME],
        WORDING[Conclusion.SAME],
    ]
    assert len(first["examined"][0]["findings"]) == 19
    assert first["source"]["extra"]["person"] == "Barack Obama"
    answer = client.post(f"{here}/evidence", json=EVIDENCE)
    assert (answer.status_code, answer.json()["line_up_locked"]) == (201, False)
    assert client.post(f"{here}/action", json=POSTS["action"]).json()["state"] == "acted-on"
    last = client.post(f"{here}/truth", json=POSTS["truth"]).json()
    assert (last["truth"], last["standing"]) == (
        "right",
        "a lead that was acted on; it turned out to be right",
    )
    assert [one["change"] for one in last["events"]] != []
    again = client.post(f"{here}/action", json={"action": "set-aside", "account": "He was abroad."})
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")


def test_a_line_up_is_locked_and_then_a_zip(client: TestClient, lead: Lead):
    """409 until there is independent evidence; and 409 with the count where too few people fit."""
    here = f"/api/v1/leads/{lead.id}"
    answer = client.post(f"{here}/line-up", json=LINE_UP)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert "stays locked" in answer.json()["detail"]
    client.post(f"{here}/evidence", json=EVIDENCE)
    answer = client.post(f"{here}/line-up", json=LINE_UP)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist()[:4] == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    answer = client.post(f"{here}/line-up", json=LINE_UP | {"fillers": 11})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-few-fillers")


def test_the_reports_are_files_and_on_record(client: TestClient, desk: Installation, lead: Lead):
    """The same PDF each time, the same page as HTML, and the case's."""
    here = f"/api/v1/leads/{lead.id}"
    first, again = client.get(f"{here}/report.pdf"), client.get(f"{here}/report.pdf")
    assert first.content == again.content
    assert first.headers["content-type"] == "application/pdf"
    html = client.get(f"{here}/report.html")
    assert "A lead is not an identification." in html.text
    case = client.get(f"/api/v1/cases/{lead.case_id}/report.pdf")
    assert "Report on a case" in PdfReader(BytesIO(case.content)).pages[0].extract_text()
    assert sum(one["kind"] == "report.made" for one in recorded(desk)) == 2


def test_there_is_no_report_before_the_examiners_are_done(client: TestClient, desk: Installation):
    """Neither as a file nor as a page."""
    waiting = a_lead(desk, (Conclusion.SAME,), LeadState.PUT_FORWARD, "2026/18")
    for path in ("report.pdf", "report.html"):
        assert client.get(f"/api/v1/leads/{waiting.id}/{path}").status_code == 409
    assert client.get(f"/leads/{waiting.id}/report").status_code == 409


def test_to_strangers_a_lead_is_not_there(
    client: TestClient, desk: Installation, lead: Lead, as_somebody: Callable[[Person], dict[str, str]]
):
    """By every route, whatever their roles; an auditor reads it and can do nothing with it."""
    stranger = as_somebody(somebody(desk, "Sam", Role.SEARCHER, Role.EXAMINER, Role.ADMINISTRATOR))
    auditor = as_somebody(somebody(desk, "Abel", Role.AUDITOR))
    gets = ("", "/report.pdf", "/report.html")
    for get in gets:
        assert client.get(f"/api/v1/leads/{lead.id}{get}", headers=stranger).status_code == 404
        assert client.get(f"/api/v1/leads/{lead.id}{get}", headers=auditor).status_code == 200
    assert client.get(f"/api/v1/cases/{lead.case_id}/report.pdf", headers=stranger).status_code == 404
    for post, given in POSTS.items():
        for headers in (stranger, auditor):
            answer = client.post(f"/api/v1/leads/{lead.id}/{post}", json=given, headers=headers)
            assert answer.status_code == 404, post
    assert not any(one["kind"] == "lead.changed" for one in recorded(desk))


@pytest.mark.parametrize(
    ("post", "given"),
    [
        ("evidence", EVIDENCE | {"date": "soon"}),
        ("evidence", EVIDENCE | {"source": ""}),
        ("evidence", EVIDENCE | {"description": "x" * 10_001}),
        ("action", {"action": "forgotten", "account": "x"}),
        ("action", {"action": "set-aside", "account": " "}),
        ("truth", {"truth": "perhaps", "how": "x"}),
        ("line-up", {"description": "x", "fillers": 2}),
        ("line-up", {"description": "x" * 201}),
    ],
)
def test_what_does_not_fit_is_refused(client: TestClient, lead: Lead, post: str, given: dict[str, object]):
    """With the code that every malformed request has."""
    answer = client.post(f"/api/v1/leads/{lead.id}/{post}", json=given)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_what_an_unsettled_lead_tells(
    client: TestClient, desk: Installation, as_somebody: Callable[[Person], dict[str, str]]
):
    """To staff who have not judged it: no score, no odds, and nobody's conclusion."""
    waiting = a_lead(desk, (Conclusion.SAME,), LeadState.PUT_FORWARD, "2026/18")
    told = client.get(f"/api/v1/leads/{waiting.id}")
    assert [told.json()[name] for name in ("score", "odds", "strength", "caution")] == [None] * 4
    assert told.json()["examined"] == []
    for text in (told.text, client.get(f"/leads/{waiting.id}").text):
        assert "support-for-same" not in text
        assert WORDING[Conclusion.SAME] not in text
        assert "expected to score this high" not in text


def test_a_report_page_lets_nothing_else_in(client: TestClient, lead: Lead):
    """Its style is allowed by its digest, its pictures come with it, and nothing is loaded or sent."""
    answer = client.get(f"/leads/{lead.id}/report")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "img-src data:" in policy
    assert 'href="/leads/' in answer.text
    assert client.get(f"/cases/{lead.case_id}/report").status_code == 200


def test_the_forms_of_the_page_do_the_same(client: TestClient, desk: Installation, lead: Lead):
    """Each leads back to the page; the line-up is a file."""
    here = f"/leads/{lead.id}"
    for post in ("evidence", "action", "truth"):
        answer = client.post(f"{here}/{post}", data=POSTS[post], headers={"origin": BASE})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{here}#done")
    answer = client.post(f"{here}/line-up", data=LINE_UP)
    assert answer.headers["content-disposition"] == f'attachment; filename="line-up-{lead.id[:8]}.zip"'
    changes = [one["change"] for one in recorded(desk) if one["kind"] == "lead.changed"]
    assert changes == ["evidence", "acted-on", "truth"]
