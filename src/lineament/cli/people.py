"""`lineament people`: who may sign in, and what each of them may do."""

from __future__ import annotations

import shlex

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, opened, print_table
from lineament.core.policy import Person, Role

_ROLES = click.Choice([role.value for role in Role])


@click.group(invoke_without_command=True)
@click.pass_context
def people(context: click.Context) -> None:
    """List people, add somebody, and say what they may do."""
    if context.invoked_subcommand is None:
        context.invoke(list_people)


@people.command(name="list")
def list_people() -> None:
    """List the people and their roles."""
    from lineament.app import people as use
    from lineament.app import sign_in

    with opened() as installation:
        everybody = use.everybody(installation, sign_in.operator(installation))
    table = Table("name", "roles", box=None)
    for one in everybody:
        table.add_row(one.name, _roles(one))
    print_table(table)


@people.command(epilog=EXIT_CODES)
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True, help="Give it once for each.")
def add(name: str, roles: tuple[str, ...]) -> None:
    """Add somebody. `lineament sign-in --as NAME` makes a link for them."""
    from lineament.app import people as use
    from lineament.app import sign_in

    with opened() as installation:
        new = use.add(installation, sign_in.operator(installation), name, [Role(one) for one in roles])
    click.echo(f"'{new.name}' is added: {_roles(new)}. Make a link for them with:")
    click.echo(f"  lineament sign-in --as {shlex.quote(new.name)}")


@people.command(epilog=EXIT_CODES, name="roles")
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, help="Give it once for each.")
@click.option("--none", is_flag=True, help="Take all roles away.")
def set_roles(name: str, roles: tuple[str, ...], none: bool) -> None:
    """Give NAME exactly these roles from now on."""
    from lineament.app import people as use
    from lineament.app import sign_in

    if bool(roles) == none:
        raise click.UsageError("Give the roles with --role, or --none.")
    with opened() as installation:
        person = use.find(installation, name)
        wanted = [Role(one) for one in roles]
        changed = use.set_roles(installation, sign_in.operator(installation), person.id, wanted)
    click.echo(f"'{changed.name}' has these roles from now on: {_roles(changed)}.")


def _roles(person: Person) -> str:
    return ", ".join(sorted(person.roles)) or "none"
