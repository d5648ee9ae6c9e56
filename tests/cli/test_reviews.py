"""Examiners and what they are tested with, at the command line."""

import shutil
from pathlib import Path

import pytest

from lineament.app import collections, sign_in
from lineament.app.casework import blind
from lineament.core.policy import Role
from lineament.testing import make_installation, make_permission
from lineament.vision.pipeline import Vision
from tests.casework import somebody
from tests.cli.test_commands import DONE, lineament
from tests.reviewing import a_comparison, put_forward, take_all


@pytest.fixture
def data(tmp_path: Path, archive_data: Path) -> Path:
    return Path(shutil.copytree(archive_data, tmp_path / "data"))


def test_without_a_collection_that_is_lent_it_says_that_nothing_is_measured(data: Path):
    """And what to do about it."""
    said = lineament(data, "seeds")
    assert said.returncode == DONE
    assert said.stdout.startswith("0 faces of named people")
    assert "Without mates and lookalikes a part of the examiners' error rates is not measured" in said.stdout
    assert "examiner-testing" in said.stdout


def test_the_pairs_and_what_examiners_said_of_them_are_counted(data: Path, vision: Vision):
    """One lookalike that was taken for the same person; of mates nothing was measured."""
    installation = make_installation(data, None, vision)
    purposes = ("missing-person", "examiner-testing")
    collections.permit(installation, sign_in.operator(installation), "archive", make_permission(purposes))
    put_forward(installation)
    examiner = somebody(installation, "Edda", Role.EXAMINER)
    for pair in take_all(installation, examiner):
        blind.record(installation, examiner, pair, a_comparison())
    installation.index.close()
    installation.records.close()
    pool = lineament(data, "seeds").stdout
    assert pool.startswith("7 faces of named people may be used to test examiners.\n0 pairs of mates, ")
    assert "Without mates a part" in pool
    said = lineament(data, "examiners")
    assert said.returncode == DONE
    (row,) = [line for line in said.stdout.splitlines() if "Edda" in line]
    assert "not measured" in row
    assert "1 of 1 (2.5 to 100 in 100)" in row
