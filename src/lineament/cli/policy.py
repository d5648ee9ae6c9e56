"""`lineament policy`: what the policy says, what another one would change, and who approves that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineament.cli.common import EXIT_CODES, Exit, confirmed, opened
from lineament.core.words import counted

if TYPE_CHECKING:
    from lineament.app.policies import Waiting
    from lineament.core.policy import Policy


@click.group()
def policy() -> None:
    """Check, explain and approve the policy."""


@policy.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Check the policy in FILE and explain it in plain words.

    Says what it would change, and what of that needs the approval of two administrators. Without FILE, that
    is the policy in the data folder, or the one that ships.
    """
    from lineament.app import policies
    from lineament.wiring import read_policy

    checked = read_policy(file) if file else None
    with opened() as installation:
        waiting = policies.waiting(installation)
        current = installation.policy
    if checked is None:
        checked = waiting.policy if waiting else current
    elif waiting is None or waiting.policy.version != checked.version:
        waiting = policies.compare(current, checked)
    _explain(checked)
    if checked.version == current.version:
        click.echo("This policy is in force.")
    elif waiting is not None:
        _say_what_changes(waiting)


@policy.command(epilog=EXIT_CODES)
@click.option("--yes", is_flag=True, help="Approve without being asked.")
@click.pass_context
def approve(context: click.Context, yes: bool) -> None:
    """Approve the policy that waits, as the operator.

    It is in force once two administrators have approved it and Lineament is started again. The other one does
    so on the page of the policy, signed in as themselves.
    """
    from lineament.app import policies, sign_in

    with opened() as installation:
        who = sign_in.operator(installation)
        waiting = policies.waiting(installation)
        if waiting is None or not waiting.widenings:
            click.echo("No policy waits for approval.")
            context.exit(Exit.NOTHING)
        _explain(waiting.policy)
        _say_what_changes(waiting)
        if any(one.who.id == who.id for one in waiting.approvals):
            click.echo("You have approved it already.")
            context.exit(Exit.NOTHING)
        if not yes and not confirmed("Approve this policy?"):
            context.exit(Exit.NOTHING)
        after = policies.approve(installation, who, waiting.policy.version)
    still = "It is in force once Lineament is started again."
    click.echo(f"Approved. {_APPROVAL_NEEDED if after.needs_approval else still}")


@policy.command(name="list")
def list_shipped() -> None:
    """List the policies that ship, to begin with one of them."""
    from lineament.app import policies

    for name in policies.SHIPPED:
        click.echo(name)


@policy.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the policy NAME that ships.

    To use it, save it as policy.toml in the data folder.
    """
    from lineament.app import policies

    click.echo(policies.shipped(name), nl=False)


_APPROVAL_NEEDED = "Another administrator must approve it, too."


def _explain(policy: Policy) -> None:
    from lineament.app.policies import explain

    for purpose in policy.purposes.values():
        click.echo(f"{purpose.title} ({purpose.name})\n  {purpose.explanation}")
        for sentence in explain(purpose):
            click.echo(f"  - {sentence}")
        click.echo()
    click.echo(f"Digest: {policy.version}")


def _say_what_changes(waiting: Waiting) -> None:
    if waiting.widenings:
        click.echo("It lets more through than the policy in force, so two administrators must approve it:")
        _print(waiting.widenings)
    others = waiting.narrowings
    if others:
        click.echo("It changes this, which needs nobody's approval:")
        _print(others)
    if waiting.widenings:
        names = ", ".join(one.who.name for one in waiting.approvals)
        by = f", by {names}" if names else ""
        click.echo(f"It has {counted(len(waiting.approvals), 'approval')}{by}.")
    if not waiting.needs_approval:
        click.echo("It is in force once it lies in the data folder and Lineament is started again.")


def _print(sentences: list[str]) -> None:
    for sentence in sentences:
        click.echo(f"  - {sentence}")
