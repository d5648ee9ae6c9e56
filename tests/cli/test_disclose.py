"""A case handed out and checked at the command line: by the operator, and by an outsider elsewhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineament.app import sign_in
from lineament.ledger.one_file import one_file
from lineament.records.schema import template
from lineament.testing import make_installation
from lineament.vision.pipeline import Vision
from tests.casework import a_case, a_search, close, permit_casework
from tests.cli.test_commands import BAD_INPUT, DONE, lineament


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, archive_data: Path, vision: Vision) -> Path:
    """A data folder with a closed case, 2026/17, in which something was searched."""
    folder = Path(shutil.copytree(archive_data, tmp_path_factory.mktemp("cli") / "data"))
    installation = make_installation(folder, None, vision)
    permit_casework(installation)
    case = a_case(installation)
    a_search(installation, case)
    close(installation, sign_in.operator(installation), case.id)
    (folder / "vkey").write_text(installation.signer.verifier.vkey)
    installation.index.close()
    installation.records.close()
    return folder


def test_a_case_is_handed_out_checked_and_repeated(data: Path, tmp_path: Path):
    """By its reference; the check is the one that anybody can make; the searches give the same."""
    file, vkey = tmp_path / "case.zip", (data / "vkey").read_text()
    made = lineament(data, "disclose", "2026/17", "--output", file)
    assert (made.returncode, made.stdout.startswith("Written: ")) == (DONE, True), made.stderr
    elsewhere = tmp_path / "elsewhere"
    checked = lineament(elsewhere, "verify", file, "--vkey", vkey)
    assert (checked.returncode, "8. Nothing is left out: acts 1 to 5" in checked.stdout) == (DONE, True)
    assert not elsewhere.exists()  # nothing of an installation was needed
    again = lineament(data, "rerun", file)
    assert again.returncode == DONE, again.stderr
    assert "The same: 7 faces in the same order." in again.stdout
    assert again.stdout.endswith("1 of 1 finished searches gave the same.\n")


def test_an_outsider_checks_it_with_the_verifier_alone(data: Path, tmp_path: Path):
    """One Python file and the package cryptography; a byte that was flipped is named."""
    file, vkey = tmp_path / "case.zip", (data / "vkey").read_text()
    assert lineament(data, "disclose", "2026/17", "--output", file).returncode == DONE
    (tmp_path / "verifier.py").write_text(one_file(), "utf-8")
    command = [sys.executable, "-I", "verifier.py", "verify", "case.zip", "--vkey", vkey]
    for flip, code in ((0, 0), (1, 1)):
        content = bytearray(file.read_bytes())
        content[content.index(b"Last seen in May.")] ^= flip
        file.write_bytes(content)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
    assert "1. FAILED:" in done.stdout


def test_what_does_not_pass_exits_with_2(data: Path, tmp_path: Path):
    """A case that is not there, a file that is no bundle, and searches that give something else now."""
    file = tmp_path / "case.zip"
    missing = lineament(data, "disclose", "2026/18", "--output", file)
    assert (missing.returncode, "[no-such-case]" in missing.stderr) == (BAD_INPUT, True)
    assert not file.exists()
    file.write_text("nonsense")
    assert lineament(data, "rerun", file).returncode == BAD_INPUT
    file.unlink()
    assert lineament(data, "disclose", "2026/17", "--output", file).returncode == DONE
    changed = Path(shutil.copytree(data, tmp_path / "changed"))
    installation = make_installation(changed)
    with installation.records.write() as tx:
        tx.execute(template.update().values(vector=b"nonsense"))
    installation.close()
    again = lineament(changed, "rerun", file)
    assert (again.returncode, "It cannot be repeated: " in again.stdout) == (BAD_INPUT, True)
    assert again.stdout.endswith("0 of 1 finished searches gave the same.\n")
