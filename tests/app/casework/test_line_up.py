"""A line-up: locked until something else supports the lead, and then fair to whoever is in it."""

import io
import shutil
import zipfile
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from lineament.app import collections, sign_in
from lineament.app.casework.leads import act_on, lead_view, set_aside
from lineament.app.casework.line_up import READ_ME, ceiling, line_up
from lineament.app.installation import Installation
from lineament.core.odds import coincidence
from lineament.core.permission import WithdrawalReason
from lineament.core.policy import Person, Role
from lineament.core.report_words import refused
from lineament.core.review import LeadState
from lineament.errors import (
    InvalidRequest,
    LeadNotFound,
    NotCalibrated,
    PermissionInvalid,
    TooFewFillers,
    WrongState,
)
from lineament.records import images
from lineament.testing import Clock, make_collection, make_permission, recorded
from tests.casework import somebody
from tests.cli.test_commands import write_permission
from tests.leads import a_lead, supported
from tests.samples import BIDEN, SOLVAY

THREE = 3
WORDS = "Representative"  # stands in the captions of the six portraits that are not the candidate's


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


def salted(installation: Installation, salt: bytes) -> Installation:
    """The same installation, whose lots fall as the salt says."""
    return replace(installation, new_salt=lambda: salt)


def held(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_line_up_is_locked_until_something_else_supports_the_lead(desk: Installation, who: Person):
    """The lead alone proves nothing, and neither would a line-up that it alone led to."""
    lead = a_lead(desk)
    before = recorded(desk)
    with pytest.raises(WrongState, match="stays locked until independent evidence is on record"):
        line_up(desk, who, lead.id, WORDS, THREE)
    assert recorded(desk) == before
    supported(desk, lead)
    assert line_up(desk, who, lead.id, WORDS, THREE)


def test_it_holds_numbered_photographs_of_one_size_rules_and_a_key(desk: Installation, who: Person):
    """Nothing in a photograph says whose it is, and the key alone says which one is the candidate's."""
    lead = supported(desk, a_lead(desk))
    files = held(line_up(desk, who, lead.id, WORDS, THREE))
    assert list(files) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "read-me.txt", "key.txt"]
    pictures = [Image.open(io.BytesIO(files[f"{number}.jpg"])) for number in range(1, 5)]
    assert len({picture.size for picture in pictures}) == 1
    assert pictures[0].width == pictures[0].height
    assert all(
        not picture.getexif() and set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        for picture in pictures
    )
    rules, key = files["read-me.txt"].decode(), files["key.txt"].decode()
    assert "One of these 4 photographs is of the lead." in rules
    assert "one at a time" in rules
    for secret in ("Obama", "obama", lead.id, "2026/17"):
        assert secret not in rules
        assert secret in key or secret == "Obama"


def test_making_it_is_on_record_by_the_digest_of_what_was_handed_out(desk: Installation, who: Person):
    """So that nobody can say that another one was shown."""
    lead = supported(desk, a_lead(desk))
    made = line_up(desk, who, lead.id, WORDS, THREE)
    entry = recorded(desk)[-1]
    assert (entry["kind"], entry["lead"], entry["fillers"]) == ("line-up.made", lead.id, THREE)
    assert entry["content"] == f"sha256:{sha256(made).hexdigest()}"


def test_the_same_lots_give_the_same_bytes_and_others_give_others(desk: Installation, who: Person):
    """The candidate's place and the fillers are drawn anew each time."""
    lead = supported(desk, a_lead(desk))
    made = [
        line_up(salted(desk, bytes([lot]) * 32), who, lead.id, WORDS, THREE) for lot in (1, 1, 2, 3, 4, 5)
    ]
    assert made[0] == made[1]
    assert len(set(made)) > 2
    places = {held(one)["key.txt"].decode().split("is number ")[1][0] for one in made}
    assert len(places) > 1


def test_whoever_is_too_like_the_candidate_is_no_filler(desk: Installation, who: Person):
    """Over many draws everybody below the ceiling comes, and nobody at or above it: no nearest neighbours."""
    lead = supported(desk, a_lead(desk))
    candidate = lead_view(desk, who, lead.id).candidate
    assert candidate is not None
    with desk.records.read() as tx:
        archive = [one.id for one in collections.show(desk)]
        faces = images.faces_alone(tx, archive, ["representative"])
        ids = [candidate.id, *(face.id for face in faces)]
        vectors = images.templates_of(tx, desk.keys, desk.vision.contract, ids)
    scores = {face.image.provenance.path: float(vectors[face.id] @ vectors[candidate.id]) for face in faces}
    below = {path for path, score in scores.items() if score < ceiling(desk.tail)}
    drawn = set()
    for lot in range(12):
        key = held(line_up(salted(desk, bytes([lot]) * 32), who, lead.id, WORDS, THREE))["key.txt"].decode()
        drawn |= {path for path in scores if path in key}
    assert drawn == below
    with pytest.raises(TooFewFillers, match=f"{len(below)} people can be shown"):
        line_up(desk, who, lead.id, WORDS, len(below) + 1)


def test_the_ceiling_is_what_one_stranger_in_ten_reaches(desk: Installation):
    """It is measured, and without a measurement nobody is a filler."""
    assert desk.tail is not None
    assert coincidence(desk.tail, ceiling(desk.tail), 10).strangers == pytest.approx(1)
    with pytest.raises(NotCalibrated):
        ceiling(None)


def test_a_filler_fits_the_description_as_a_whole(desk: Installation, who: Person):
    """Each of its words occurs as a word; who fits is counted in the refusal."""
    lead = supported(desk, a_lead(desk))
    for words, refusal in (
        ("Representative President", "Nobody can"),
        ("Represent", "Nobody can"),
        ("adam SCHIFF,", "1 person can"),
        ("Übermensch", "Nobody can"),
    ):
        with pytest.raises(TooFewFillers, match=refusal):
            line_up(desk, who, lead.id, words, THREE)


def test_the_candidates_own_person_is_no_filler(desk: Installation, who: Person):
    """Nor is anybody twice, nor a photograph of which nobody says whom it shows."""
    lead = supported(desk, a_lead(desk))
    with pytest.raises(TooFewFillers, match="Nobody can"):
        line_up(desk, who, lead.id, "President", THREE)


def test_only_collections_that_allow_line_ups_give_fillers(
    desk: Installation, who: Person, clock: Clock, portraits: Path
):
    """At that moment: a permission that ended a second ago allows nothing."""
    lead = supported(desk, a_lead(desk))
    line_up(desk, who, lead.id, WORDS, THREE)
    collections.permit(desk, who, "archive", make_permission(("missing-person",)))
    with pytest.raises(TooFewFillers, match="Nobody can"):
        line_up(desk, who, lead.id, WORDS, THREE)
    ends = clock() + timedelta(hours=1)
    lent = make_permission(("line-up",), valid_until=ends)
    make_collection(desk, "lent", portraits, lent)
    line_up(desk, who, lead.id, WORDS, THREE)
    clock.turn(timedelta(hours=1))
    with pytest.raises(TooFewFillers, match="Nobody can"):
        line_up(desk, who, lead.id, WORDS, THREE)


def test_what_is_withheld_stands_in_no_line_up(desk: Installation, who: Person):
    """The candidate's own permission ended."""
    lead = supported(desk, a_lead(desk))
    collections.withdraw_permission(desk, who, "archive", WithdrawalReason.GRANTOR)
    with pytest.raises(WrongState, match="no longer allows it"):
        line_up(desk, who, lead.id, WORDS, THREE)


def test_it_is_for_leads_that_are_followed_and_for_staff(desk: Installation, who: Person):
    """Acted on: yes. Set aside, or never a lead: no. Others do not even learn that there is one."""
    lead = supported(desk, a_lead(desk))
    act_on(desk, who, lead.id, "Asked the railway.")
    assert line_up(desk, who, lead.id, WORDS, THREE)
    with pytest.raises(LeadNotFound):
        line_up(desk, somebody(desk, "Sam", Role.SEARCHER), lead.id, WORDS, THREE)
    aside = supported(desk, a_lead(desk, reference="2026/18"))
    set_aside(desk, who, aside.id, "He was abroad.")
    no_lead = a_lead(desk, state=LeadState.PUT_FORWARD, reference="2026/19")
    for other in (aside, no_lead):
        with pytest.raises(WrongState):
            line_up(desk, who, other.id, WORDS, THREE)


@pytest.mark.parametrize(
    ("description", "fillers"), [(" ", 5), ("...", 5), ("x" * 201, 5), ("a\nb", 5), (WORDS, 2), (WORDS, 12)]
)
def test_a_line_up_that_cannot_be_is_refused(desk: Installation, who: Person, description: str, fillers: int):
    """Without words to choose by, or with too few or too many fillers."""
    lead = supported(desk, a_lead(desk))
    with pytest.raises(InvalidRequest):
        line_up(desk, who, lead.id, description, fillers)


def test_a_permission_may_be_given_for_line_ups(desk: Installation, tmp_path: Path):
    """Though no policy has that purpose: nothing is searched for it."""
    file = write_permission(tmp_path)
    file.write_text(file.read_text().replace('"archive-research"', '"line-up", "examiner-testing"'))
    assert collections.read_permission(desk, file).purposes == ("line-up", "examiner-testing")
    file.write_text(file.read_text().replace('"line-up"', '"line-down"'))
    with pytest.raises(PermissionInvalid, match="line-down"):
        collections.read_permission(desk, file)


def test_a_face_that_is_not_alone_or_whose_name_is_not_known_is_no_filler(
    desk: Installation, who: Person, tmp_path: Path
):
    """Of a group nobody can say whom a caption means; of a nameless one, whether it is the candidate."""
    lead = supported(desk, a_lead(desk))
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(SOLVAY, folder / "solvay.jpg")
    shutil.copy(BIDEN, folder / "nameless.jpg")
    rows = "path,source_url,caption,person\nsolvay.jpg,https://a.example/1,Gentleman,Somebody\nnameless.jpg,https://a.example/2,Gentleman,\n"
    (folder / "manifest.csv").write_text(rows)
    make_collection(desk, "odd", folder, make_permission(("line-up",)))
    with pytest.raises(TooFewFillers, match="Nobody can"):
        line_up(desk, who, lead.id, "gentleman", THREE)
    with desk.records.read() as tx:
        ids = [one.id for one in collections.show(desk)]
        assert [one.image.provenance.path for one in images.faces_alone(tx, ids, ["gentleman"])] == [
            "nameless.jpg"
        ]


def test_the_rules_say_nothing_that_a_report_may_not():
    """They are read beside the photographs."""
    assert refused(READ_ME) == []
