"""`lineament collections`: what may be searched here, and under which permission."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, Exit, opened, print_table, progress_bar
from lineament.core.permission import WithdrawalReason
from lineament.core.words import counted, plain

if TYPE_CHECKING:
    from lineament.app.collections import History
    from lineament.core.permission import Permission

PERMISSION_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_HELP = "The permission file (TOML, or JSON-LD)."


@click.group(invoke_without_command=True)
@click.pass_context
def collections(context: click.Context) -> None:
    """List the collections, or add one under a permission."""
    if context.invoked_subcommand is None:
        _show()


@collections.command()
@click.argument("name")
@click.option("--title", required=True, help="What people read, such as 'Portraits of Congress'.")
@click.option("--permission", "file", required=True, type=PERMISSION_FILE, help=FILE_HELP)
def add(name: str, title: str, file: Path) -> None:
    """Create the collection NAME under a permission.

    The permission file states who allows what, on which legal basis, for which purposes, from when to when,
    and names a file beside it that proves it. docs/reference/permission.md explains every field. Under a
    draft nothing can be taken in or searched until `lineament collections permit` records what was given.
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
@click.option("--permission", "file", required=True, type=PERMISSION_FILE, help=FILE_HELP)
def permit(name: str, file: Path) -> None:
    """Record a new permission for the collection NAME.

    It counts from the next search on. Earlier ones stay on record.
    """
    from lineament.app import collections as use
    from lineament.app import sign_in

    with opened() as installation:
        permission = use.read_permission(installation, file)
        permission = use.permit(installation, sign_in.operator(installation), name, permission)
        now = installation.clock()
    click.echo(f"The new permission for '{name}' is recorded: {_says(permission, now)}.")


@collections.command()
@click.argument("name")
@click.option(
    "--reason-code",
    "reason",
    required=True,
    type=click.Choice([one.value for one in WithdrawalReason]),
    help="Who took it back, or 'invalid' where it should never have counted.",
)
def withdraw_permission(name: str, reason: str) -> None:
    """Record that the permission for NAME was withdrawn.

    From the next search on nothing of the collection is compared or shown, until a new permission is given.
    Its images are kept for as long as the permission says and then erased.
    """
    from lineament.app import collections as use
    from lineament.app import sign_in

    with opened() as installation:
        who = sign_in.operator(installation)
        withdrawn = use.withdraw_permission(installation, who, name, WithdrawalReason(reason))
    if withdrawn is None:
        click.echo(f"The permission for '{name}' was withdrawn before.")
    else:
        kept = counted(withdrawn.retention_days, "day")
        click.echo(f"The permission for '{name}' is withdrawn. Its images are to be erased after {kept}.")


@collections.command()
@click.argument("name")
@click.option("--json-ld", is_flag=True, help="Print it as JSON-LD, in the terms of the W3C's DPV.")
def show(name: str, json_ld: bool) -> None:
    """Show the permission of NAME and its versions.

    The JSON-LD can be given to `lineament collections add` and `permit`, with the evidence beside it.
    """
    from lineament.app import collections as use
    from lineament.core.dpv import history_to_jsonld

    with opened() as installation:
        history, now = use.history(installation, name), installation.clock()
    if json_ld and history.versions:
        versions = [version for version, _recorded_by in history.versions]
        click.echo(json.dumps(history_to_jsonld(name, versions, now), ensure_ascii=False, indent=2))
    else:
        _print(history, now)


@collections.command(epilog=EXIT_CODES)
@click.pass_context
def check(context: click.Context) -> None:
    """Check that no face is reached without permission.

    What a search would compare now is looked up in the records by another way, for every purpose.
    """
    from lineament.app import eligibility

    with opened() as installation:
        orphans = eligibility.orphans(installation)
    for one in orphans:
        faces = counted(one.faces, "face")
        click.echo(f"{faces} of '{one.collection}' can be reached for '{one.purpose}' without a permission.")
    if not orphans:
        click.echo("No face can be reached without a permission in force that allows the purpose.")
    context.exit(Exit.BROKEN if orphans else Exit.DONE)


def _print(history: History, now: datetime) -> None:
    permission = history.collection.permission
    click.echo(f"{history.collection.title} ('{history.collection.name}')")
    if permission is None:
        click.echo("No permission is recorded.")
        return
    until = f"until {permission.valid_until:%Y-%m-%d %H:%M}" if permission.valid_until else "without an end"
    for label, value in (
        ("Permission", permission.standing(now)),
        ("Permitted by", f"{permission.grantor} ({permission.contact})"),
        ("Legal basis", permission.legal_basis),
        ("Purposes", ", ".join(permission.purposes)),
        ("Jurisdictions", ", ".join(permission.jurisdictions) or "not stated"),
        ("Time (UTC)", f"from {permission.valid_from:%Y-%m-%d %H:%M} {until}"),
        ("Kept after it", counted(permission.retention_days, "day")),
        ("Notice", permission.notice),
        (
            "Evidence",
            f"{permission.evidence}, sha256:{permission.evidence_sha256}" if permission.evidence else "none",
        ),
    ):
        click.echo(f"{label:<15}{value}")
    click.echo()
    table = Table("version", "recorded (UTC)", "by", "as", "until", "purposes", box=None)
    for version, recorded_by in history.versions:
        one = version.permission
        table.add_row(
            str(version.number),
            f"{version.recorded_at:%Y-%m-%d %H:%M}",
            recorded_by,
            f"{one.status} ({one.reason})" if one.reason else one.status,
            f"{one.valid_until:%Y-%m-%d}" if one.valid_until else "",
            ", ".join(one.purposes),
        )
    print_table(table)


def _says(permission: Permission, now: datetime) -> str:
    return f"its permission is {permission.standing(now)}"


@collections.command(epilog=EXIT_CODES)
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def export(context: click.Context, name: str, folder: Path) -> None:
    """Write the collection NAME into a new FOLDER.

    It gets the photographs as they were taken in, and a manifest.jsonl with all that is known of each, so
    that it can be ingested elsewhere. Its permission must be in force.
    """
    from lineament.app import sign_in
    from lineament.app.export_collection import export_collection

    with opened() as installation, progress_bar() as progress:
        bar = progress.add_task(f"Writing '{plain(name)}'", total=None)
        who = sign_in.operator(installation)
        done = export_collection(
            installation, who, name, folder, lambda images: progress.update(bar, completed=images)
        )
    click.echo(f"{counted(done.images, 'photograph')} written into {plain(str(folder))}.")
    if done.faceless:
        click.echo(f"{done.faceless:,} without a face left out: their bytes are not kept.")
    for path in done.lost:
        click.echo(f"  {path}: its stored bytes are gone.")
    context.exit(Exit.NOTHING if done.lost else Exit.DONE)


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
