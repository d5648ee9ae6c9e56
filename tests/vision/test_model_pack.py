"""A pack is what its digests say, and its contract follows from its content."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.errors import ModelPackInvalid
from lineament.vision.pack import DEFAULT_PACK, contract_of, load_pack
from lineament.vision.pipeline import Vision

PARTS = {
    "detector": {"file": "d.onnx", "sha256": "00", "score_threshold": 0.6},
    "alignment": {"template": "arcface-112"},
    "embedder": {"file": "e.onnx", "sha256": "11", "mean": [0.0, 0.0, 0.0]},
}


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_PACK, folder / "pack"))


def test_the_default_pack_is_whole() -> None:
    """Both files that ship have the digests that the pack names, and their notices ship with them."""
    pack = load_pack()
    assert len(pack.content(pack.detector)) == 232_589
    assert len(pack.content(pack.embedder)) == 38_696_353
    notice = (DEFAULT_PACK / "NOTICE.md").read_text(encoding="utf-8")
    assert "Copyright (c) 2020 Shiqi Yu" in notice
    assert "Apache License" in notice
    assert "does not state which photographs this model was trained on" in notice


def test_a_changed_model_byte_is_refused_before_it_is_loaded(
    tmp_path: Path, vision: Vision, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime is never given a file that is not the one named."""
    folder = copied(tmp_path)
    model = folder / "face_detection_yunet_2023mar.onnx"
    content = bytearray(model.read_bytes())
    content[100_000] ^= 1
    model.write_bytes(content)

    def forbidden(*_: object) -> None:
        raise AssertionError("the runtime was called")

    monkeypatch.setattr("onnxruntime.InferenceSession", forbidden)
    photograph = vision.decode((samples / "mated" / "obama.jpg").read_bytes())
    with (
        closing(Vision.open(folder)) as changed,
        pytest.raises(ModelPackInvalid, match="is not the one that its pack"),
    ):
        changed.detect(photograph)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    """The sentence says which file to put back."""
    folder = copied(tmp_path)
    pack = load_pack(folder)
    (folder / pack.embedder.file).unlink()
    with pytest.raises(ModelPackInvalid, match=r"sface_2021dec\.onnx of the pack 'default' cannot be read"):
        pack.content(pack.embedder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "default"', ""),
        ('colour = "BGR"', 'colour = "GBR"'),
        ("face_detection", "../face_detection"),
        ("dimension = 128", "dimensions = 128"),
        ("[alignment]", "[alignment"),
        ("[landmarks]", "[landmark]"),
        ('licence = "MIT"', ""),
        ('licence = "Apache-2.0"', 'licence = " "'),
        ('[[sources]]\nfile = "centre.json"', '[[sources]]\nfile = "middle.json"'),
        ('"NOTICE.md"', '".."'),
    ],
)
def test_a_pack_that_cannot_be_understood_is_refused(tmp_path: Path, old: str, new: str) -> None:
    """A missing name, an unknown order of colours, a path that leads out, typing errors, broken TOML.

    And a file without a licence, or without a source.
    """
    folder = copied(tmp_path)
    text = (folder / "pack.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "pack.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelPackInvalid):
        load_pack(folder)


def test_a_folder_without_a_pack_is_refused(tmp_path: Path) -> None:
    """Nothing is guessed."""
    with pytest.raises(ModelPackInvalid):
        load_pack(tmp_path)


@given(
    part=st.sampled_from(sorted(PARTS)),
    key=st.text(min_size=1, max_size=8).filter(lambda key: key != "file"),
    value=st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
)
def test_any_other_content_is_another_contract(part: str, key: str, value: object) -> None:
    """A digest or a parameter changed, added or renamed: its templates are never compared with old ones."""
    changed = {name: dict(table) for name, table in PARTS.items()}
    same = key in changed[part] and changed[part][key] == value
    changed[part][key] = value
    assert (contract_of(changed) == contract_of(PARTS)) == same


def test_names_of_files_are_not_content() -> None:
    """The same model under another name gives the same templates."""
    renamed = {name: dict(table) for name, table in PARTS.items()}
    renamed["detector"]["file"] = "another.onnx"
    assert contract_of(renamed) == contract_of(PARTS)


def test_the_measured_tail_belongs_to_the_contract(tmp_path: Path) -> None:
    """False match rates fall as the score rises, each rests on 20 pairs or more, and nobody is named."""
    tail = load_pack().impostor_tail()
    assert tail is not None
    scores = [point["score"] for point in tail["points"]]
    rates = [point["fmr"] for point in tail["points"]]
    assert scores == sorted(scores)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-5
    assert all(point["pairs"] >= 20 for point in tail["points"])

    folder = copied(tmp_path)
    (folder / "tail.json").write_text(json.dumps({**tail, "contract": "sha256:00"}), encoding="utf-8")
    with pytest.raises(ModelPackInvalid, match="another contract"):
        load_pack(folder).impostor_tail()
    (folder / "tail.json").unlink()
    assert load_pack(folder).impostor_tail() is None
