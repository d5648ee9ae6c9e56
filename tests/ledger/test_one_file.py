"""The verifier as one Python file: complete, without a name twice, and as strict as the whole room."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineament.ledger import Signer, make_receipt
from lineament.ledger.one_file import modules, one_file

Entries = Callable[[int, int], Iterator[bytes]]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("verifier") / "verifier.py"
    file.write_text(one_file(), "utf-8")
    return file


def run(verifier: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it in a folder of its own, with nothing but the standard library and what is installed."""
    command = [sys.executable, "-I", verifier.name, *map(str, arguments)]
    return subprocess.run(
        command, cwd=verifier.parent, capture_output=True, text=True, check=False, timeout=60
    )


def test_no_name_is_given_twice(verifier: Path) -> None:
    """Modules that stand in one file share their names."""
    names = Counter[str]()
    for node in ast.parse(verifier.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] += 1
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] += 1
    assert len(names) > 100
    assert {name for name, times in names.items() if times > 1} == set()


def test_it_needs_the_standard_library_and_cryptography_alone(verifier: Path) -> None:
    """And nothing of Lineament; what publishes and signs stays out."""
    needed = set()
    for node in ast.walk(ast.parse(verifier.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            needed |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            needed.add((node.module or "").split(".")[0])
    assert needed - set(sys.stdlib_module_names) == {"cryptography"}
    assert "fcntl" not in needed  # it runs where there is no such thing
    assert {"publish", "witness"}.isdisjoint(modules())


def test_it_checks_logs_and_receipts(
    verifier: Path, log: Callable[[int], Path], entries: Entries, signer: Signer, tmp_path: Path
) -> None:
    """Steps and exit code 0 when all is well; the failing step and exit code 1 when not."""
    folder, vkey = log(300), signer.verifier.vkey
    good = run(verifier, "fsck", folder, "--vkey", vkey)
    assert (good.returncode, len(good.stdout.splitlines())) == (0, 4), good.stderr
    note = (folder / "checkpoint").read_bytes()
    receipt = tmp_path / "r.tlog-proof"
    receipt.write_bytes(make_receipt(folder, next(entries(7, 8)), 7, note, signer.verifier).data)
    proved = run(verifier, "verify", receipt, "--vkey", vkey, "--log", folder)
    assert (proved.returncode, "3. Entry 7 is in that log" in proved.stdout) == (0, True), proved.stderr

    bundle = folder / "tile" / "entries" / "000"
    changed = bytearray(bundle.read_bytes())
    changed[100] ^= 1
    bundle.write_bytes(changed)
    bad = run(verifier, "fsck", folder, "--vkey", vkey)
    assert (bad.returncode, "3. FAILED:" in bad.stdout) == (1, True)
    receipt.write_bytes(receipt.read_bytes().replace(b"index 7", b"index 8"))
    assert run(verifier, "verify", receipt, "--vkey", vkey).returncode == 1


def test_whom_to_trust_must_be_said(verifier: Path, tmp_path: Path) -> None:
    """Without a key there is no check; a file that is not there is a sentence."""
    assert run(verifier, "fsck", tmp_path).returncode == 2
    missing = run(verifier, "verify", tmp_path / "none", "--vkey", Signer.generate("a").verifier.vkey)
    assert (missing.returncode, "cannot be read" in missing.stdout) == (1, True)
    for vkey in ("nonsense", ""):
        assert run(verifier, "fsck", tmp_path, "--vkey", vkey).returncode != 0
