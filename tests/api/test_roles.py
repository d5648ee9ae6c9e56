"""Which account gets past which door: every route, asked by every role and every part in a case."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from lineament.app import people, sign_in
from lineament.app.casework import blind, members
from lineament.app.installation import Installation
from lineament.core.cases import Part
from lineament.core.policy import Person, Role
from lineament.core.review import Component
from lineament.records import collections, images, ingests, searches
from lineament.web.site import create_site
from tests.api.conftest import BASE
from tests.api.test_access import routes
from tests.casework import PURPOSE, a_case, a_search, somebody
from tests.reviewing import put_forward

# Accounts with one role and no part in the case; who works on it, reads it, read it once, has no role now.
ALL: frozenset[str] = frozenset({*Role, "staff", "reader", "left", "nothing"})
SIGNED_IN = ALL - {"nothing"}
SEARCHERS, EXAMINERS = frozenset({"searcher", "staff"}), frozenset({"examiner", "staff"})
STAFF, READERS = frozenset({"staff"}), frozenset({"staff", "reader", "auditor"})
ADMINISTRATORS, CURATORS = frozenset({"administrator"}), frozenset({"curator"})
CASE, SEARCH, LEAD = "/cases/{case_id}", "/searches/{search_id}", "/leads/{lead_id}"

# Whom each door lets in: they are told neither that they may not, nor that there is no such thing. An address
# counts for the interface and for the pages, unless it stands there in full.
TABLE: dict[str, frozenset[str]] = {
    "GET /openapi.json": ALL,
    "GET /static/{name}": ALL,
    "GET /examples/{number}": frozenset(),  # there are none here
    "GET /ledger": ALL,
    "GET /ledger/verifier.py": ALL,
    "GET /ledger/{path:path}": ALL,
    "HEAD /ledger/{path:path}": ALL,
    "GET /sign-in/{secret}": frozenset(),  # it is spent
    "GET /signed-out": ALL,
    "POST /sign-out": SIGNED_IN,
    "GET /": SIGNED_IN,
    "GET /collections": SIGNED_IN,
    "GET /collections/{name}": CURATORS,
    "GET /collections/{name}/ingests/{ingest_id}/rejected.csv": CURATORS,
    "GET /purposes": SIGNED_IN,
    "GET /policy": SIGNED_IN,
    "POST /policy/approvals": frozenset(),  # none waits
    "POST /policy/approve": frozenset(),
    "GET /people": ADMINISTRATORS,
    "POST /people": ADMINISTRATORS,
    "POST /people/{person_id}/roles": ADMINISTRATORS,
    "POST /people/{person_id}/link": ADMINISTRATORS,
    "GET /cases": SIGNED_IN,
    "POST /cases": SEARCHERS,
    f"GET {CASE}": READERS,
    f"PUT {CASE}/grounds": STAFF,
    f"POST {CASE}/grounds": STAFF,
    f"POST {CASE}/members": STAFF,
    f"POST {CASE}/notes": STAFF,
    f"POST {CASE}/state": STAFF,
    f"POST {CASE}/disclosure": READERS,
    f"GET {CASE}/report": READERS,
    f"GET {CASE}/report.pdf": READERS,
    "POST /searches": SEARCHERS,
    f"GET {SEARCH}": READERS,
    f"POST {SEARCH}/face": STAFF,
    f"GET {SEARCH}/edit": STAFF,
    f"POST {SEARCH}/edit": STAFF,
    f"POST {SEARCH}/edited": STAFF,
    f"POST {SEARCH}/probes/{{number}}/another-face": STAFF,
    f"POST {SEARCH}/probes/{{number}}/preview": STAFF,
    f"GET {SEARCH}/probes/{{number}}/image.jpg": READERS,
    f"GET {SEARCH}/probes/{{number}}/crop.jpg": READERS,
    f"GET {SEARCH}/receipt.tlog-proof": STAFF,
    f"POST {SEARCH}/export": STAFF,
    f"GET {SEARCH}/review": READERS,
    f"GET {SEARCH}/candidates/{{number}}": READERS,
    f"POST {SEARCH}/candidates/{{number}}/open": READERS,
    f"POST {SEARCH}/candidates/{{number}}/judgement": STAFF,
    f"POST {SEARCH}/candidates/{{number}}/comparison": STAFF,
    f"POST {SEARCH}/conclusion": STAFF,
    "GET /images/{image_id}": frozenset({"staff", "reader", "curator"}),
    "GET /images/{image_id}/image.jpg": frozenset({"staff", "reader", "curator"}),
    "GET /faces/{face_id}": frozenset({"staff", "reader", "curator"}),
    "GET /faces/{face_id}/crop.jpg": frozenset({"staff", "reader", "curator"}),
    f"GET {LEAD}": READERS,
    f"POST {LEAD}/evidence": STAFF,
    f"POST {LEAD}/action": STAFF,
    f"POST {LEAD}/truth": STAFF,
    f"POST {LEAD}/line-up": STAFF,
    f"GET {LEAD}/report": READERS,
    f"GET {LEAD}/report.pdf": READERS,
    f"GET {LEAD}/report.html": READERS,
    "GET /examiners": frozenset({"examiner", "staff", "auditor", "administrator"}),
    "GET /api/v1/reviews": EXAMINERS,
    "GET /reviews": SIGNED_IN,
    "POST /api/v1/reviews": frozenset({"examiner"}),  # nothing waits for who put it forward
    "POST /reviews/take": frozenset({"examiner"}),
    "GET /reviews/{assignment_id}": frozenset({"examiner"}),  # who took it
    "GET /reviews/{assignment_id}/probe.jpg": frozenset({"examiner"}),
    "GET /reviews/{assignment_id}/candidate.jpg": frozenset({"examiner"}),
    "POST /reviews/{assignment_id}": frozenset({"examiner"}),
    "POST /reviews/{assignment_id}/comparison": frozenset({"examiner"}),
}
# What any of the routes takes; each picks its own.
SENT: dict[str, object] = {
    "name": "New",
    "reference": "2026/99",
    "title": "Another",
    "purpose": PURPOSE,
    "narrative": "Last seen in May.",
    "person": "reader",
    "part": "counsel",
    "text": "Seen.",
    "state": "appealed",
    "face": 1,
    "judgement": "cannot-tell",
    "outcome": "none",
    "similarities": "The brows.",
    "differences": "None are seen.",
    "conclusion": "inconclusive",
    "description": "A ticket",
    "source": "The railway",
    "date": "2026-11-20",
    "action": "set-aside",
    "account": "Nothing came of it.",
    "truth": "unknown",
    "how": "Nobody knows.",
    "version": "sha256:0",
}
JSON = SENT | {
    "roles": ["curator"],
    "put_forward": [],
    "edits": [{"kind": "flip"}],
    "findings": [{"component": one, "seen": "similar"} for one in Component],
}
FORM = SENT | {"edits": "flip", "role": "curator"} | {f"seen-{one}": "similar" for one in Component}


@pytest.fixture
def site(desk: Installation) -> Iterator[TestClient]:
    with TestClient(create_site(desk), base_url=BASE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def accounts(desk: Installation) -> dict[str, Person]:
    """Everybody, before any of them has a part in a case."""
    made = {role.value: somebody(desk, f"only {role}", role) for role in Role}
    made["staff"] = somebody(desk, "staff", Role.SEARCHER, Role.EXAMINER)
    made |= {name: somebody(desk, name, Role.COUNSEL) for name in ("reader", "left", "nothing")}
    return made


@pytest.fixture
def ids(desk: Installation, accounts: dict[str, Person]) -> dict[str, str]:
    """What stands in addresses: a search of a case of which a candidate was put forward, and a taken pair."""
    staff, examiner = accounts["staff"], accounts["examiner"]
    case = a_case(desk, who=staff)
    search = a_search(desk, case, staff)
    lead = put_forward(desk, search, staff)
    put_forward(desk, a_search(desk, a_case(desk, "2026/18", staff), staff), staff)
    for name in ("reader", "left", "nothing"):
        members.set_member(desk, staff, case.id, name, Part.COUNSEL)
    members.end_part(desk, staff, case.id, "left")
    people.set_roles(desk, sign_in.operator(desk), accounts["nothing"].id, [])
    with desk.records.read() as tx:
        found = searches.get_search(tx, search.id)
        assert found
        (face,) = images.faces(tx, [found.candidates[0].face_id]).values()
        (collection,) = collections.list_collections(tx, ["archive"])
        (ingest,) = ingests.list_ingests(tx, collection.id, 1)
    return {
        "case_id": case.id,
        "search_id": search.id,
        "lead_id": lead.id,
        "assignment_id": blind.take(desk, examiner),
        "image_id": face.image.id,
        "face_id": face.id,
        "person_id": somebody(desk, "Somebody", Role.CURATOR).id,
        "ingest_id": ingest.id,
        "name": "archive",
        "number": "1",
        "path": "checkpoint",
        "secret": "spent",
    }


def test_every_door_lets_in_whom_the_table_says(
    desk: Installation, site: TestClient, accounts: dict[str, Person], ids: dict[str, str]
):
    """Whatever their role, and whoever knows the ids; a route that is not in the table is found here."""
    tokens = {name: sign_in.new_token(desk, one) for name, one in accounts.items()}
    unexpected = {}
    asked = set()
    for route in routes(desk):
        for method in sorted(route.methods):
            key = f"{method} {route.path}"
            if key not in TABLE:
                key = f"{method} {route.path.removeprefix('/api/v1')}"
            asked.add(key)
            address = route.path.replace("/static/{name}", "/static/site.css")
            path = re.sub(r"\{(\w+)(:path)?\}", lambda at: ids[at[1]], address)
            reads, is_page = method in {"GET", "HEAD"}, not path.startswith("/api/")
            let_in = frozenset(
                name
                for name, token in tokens.items()
                if site.request(
                    method,
                    path,
                    headers={"authorization": f"Bearer {token}"},
                    json=None if reads or is_page else JSON,
                    data=FORM if is_page and not reads else None,
                ).status_code
                not in {401, 403, 404}
            )
            if let_in != TABLE.get(key):
                unexpected[f"{method} {route.path}"] = sorted(let_in)
    assert unexpected == {}
    assert asked == TABLE.keys()
