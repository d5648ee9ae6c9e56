"""The policy and the people over HTTP: read by everybody who is signed in, changed by administrators."""

from starlette.testclient import TestClient

from lineament.app import people, sign_in
from lineament.app.installation import Installation
from lineament.core.policy import Role
from lineament.core.policy_file import parse_policy
from lineament.records import policies
from lineament.testing import recorded
from tests.api.conftest import BASE


def offer(installation: Installation, old: str, new: str) -> str:
    """Offer another policy, as an opening does that finds one in the data folder; return its digest."""
    assert old in installation.policy.text
    offered = parse_policy(installation.policy.text.replace(old, new))
    with installation.records.write() as tx:
        policies.offer(tx, offered, "2026-11-22T12:00:00.000Z")
    return offered.version


def as_one_with(installation: Installation, client: TestClient, name: str, *roles: Role) -> dict[str, str]:
    """Return the headers of somebody with these roles."""
    person = people.add(installation, sign_in.operator(installation), name, roles)
    return {"authorization": f"Bearer {sign_in.new_token(installation, person)}"}


def test_the_policy_is_told_in_fields_and_in_sentences(client: TestClient, archive: Installation):
    """Each field under the name that it has in the file."""
    answer = client.get("/api/v1/policy").json()
    assert (answer["version"], answer["waiting"]) == (archive.policy.version, None)
    told = {one["name"]: one for one in answer["purposes"]}["missing-person"]
    assert told.pop("in_words")[0] == "It is for the role searcher."
    assert told == {
        "name": "missing-person",
        "title": "Missing person",
        "explanation": archive.policy.purposes["missing-person"].explanation,
        "roles": ["searcher"],
        "needs": ["case", "narrative"],
        "legal_bases": [
            "consent",
            "contract-or-licence",
            "legal-duty",
            "own-images",
            "public-interest-archive",
        ],
        "mode": "investigation",
        "limit": 10,
        "target_fpir": None,
        "reviewers": 2,
        "probe_retention_hours": 48,
        "searches_a_day": 50,
    }


def test_a_policy_that_waits_is_approved_by_two(client: TestClient, archive: Installation):
    """By its version, once each; whoever has not read it approves nothing."""
    version = offer(archive, "target_fpir = 0.01 ", "target_fpir = 0.02 ")
    other = as_one_with(archive, client, "Other", Role.ADMINISTRATOR)
    searcher = as_one_with(archive, client, "Searcher", Role.SEARCHER)
    waiting = client.get("/api/v1/policy", headers=searcher).json()["waiting"]
    assert (waiting["version"], waiting["needs_approval"], waiting["approvals"]) == (version, True, [])
    assert len(waiting["widenings"]) == 1

    def approve(said: str, headers: dict[str, str] | None = None) -> tuple[int, object]:
        answer = client.post("/api/v1/policy/approvals", json={"version": said}, headers=headers)
        body = answer.json()
        return answer.status_code, body.get("code") or body["waiting"]["needs_approval"]

    assert approve(version, searcher) == (403, "role-missing")
    assert approve(archive.policy.version) == (404, "no-such-policy")
    assert approve(version) == approve(version) == (201, True)
    assert approve(version, other) == (201, False)
    assert client.get("/api/v1/policy").json()["version"] == archive.policy.version


def test_people_are_listed_and_added_by_administrators(client: TestClient, archive: Installation):
    """With their roles; a name that is taken, no role and an unknown one are refused."""
    new = {"name": "Anna Lee", "roles": ["examiner", "searcher"]}
    answer = client.post("/api/v1/people", json=new)
    assert (answer.status_code, answer.json()["roles"]) == (201, ["examiner", "searcher"])
    assert [one["name"] for one in client.get("/api/v1/people").json()] == ["Anna Lee", "operator"]
    for wrong, status, code in (
        (new, 409, "person-exists"),
        ({"name": "Berta", "roles": []}, 422, "invalid-request"),
        ({"name": "Berta", "roles": ["king"]}, 422, "invalid-request"),
        ({"name": "a\nb", "roles": ["auditor"]}, 422, "invalid-request"),
        ({"name": "x" * 101, "roles": ["auditor"]}, 422, "invalid-request"),
    ):
        refused = client.post("/api/v1/people", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    auditor = as_one_with(archive, client, "Auditor", Role.AUDITOR)
    for method in ("get", "post"):
        body = {} if method == "get" else {"json": new}
        assert getattr(client, method)("/api/v1/people", headers=auditor, **body).status_code == 403


def test_the_link_of_a_new_person_is_shown_once_and_kept_by_no_browser(
    stranger: TestClient, archive: Installation
):
    """On the answer alone; asked for by a page of ours, by an administrator."""
    operator = sign_in.operator(archive)
    anna = people.add(archive, operator, "Anna Lee", [Role.SEARCHER])
    link = sign_in.new_link_secret(archive, operator)
    stranger.cookies.set("lineament_session", sign_in.open_session(archive, link))
    foreign = stranger.post(f"/people/{anna.id}/link", headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    answer = stranger.post(f"/people/{anna.id}/link", headers={"origin": BASE})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    secret = answer.text.split("/sign-in/")[1].split("<")[0]
    assert secret not in stranger.get("/people").text
    assert secret not in str(recorded(archive))
    assert stranger.get(f"/sign-in/{secret}").status_code == 303
    assert stranger.post(f"/people/{'0' * 32}/link", headers={"origin": BASE}).status_code == 403
