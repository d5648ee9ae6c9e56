"""The report: the same on repeat, each figure with its n and an interval, and no word that decides."""

import json
import re
import xml.etree.ElementTree as ET
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader

from lineament.core.report_words import refused
from lineament.errors import ExtraMissing
from lineament.evaluation import assessment, plots, report
from lineament.evaluation.differentials import differential
from tests.evaluation.made import FEW, comparisons, crowd


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Everything at once: pairs with a label and folds, an open set with a label, two conditions."""
    generator = np.random.default_rng(0)
    compared = comparisons(
        generator.normal(0.6, 0.2, 200),
        generator.normal(0, 0.2, 400),
        folds=np.arange(600) % 3,
        labels={"light <&> $1": ["dim", "bright"] * 300},
    )
    gallery, mated, others = crowd(0, noise=1.2)
    labelled = type(mated)(mated.rows, mated.subjects, {"sex": ["f", "m"] * 60})
    search = assessment.in_searches(gallery, labelled, others, [20], 0, FEW)
    threshold = search["labels"]["threshold"]
    acquired = {
        "figure": search["galleries"][0]["investigation"][0] | {"figure": "FTA"},
        "reasons": {"no-face": 3},
    }
    return {
        "v": 1,
        "software": "lineament 0",
        "contract": "sha256:00",
        "protocol": {"name": "crowd", "sentence": "Made up.", "digest": "sha256:11"},
        "seed": 0,
        "rounds": FEW,
        "acquisition": acquired,
        "verification": assessment.in_pairs(compared, 0, FEW),
        "search": search,
        "conditions": [
            {
                "condition": "blur",
                "acquisition": acquired,
                "figures": [
                    *assessment.pairs_under_condition(compared, 0.3, 0, FEW),
                    *assessment.under_condition(gallery, mated, others, threshold, 0, FEW),
                ],
            }
        ],
    }


@pytest.fixture(scope="module")
def files(document: dict[str, Any]) -> dict[str, bytes]:
    return dict(report.make(document).files)


def test_the_same_document_gives_the_same_bytes(document: dict[str, Any], files: dict[str, bytes]):
    """PDF and pictures too: neither a time nor a random name is in them."""
    assert dict(report.make(document).files) == files
    assert json.loads(files["report.json"]) == document


def test_every_curve_is_drawn_and_said_in_words(files: dict[str, bytes]):
    """As SVG that is well-formed, and shown in the page with what it shows."""
    drawn = sorted(name.removesuffix(".svg") for name in files if name.endswith(".svg"))
    assert drawn == [
        "cmc",
        "conditions-fnir",
        "conditions-fnmr",
        "det",
        "gallery-size",
        "pairs-label-1",
        "pairs-label-2",
        "searches-label-1",
    ]
    for name in drawn:
        assert ET.fromstring(files[f"{name}.svg"]).tag.endswith("svg")  # noqa: S314  # our own
    shown = re.findall(
        r'<img src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)">', files["report.html"].decode()
    )
    assert len(shown) == len(drawn) == len(set(shown))


def test_the_pdf_says_what_the_page_says(files: dict[str, bytes]):
    """Every cell of every table is in both."""
    pdf = "".join(page.extract_text() for page in PdfReader(BytesIO(files["report.pdf"])).pages)
    text = re.sub(r"\s", "", pdf)
    cells = re.findall(r"<td>([^<]+)</td>", files["report.html"].decode())
    assert len(cells) > 60
    missing = [cell for cell in cells if re.sub(r"\s", "", cell) not in text]
    assert missing == []


def test_no_word_makes_a_decision_and_no_percentage_stands_alone(files: dict[str, bytes]):
    """In the page, the card and what is said of the pictures."""
    page = re.sub(
        r"<style>.*?</style>|data:image[^\"]+|<[^>]+>", " ", files["report.html"].decode(), flags=re.DOTALL
    )
    alts = " ".join(re.findall(r'alt="([^"]+)"', files["report.html"].decode()))
    for text in (page, alts, files["model-card.md"].decode()):
        assert refused(text) == []


def figures(value: Any) -> list[dict[str, Any]]:
    """Every figure in a document, wherever it stands."""
    if isinstance(value, dict):
        return (
            [value]
            if "figure" in value and "n" in value
            else [one for part in value.values() for one in figures(part)]
        )
    return [one for part in value for one in figures(part)] if isinstance(value, list) else []


def test_every_figure_has_its_n_and_an_interval(document: dict[str, Any]):
    """Dozens of them, and each says how its interval was made."""
    found = figures(document)
    assert len(found) > 60
    for one in found:
        assert one["n"] > 0
        assert one["low"] <= one["value"] <= one["high"]
        assert one["method"]


def test_what_is_infinite_or_unknown_is_null_and_not_an_invalid_number():
    """JSON has neither."""
    lost = comparisons([-np.inf, 0.9], [-np.inf, 0.95])
    section = assessment.in_pairs(lost, 0, FEW)
    assert json.loads(json.dumps(section, allow_nan=False)) == section
    assert section["without_score"] == 2
    assert section["labels"]["threshold"] is not None or section["labels"]["fmr"] == 0.5


def test_a_flagged_difference_is_said_in_the_card(document: dict[str, Any]):
    """Where none was seen, the card does not claim that there is none."""
    assert "does not show that there is none" in report.card(document)
    planted = differential(
        "FNIR", "sex", np.arange(100) < 40, ["f"] * 50 + ["m"] * 50, (np.arange(100),), 0, 100
    )
    search = document["search"] | {
        "labels": document["search"]["labels"] | {"rates": [assessment.labelled(planted)]}
    }
    assert "Differences beyond chance: FNIR by sex." in report.card(document | {"search": search})


def test_bands_of_quality_cover_every_score():
    """In order, without a gap."""
    bands = list(dict.fromkeys(assessment.band(score) for score in range(101)))
    assert bands == ["0 to 39", "40 to 49", "50 to 59", "60 to 69", "70 to 100"]


def test_without_the_library_that_draws_the_extra_is_named(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """Before anything is drawn."""
    monkeypatch.setattr(plots, "find_spec", lambda _name: None)
    with pytest.raises(ExtraMissing, match="the extra is 'evaluation'"):
        report.make(document)
