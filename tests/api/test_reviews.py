"""Review over HTTP by several accounts; and everything that a blind examiner can get, looked through."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import product
from typing import Any

import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from lineament import ledger
from lineament.api.access import SESSION_COOKIE
from lineament.app import sign_in
from lineament.app.casework import review
from lineament.app.casework.cases import open_case
from lineament.app.casework.members import set_member
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import Obtained, Part
from lineament.core.odds import Strength
from lineament.core.policy import Person, Role
from lineament.core.review import Component, Seen
from lineament.records import images, reviews
from lineament.records.reviews import Lead
from lineament.records.searches import Search
from lineament.web.site import create_site
from tests.api.conftest import BASE
from tests.api.test_access import routes
from tests.casework import a_case, a_search, somebody
from tests.reviewing import a_comparison, lead_of, looked_through, number_of, put_forward
from tests.samples import OBAMA

COMPARISON = {
    "findings": [{"component": one, "seen": "similar"} for one in Component],
    "similarities": "The brows.",
    "differences": "None are seen.",
    "conclusion": "support-for-same",
}


class Door:
    """One person's way in: the interface with a token, the pages with a session."""

    def __init__(self, installation: Installation, client: TestClient, who: Person) -> None:
        self.who = who
        self._client = client
        self._token = {"authorization": f"Bearer {sign_in.new_token(installation, who)}"}
        session = sign_in.open_session(installation, sign_in.new_link_secret(installation, who))
        self._session = {"cookie": f"{SESSION_COOKIE}={session}", "origin": BASE}

    def api(self, method: str, path: str, json: object = None) -> Response:
        return self._client.request(method, f"/api/v1{path}", json=json, headers=self._token)

    def get(self, path: str) -> Response:
        """Ask for any address, an API's or a page's."""
        headers = self._token if path.startswith("/api/") else self._session
        return self._client.get(path, headers=headers)

    def post(self, path: str, form: dict[str, str]) -> Response:
        """Send a form of a page."""
        return self._client.post(path, data=form, headers=self._session)


@pytest.fixture
def site(desk: Installation) -> Iterator[TestClient]:
    with TestClient(create_site(desk), base_url=BASE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def first(desk: Installation, site: TestClient) -> Door:
    who = somebody(desk, "Sigrid Searcher", Role.SEARCHER, Role.EXAMINER)
    return Door(desk, site, who)


@pytest.fixture
def second(desk: Installation, site: TestClient) -> Door:
    return Door(desk, site, somebody(desk, "Edda Examiner", Role.EXAMINER))


@pytest.fixture
def search(desk: Installation, first: Door) -> Search:
    return a_search(desk, a_case(desk, "2026/17-b", first.who), first.who)


def test_a_search_is_reviewed_from_the_first_look_to_the_lead(first: Door, second: Door, search: Search):
    """Opened, judged, compared, put forward; taken by somebody else, compared, and agreed on."""
    here = f"/searches/{search.id}"
    shown = first.api("GET", here).json()
    assert shown["blind"]
    assert {one["score"] for one in shown["candidates"]} == {None}
    assert first.api("GET", f"{here}/review").json()["missing"] == [
        "Open every candidate before you conclude: 7 candidates left."
    ]
    for number in range(1, 8):
        one = f"{here}/candidates/{number}"
        assert number in first.api("POST", f"{one}/open").json()["opened"]
        judged = first.api("POST", f"{one}/judgement", {"judgement": "cannot-tell"})
        assert judged.json()["candidates"][number - 1]["rank"]
    assert not judged.json()["blind"]
    best = next(one["number"] for one in judged.json()["candidates"] if one["rank"] == 1)
    compared = first.api("POST", f"{here}/candidates/{best}/comparison", COMPARISON)
    assert (compared.status_code, compared.json()["compared"]) == (201, [best])
    concluded = first.api("POST", f"{here}/conclusion", {"put_forward": [best]})
    assert (concluded.status_code, concluded.json()["put_forward"]) == (201, [best])
    assert second.api("GET", "/reviews").json() == {"mine": [], "waiting": 2}
    for left in (1, 0):
        taken = second.api("POST", "/reviews")
        assert taken.status_code == 201
        there = taken.headers["location"].removeprefix("/api/v1")
        assert second.api("GET", there).json() == taken.json()
        done = second.api("POST", f"{there}/comparison", COMPARISON)
        assert (done.status_code, done.json()) == (201, {"mine": [], "waiting": left})
        assert second.api("GET", there).json()["done"]
    state = first.api("GET", f"{here}/review").json()
    assert [(one["number"], one["state"]) for one in state["leads"]] == [(best, "lead")]


def test_what_is_missing_or_too_early_is_a_problem_with_a_sentence(first: Door, second: Door, search: Search):
    """Each with its code."""
    here = f"/searches/{search.id}/candidates/1"
    answers = [
        (first.api("POST", f"{here}/judgement", {"judgement": "cannot-tell"}), 409, "wrong-state"),
        (first.api("POST", f"{here}/judgement", {"judgement": "a match"}), 422, "invalid-request"),
        (first.api("POST", f"{here}/comparison", COMPARISON), 409, "wrong-state"),
        (
            first.api("POST", f"{here}/comparison", COMPARISON | {"findings": []}),
            422,
            "comparison-incomplete",
        ),
        (first.api("POST", f"{here}/comparison", {"findings": []}), 422, "invalid-request"),
        (
            first.api("POST", f"/searches/{search.id}/conclusion", {"put_forward": []}),
            409,
            "wrong-state",
        ),
        (first.api("POST", f"/searches/{search.id}/candidates/9/open"), 404, "no-such-search"),
        (second.api("POST", f"{here}/open"), 404, "no-such-search"),
        (second.api("POST", "/reviews"), 404, "nothing-to-review"),
        (second.api("GET", "/reviews/0"), 404, "no-such-review"),
    ]
    for answer, status, code in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["detail"]


def test_error_rates_are_served_to_whom_they_concern(desk: Installation, site: TestClient, second: Door):
    """An examiner gets their own, and an auditor everybody's; others none."""
    (own,) = second.api("GET", "/examiners").json()
    assert (own["name"], own["mates"], own["missed"]) == (
        "Edda Examiner",
        0,
        {"events": 0, "trials": 0, "low": 0.0, "high": 1.0},
    )
    auditor = Door(desk, site, somebody(desk, "Auditor", Role.AUDITOR))
    assert auditor.api("GET", "/examiners").json() == []
    searcher = Door(desk, site, somebody(desk, "Searcher", Role.SEARCHER))
    assert searcher.api("GET", "/examiners").status_code == 403


def test_no_answer_tells_who_works_on_a_case_how_a_candidate_scored_before_they_judge_it(
    desk: Installation, first: Door
):
    """Neither as JSON nor as a page, neither the list nor the candidate beside the probe; then each does."""
    case = open_case(desk, first.who, "2026/88", "A face in an album", "archive-research")
    request = Request(case.purpose, ("archive",), case.reference, Obtained.ARCHIVE)
    found = open_search(desk, first.who, request, [OBAMA.read_bytes()])
    (row,), threshold = found.candidates, found.threshold
    assert threshold
    hidden = {f"{row.score:.2f}", f"{threshold:.2f}", "Among these", *(f"{one}" for one in Strength)}
    addresses = [
        f"{prefix}/searches/{found.id}{what}"
        for prefix, what in (("/api/v1", ""), ("/api/v1", "/review"), ("", ""), ("", "/candidates/1"))
    ]
    for address in addresses:
        answer = first.get(address)
        assert answer.status_code == 200
        assert [one for one in hidden if one in answer.text] == [], address
    here = f"/searches/{found.id}/candidates/1"
    first.api("POST", f"{here}/open")
    first.api("POST", f"{here}/judgement", {"judgement": "worth-comparing"})
    for address in (addresses[0], addresses[2]):
        assert [one for one in hidden if one in first.get(address).text], address


# --- no account does both parts --------------------------------------------------------------------------


def test_who_searched_or_put_forward_cannot_compare_blind_by_any_door(
    desk: Installation, site: TestClient, first: Door, second: Door, search: Search
):
    """Nor can who is given a part afterwards; each gets the answer of somebody for whom nothing waits."""
    put_forward(desk, search, first.who)
    pair = second.api("POST", "/reviews").json()["id"]
    assert first.api("GET", "/reviews").json() == {"mine": [], "waiting": 0}
    for attempt in (
        first.api("POST", "/reviews"),
        first.api("GET", f"/reviews/{pair}"),
        first.api("GET", f"/reviews/{pair}/probe.jpg"),
        first.api("POST", f"/reviews/{pair}/comparison", COMPARISON),
    ):
        assert attempt.status_code == 404
    page = first.get(f"/reviews/{pair}")
    assert page.status_code == 404
    colleague = Door(desk, site, somebody(desk, "Kim", Role.SEARCHER, Role.EXAMINER))
    assert colleague.api("GET", "/reviews").json()["waiting"] == 1
    assert search.case_id
    set_member(desk, first.who, search.case_id, colleague.who.id, Part.STAFF)
    assert colleague.api("POST", "/reviews").status_code == 404


def test_who_has_a_pair_cannot_get_into_its_case_by_any_door(
    desk: Installation, first: Door, second: Door, search: Search
):
    """Not as a member, not by the search, a lead, or a picture of it."""
    lead = put_forward(desk, search, first.who)
    second.api("POST", "/reviews")
    assert search.case_id
    given = {"person": second.who.id, "part": "staff"}
    refused = first.api("POST", f"/cases/{search.case_id}/members", given)
    assert 400 <= refused.status_code < 500
    here = f"/searches/{search.id}"
    for attempt in (
        second.api("GET", here),
        second.api("GET", f"{here}/review"),
        second.api("POST", f"{here}/candidates/1/open"),
        second.api("POST", f"{here}/candidates/1/judgement", {"judgement": "cannot-tell"}),
        second.api("POST", f"{here}/candidates/1/comparison", COMPARISON),
        second.api("POST", f"{here}/conclusion", {"put_forward": []}),
        second.api("POST", f"{here}/export"),
        second.api("GET", f"{here}/receipt.tlog-proof"),
        second.api("GET", f"{here}/probes/1/image.jpg"),
        second.api("GET", f"/cases/{search.case_id}"),
        second.api("GET", f"/leads/{lead.id}"),
        second.api("GET", f"/faces/{search.candidates[0].face_id}"),
        second.api("GET", f"/faces/{search.candidates[0].face_id}/crop.jpg"),
    ):
        assert attempt.status_code in {403, 404}, attempt.request.url


# --- what a blind examiner gets --------------------------------------------------------------------------


FIRST = replace(
    a_comparison(),
    findings=tuple(
        replace(one, note="Earlobe hangs free" if one.seen is Seen.DIFFERENT else "")
        for one in a_comparison().findings
    ),
    similarities="Brows join above the nose bridge.",
    differences="Earlobe hangs free on one side.",
)


@pytest.fixture
def lead(desk: Installation, first: Door, search: Search) -> Lead:
    """A candidate that the first examiner put forward, with words that are found again if they leak."""
    looked_through(desk, search, first.who)
    number = number_of(desk, first.who, search)
    review.compare(desk, first.who, search.id, number, FIRST)
    review.conclude(desk, first.who, search.id, [number])
    return lead_of(desk, search)


def ids(desk: Installation, search: Search, lead: Lead) -> dict[str, list[str]]:
    """The ids of everything in the case, by the names that they have in addresses."""
    with desk.records.read() as tx:
        faces = list(images.faces(tx, [row.face_id for row in search.candidates]).values())
        made = [one.id for one in reviews.reviews_of_case(tx, lead.case_id)]
    files = [probe.sha256 for probe in search.probes] + [face.image.sha256 for face in faces]
    return {
        "case_id": [lead.case_id],
        "search_id": [search.id],
        "lead_id": [lead.id],
        "image_id": [face.image.id for face in faces],
        "face_id": [face.id for face in faces],
        "other_id": made + files,
    }


def words(desk: Installation, search: Search, first: Door) -> set[str]:
    """What is said of the case, the candidates and the first comparison."""
    with desk.records.read() as tx:
        faces = list(images.faces(tx, [row.face_id for row in search.candidates]).values())
    said = {FIRST.similarities, FIRST.differences, "Earlobe hangs free", "2026/17-b", "Somebody is missed"}
    said |= {"Last seen in May.", first.who.name, first.who.id}
    for face in faces:
        whence = face.image.provenance
        texts = (whence.path, whence.source_url, whence.page_url, whence.caption, whence.credit)
        said |= {text for text in (*texts, whence.extra["person"]) if text and len(text) > 3}
    for row in search.candidates:
        said |= {f"{row.score:.4f}", f"{row.score:.3f}"}
        said |= {f"{row.strangers:.4f}"} if row.strangers else set()
    return said


def everything(desk: Installation, door: Door, known: dict[str, list[str]]) -> Iterator[tuple[str, Response]]:
    """Ask for every address that there is, with every id of the case and every pair in every place."""
    for route in routes(desk):
        if "GET" not in (route.methods or set()) or "sign-in" in route.path:
            continue
        fields = re.findall(r"\{(\w+)", route.path)
        choices = [known.get(field, ["1", "2"]) for field in fields]
        for values in product(*choices):
            path = route.path
            for field, value in zip(fields, values, strict=True):
                path = re.sub(rf"\{{{field}(:path)?\}}", value, path)
            yield path, door.get(path)


def test_nothing_that_a_blind_examiner_can_get_says_where_a_pair_comes_from(
    desk: Installation, first: Door, second: Door, search: Search, lead: Lead
):
    """Every address of the site is asked for with their account, knowing even every id that there is.

    No answer, its headers and pictures included, has a name, a caption, a link, a score, or a word of the
    first comparison. Ids of the case stand in the public ledger alone, where they are random.
    """
    pairs = [second.api("POST", "/reviews").json()["id"] for _ in range(2)]
    known, said = ids(desk, search, lead), words(desk, search, first)
    every = {one for some in known.values() for one in some}
    answers = list(everything(desk, second, known | {"assignment_id": pairs}))
    assert {path for path, answer in answers if answer.status_code == 200} >= {
        f"/api/v1/reviews/{pair}{picture}"
        for pair in pairs
        for picture in ("", "/probe.jpg", "/candidate.jpg")
    }
    for path, answer in answers:
        text = answer.content.decode("latin-1") + str(dict(answer.headers))
        assert [one for one in said if one in text] == [], path
        if not path.startswith("/ledger"):
            assert [one for one in every if one in text and one not in path] == [], path
        if answer.headers.get("content-type") == "image/jpeg":
            with Image.open(BytesIO(answer.content)) as image:
                assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    own = first.get(f"/searches/{search.id}").text
    assert len([one for one in said if one in own]) > 7  # who may see it, sees it
    for entry in public_entries(second):
        assert [one for one in said - {first.who.id} if one in entry] == []
        assert "conclusion" not in ledger.decode(entry.encode())


def public_entries(door: Door) -> list[str]:
    """The ledger's entries, as anybody reads them from its tiles."""
    size = int(door.get("/ledger/checkpoint").text.split("\n")[1])
    data = door.get(f"/ledger/tile/entries/000.p/{size}").content
    entries = []
    while data:
        length = int.from_bytes(data[:2])
        entries.append(data[2 : 2 + length].decode())
        data = data[2 + length :]
    assert len(entries) == size
    return entries


def shape(value: Any) -> Any:
    """The keys and types of a JSON value."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


def test_a_pair_of_a_known_answer_looks_like_any_other(desk: Installation, second: Door, lead: Lead):
    """As JSON, as a page, in the headers of its pictures, and in what follows when it is compared."""
    for _ in range(2):
        second.api("POST", "/reviews")
    with desk.records.read() as tx:
        kinds = {one.id: one.seed is not None for one in reviews.assignments_of_case(tx, lead.case_id)}
    assert sorted(kinds.values()) == [False, True]
    looks = {True: [], False: []}
    for pair, is_seed in kinds.items():
        here = f"/api/v1/reviews/{pair}"
        page = second.get(f"/reviews/{pair}")
        pictures = [second.get(f"{here}/{side}.jpg") for side in ("probe", "candidate")]
        looks[is_seed] += [
            shape(second.get(here).json()),
            re.sub(r"-?[\d.]+", "0", page.text.replace(pair, "")),
            [sorted(picture.headers) for picture in pictures],
            [Image.open(BytesIO(picture.content)).size for picture in pictures],
        ]
    assert looks[True] == looks[False]
    for pair in kinds:
        done = second.api("POST", f"/reviews/{pair}/comparison", COMPARISON)
        assert (done.status_code, shape(done.json())) == (
            201,
            {"mine": shape(done.json()["mine"]), "waiting": int},
        )
