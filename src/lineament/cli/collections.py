"""`lineament collections`: what may be searched here, and under which permission."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lineament.cli.common import opened, print_table

if TYPE_CHECKING:
    from lineament.core.permission import Permission

PERMISSION_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.pass_context
def collections(context: click.Context) -> None:
    """List the collections, or add one under a permission."""
    if context.invoked_subcommand is None:
        _show()


@collections.command()
@click.argument("name")
@click.option("--title", required=True, help="What people read, such as 'Portraits of Congress'.")
@click.option("--permission", "file", required=True, type=PERMISSION_FILE, help="The permission file (TOML).")
def add(name: str, title: str, file: Path) -> None:
    """Create the collection NAME under a permission.

    The permission file states who allows what, on which legal basis, for which purposes, from when to when,
    and names a file beside it that proves it. docs/reference/permission.md explains every field.
    """
    from lineament.app import collections as use
    from lineament.app import sign_in

    with opened() as installation:
        permission = use.read_permission(installation, file)
        made = use.add(installation, sign_in.operator(installation), name, title, permission)
        now = installation.clock()
    click.echo(
        f"Collection '{name}' {'is recorded' if made else 'was there already'}: {_says(permission, now)}."
    )


@collections.command()
@click.argument("name")
@click.option("--permission", "file", required=True, type=PERMISSION_FILE, help="The permission file (TOML).")
def permit(name: str, file: Path) -> None:
    """Record a new permission for the collection NAME.

    It counts from the next search on.
    """
    from lineament.app import collections as use
    from lineament.app import sign_in

    with opened() as installation:
        permission = use.read_permission(installation, file)
        use.permit(installation, sign_in.operator(installation), name, permission)
        now = installation.clock()
    click.echo(f"The new permission for '{name}' is recorded: {_says(permission, now)}.")


def _says(permission: Permission, now: datetime) -> str:
    return f"its permission is {permission.standing(now)}"


def _show() -> None:
    from lineament.app import collections as use

    with opened() as installation:
        there, now = use.stock(installation), installation.clock()
    if not there:
        click.echo("There is no collection yet. `lineament collections add --help` says how to make one.")
        return
    table = Table("name", "title", "images", "faces", "permission", "until", "purposes", box=None)
    for one, holds in there:
        permission = one.permission
        table.add_row(
            one.name,
            one.title,
            f"{holds.images:,}",
            f"{holds.faces:,}",
            permission.state(now) if permission else "none",
            f"{permission.valid_until:%Y-%m-%d}" if permission and permission.valid_until else "",
            "\n".join(permission.purposes) if permission else "",
        )
    print_table(table)
