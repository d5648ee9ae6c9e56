"""A model pack is added under terms that were shown and accepted, and as the copy that was checked."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from lineament.app import models, sign_in
from lineament.app.installation import Installation
from lineament.errors import (
    LicenceNotAccepted,
    ModelPackExists,
    ModelPackInvalid,
    ModelPackNotFound,
    NotAModelPack,
)
from lineament.records.models import list_packs
from lineament.testing import make_installation, recorded
from lineament.vision.pack import load_pack
from tests.packs import another_pack, rewrite


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with another pack."""
    return another_pack(tmp_path / "pack")


def add(installation: Installation, folder: Path) -> str | None:
    return models.add(installation, sign_in.operator(installation), folder, lambda _terms: True)


def test_a_pack_is_added_under_the_terms_that_were_shown(installation: Installation, pack: Path):
    """Every source, licence and notice is shown; who accepted what and when is on record, in digests."""
    shown: list[str] = []
    who = sign_in.operator(installation)
    assert models.add(installation, who, pack, lambda terms: not shown.append(terms)) == "keen"
    (text,) = shown
    described = load_pack(pack)
    for source in described.sources:
        for said in (source.file, source.model, source.licence, source.copyright, source.training_data):
            assert said in text
    assert (pack / "NOTICE.md").read_text("utf-8").splitlines()[-1] in text
    with installation.records.read() as tx:
        (added,) = list_packs(tx)
    digest = sha256(text.encode()).hexdigest()
    assert (added.name, added.terms, added.accepted_by) == ("keen", digest, who.id)
    assert installation.documents.get(digest).decode() == text
    entry = recorded(installation)[-1]
    assert (entry["kind"], entry["who"]) == ("model.added", who.id)
    assert (entry["contract"], entry["pack"]) == (described.contract, described.digest)
    assert entry["terms"] == f"sha256:{digest}"
    packs, others = models.known(installation)
    assert [(one.name, one.in_use, one.calibrated) for one in packs] == [
        ("default", True, True),
        ("keen", False, True),
    ]
    assert others == {}


def test_without_acceptance_nothing_is_kept(installation: Installation, pack: Path):
    """No file, no row, no entry."""
    who = sign_in.operator(installation)
    before = recorded(installation)
    with pytest.raises(LicenceNotAccepted):
        models.add(installation, who, pack, lambda _terms: False)
    assert list(installation.models_folder.iterdir()) == []
    assert recorded(installation) == before
    with pytest.raises(ModelPackNotFound):
        models.find(installation, "keen")


def test_a_licence_that_speaks_of_non_commercial_use_is_shown_first(installation: Installation, pack: Path):
    """Whether it fits is for the operator to judge."""
    rewrite(pack, 'licence = "MIT"', 'licence = "CC-BY-NC-4.0"')
    (pack / "NOTICE.md").write_text("For non-commercial research.\n\x1b[2Jgone\n")
    shown: list[str] = []
    models.add(installation, sign_in.operator(installation), pack, lambda terms: not shown.append(terms))
    lines = shown[0].splitlines()
    assert [line for line in lines[1:7] if line] == [
        "NON-COMMERCIAL: the licence of face_detection_yunet_2023mar.onnx speaks of it: CC-BY-NC-4.0",
        "NON-COMMERCIAL: NOTICE.md speaks of it.",
        "face_detection_yunet_2023mar.onnx",
    ]
    assert lines[-1] == "?[2Jgone"  # a terminal is told nothing


def test_the_same_pack_is_added_once_and_another_needs_a_name_of_its_own(
    installation: Installation, pack: Path
):
    """Also when it takes the name of the one that ships."""
    assert add(installation, pack) == "keen"
    assert add(installation, pack) is None
    rewrite(pack, "overlap_threshold = 0.3", "overlap_threshold = 0.4")
    (pack / "tail.json").unlink()
    with pytest.raises(ModelPackExists):
        add(installation, pack)
    rewrite(pack, 'name = "keen"', 'name = "default"')
    with pytest.raises(ModelPackExists):
        add(installation, pack)
    assert [entry["kind"] for entry in recorded(installation)].count("model.added") == 1


def test_what_lies_there_from_a_stop_before_the_record_is_no_pack(installation: Installation, pack: Path):
    """It is put aside by the next one of that name."""
    left = installation.models_folder / "keen"
    left.mkdir(parents=True)
    (left / "half").write_text("a file")
    assert add(installation, pack) == "keen"
    assert sorted(path.name for path in left.iterdir()) == sorted(path.name for path in pack.iterdir())


def test_only_what_the_pack_names_is_copied(installation: Installation, pack: Path):
    """And a change of the folder afterwards changes nothing here."""
    (pack / "diary.txt").write_text("dear diary")
    add(installation, pack)
    (pack / "face_detection_yunet_2023mar.onnx").write_bytes(b"another")
    copy = load_pack(installation.models_folder / "keen")
    assert not (copy.folder / "diary.txt").exists()
    assert len(copy.content(copy.detector)) == 232_589


def _byte(pack: Path) -> None:
    model = pack / "mtcnn_onet.onnx"
    content = bytearray(model.read_bytes())
    content[1000] ^= 1
    model.write_bytes(content)


def _link(pack: Path, name: str) -> None:
    (pack / name).rename(pack.parent / name)
    (pack / name).symlink_to(pack.parent / name)


def _pipe(pack: Path) -> None:
    (pack / "NOTICE.md").unlink()
    os.mkfifo(pack / "NOTICE.md")


WRONG = {
    "a changed byte": (_byte, "mtcnn_onet.onnx is not the one"),
    "a missing model": (lambda pack: (pack / "centre.json").unlink(), "centre.json cannot be read"),
    "a missing notice": (lambda pack: (pack / "NOTICE.md").unlink(), "NOTICE.md cannot be read"),
    "no licence": (lambda pack: rewrite(pack, 'licence = "MIT"', ""), "has no 'licence'"),
    "no source": (
        lambda pack: rewrite(pack, '[[sources]]\nfile = "mtcnn', '[[sources]]\nfile = "other'),
        "no entry for 'mtcnn_onet.onnx'",
    ),
    "a model that is a link": (lambda pack: _link(pack, "mtcnn_onet.onnx"), "mtcnn_onet.onnx cannot be read"),
    "a notice that is a link": (lambda pack: _link(pack, "NOTICE.md"), "NOTICE.md cannot be read"),
    "a tail that is a link": (lambda pack: _link(pack, "tail.json"), "tail.json cannot be read"),
    "a description that is a link": (lambda pack: _link(pack, "pack.toml"), "pack.toml cannot be read"),
    "a pipe": (_pipe, "NOTICE.md is not an ordinary file"),
    "a path that leads out": (
        lambda pack: rewrite(pack, 'notices = ["NOTICE.md"]', 'notices = ["../NOTICE.md"]'),
        "not a plain file name",
    ),
    "a name that is none": (lambda pack: rewrite(pack, 'name = "keen"', 'name = "../keen"'), "is no name"),
    "a tail of another contract": (
        lambda pack: rewrite(pack, "score_threshold = 0.55", "score_threshold = 0.54"),
        "another contract",
    ),
    "a tail that is no curve": (
        lambda pack: (pack / "tail.json").write_text(
            f'{{"contract": "{load_pack(pack).contract}", "points": [], "caution": ""}}'
        ),
        "not a falling curve",
    ),
}


@pytest.mark.parametrize(("spoil", "says"), WRONG.values(), ids=WRONG)
def test_a_pack_that_is_not_what_it_says_is_not_even_shown(
    installation: Installation, pack: Path, spoil, says: str
):
    """The sentence names the file; nothing is kept."""
    spoil(pack)
    who = sign_in.operator(installation)
    with pytest.raises(NotAModelPack, match=says):
        models.add(installation, who, pack, lambda _terms: pytest.fail("it was shown"))
    assert list(installation.models_folder.iterdir()) == []


def test_a_file_beyond_the_cap_is_refused(
    installation: Installation, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    """An ONNX file ends at 2 GiB; a text of many megabytes is no notice."""
    with (pack / "NOTICE.md").open("ab") as file:
        file.write(b" " * 2**20)
    with pytest.raises(NotAModelPack, match=r"NOTICE\.md is larger than 1,048,576 bytes"):
        add(installation, pack)
    monkeypatch.setattr(models, "MODEL_BYTES_MAX", 1_000_000)
    with pytest.raises(NotAModelPack, match=r"is larger than 1,000,000 bytes"):
        add(installation, pack)


def test_a_pack_that_was_changed_after_it_was_added_is_not_loaded(installation: Installation, pack: Path):
    """Neither its description nor a model."""
    add(installation, pack)
    added = models.find(installation, "keen")
    place = installation.models_folder / "keen"
    _byte(place)
    loaded = models.load(installation.models_folder, added)
    assert loaded.landmarks is not None
    with pytest.raises(ModelPackInvalid, match="is not the one that its pack names"):
        loaded.content(loaded.landmarks)
    rewrite(place, 'licence = "MIT"', 'licence = "Free for all"')
    with pytest.raises(ModelPackInvalid, match="is not the one that was added"):
        models.load(installation.models_folder, added)


def test_an_installation_knows_its_packs_again(installation: Installation, pack: Path, tmp_path: Path):
    """The next process lists them, too."""
    add(installation, pack)
    again = make_installation(tmp_path / "data")
    packs, _ = models.known(again)
    assert [one.name for one in packs] == ["default", "keen"]
    again.close()
