"""The tutorial is run as a reader would run it, and prints what it says it prints."""

import re
import subprocess
import sys
from pathlib import Path

from tests.samples import REPOSITORY

MARK = "=====lineament-tutorial====="


def steps() -> list[tuple[str, str]]:
    """Return (command, expected output) for every command of the tutorial."""
    text = (REPOSITORY / "docs" / "tutorial.md").read_text("utf-8")
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                command, output = found[-1]
                found[-1] = (command, output + line + "\n")
    return found


def test_the_tutorial_is_true():
    """One shell runs every command in turn; each output is what the page shows."""
    expected = steps()
    assert len(expected) > 10
    here = Path(sys.executable).parent
    script = f"export PATH={here}:$PATH COLUMNS=200\n" + "".join(
        f"{{ {command.replace('$PWD/.venv/bin:', '')}; }} 2>&1\necho {MARK}\n" for command, _ in expected
    )
    done = subprocess.run(["bash", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    outputs = done.stdout.split(MARK + "\n")[:-1]
    for (command, shown), printed in zip(expected, outputs, strict=True):
        without_bar = "".join(
            line for line in printed.splitlines(True) if not line.startswith("Ingesting into")
        )
        pattern = "".join(_pattern(line) for line in shown.splitlines())
        assert re.fullmatch(pattern, without_bar), f"{command}\nprinted:\n{printed}\nnot:\n{shown}"


def _pattern(line: str) -> str:
    """A line that is only '…' stands for any lines; inside a line it stands for anything."""
    if line == "…":
        return r"(?:.*\n)*?"
    return re.escape(line).replace("…", ".*") + r"\n"
