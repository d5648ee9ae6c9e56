"""`lineament index`: what the index holds, whether it is whole, and building it anew from the records."""

from __future__ import annotations

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, Exit, opened, print_table, progress_bar
from lineament.core.words import counted


@click.group(invoke_without_command=True)
@click.pass_context
def index(context: click.Context) -> None:
    """Show what the index holds, verify it, or build it anew."""
    if context.invoked_subcommand is None:
        _show()


@index.command(epilog=EXIT_CODES)
@click.pass_context
def verify(context: click.Context) -> None:
    """Check the index against its digests and the records."""
    from lineament.app import following

    with opened() as installation:
        findings = following.verify(installation)
    for finding in findings:
        click.echo(finding)
    if findings:
        click.echo("Stop the server if one is running, and run `lineament index rebuild`.")
    else:
        click.echo("The index is whole and holds what the records hold.")
    context.exit(Exit.BAD_INPUT if findings else Exit.DONE)


@index.command(epilog=EXIT_CODES)
def rebuild() -> None:
    """Build the index anew from the records.

    They hold every template, so nothing is lost. A server that runs must be stopped first.
    """
    from lineament.app import following

    with opened() as installation, progress_bar() as progress:
        faces = sum(following.recorded(installation).values())
        bar = progress.add_task("Faces", total=faces)
        following.rebuild(installation, lambda done: progress.update(bar, completed=done))
    click.echo(f"The index is built anew: {counted(faces, 'face')}.")


def _show() -> None:
    from lineament.app import following

    with opened() as installation:
        following.catch_up(installation)
        held = following.held(installation)
    table = Table("collection", "faces", box=None)
    for name, faces in held.items():
        table.add_row(name, f"{faces:,}")
    print_table(table)
