"""The model card quotes what was measured."""

from __future__ import annotations

import re
import tomllib

from lineament.vision.pack import DEFAULT_PACK
from tests.samples import REPOSITORY

DOCS = REPOSITORY / "docs"


def test_every_figure_of_the_card_was_measured() -> None:
    """A figure that the accuracy page does not have would be an invention."""
    card = (DOCS / "model-card.md").read_text(encoding="utf-8")
    table = card.partition("| what | figure |")[2].partition("\n\n")[0]
    figures = re.findall(r"([\d.]+(?: ± [\d.]+)? %) \|$", table, re.MULTILINE)
    measured = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert len(figures) == 6
    assert [figure for figure in figures if figure not in measured] == []


def test_the_card_names_every_file_of_the_pack_with_its_licence() -> None:
    """As pack.toml says."""
    card = (DOCS / "model-card.md").read_text(encoding="utf-8")
    for source in tomllib.loads((DEFAULT_PACK / "pack.toml").read_text("utf-8"))["sources"]:
        assert f"| `{source['file']}` | {source['licence']} |" in card
