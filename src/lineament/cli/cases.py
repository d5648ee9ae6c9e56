"""`lineament cases`: why searches are made, opened, worked on and read by whoever runs this installation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, opened, print_table
from lineament.core.cases import Authorisation, CaseState, Part
from lineament.core.times import from_iso
from lineament.errors import InvalidRequest

if TYPE_CHECKING:
    from lineament.app.casework.cases import Grounds
    from lineament.app.casework.overview import CaseView

TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])  # UTC
REFERENCE = click.argument("reference")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def grounds_options(command: _Command) -> _Command:
    """Give a command the options that say why a case may be searched."""
    for option in (
        click.option("--consent", help="Of the person sought: who gave it, how and when."),
        click.option("--expires", type=TIME, help="When the authorisation expires, UTC."),
        click.option("--scope", help="What the authorisation allows."),
        click.option("--issuer", help="Who issued the authorisation."),
        click.option("--number", help="The number of the authorisation."),
        click.option("--narrative", help="What happened, who is sought and why."),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True, short_help="Open cases and work on them.")
@click.pass_context
def cases(context: click.Context) -> None:
    """List the cases that you may read, open one, and work on it.

    A case says why somebody is sought, on what grounds, and who works on it. All that is done in it is
    numbered and on record. These commands act for whoever runs this installation.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@cases.command("list")
def list_() -> None:
    """List the cases that you may read."""
    from lineament.app import sign_in
    from lineament.app.casework.overview import my_cases

    with opened() as installation:
        found = my_cases(installation, sign_in.operator(installation))
    if not found:
        click.echo("There is no case yet. `lineament cases open --help` says how to open one.")
        return
    table = Table("reference", "title", "purpose", "state", "opened", "your part", box=None)
    for case, part in found:
        when = f"{from_iso(case.opened_at):%Y-%m-%d}"
        table.add_row(case.reference, case.title, case.purpose, case.state, when, part or "")
    print_table(table)


@cases.command("open", epilog=EXIT_CODES)
@REFERENCE
@click.option("--title", required=True, help="What people read.")
@click.option("--purpose", required=True, help="Why you search: one of the policy's purposes.")
@grounds_options
def open_(reference: str, title: str, purpose: str, **grounds: Any) -> None:
    """Open a case under REFERENCE."""
    from lineament.app import sign_in
    from lineament.app.casework.cases import Grounds, open_case
    from lineament.app.casework.overview import overview

    with opened() as installation:
        who, given = sign_in.operator(installation), _grounds(Grounds(), **grounds)
        made = open_case(installation, who, reference, title, purpose, given)
        view = overview(installation, who, made.id)
    click.echo(f"Opened: case {made.reference}.")
    for sentence in view.lacking:
        click.echo(f"Missing: {sentence}")


@cases.command("show", epilog=EXIT_CODES)
@REFERENCE
@click.option("--json", "as_json", is_flag=True, help="Print the case as JSON, as the HTTP interface does.")
def show(reference: str, as_json: bool) -> None:
    """Show the case REFERENCE with its searches and timeline."""
    from lineament.api.case_models import case_out
    from lineament.app import sign_in
    from lineament.app.casework.overview import find_case, overview

    with opened() as installation:
        who = sign_in.operator(installation)
        view = overview(installation, who, find_case(installation, who, reference).id)
    click.echo(case_out(view).model_dump_json(indent=2) if as_json else _text(view))


@cases.command("grounds", epilog=EXIT_CODES)
@REFERENCE
@grounds_options
def grounds(reference: str, **given: Any) -> None:
    """Say why the case REFERENCE may be searched.

    What is not given stays as it was.
    """
    from lineament.app import sign_in
    from lineament.app.casework import cases as use
    from lineament.app.casework.overview import find_case

    with opened() as installation:
        who = sign_in.operator(installation)
        case = find_case(installation, who, reference)
        before = use.Grounds(case.narrative, case.authorisation, case.consent)
        use.set_grounds(installation, who, case.id, _grounds(before, **given))
    click.echo("Recorded.")


@cases.command("note", epilog=EXIT_CODES)
@REFERENCE
@click.argument("text")
def note(reference: str, text: str) -> None:
    """Add TEXT to the case REFERENCE as a note.

    It cannot be taken back.
    """
    from lineament.app import sign_in
    from lineament.app.casework.cases import add_note
    from lineament.app.casework.overview import find_case

    with opened() as installation:
        who = sign_in.operator(installation)
        add_note(installation, who, find_case(installation, who, reference).id, text)
    click.echo("Recorded.")


@cases.command("member", epilog=EXIT_CODES)
@REFERENCE
@click.argument("name")
@click.option(
    "--part", type=click.Choice([one.value for one in Part]), help="The part; left out, theirs is taken away."
)
@click.option("--until", type=TIME, help="When the part ends, UTC.")
def member(reference: str, name: str, part: str | None, until: datetime | None) -> None:
    """Give the person NAME a part in the case REFERENCE."""
    from lineament.app import sign_in
    from lineament.app.casework.members import end_part, set_member
    from lineament.app.casework.overview import find_case

    with opened() as installation:
        who = sign_in.operator(installation)
        case = find_case(installation, who, reference)
        if part is None:
            end_part(installation, who, case.id, name)
        else:
            set_member(installation, who, case.id, name, Part(part), _utc(until))
    click.echo("Recorded.")


@cases.command("close", epilog=EXIT_CODES)
@REFERENCE
def close(reference: str) -> None:
    """Close the case REFERENCE: nothing more is searched in it."""
    _bring(reference, CaseState.CLOSED)


@cases.command("reopen", epilog=EXIT_CODES)
@REFERENCE
def reopen(reference: str) -> None:
    """Open the case REFERENCE again."""
    _bring(reference, CaseState.OPEN)


@cases.command("appeal", epilog=EXIT_CODES)
@REFERENCE
def appeal(reference: str) -> None:
    """Record that the closed case REFERENCE is appealed.

    What was searched is kept, and nothing more is searched.
    """
    _bring(reference, CaseState.APPEALED)


def _bring(reference: str, state: CaseState) -> None:
    from lineament.app import sign_in
    from lineament.app.casework.cases import bring
    from lineament.app.casework.overview import find_case

    with opened() as installation:
        who = sign_in.operator(installation)
        case = bring(installation, who, find_case(installation, who, reference).id, state)
    click.echo(f"Case {case.reference} is {case.state}.")


def _grounds(
    before: Grounds,
    narrative: str | None,
    consent: str | None,
    number: str | None,
    issuer: str | None,
    scope: str | None,
    expires: datetime | None,
) -> Grounds:
    """Return the grounds with what was given in place of what was there before. Raises InvalidRequest."""
    from lineament.app.casework.cases import Grounds

    authorisation = before.authorisation
    given = (number, issuer, scope, expires)
    if any(given):
        if not (number and issuer and scope and expires):
            raise InvalidRequest("An authorisation needs --number, --issuer, --scope and --expires.")
        authorisation = Authorisation(number, issuer, scope, expires.replace(tzinfo=UTC))
    return Grounds(narrative or before.narrative, authorisation, consent or before.consent)


def _utc(when: datetime | None) -> datetime | None:
    return when.replace(tzinfo=UTC) if when else None


def _text(view: CaseView) -> str:
    case = view.case
    lines = [f"{case.reference}: {case.title}", f"For {case.purpose}, {case.state}."]
    lines += [f"Missing: {sentence}" for sentence in view.lacking]
    lines += [
        f"{one.name}: {one.part}" + (f", until {one.until}" if one.until else "") for one in view.members
    ]
    if view.searches:
        lines.append("\nSearches:")
        lines += [f"  {one.started_at}  {one.outcome}  {one.id}" for one in view.searches]
    lines.append("\nTimeline:")
    lines += [
        f"  {one.number}. {one.sentence}" + (f" {one.who}, {one.at}" if one.who else "")
        for one in view.timeline
    ]
    return "\n".join(lines)
