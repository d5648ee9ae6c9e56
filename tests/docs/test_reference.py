"""The documentation is true: what it lists is what the code has."""

import re
from collections.abc import Iterator
from dataclasses import fields

import click
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

import lineament
from lineament import errors
from lineament.api.app import create_app
from lineament.api.problems import status_of
from lineament.app.installation import Installation
from lineament.cli.common import EXIT_CODES, Exit, exit_code
from lineament.cli.main import main
from lineament.config import Settings
from lineament.core.odds import MODERATE_BELOW, STRONG_BELOW, Strength, coincidence, parse_tail
from lineament.core.permission import LegalBasis, Permission
from lineament.core.policy import LIST_LIMIT_MAX, Purpose
from lineament.vision.pack import load_pack
from tests.samples import REPOSITORY

DOCS = REPOSITORY / "docs"
MARKDOWN = [*DOCS.rglob("*.md"), REPOSITORY / "README.md"]


def rows(name: str) -> list[list[str]]:
    """The cells of every table row whose first cell is code."""
    text = (DOCS / "reference" / f"{name}.md").read_text("utf-8")
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line[:3] == "| `"
    ]


def first_cells(name: str) -> list[str]:
    return [row[0].strip("`") for row in rows(name)]


def leaves(
    kind: type[errors.LineamentError] = errors.LineamentError,
) -> Iterator[type[errors.LineamentError]]:
    for child in kind.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from leaves(child)


def test_every_error_is_listed_with_its_exit_code_and_status():
    """Code, docstring and remedy stand in docs/reference/errors.md as they stand in the tree."""
    expected = [
        [f"`{kind.code}`", kind.__doc__, kind.remedy, str(int(exit_code(kind("")))), str(status_of(kind("")))]
        for kind in leaves()
    ]
    assert rows("errors") == expected


def test_every_error_says_what_to_do_next():
    """A stable code of its own, and a remedy of its own."""
    codes = [kind.code for kind in leaves()]
    assert len(codes) == len(set(codes))
    for kind in leaves():
        assert "remedy" in vars(kind), kind
        assert kind("A sentence.").diagnostics() == f"A sentence.\n{kind.remedy}\n[{kind.code}]"


def test_every_setting_is_listed():
    """And no other."""
    assert first_cells("settings") == [f"LINEAMENT_{name.upper()}" for name in Settings.model_fields]


def test_every_command_is_listed():
    """Sub-commands too."""
    names = []
    for name, command in main.commands.items():
        names.append(f"lineament {name}")
        if isinstance(command, click.Group):
            names += [f"lineament {name} {child}" for child in command.commands]
    assert {name for name in first_cells("cli") if name.startswith("lineament")} == set(names)


def test_the_exit_codes_are_those_of_the_help():
    """docs, help and code list the same ones."""
    text = (DOCS / "reference" / "cli.md").read_text("utf-8")
    for listed in (
        re.findall(r"^\| (\d+) \|", text, re.MULTILINE),
        re.findall(r"^  (\d+)  ", EXIT_CODES, re.MULTILINE),
    ):
        assert [int(code) for code in listed] == [int(code) for code in Exit]


def test_every_route_of_the_interface_is_listed(installation: Installation):
    """With its method."""
    served = set()
    for context in iter_route_contexts(create_app(installation).routes):
        route = context.original_route
        assert isinstance(route, APIRoute)
        served |= {f"{method} {route.path}" for method in route.methods}
    listed = {name for name in first_cells("http") if "/" in name}
    assert listed == served


def test_every_field_of_permission_and_policy_is_listed():
    """In the files that people write."""
    assert first_cells("permission") == [
        field.name for field in fields(Permission) if field.name != "evidence_sha256"
    ]
    assert set(first_cells("policy")) == {field.name for field in fields(Purpose)} - {"name"}
    text = (DOCS / "reference" / "permission.md").read_text("utf-8")
    assert all(f"`{basis}`" in text for basis in LegalBasis)
    assert f"1 to {LIST_LIMIT_MAX}" in (DOCS / "reference" / "policy.md").read_text("utf-8")


def test_the_words_for_scores_have_the_borders_that_the_concept_states():
    """docs/concepts/scores.md is where people read what 'moderate' means."""
    text = (DOCS / "concepts" / "scores.md").read_text("utf-8")
    assert f"| {Strength.STRONG} | below {STRONG_BELOW} |" in text
    assert f"| {Strength.MODERATE} | {STRONG_BELOW} to below {MODERATE_BELOW} |" in text
    assert f"| {Strength.WEAK} | {MODERATE_BELOW} and above |" in text


def test_the_example_of_odds_is_what_the_shipped_tail_gives():
    """One in a hundred among a hundred people, about one stranger among ten thousand."""
    tail = parse_tail(load_pack().impostor_tail() or {})
    assert coincidence(tail, 0.37, 100).strangers == pytest.approx(0.01, rel=0.25)
    assert coincidence(tail, 0.37, 10_000).strangers == pytest.approx(1, rel=0.25)


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    """Every relative link names a file that is there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_public_names_are_few_sorted_and_there():
    """About twenty, and each can be imported."""
    assert lineament.__all__ == sorted(lineament.__all__)
    assert len(lineament.__all__) <= 22
    for name in lineament.__all__:
        assert getattr(lineament, name) is not None


@pytest.mark.parametrize("name", ["run", "dev"])
def test_the_locks_carry_hashes_and_name_no_registry(name: str):
    """Any mirror may serve them, and none can change them."""
    text = (REPOSITORY / "requirements" / f"{name}.lock").read_text("utf-8")
    assert "://" not in text
    pinned = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\n(.*)", text, re.MULTILINE)
    assert len(pinned) > 30
    assert all("--hash=sha256:" in line for line in pinned)
