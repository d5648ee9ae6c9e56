"""`lineament edit`, as a person and a script meet it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_commands import BAD_INPUT, CHOOSE_FACE, DONE, NOTHING, lineament
from tests.samples import BIDEN, OBAMA, SOLVAY


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, archive_data: Path) -> Path:
    """A data folder whose collection 'archive' holds seven portraits."""
    return Path(shutil.copytree(archive_data, tmp_path_factory.mktemp("edit") / "data"))


def searched(data: Path, photo: Path, *arguments: str) -> str:
    """The id of a new search."""
    found = lineament(data, "search", photo, "--purpose", "archive-research", "--json", *arguments)
    return json.loads(found.stdout)["id"]


def test_a_photograph_is_searched_again_edited(data: Path) -> None:
    """It prints as a search does, and exits as one does; as JSON it says which search it was made from."""
    first = searched(data, OBAMA)
    found = lineament(data, "edit", first, "--edit", "rotate=5", "--edit", "brightness=1.1")
    assert (found.returncode, "Barack Obama" in found.stdout) == (DONE, True)
    assert "not an identification" in found.stdout
    again = lineament(data, "edit", first, "--edit", "flip", "--json")
    said = json.loads(again.stdout)
    assert (said["edited_from"], said["probes"][0]["edits"][0]["kind"]) == (first, "flip")
    none = lineament(data, "edit", searched(data, BIDEN), "--edit", "flip")
    assert (none.returncode, none.stdout.splitlines()[1].startswith("No lead")) == (NOTHING, True)


def test_a_face_of_the_edited_photograph_is_chosen(data: Path) -> None:
    """Its faces are listed; exit code 4 says so to a script."""
    first = searched(data, SOLVAY, "--face", "24")
    waiting = lineament(data, "edit", first, "--edit", "flip")
    assert (waiting.returncode, waiting.stdout.startswith("29 faces were found")) == (CHOOSE_FACE, True)
    chosen = lineament(data, "edit", first, "--edit", "flip", "--face", "3")
    assert (chosen.returncode, "No lead" in chosen.stdout) == (NOTHING, True)
    drawn = lineament(data, "edit", first, "--edit", "flip", "--box", "100,300,200,420")
    assert (drawn.returncode, "No lead" in drawn.stdout) == (NOTHING, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--edit", "sharpen=2"), "There is no edit 'sharpen'. The edits are: crop, rotate, flip"),
        (("--edit", "rotate=left"), "are numbers, such as in rotate=90"),
        (("--edit", "crop=0,0,10,10"), "at least 32 pixels"),
        (("--edit", "flip", "--probe", "2"), "There is no photograph 2"),
        (("--edit", "flip", "--face", "1", "--box", "0,0,9,9"), "Give the number of a face or a box"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(data: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """Exit code 2, and no traceback."""
    failed = lineament(data, "edit", searched(data, BIDEN), *arguments)
    assert (failed.returncode, sentence in failed.stderr) == (BAD_INPUT, True)
    assert "Traceback" not in failed.stderr
