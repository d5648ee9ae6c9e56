"""docs/reference/model-pack.md lists every key of pack.toml, and its example is a pack."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

from lineament.vision.align import TEMPLATES
from lineament.vision.pack import Centre, DetectorModel, EmbedderModel, LandmarkModel, Source, load_pack
from lineament.vision.views import READ
from tests.samples import REPOSITORY

PAGE = (REPOSITORY / "docs" / "reference" / "model-pack.md").read_text("utf-8")
PARTS = {
    "detector": DetectorModel,
    "landmarks": LandmarkModel,
    "embedder": EmbedderModel,
    "centre": Centre,
    "sources": Source,
}


def test_every_key_is_listed_and_whether_it_is_required():
    """The alignment's template and the name of the pack besides; and no others."""
    listed = {
        key: required
        for cells, required in re.findall(r"^\| (`[^|]+`) \| (yes|no) \|", PAGE, re.MULTILINE)
        for key in re.findall(r"`([^`]+)`", cells)
    }
    expected = {"name": "yes", "notices": "no", "alignment.template": "yes"}
    for part, kind in PARTS.items():
        for field in fields(kind):
            expected[f"{part}.{field.name}"] = "yes" if field.default is MISSING else "no"
    assert listed == expected


def test_what_can_be_chosen_is_listed():
    """Every family of detectors and every alignment."""
    assert all(f"`{name}`" in PAGE for name in (*READ, *TEMPLATES))


def test_the_example_is_a_pack(tmp_path: Path):
    """Its description can be read, and every file has its source."""
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "pack.toml").write_text(example, "utf-8")
    pack = load_pack(tmp_path)
    assert (pack.name, pack.embedder.dimension, pack.detector.family) == ("auraface", 512, "scrfd")
    assert [one.file for one in pack.files()] == [one.file for one in pack.sources]
