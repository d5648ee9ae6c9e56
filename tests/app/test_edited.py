"""Edited searches: always beside the unedited one, decided anew, and on record with every edit."""

import re
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lineament import ledger
from lineament.app import disclose, pictures, sign_in
from lineament.app.casework import cases
from lineament.app.edited import edits_of, preview, search_edited, siblings
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.probes import whole
from lineament.app.search import Request, choose_face, open_search
from lineament.app.search_entry import probe_bytes
from lineament.core.cases import CaseState, Obtained, Part
from lineament.core.edits import EditKind
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import (
    EditNotReplayable,
    InvalidRequest,
    NoSuchFace,
    ProbeErased,
    SearchNotFound,
    SearchRefused,
    WrongState,
)
from lineament.ledger import commitment, field_salt
from lineament.records import kept_probes, searches
from lineament.records.cases import Member
from lineament.records.searches import Outcome, Search
from lineament.testing import recorded
from lineament.vision.edits import pixels, replay
from tests.casework import a_case, a_search, somebody
from tests.samples import BIDEN, OBAMA, REPOSITORY, SOLVAY

ARCHIVE = Request("archive-research", ("archive",))
STEPS = edits_of(["rotate=-7.5", "brightness=1.2", "flip"])


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


@pytest.fixture
def unedited(desk: Installation, who: Person) -> Search:
    """A finished search for a portrait whose person is in the collection, in no case."""
    return open_search(desk, who, ARCHIVE, [OBAMA.read_bytes()])


def stored(installation: Installation, search_id: str) -> Search:
    with installation.records.read() as tx:
        found = searches.get_search(tx, search_id)
    assert found
    return found


def test_both_lists_are_kept(desk: Installation, who: Person, unedited: Search) -> None:
    """The edited search is one of its own, of the same purpose and collections, and leads back."""
    before = stored(desk, unedited.id)
    done = search_edited(desk, who, unedited.id, 1, STEPS)
    assert (done.outcome, done.edited_from, done.probes[0].face) == (Outcome.CANDIDATES, unedited.id, 1)
    assert done.id != unedited.id
    assert [edit.kind for edit in done.probes[0].edits] == [kind for kind, _ in STEPS]
    now = stored(desk, unedited.id)
    assert (now.candidates, now.probes[0].edits) == (before.candidates, ())
    kept = stored(desk, done.id)
    for name in ("purpose", "case_id", "obtained", "mode", "limit"):
        assert getattr(kept, name) == getattr(unedited, name)
    assert [one.name for one in kept.collections] == ["archive"]
    assert kept.candidates == done.candidates
    assert kept.candidates[0].face_id == before.candidates[0].face_id
    assert kept.candidates[0].score != before.candidates[0].score
    again = search_edited(desk, who, unedited.id, 1, edits_of(["flip"]))
    assert [one.id for one in siblings(desk, who, now)[1]] == sorted([done.id, again.id])
    one, none = siblings(desk, who, kept)
    assert (one and one.id, none) == (unedited.id, [])


def test_an_edited_search_in_a_case_belongs_to_it(desk: Installation) -> None:
    """With the same declaration of how the photograph was obtained, and a numbered act in the ledger."""
    case = a_case(desk)
    before = a_search(desk, case)
    done = search_edited(desk, sign_in.operator(desk), before.id, 1, STEPS)
    assert (done.case_id, done.obtained) == (case.id, Obtained.FROM_FAMILY)
    entry = [one for one in recorded(desk) if one["kind"] == "search"][-1]
    assert (entry["search"], entry["edited_from"]) == (done.id, before.id)
    assert entry["case"]["id"] == case.id
    assert entry["obtained"] == "given-by-the-family"


def test_the_policy_decides_again(desk: Installation) -> None:
    """The case was closed meanwhile: nothing is decoded, and the refusal is on record as an edited search."""
    who, case = sign_in.operator(desk), a_case(desk)
    before = a_search(desk, case)
    with act(desk) as doing:
        now = cases.readable(doing.tx, who, case.id, desk.clock())
        cases.change_state(desk, doing, who, now, CaseState.CLOSED)
    with pytest.raises(SearchRefused, match="closed"):
        search_edited(desk, who, before.id, 1, STEPS)
    entry = recorded(desk)[-1]
    assert (entry["outcome"], entry["code"], entry["edited_from"]) == ("refused", "case-closed", before.id)
    (refused,) = siblings(desk, who, before)[1]
    assert (refused.outcome, refused.probes[0].edits, refused.contract) == (Outcome.REFUSED, (), None)


def test_only_ones_own_search_can_be_made_again(desk: Installation) -> None:
    """A colleague in the same case searches on their own; they may read, and find no search of theirs."""
    case = a_case(desk)
    before = a_search(desk, case)
    colleague = somebody(desk, "Colleague", Role.SEARCHER)
    with act(desk) as doing:
        member = Member(colleague.id, colleague.name, Part.STAFF, case.opened_by, iso(desk.clock()), None)
        cases.join(doing, sign_in.operator(desk), case.id, member)
    stranger = somebody(desk, "Stranger", Role.SEARCHER)
    for other in (colleague, stranger):
        for use in (search_edited, preview):
            with pytest.raises(SearchNotFound):
                use(desk, other, before.id, 1, STEPS)
    with pytest.raises(SearchNotFound):
        siblings(desk, stranger, before)
    assert siblings(desk, colleague, before) == (None, [])


def test_an_edited_search_is_not_edited_again(desk: Installation, who: Person, unedited: Search) -> None:
    """Or the unedited photograph might never have been searched; nor is one that has no list yet."""
    done = search_edited(desk, who, unedited.id, 1, STEPS)
    waiting = open_search(desk, who, ARCHIVE, [SOLVAY.read_bytes()])
    for search, sentence in [(done, "of an edited photograph"), (waiting, "has no list")]:
        with pytest.raises(WrongState, match=sentence):
            search_edited(desk, who, search.id, 1, STEPS)
        with pytest.raises(WrongState, match=sentence):
            preview(desk, who, search.id, 1, STEPS)


@pytest.mark.parametrize(
    ("number", "edits", "sentence"),
    [
        (2, ["flip"], "There is no photograph 2: the search has 1."),
        (0, ["flip"], "There is no photograph 0"),
        (1, [], "1 to 20 edits"),
        (1, ["flip=1"], "takes no value"),
    ],
)
def test_what_cannot_be_an_edit_is_no_search(
    desk: Installation, who: Person, unedited: Search, number: int, edits: list[str], sentence: str
) -> None:
    """It is said before anything is decided, and leaves no search."""
    entries = len(recorded(desk))
    with pytest.raises(InvalidRequest, match=sentence):
        search_edited(desk, who, unedited.id, number, edits_of(edits))
    assert len(recorded(desk)) == entries


def test_an_edit_that_does_not_fit_the_photograph_is_a_failed_search(
    desk: Installation, who: Person, unedited: Search
) -> None:
    """The policy had decided and the photograph was decoded: that is on record."""
    with pytest.raises(InvalidRequest, match="inside the photograph of 626 x 1200 pixels"):
        search_edited(desk, who, unedited.id, 1, edits_of(["crop=0,0,9000,9000"]))
    entry = recorded(desk)[-1]
    assert (entry["outcome"], entry["code"]) == ("failed", "invalid-request")


def test_a_face_is_chosen_in_the_edited_photograph(desk: Installation, who: Person) -> None:
    """Where it does not show one usable face alone, the search waits, and goes on with the edited pixels."""
    first = open_search(desk, who, ARCHIVE, [SOLVAY.read_bytes()], [24])
    cut = edits_of(["flip", "crop=0,0,900,922"])
    waiting = search_edited(desk, who, first.id, 1, cut)
    (probe,) = waiting.probes
    assert (waiting.outcome, waiting.edited_from, probe.face) == (Outcome.AWAITING_FACE, first.id, None)
    number = len(probe.faces)
    assert 2 <= number < 29
    with pytest.raises(NoSuchFace, match=f"1 to {number}"):
        choose_face(desk, who, waiting.id, number + 1)
    with pytest.raises(InvalidRequest, match="inside the photograph of 900 x 922 pixels"):
        choose_face(desk, who, waiting.id, (0, 0, 1000, 100))
    done = choose_face(desk, who, waiting.id, tuple(probe.faces[1].box.tolist()))
    assert (done.outcome, done.probes[0].face) == (Outcome.EMPTY, number + 1)
    assert done.probes[0].edits == probe.edits
    at_once = search_edited(desk, who, first.id, 1, cut, 2)
    assert (at_once.outcome, at_once.probes[0].face) == (Outcome.EMPTY, 2)


def test_a_face_that_is_chosen_later_is_searched_as_one_that_is_found_alone(
    desk: Installation, who: Person, unedited: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared is the face in the edited pixels: a turned one, drawn where it is after the turn."""
    turn = edits_of(["rotate=90"])
    at_once = search_edited(desk, who, unedited.id, 1, turn)
    with monkeypatch.context() as nothing:
        nothing.setattr(desk.vision, "detect", lambda _photograph: [])
        waiting = search_edited(desk, who, unedited.id, 1, turn)
    assert waiting.outcome is Outcome.AWAITING_FACE
    box = at_once.probes[0].faces[0].box.tolist()
    later = choose_face(desk, who, waiting.id, tuple(box))
    assert later.candidates[0].face_id == at_once.candidates[0].face_id
    assert later.candidates[0].score == pytest.approx(at_once.candidates[0].score, abs=0.02)


def test_pictures_show_the_edited_pixels(desk: Installation, who: Person, unedited: Search) -> None:
    """The photograph and the crop; and the preview is what is searched, to the byte."""
    steps = edits_of(["rotate=90", "resize=600,300"])
    shown, size = preview(desk, who, unedited.id, 1, steps)
    done = search_edited(desk, who, unedited.id, 1, steps)
    assert (size, done.probes[0].size) == ((600, 300), (600, 300))
    assert pictures.probe(desk, who, done.id, 1) == shown
    assert Image.open(BytesIO(shown)).size == (600, 300)
    before = Image.open(BytesIO(pictures.probe(desk, who, unedited.id, 1)))
    assert before.size == (626, 1200)
    crop = Image.open(BytesIO(pictures.probe_crop(desk, who, done.id, 1)))
    assert crop.width == crop.height <= 300
    plain, size = preview(desk, who, unedited.id, 1, [])
    assert (plain, size) == (pictures.probe(desk, who, unedited.id, 1), (626, 1200))


def test_the_edits_replay_from_the_stored_photograph(
    desk: Installation, who: Person, unedited: Search
) -> None:
    """Each to the recorded digest; where one is another, nothing is shown or searched."""
    done = stored(desk, search_edited(desk, who, unedited.id, 1, STEPS).id)
    (probe,) = done.probes
    original = desk.vision.decode(desk.documents.get(probe.sha256))
    assert pixels(replay(original, probe.edits)) == probe.edits[-1].pixels
    assert np.array_equal(whole(desk, probe).pixels, replay(original, probe.edits).pixels)
    wrong = replace(probe, edits=(replace(probe.edits[0], values=(-7.6,)), *probe.edits[1:]))
    with pytest.raises(EditNotReplayable, match="Edit 1, 'rotate'"):
        whole(desk, wrong)


def test_the_ledger_commits_to_the_edits(desk: Installation, who: Person, unedited: Search) -> None:
    """The digest of their canonical JSON comes last in what an entry commits to for a photograph."""
    done = stored(desk, search_edited(desk, who, unedited.id, 1, STEPS).id)
    said = probe_bytes(done.probes[0])
    edits = json_bytes([vars(edit) for edit in done.probes[0].edits])
    assert said.endswith(b" edits " + ledger.digest(edits).removeprefix("sha256:").encode())
    entry = [one for one in recorded(desk) if one["kind"] == "search"][-1]
    assert entry["probes"] == [commitment(field_salt(done.salt, "probes/0"), said)]
    waiting = replace(done.probes[0], face=None)
    assert probe_bytes(waiting).split() == [said.split()[0], b"edits", said.split()[-1]]
    assert b"edits" not in probe_bytes(unedited.probes[0])


def test_an_outsider_does_the_edits_again_from_a_bundle(
    desk: Installation, who: Person, unedited: Search, tmp_path: Path
) -> None:
    """With the program of docs/edits.md, which knows the bundle alone; and the bundle verifies."""
    every = ["deinterlace=1", "rotate=-7.5", "crop=50,50,600,1000", "resize=500,900", "contrast=1.1", "flip"]
    done = search_edited(desk, who, unedited.id, 1, edits_of(every))
    bundle = disclose.export(desk, who, done.id)
    said: list[str] = []
    witnesses = ledger.WitnessPolicy.of_log_alone(desk.signer.verifier)
    ledger.verify(bundle, witnesses, None, ledger.Steps(said.append))
    assert said
    (tmp_path / "search.zip").write_bytes(bundle)
    (program,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "edits.md").read_text(), re.DOTALL)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    edited = np.asarray(Image.open(tmp_path / "edited-0.png"))
    assert np.array_equal(edited, whole(desk, done.probes[0]).pixels)


def test_of_several_photographs_one_is_edited_and_the_others_stay(
    desk: Installation, who: Person, tmp_path: Path
) -> None:
    """The template is made of the edited one and of the others as they were."""
    second = tmp_path / "second.png"
    Image.open(OBAMA).resize((313, 600)).save(second)
    before = open_search(desk, who, ARCHIVE, [OBAMA.read_bytes(), second.read_bytes()])
    done = search_edited(desk, who, before.id, 2, edits_of(["contrast=1.5"]))
    assert [len(probe.edits) for probe in done.probes] == [0, 1]
    assert done.probes[0].faces[0].box.tolist() == before.probes[0].faces[0].box.tolist()
    assert done.candidates[0].face_id == before.candidates[0].face_id
    assert done.candidates[0].score != before.candidates[0].score
    for number in (1, 2):
        assert pictures.probe_crop(desk, who, done.id, number)


def test_a_search_of_another_model_pack_is_made_anew_first(
    desk: Installation, who: Person, unedited: Search
) -> None:
    """Its other faces were found by models that are not in use any more."""
    with desk.records.write() as tx:
        tx.exec_driver_sql("UPDATE search SET contract = 'sha256:0'")
    with pytest.raises(WrongState, match="no longer in use"):
        search_edited(desk, who, unedited.id, 1, STEPS)


def test_what_was_erased_is_not_edited(desk: Installation, who: Person, unedited: Search) -> None:
    """As the policy says: neither looked at nor searched, and nothing new is on record."""
    with desk.records.write() as tx:
        kept_probes.forget_probes(tx, [unedited.probes[0].sha256])
    entries = len(recorded(desk))
    for use in (search_edited, preview):
        with pytest.raises(ProbeErased):
            use(desk, who, unedited.id, 1, STEPS)
    assert len(recorded(desk)) == entries


def test_a_list_that_is_empty_can_be_tried_with_an_edit(desk: Installation, who: Person) -> None:
    """An empty list is a finished search."""
    empty = open_search(desk, who, ARCHIVE, [BIDEN.read_bytes()])
    assert empty.outcome is Outcome.EMPTY
    assert search_edited(desk, who, empty.id, 1, edits_of(["brightness=1.1"])).outcome is Outcome.EMPTY


def test_edits_are_given_as_texts() -> None:
    """As on the command line, and in the page's field; empty lines are nothing."""
    assert edits_of(["rotate=-7.5", " flip ", "", "crop=1,2,300,400"]) == [
        (EditKind.ROTATE, (-7.5,)),
        (EditKind.FLIP, ()),
        (EditKind.CROP, (1, 2, 300, 400)),
    ]


@pytest.mark.parametrize("text", ["sharpen=2", "rotate=left", "crop=1,2,,4", "=1", "Flip"])
def test_a_text_that_is_no_edit_is_a_sentence(text: str) -> None:
    """It names the edits there are, or an example."""
    with pytest.raises(InvalidRequest, match=r"The edits are: crop, rotate|such as in rotate=90"):
        edits_of([text])
