"""The disclosure bundle over HTTP: for whoever may read the case, and refused in words."""

from starlette.testclient import TestClient

from lineament.app import sign_in
from lineament.app.casework.members import set_member
from lineament.app.installation import Installation
from lineament.core.cases import Part
from lineament.core.policy import Role
from tests.casework import a_case, a_search, close, somebody
from tests.disclosed import steps_of


def test_a_case_is_handed_out_as_a_file(client: TestClient, desk: Installation):
    """A zip with a name, which is not kept by anything in between, and which an outsider can check."""
    case = a_case(desk)
    answer = client.post(f"/api/v1/cases/{case.id}/disclosure")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="case-{case.id[:8]}.zip"'
    assert answer.headers["cache-control"] == "no-store"
    assert len(steps_of(desk, answer.content)) == 13


def test_who_has_yet_to_judge_is_refused_in_words(client: TestClient, desk: Installation):
    """409, and what to do; once the case is closed it is there."""
    case = a_case(desk)
    a_search(desk, case)
    answer = client.post(f"/api/v1/cases/{case.id}/disclosure")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-yet-judged")
    assert "still hidden from you" in answer.json()["detail"]
    close(desk, sign_in.operator(desk), case.id)
    assert client.post(f"/api/v1/cases/{case.id}/disclosure").status_code == 200


def test_counsel_has_it_and_others_do_not_learn_that_there_is_a_case(
    stranger: TestClient, desk: Installation
):
    """404 for who has no part in it, as for a case that is not there."""
    case = a_case(desk)
    counsel, other = (somebody(desk, name, Role.COUNSEL) for name in ("For the defence", "Another"))
    set_member(desk, sign_in.operator(desk), case.id, counsel.id, Part.COUNSEL)
    for who, status in ((counsel, 200), (other, 404)):
        stranger.headers["authorization"] = f"Bearer {sign_in.new_token(desk, who)}"
        assert stranger.post(f"/api/v1/cases/{case.id}/disclosure").status_code == status
    assert stranger.post(f"/api/v1/cases/{'0' * 32}/disclosure").status_code == 404


def test_the_button_on_the_page_does_the_same_and_is_refused_on_a_page(
    client: TestClient, desk: Installation
):
    """The same file; where it is refused, a page that can be read."""
    case = a_case(desk)
    answer = client.post(f"/cases/{case.id}/disclosure")
    assert (answer.status_code, len(steps_of(desk, answer.content))) == (200, 13)
    a_search(desk, case)
    refused = client.post(f"/cases/{case.id}/disclosure")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "text/html; charset=utf-8")
    assert "still hidden from you" in refused.text
