"""The HTTP interface: a search from a photograph to its pictures, and every error as a problem document."""

from dataclasses import fields
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from starlette.testclient import TestClient

from lineament import ledger
from lineament.app import sign_in
from lineament.app.installation import Installation
from lineament.core.quality import Quality
from lineament.testing import Clock
from tests.samples import BIDEN, OBAMA, SOLVAY


def post(client: TestClient, *photos: bytes, **form: object):
    data = {"purpose": "archive-research", "collection": ["archive"]} | form
    return client.post("/api/v1/searches", data=data, files=[("photo", ("p.jpg", photo)) for photo in photos])


def test_a_photograph_leads_to_a_candidate_and_its_pictures(client: TestClient):
    """The list, the probe, the crop and the photograph are all there, each as a fresh JPEG."""
    answer = post(client, OBAMA.read_bytes())
    assert answer.status_code == 201
    search = answer.json()
    assert answer.headers["location"] == search["href"]
    assert client.get(search["href"]).json() == search
    (candidate,) = search["candidates"]
    assert candidate["rank"] == 1
    assert candidate["source"]["extra"]["person"] == "Barack Obama"
    assert candidate["odds"].startswith("Among these 7 faces")
    for href in (
        search["probes"][0]["image_href"],
        search["probes"][0]["crop_href"],
        candidate["source"]["image_href"],
        candidate["source"]["crop_href"],
    ):
        picture = client.get(href)
        assert picture.headers["content-type"] == "image/jpeg"
        assert Image.open(BytesIO(picture.content)).format == "JPEG"
    face = client.get(f"/api/v1/faces/{candidate['source']['face']}").json()
    assert face == candidate["source"]
    image = client.get(f"/api/v1/images/{face['image']}").json()
    assert image.items() < face.items()


def test_an_empty_list_is_an_answer(client: TestClient):
    """Nobody passes the threshold: 201, outcome empty."""
    search = post(client, BIDEN.read_bytes()).json()
    assert (search["outcome"], search["candidates"]) == ("empty", [])
    assert 0 < search["threshold"] < 1


def test_several_faces_are_numbered_and_one_is_chosen(client: TestClient):
    """The search waits with 29 boxes inside the photograph, and goes on with one."""
    search = post(client, SOLVAY.read_bytes()).json()
    assert search["outcome"] == "awaiting-face"
    assert [face["number"] for face in search["probes"][0]["faces"]] == list(range(1, 30))
    done = client.post(f"{search['href']}/face", json={"face": 24})
    assert (done.status_code, done.json()["outcome"]) == (200, "empty")
    again = client.post(f"{search['href']}/face", json={"face": 2})
    assert (again.status_code, again.json()["code"]) == (409, "search-not-open")


def test_each_face_says_how_well_it_can_be_compared(client: TestClient):
    """The measures by their names in the standard, and in words what stands in the way."""
    faces = post(client, SOLVAY.read_bytes()).json()["probes"][0]["faces"]
    for face in faces:
        assert face["quality"].keys() == {field.name for field in fields(Quality)}
        assert face["usable"]
        assert not face["drawn"]
    assert all(isinstance(sentence, str) for face in faces for sentence in face["advice"])
    (face,) = post(client, small_face()).json()["probes"][0]["faces"]
    assert (face["usable"], len(face["advice"])) == (False, 1)
    assert "too small to compare" in face["advice"][0]


def test_a_face_that_was_not_found_is_drawn(client: TestClient):
    """Nothing is found in the wall; a box is searched, at once or after the search has waited."""
    wall = post(client, tiny()).json()
    assert (wall["outcome"], wall["probes"][0]["faces"]) == ("awaiting-face", [])
    small = client.post(f"{wall['href']}/face", json={"box": [0, 0, 1, 1]})
    assert (small.status_code, small.json()["code"]) == (422, "face-too-small")
    waiting = post(client, SOLVAY.read_bytes()).json()
    box = waiting["probes"][0]["faces"][23]["box"]
    done = client.post(f"{waiting['href']}/face", json={"box": box}).json()
    (probe,) = done["probes"]
    assert (done["outcome"], probe["face"], len(probe["faces"])) == ("empty", 30, 30)
    assert (probe["faces"][29]["drawn"], probe["faces"][29]["box"]) == (True, box)
    at_once = post(client, SOLVAY.read_bytes(), box=",".join(map(str, box))).json()
    assert (at_once["outcome"], at_once["probes"][0]["face"]) == ("empty", 30)


def test_another_face_is_searched_than_the_one_that_was_found(client: TestClient):
    """A search of its own waits for it; what was found before is beside the new list."""
    before = post(client, OBAMA.read_bytes()).json()
    answer = client.post(f"{before['href']}/probes/1/another-face")
    begun = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, begun["href"])
    assert (begun["outcome"], begun["edited_from"], begun["candidates"]) == ("awaiting-face", None, [])
    assert begun["id"] != before["id"]
    drawn = client.post(f"{begun['href']}/face", json={"box": [40, 40, 240, 280]}).json()
    assert (drawn["id"], drawn["probes"][0]["face"]) == (begun["id"], 2)
    assert client.get(before["href"]).json() == before
    waiting = client.post(f"{post(client, SOLVAY.read_bytes()).json()['href']}/probes/1/another-face")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "wrong-state")
    for number, status in ((0, 422), (2, 422), ("x", 422)):
        assert client.post(f"{before['href']}/probes/{number}/another-face").status_code == status


def test_several_photographs_of_one_person_are_searched_as_one(client: TestClient):
    """Where one of them needs a choice the search waits for it; or all choices come along."""
    photos = (OBAMA.read_bytes(), SOLVAY.read_bytes())
    waiting = post(client, *photos).json()
    assert waiting["outcome"] == "awaiting-face"
    assert [probe["face"] for probe in waiting["probes"]] == [1, None]
    assert waiting["probes"][1]["crop_href"] is None
    done = client.post(f"{waiting['href']}/face", json={"probe": 2, "face": 24}).json()
    assert [probe["face"] for probe in done["probes"]] == [1, 24]
    at_once = post(client, *photos, face=[1, 24]).json()
    assert at_once["candidates"] == done["candidates"]
    for probe in done["probes"]:
        for href in (probe["image_href"], probe["crop_href"]):
            assert client.get(href).headers["content-type"] == "image/jpeg"
    assert client.get(f"{done['href']}/probes/3/image.jpg").json()["code"] == "no-such-search"


@pytest.mark.parametrize(
    ("photos", "form", "sentence"),
    [
        ([b"a"] * 21, {}, "'photo' is given more than 20 times."),
        ([b"a", b"a"], {}, "The same photograph is given twice."),
        (
            [b"a", b"b"],
            {"face": [1]},
            "There are 2 photographs and 1 choice of a face: give one for each, in their order, or none.",
        ),
        (
            [b"a", b"b"],
            {"box": "0,0,9,9"},
            "There are 2 photographs and 1 choice of a face: give one for each, in their order, or none.",
        ),
    ],
)
def test_photographs_and_choices_go_together(client: TestClient, photos, form, sentence: str):
    """Each that does not is said in our words."""
    answer = post(client, *photos, **form)
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


def test_collections_and_purposes_are_listed_with_their_terms(client: TestClient):
    """A client can offer what the policy and the permissions allow."""
    (collection,) = client.get("/api/v1/collections").json()
    assert (collection["name"], collection["images"], collection["faces"]) == ("archive", 7, 7)
    assert collection["permission"]["in_force"]
    purposes = {one["name"]: one for one in client.get("/api/v1/purposes").json()}
    assert purposes["missing-person"]["needs_case"]


def tiny() -> bytes:
    out = BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    return out.getvalue()


def huge() -> bytes:
    out = BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


def small_face() -> bytes:
    """A portrait scaled so far down that its eyes are a few pixels apart."""
    out = BytesIO()
    portrait = Image.open(OBAMA)
    portrait.thumbnail((70, 70))
    canvas = Image.new("RGB", (300, 300), "white")
    canvas.paste(portrait, (100, 100))
    canvas.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("photo", "status", "code"),
    [
        (lambda: b"", 422, "not-a-photograph"),
        (lambda: b"dear diary", 422, "not-a-photograph"),
        (lambda: OBAMA.read_bytes()[:90_000], 422, "damaged-photograph"),
        (huge, 413, "photograph-too-large"),
        (lambda: bytes(34 * 1024 * 1024), 413, "photograph-too-large"),
        (lambda: bytes(130 * 1024 * 1024), 413, "photograph-too-large"),
    ],
)
def test_a_wrong_photograph_gets_a_sentence_and_what_to_do(client: TestClient, photo, status: int, code: str):
    """A problem document with a stable code; never a traceback."""
    answer = post(client, photo())
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"].endswith(".")
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"collection": ["attic"]}, 404, "no-such-collection"),
        ({"purpose": "curiosity"}, 403, "search-refused"),
        ({"purpose": "missing-person"}, 403, "search-refused"),
        ({"purpose": "x" * 41}, 422, "invalid-request"),
        ({"face": 0}, 422, "invalid-request"),
        ({"face": 9}, 422, "no-such-face"),
        ({"box": "1,2,3"}, 422, "invalid-request"),
        ({"box": "0,0,99999,9"}, 422, "invalid-request"),
        ({"box": "0,0,9,9", "face": 1}, 422, "invalid-request"),
        ({"box": "0,0,9,9"}, 422, "face-too-small"),
        ({"face": "the left one"}, 422, "invalid-request"),
        ({"case": "x" * 201}, 422, "invalid-request"),
    ],
)
def test_a_wrong_form_gets_a_sentence_too(
    client: TestClient, form: dict[str, object], status: int, code: str
):
    """Each field that can be wrong, wrong once."""
    answer = post(client, OBAMA.read_bytes(), **form)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_that_does_not_announce_its_size_is_capped_too(client: TestClient):
    """A chunked upload without an end is refused once it passes the cap."""

    def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\n'
        for _ in range(140):
            yield bytes(1024 * 1024)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/v1/searches", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "photograph-too-large")


def test_missing_fields_are_named(client: TestClient):
    """An empty request says which field it lacks."""
    answer = client.post("/api/v1/searches")
    assert answer.json()["code"] == "invalid-request"
    assert "'photo'" in answer.json()["detail"]


def test_an_expired_permission_refuses_and_withholds(client: TestClient, archive: Installation, clock: Clock):
    """What was found under it is no longer shown, and nothing new is searched."""
    found = post(client, OBAMA.read_bytes()).json()
    source = found["candidates"][0]["source"]
    clock.turn(timedelta(days=366))
    client.headers["authorization"] = f"Bearer {sign_in.new_token(archive, sign_in.operator(archive))}"
    (candidate,) = client.get(found["href"]).json()["candidates"]
    assert candidate["source"] is None
    for href in (source["image_href"], source["crop_href"], f"/api/v1/images/{source['image']}"):
        assert client.get(href).json()["code"] == "no-such-image"
    refused = post(client, OBAMA.read_bytes())
    assert (refused.status_code, refused.json()["code"]) == (403, "search-refused")
    assert "ended on" in refused.json()["detail"]


def test_unknown_ids_are_not_found(client: TestClient):
    """Guessing gives nothing away."""
    probe = "searches/abc/probes/1/image.jpg"
    for path in ("searches/abc", probe, "faces/abc", "faces/abc/crop.jpg", "images/abc"):
        assert client.get(f"/api/v1/{path}").status_code == 404
    assert client.get("/api/v1/nothing").json()["code"] == "http-error"


@pytest.mark.parametrize(
    ("send", "sentence"),
    [
        ({"data": {"photo": "no file"}}, "'photo' must be a file."),
        ({"data": {"purpose": "x" * 41}, "files": {"photo": b""}}, "'purpose' is longer than 40 characters."),
        ({"data": {"face": "-1"}, "files": {"photo": b""}}, "'face' must be a whole number from 1 on."),
        ({"data": {"case": ["A", "B"]}, "files": {"photo": b""}}, "'case' is given more than once."),
    ],
)
def test_what_is_wrong_with_a_form_is_said_in_our_words(client: TestClient, send, sentence: str):
    """And not in those of a library."""
    form = {"purpose": "archive-research", "collection": "archive"} | send["data"]
    answer = client.post("/api/v1/searches", data=form, files=send.get("files"))
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The body of the request is not JSON."),
        (b'{"face": true}', "'face' must be a whole number from 1 on."),
        (b'{"face": "1"}', "'face' must be a whole number from 1 on."),
        (b'{"face": 0}', "'face' must be a whole number from 1 on."),
        (b"{}", "Give either 'face' or 'box'."),
        (b'{"face": 1, "box": [0, 0, 9, 9]}', "Give either 'face' or 'box'."),
        (b'{"face": 1, "probe": 0}', "'probe' must be a whole number from 1 on."),
        (b'{"face": 1, "probe": 2}', "There is no photograph 2: the search has 1."),
        (b'{"box": [0, 0, 9]}', "'box' must be four numbers: left, top, right, bottom."),
        (b'{"box": [0, 0, NaN, 9]}', "'box' must be four numbers: left, top, right, bottom."),
        (b'{"box": [9, 9, 0, 0]}', "A box has four numbers: left, top, right and bottom, in pixels."),
        (b"[]", "'the request' has not the form that is needed."),
    ],
)
def test_a_face_is_a_number_and_nothing_that_looks_like_one(client: TestClient, body: bytes, sentence: str):
    """The waiting search still waits after each of them."""
    href = post(client, SOLVAY.read_bytes()).json()["href"]
    headers = {"content-type": "application/json"}
    answer = client.post(f"{href}/face", content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)
    assert client.get(href).json()["outcome"] == "awaiting-face"


def test_a_search_is_handed_out_with_its_proofs(client: TestClient, archive: Installation):
    """Receipt and export are files that the ledger's own verifier accepts."""
    search = post(client, OBAMA.read_bytes()).json()
    policy = ledger.WitnessPolicy.of_log_alone(archive.signer.verifier)
    for answer in (
        client.get(f"{search['href']}/receipt.tlog-proof"),
        client.post(f"{search['href']}/export"),
    ):
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        said: list[str] = []
        ledger.verify(answer.content, policy, archive.ledger_folder, ledger.Steps(said.append))
        assert len(said) >= 4
