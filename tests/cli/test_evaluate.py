"""`lineament evaluate`: from a folder or stored scores to a report, in one command."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_commands import BAD_INPUT, DONE, lineament
from tests.samples import CONGRESS

FILES = {"report.html", "report.json", "report.pdf", "model-card.md", "det.svg"}


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Forty mated and two hundred non-mated scores of two groups."""
    rows = [f"0.{50 + number},1,p{number},p{number},{'ab'[number % 2]}" for number in range(40)]
    rows += [f"0.{number // 4:02},0,p{number % 40},q{number},{'ab'[number % 2]}" for number in range(200)]
    file = tmp_path / "scores.csv"
    file.write_text("\n".join(["score,mated,subject1,subject2,group", *rows]) + "\n")
    return file


def test_stored_scores_become_a_report_without_an_installation(tmp_path: Path, scores: Path):
    """No model is opened and no data folder is made; run again, the bytes are the same."""
    first = lineament(tmp_path / "data", "evaluate", scores, "--output", tmp_path / "out")
    assert (first.returncode, first.stderr) == (DONE, "")
    assert first.stdout.startswith("EER 0 (n = 240; 0 to ")
    assert "The report is in" in first.stdout
    assert not (tmp_path / "data").exists()
    lineament(tmp_path / "data", "evaluate", scores, "--output", tmp_path / "again")
    made = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert set(made) == {*FILES, "pairs-label-1.svg", "pairs-label-2.svg"}
    assert {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()} == made
    assert json.loads(made["report.json"])["verification"]["mated"] == 40


def test_a_folder_of_photographs_is_measured_with_a_progress_bar(tmp_path: Path):
    """Six people, three of them with a second photograph, and a gallery of two."""
    for number, portrait in enumerate(sorted(CONGRESS.glob("*.jpg"))[:6]):
        folder = tmp_path / "people" / portrait.stem
        folder.mkdir(parents=True)
        shutil.copy(portrait, folder / "1.jpg")
        if number < 3:
            Image.open(portrait).resize((300, 360)).save(folder / "2.jpg")
    output = tmp_path / "out"
    done = lineament(tmp_path / "data", "evaluate", tmp_path / "people", "--output", output)
    assert done.returncode == DONE, done.stderr
    assert "9/9" in done.stderr
    assert "Photographs without a template: 0 (0 of 9; 0 to " in done.stdout
    assert "Among 2 people, FNIR at rank 1 0 (0 of 2; 0 to " in done.stdout
    document = json.loads((output / "report.json").read_text())
    assert document["contract"].startswith("sha256:")
    assert {file.name for file in output.iterdir()} >= {*FILES, "cmc.svg"}


def test_what_cannot_be_evaluated_is_said_in_a_sentence(tmp_path: Path, scores: Path):
    """A bad row, options that do not fit, a condition without a folder."""
    output = ("--output", tmp_path / "out")
    scores.write_text("score,mated\nhigh,1\n")
    bad = lineament(tmp_path / "data", "evaluate", scores, *output)
    assert (bad.returncode, "Row 2: 'score' is no number." in bad.stderr) == (BAD_INPUT, True)
    assert "[protocol-invalid]" in bad.stderr
    scores.write_text("score,mated\n0.1,0\n0.9,1\n")
    for more in (("--gallery-size", "5"), ("--condition", "blur"), ("--condition", f"blur={tmp_path}")):
        refused = lineament(tmp_path / "data", "evaluate", scores, *output, *more)
        assert (refused.returncode, "Error: " in refused.stderr) == (BAD_INPUT, True), refused.stderr
    assert not (tmp_path / "out").exists()
