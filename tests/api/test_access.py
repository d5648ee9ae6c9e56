"""Every door is closed by default."""

import re

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.testclient import TestClient

from lineament.api import access, problems
from lineament.app import sign_in
from lineament.app.installation import Installation
from lineament.web.site import create_site
from tests.api.conftest import BASE
from tests.samples import OBAMA

RULES = {access.everyone, access.signed_in, access.searcher, access.examiner, access.administrator}


def rules(route: APIRoute) -> set[object]:
    """The rules among a route's dependencies, however deep."""
    found, waiting = set(), [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        found |= {dependant.call} & RULES
    return found


def routes(installation: Installation) -> list[APIRoute]:
    """All of the site's routes; a mounted application could declare no rule and is not allowed."""
    found = [context.original_route for context in iter_route_contexts(create_site(installation).routes)]
    assert found
    assert all(isinstance(route, APIRoute) for route in found)
    return found


def test_every_route_declares_its_rule(archive: Installation):
    """A route that forgets is found here and not by a stranger."""
    for route in routes(archive):
        assert rules(route), f"{route.path} declares no rule"


def test_a_stranger_sees_nothing_of_the_interface(stranger: TestClient, archive: Installation):
    """Without a session or token every address that is not for everyone answers 401."""
    for route in routes(archive):
        if access.everyone in rules(route):
            continue
        path = re.sub(r"\{(rank|number)\}", "1", route.path)
        path = re.sub(r"\{\w+\}", "0", path)
        for method in route.methods:
            headers = {"origin": BASE}
            assert stranger.request(method, path, headers=headers).status_code == 401, (method, path)


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer wrong", "Basic abc", "bearer  "])
def test_a_wrong_token_opens_nothing(stranger: TestClient, authorization: str):
    """Whatever it looks like."""
    answer = stranger.get("/api/v1/collections", headers={"authorization": authorization})
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")


def test_a_session_acts_only_from_our_own_pages(stranger: TestClient, archive: Installation):
    """A form on another site sends the cookie along and is refused all the same."""
    secret = sign_in.new_link_secret(archive, sign_in.operator(archive))
    session = sign_in.open_session(archive, secret)
    stranger.cookies.set(access.SESSION_COOKIE, session)
    form = {"purpose": "archive-research", "collection": "archive"}
    photo = {"photo": OBAMA.read_bytes()}
    for origin in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        answer = stranger.post("/api/v1/searches", data=form, files=photo, headers=origin)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign-origin")
    own = stranger.post("/api/v1/searches", data=form, files=photo, headers={"origin": BASE})
    assert own.status_code == 201


def test_no_act_is_taken_from_the_page_of_another_site(stranger: TestClient, archive: Installation):
    """Whatever address it is sent to."""
    secret = sign_in.new_link_secret(archive, sign_in.operator(archive))
    stranger.cookies.set(access.SESSION_COOKIE, sign_in.open_session(archive, secret))
    acts = [(method, route.path) for route in routes(archive) for method in route.methods - {"GET", "HEAD"}]
    assert len(acts) > 40
    for method, path in acts:
        for origin in ({}, {"origin": "https://evil.example"}, {"origin": f"{BASE}:81"}):
            answer = stranger.request(method, re.sub(r"\{\w+\}", "1", path), headers=origin)
            assert answer.status_code == 403, (method, path)


def test_another_host_name_is_refused(client: TestClient):
    """A name that somebody points at loopback (DNS rebinding) gets a problem document, and nothing else."""
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "localhost.", "[::1]"):
        answer = client.get("/api/v1/collections", headers={"host": host})
        assert (answer.status_code, answer.headers["content-type"]) == (400, problems.MEDIA_TYPE)
        assert (answer.json()["code"], answer.json()["status"]) == ("wrong-host", 400)
        assert "lineament serve" in answer.json()["remedy"]
        assert "frame-ancestors" in answer.headers["content-security-policy"]
    for host in ("localhost", "localhost:8765", "127.0.0.1:8765"):
        assert client.get("/api/v1/collections", headers={"host": host}).status_code == 200


def test_another_host_name_is_refused_before_anything_else(stranger: TestClient):
    """Before the size of the request, the session, and whether the address is there."""
    headers = {"host": "evil.example", "content-length": str(2**40)}
    for path in ("/", "/nowhere", "/api/v1/searches"):
        answer = stranger.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong-host")


def test_every_answer_carries_the_headers_that_browsers_obey(stranger: TestClient):
    """Errors too."""
    for path in ("/api/v1/openapi.json", "/api/v1/collections", "/nowhere"):
        headers = stranger.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_openapi_document_names_every_route_of_the_interface(stranger: TestClient, archive: Installation):
    """And it is for everyone, so that a client can be written before signing in."""
    document = stranger.get("/api/v1/openapi.json").json()
    served = {
        route.path for route in routes(archive) if route.path.startswith("/api/") and route.include_in_schema
    }
    assert set(document["paths"]) == served
