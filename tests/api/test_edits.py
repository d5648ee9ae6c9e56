"""Edited searches over HTTP: a preview of what would be searched, and the search."""

from io import BytesIO

import pytest
from PIL import Image
from starlette.testclient import TestClient

from lineament.testing import recorded
from tests.samples import BIDEN, OBAMA, SOLVAY

TURN = {"kind": "rotate", "values": [90]}


def made(client: TestClient, photo: bytes = OBAMA.read_bytes(), **form: object) -> dict:
    """A search that is finished."""
    data = {"purpose": "archive-research", "collection": ["archive"]} | form
    answer = client.post("/api/v1/searches", data=data, files=[("photo", ("p.jpg", photo))])
    assert answer.status_code == 201
    return answer.json()


def test_a_photograph_is_edited_looked_at_and_searched(client: TestClient) -> None:
    """The preview is what the edited search shows; both searches are there with their lists."""
    before = made(client)
    wanted = {"edits": [TURN, {"kind": "flip"}, {"kind": "contrast", "values": [1.25]}]}
    preview = client.post(f"{before['href']}/probes/1/preview", json=wanted)
    assert (preview.status_code, preview.headers["content-type"]) == (200, "image/jpeg")
    assert preview.headers["x-photograph-size"] == "1200x626"
    assert preview.headers["cache-control"] == "no-store"
    assert Image.open(BytesIO(preview.content)).size == (1200, 626)
    answer = client.post(f"{before['href']}/edited", json=wanted)
    done = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, done["href"])
    assert (done["outcome"], done["edited_from"], before["edited_from"]) == ("candidates", before["id"], None)
    (probe,) = done["probes"]
    assert (probe["width"], probe["height"], probe["face"]) == (1200, 626, 1)
    assert [(one["kind"], one["values"]) for one in probe["edits"]] == [
        ("rotate", [90]),
        ("flip", []),
        ("contrast", [1.25]),
    ]
    assert all(len(one["pixels"]) == 64 for one in probe["edits"])
    assert client.get(probe["image_href"]).content == preview.content
    assert client.get(done["href"]).json() == done
    again = client.get(before["href"]).json()
    assert (again["candidates"], again["probes"][0]["edits"]) == (before["candidates"], [])


def test_without_edits_the_preview_is_the_photograph(client: TestClient) -> None:
    """A page begins with it."""
    before = made(client)
    plain = client.post(f"{before['href']}/probes/1/preview", json={})
    assert plain.content == client.get(before["probes"][0]["image_href"]).content


def test_a_face_of_the_edited_photograph_is_chosen(client: TestClient) -> None:
    """Afterwards, or at once, by its number or a box."""
    before = made(client, SOLVAY.read_bytes(), face=24)
    edits = [{"kind": "flip"}]
    waiting = client.post(f"{before['href']}/edited", json={"edits": edits}).json()
    assert (waiting["outcome"], len(waiting["probes"][0]["faces"])) == ("awaiting-face", 29)
    done = client.post(f"{waiting['href']}/face", json={"face": 3}).json()
    assert (done["outcome"], done["probes"][0]["edits"][0]["kind"]) == ("empty", "flip")
    at_once = client.post(f"{before['href']}/edited", json={"edits": edits, "face": 3}).json()
    assert (at_once["outcome"], at_once["probes"][0]["face"]) == ("empty", 3)
    box = waiting["probes"][0]["faces"][2]["box"]
    drawn = client.post(f"{before['href']}/edited", json={"edits": edits, "box": box}).json()
    assert drawn["probes"][0]["faces"][29]["drawn"]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({}, "'edits' is missing."),
        ({"edits": []}, "'edits' has not the form that is needed."),
        ({"edits": [TURN] * 21}, "'edits' is given more than 20 times."),
        ({"edits": [{"kind": "sharpen", "values": [2]}]}, "'edits' has not the form that is needed."),
        ({"edits": [{"kind": "crop", "values": [1, 2, 3, 4, 5]}]}, "'edits' is given more than 4 times."),
        ({"edits": [{"kind": "crop", "values": [1, 2]}]}, "The edit 'crop' takes 4 values"),
        ({"edits": [{"kind": "rotate", "values": ["left"]}]}, "'edits' has not the form that is needed."),
        ({"edits": [{"kind": "crop", "values": [0, 0, 700, 700]}]}, "must lie inside the photograph"),
        ({"edits": [TURN], "face": 1, "box": [0, 0, 9, 9]}, "Give either 'face' or 'box'."),
        ({"edits": [TURN], "probe": 2}, "There is no photograph 2: the search has 1."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(client: TestClient, wanted: dict, sentence: str) -> None:
    """422, in our words."""
    before = made(client)
    answer = client.post(f"{before['href']}/edited", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert sentence in answer.json()["detail"]


def test_an_edited_search_is_not_edited_again(client: TestClient) -> None:
    """409; nor is one that waits for a face, and neither can be looked at with edits."""
    before = made(client, BIDEN.read_bytes())
    done = client.post(f"{before['href']}/edited", json={"edits": [TURN]}).json()
    waiting = made(client, SOLVAY.read_bytes())
    for search in (done, waiting):
        for path in ("edited", "probes/1/preview"):
            answer = client.post(f"{search['href']}/{path}", json={"edits": [TURN]})
            assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")


def test_the_entry_says_which_search_was_edited(client: TestClient, archive) -> None:
    """For both, so that an outsider sees that the unedited photograph was searched first."""
    before = made(client)
    done = client.post(f"{before['href']}/edited", json={"edits": [TURN]}).json()
    entries = [one for one in recorded(archive) if one["kind"] == "search"]
    assert [(one["search"], one["edited_from"]) for one in entries] == [
        (before["id"], None),
        (done["id"], before["id"]),
    ]


def test_an_unknown_search_is_not_found(client: TestClient) -> None:
    """404, as for somebody else's."""
    for path in ("edited", "probes/1/preview"):
        answer = client.post(f"/api/v1/searches/0/{path}", json={"edits": [TURN]})
        assert (answer.status_code, answer.json()["code"]) == (404, "no-such-search")
