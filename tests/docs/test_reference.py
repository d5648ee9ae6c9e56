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
from lineament.app import policies
from lineament.app.installation import Installation
from lineament.cli.common import EXIT_CODES, Exit, exit_code
from lineament.cli.main import main
from lineament.config import Settings
from lineament.core.odds import MODERATE_BELOW, STRONG_BELOW, Strength, coincidence, parse_tail
from lineament.core.permission import LegalBasis, Permission
from lineament.core.policy import Need, Role
from lineament.core.policy_file import BOUNDS, DEFAULTS, FIELDS
from lineament.vision.pack import load_pack
from tests.samples import REPOSITORY

DOCS = REPOSITORY / "docs"
MARKDOWN = [*DOCS.rglob("*.md"), REPOSITORY / "README.md"]


def rows(name: str, section: str = "") -> list[list[str]]:
    """The cells of every table row whose first cell is code, of a page or of one section of it."""
    text = (DOCS / "reference" / f"{name}.md").read_text("utf-8")
    if section:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line[:3] == "| `"
    ]


def first_cells(name: str, section: str = "") -> list[str]:
    return [row[0].strip("`") for row in rows(name, section)]


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
    assert first_cells("policy", "Fields") == list(FIELDS)
    text = (DOCS / "reference" / "permission.md").read_text("utf-8")
    assert all(f"`{basis}`" in text for basis in LegalBasis)


def test_the_bounds_and_defaults_of_the_policy_are_those_of_the_code():
    """As the table of its fields states them."""
    told = {row[0].strip("`"): row[1] for row in rows("policy", "Fields")}
    for field, (least, most) in BOUNDS.items():
        between = f"{least} or {most}" if most - least == 1 else f"{least} to {most}"
        assert f"{between}; {DEFAULTS[field]} if left out" in told[field]
    assert all(f"`{need}`" in told["needs"] for need in Need)


def test_every_reason_of_the_policy_is_listed():
    """Each code that the gate can give, and no other."""
    source = (REPOSITORY / "src" / "lineament" / "core" / "policy.py").read_text("utf-8")
    given = re.findall(r'(?:Reason\(\s*|PermissionState\.[A-Z_]+: )"([a-z-]+)"', source)
    assert sorted(first_cells("policy", "When a search is allowed")) == sorted(given)


def test_every_policy_that_ships_and_every_role_is_listed():
    """By its name."""
    assert sorted(first_cells("policy", "Policies that ship")) == list(policies.SHIPPED)
    assert set(first_cells("policy", "Roles")) == {*Role}
    folder = REPOSITORY / "src" / "lineament" / "app" / "policies"
    assert sorted(file.stem for file in folder.glob("*.toml")) == list(policies.SHIPPED)


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
