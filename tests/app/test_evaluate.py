"""Error rates measured on photographs: as a probe is embedded, with failures counted, and nothing kept."""

import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lineament.app import sign_in
from lineament.app.evaluate import embed, evaluate
from lineament.app.installation import Installation
from lineament.core.policy import Role
from lineament.errors import ProtocolInvalid, RoleMissing
from lineament.evaluation.protocol import Protocol, read_protocol
from lineament.records import images, ledger_entries
from lineament.vision.pipeline import Vision
from tests.samples import CONGRESS, SAMPLES

ROUNDS = 40
PEOPLE = 7  # with two photographs each


def mirrored(data: bytes) -> bytes:
    """The same portrait seen in a mirror, a little blurred: a second photograph of the same person."""
    made = BytesIO()
    picture = Image.open(BytesIO(data)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture.filter(ImageFilter.GaussianBlur(1)).save(made, "JPEG", quality=80)
    return made.getvalue()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a person: seven with two photographs, four with one, and one with a picture of nobody."""
    folder = tmp_path_factory.mktemp("people")
    for number, portrait in enumerate(sorted(CONGRESS.glob("*.jpg"))[: PEOPLE + 4]):
        (folder / portrait.stem).mkdir()
        shutil.copy(portrait, folder / portrait.stem / "1.jpg")
        if number < PEOPLE:
            (folder / portrait.stem / "2.jpg").write_bytes(mirrored(portrait.read_bytes()))
    (folder / "nobody").mkdir()
    Image.new("RGB", (200, 200), "grey").save(folder / "nobody" / "1.jpg")
    return folder


def protocol_of(folder: Path) -> Protocol:
    read = read_protocol(folder, None, 0)
    assert isinstance(read, Protocol)
    return read


@pytest.fixture
def measured(installation: Installation, people: Path) -> dict[str, Any]:
    who = sign_in.operator(installation)
    return evaluate(installation, who, protocol_of(people), rounds=ROUNDS)


def test_portraits_and_their_mirror_images_are_told_from_others(measured: dict[str, Any]):
    """The real models on the sample portraits: every mate comes first."""
    one, many = measured["verification"], measured["search"]
    assert (one["mated"], one["non_mated"], one["people"]) == (PEOPLE, 12 * 11 // 2, 12)
    assert one["figures"][0]["value"] == 0  # EER
    whole = many["galleries"][-1]
    assert (whole["people"], whole["mated"]) == (5, 5)
    assert whole["investigation"][0] | {"low": 0, "high": 0} == whole["investigation"][0] | {
        "value": 0,
        "n": 5,
        "low": 0,
        "high": 0,
    }


def test_what_gives_no_template_is_counted_and_stays_a_failure(measured: dict[str, Any]):
    """ISO/IEC 19795-1: a failure to acquire, by its reason."""
    acquired = measured["acquisition"]
    assert (acquired["reasons"], acquired["figure"]["events"]) == ({"no-face": 1}, 1)
    assert acquired["figure"]["n"] == 2 * PEOPLE + 4 + 1
    assert measured["verification"]["without_score"] == 11  # pairs of somebody with the picture of nobody
    assert measured["search"]["without_template"] == {"gallery": 0, "mated": 0, "non_mated": 1}


def test_nothing_is_kept_and_nothing_joins_a_collection(
    installation: Installation, people: Path, tmp_path: Path
):
    """Neither an image nor a blob nor an entry of the ledger."""
    who = sign_in.operator(installation)

    def held() -> tuple[int, dict[str, int], list[Path]]:
        with installation.records.read() as tx:
            known = ledger_entries.count(tx), images.faces_by_contract(tx)
        return *known, sorted(tmp_path.rglob("blobs/**/*"))

    before = held()
    evaluate(installation, who, protocol_of(people), rounds=ROUNDS)
    assert held() == before


def test_the_same_photographs_and_seed_give_the_same_figures(
    installation: Installation, people: Path, measured: dict[str, Any]
):
    """And progress is told for each photograph."""
    told: list[tuple[int, int]] = []
    again = evaluate(
        installation,
        sign_in.operator(installation),
        protocol_of(people),
        rounds=ROUNDS,
        on_progress=lambda done, of: told.append((done, of)),
    )
    assert again == measured
    assert told == [(done, 19) for done in range(1, 20)]


def test_degraded_probes_are_measured_at_the_threshold_of_clean_ones(
    installation: Installation, people: Path, tmp_path: Path
):
    """The operator's folder need not have all of them; what it has is counted."""
    protocol = protocol_of(people)
    blurred = tmp_path / "blurred"
    assert protocol.open_set is not None
    for photo in protocol.open_set.mated[:3]:
        target = blurred / photo.path
        target.parent.mkdir(parents=True)
        Image.open(people / photo.path).filter(ImageFilter.GaussianBlur(40)).save(target)
    who = sign_in.operator(installation)
    document = evaluate(installation, who, protocol, {"blur": blurred}, (2, 4), rounds=ROUNDS)
    assert [one["people"] for one in document["search"]["galleries"]] == [2, 4, 5]
    (condition,) = document["conditions"]
    assert (condition["condition"], condition["acquisition"]["figure"]["n"]) == ("blur", 3)
    by_name = {one["figure"]: one for one in condition["figures"] if one["at"].get("threshold") is not None}
    assert by_name["FNMR"]["n"] == by_name["FNIR"]["n"] == 3
    assert by_name["FNMR"]["at"]["threshold"] == document["verification"]["labels"]["threshold"]
    assert by_name["FNIR"]["value"] == 1  # so blurred that nobody can be found


def test_a_condition_that_has_nothing_is_refused_before_anything_is_computed(
    installation: Installation, people: Path, tmp_path: Path
):
    """A wrong folder is noticed in a second, and not after an hour."""
    told: list[int] = []
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(ProtocolInvalid, match="'blur'"):
            evaluate(
                installation,
                sign_in.operator(installation),
                protocol_of(people),
                {"blur": folder},
                on_progress=lambda done, _of: told.append(done),
            )
    assert told == []


def test_a_gallery_is_not_drawn_from_pairs(installation: Installation, people: Path):
    """A size that would do nothing is refused."""
    pairs = replace(protocol_of(people), open_set=None)
    with pytest.raises(ProtocolInvalid, match="nobody to enrol"):
        evaluate(installation, sign_in.operator(installation), pairs, sizes=(5,))


def test_only_an_administrator_evaluates(installation: Installation, people: Path):
    """Nobody else is responsible for the model."""
    who = sign_in.operator(installation)
    other = type(who)(who.id, who.name, frozenset({Role.SEARCHER}))
    with pytest.raises(RoleMissing):
        evaluate(installation, other, protocol_of(people))


def test_a_template_is_that_of_the_face_in_the_middle(vision: Vision, tmp_path: Path):
    """As in a probe with one face; a file outside the folder, a missing one and no image are reasons."""
    (tmp_path / "set").mkdir()
    portrait = SAMPLES / "mated" / "obama2.jpg"
    shutil.copy(portrait, tmp_path / "set" / "1.jpg")
    (tmp_path / "set" / "text.jpg").write_text("no photograph")
    (tmp_path / "set" / "out.jpg").symlink_to(portrait)
    places = ["1.jpg", "text.jpg", "out.jpg", "missing.jpg"]
    made = embed(vision, [(tmp_path / "set", place) for place in places], lambda _done: None)
    photograph = vision.read(portrait.read_bytes())
    faces = vision.detect(photograph)
    assert np.abs(vision.embed(photograph, faces) @ made.rows[0]).max() == pytest.approx(1, abs=1e-5)
    assert not made.rows[1:].any()
    assert made.reasons == {
        "text.jpg": "not-a-photograph",
        "out.jpg": "file-missing",
        "missing.jpg": "file-missing",
    }
