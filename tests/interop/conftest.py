"""Other people's tools, installed by ``make interop``. Where one is missing the tests fail, never skip."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ledger.conftest import signer  # noqa: F401 - a fixture
from tests.samples import REPOSITORY

HERE = Path(__file__).parent
PYTHON = REPOSITORY / ".venv-interop" / "bin" / "python"
GO_CHECKER = REPOSITORY / ".venv-interop" / "check-go"

Check = Callable[[Path], dict[str, int]]


def _tool(path: Path) -> str:
    if not path.exists():
        pytest.fail(f"{path} is not there; `make interop` installs what these tests need.")
    return str(path)


def check_with(*command: str) -> Check:
    """Return a function that gives claims to a tool and returns how many of each kind it accepted."""

    def check(claims: Path) -> dict[str, int]:
        done = subprocess.run(
            [*command, str(claims)], capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stderr[-2000:]
        accepted: dict[str, int] = json.loads(done.stdout)
        return accepted

    return check


@pytest.fixture(scope="session")
def aics() -> Check:
    """PyPI's aics-tlog, in its own Python 3.12 or newer."""
    return check_with(_tool(PYTHON), "-I", str(HERE / "check_aics.py"))


@pytest.fixture(scope="session")
def metamorphic() -> Check:
    """PyPI's metamorphic-log, a library in Rust."""
    return check_with(_tool(PYTHON), "-I", str(HERE / "check_metamorphic.py"))


@pytest.fixture(scope="session")
def go() -> Check:
    """Go's own x/mod/sumdb, as Debian packages it."""
    return check_with(_tool(GO_CHECKER))


@pytest.fixture(scope="session")
def witness_command() -> list[str]:
    """PyPI's aics-witness."""
    return [_tool(PYTHON), "-m", "aics_witness"]
