"""The verifier as one Python file that needs ``cryptography`` and nothing else, to be read and kept.

The modules that ``__main__`` needs stand in it one after the other, word for word, without their imports of
one another. A test sees that no two of them give a name twice.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.resources import files

START = "__main__"
HEADER = '''\
#!/usr/bin/env python3
"""A verifier for Lineament's ledger, in one file: needs Python 3.11 and the package cryptography.

    python THIS_FILE verify FILE --vkey KEY
    python THIS_FILE fsck LOG --vkey KEY

Apache-2.0, Copyright 2026 The Lineament authors. Made from the modules of lineament.ledger.
"""

from __future__ import annotations
'''


@cache
def one_file() -> str:
    """Return the source of the verifier."""
    return HEADER + "".join(
        f"\n\n# --- {name} {'-' * (100 - len(name))}\n\n{_alone(name)}" for name in modules()
    )


def modules() -> list[str]:
    """Return the modules' names, each after those that it imports."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        for needed in _needs(ast.parse(_source(name))):
            if needed not in ordered:
                visit(needed)
        ordered.append(name)

    visit(START)
    return ordered


def _source(name: str) -> str:
    return (files("lineament.ledger") / f"{name}.py").read_text("utf-8")


def _needs(tree: ast.Module) -> list[str]:
    return [
        node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.level and node.module
    ]


def _alone(name: str) -> str:
    """Return a module's lines without its docstring's place in the file and its imports of neighbours."""
    source = _source(name)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and (node.level or node.module == "__future__"):
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]) or (len(kept) > 1 and kept[-2]):  # at most two empty lines in a row
            kept.append(line)
    return "\n".join(kept).strip() + "\n"
