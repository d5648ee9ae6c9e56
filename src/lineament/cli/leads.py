"""`lineament leads` and `lineament cases report`: what is done with a lead, and what is handed out of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lineament.cli.cases import REFERENCE, cases
from lineament.cli.common import EXIT_CODES, opened, print_table
from lineament.cli.disclose import OUTPUT, write_new
from lineament.core.review import WORDING, Truth
from lineament.core.words import capital, plain

if TYPE_CHECKING:
    from lineament.app.casework.leads import LeadView

LEAD = click.argument("lead")
FILLERS = 5  # as in app.casework.line_up, which takes long to import
DAY = click.DateTime(["%Y-%m-%d"])


@click.group(short_help="Show leads and record what is done with them.")
def leads() -> None:
    """Show leads, record what is done with them, and hand out reports and line-ups.

    A lead is not an identification, and not evidence on its own. These commands act for whoever runs this
    installation.
    """


@leads.command("list", epilog=EXIT_CODES)
@REFERENCE
def list_(reference: str) -> None:
    """List what was put forward in the case REFERENCE."""
    from lineament.app import sign_in
    from lineament.app.casework.overview import find_case, overview

    with opened() as installation:
        who = sign_in.operator(installation)
        found = overview(installation, who, find_case(installation, who, reference).id).leads
    if not found:
        click.echo("No candidate was put forward in this case.")
        return
    table = Table("lead", "put forward", "state", "right or not", box=None)
    for lead in found:
        table.add_row(lead.id, lead.put_forward_at, lead.state, lead.truth or "")
    print_table(table)


@leads.command("show", epilog=EXIT_CODES)
@LEAD
@click.option("--json", "as_json", is_flag=True, help="Print the lead as JSON, as the HTTP interface does.")
def show(lead: str, as_json: bool) -> None:
    """Show LEAD, the id of a candidate that was put forward."""
    from lineament.api.lead_models import lead_out
    from lineament.app import sign_in
    from lineament.app.casework.leads import lead_view

    with opened() as installation:
        view = lead_view(installation, sign_in.operator(installation), lead)
    click.echo(lead_out(view).model_dump_json(indent=2) if as_json else _text(view))


@leads.command("evidence", epilog=EXIT_CODES)
@LEAD
@click.argument("description")
@click.option("--source", required=True, help="Where it comes from.")
@click.option("--date", required=True, type=DAY, help="The day of it.")
def evidence(lead: str, description: str, source: str, date: datetime) -> None:
    """Record what else supports LEAD, in DESCRIPTION.

    That is evidence from elsewhere than any comparison of faces.
    """
    from lineament.app import sign_in
    from lineament.app.casework.leads import add_evidence

    with opened() as installation:
        who = sign_in.operator(installation)
        add_evidence(installation, who, lead, description, source, date.date().isoformat())
    click.echo("Recorded.")


@leads.command("act", epilog=EXIT_CODES)
@LEAD
@click.argument("what")
def act(lead: str, what: str) -> None:
    """Record WHAT was done because of LEAD."""
    from lineament.app import sign_in
    from lineament.app.casework.leads import act_on

    with opened() as installation:
        act_on(installation, sign_in.operator(installation), lead, what)
    click.echo("Recorded.")


@leads.command("set-aside", epilog=EXIT_CODES)
@LEAD
@click.argument("reason")
def set_aside(lead: str, reason: str) -> None:
    """Record that LEAD is not followed, and the REASON."""
    from lineament.app import sign_in
    from lineament.app.casework.leads import set_aside as use

    with opened() as installation:
        use(installation, sign_in.operator(installation), lead, reason)
    click.echo("Recorded.")


@leads.command("truth", epilog=EXIT_CODES)
@LEAD
@click.argument("truth", type=click.Choice([one.value for one in Truth]))
@click.argument("how")
def truth(lead: str, truth: str, how: str) -> None:
    """Record whether LEAD was right, and HOW that is known."""
    from lineament.app import sign_in
    from lineament.app.casework.leads import record_truth

    with opened() as installation:
        record_truth(installation, sign_in.operator(installation), lead, Truth(truth), how)
    click.echo("Recorded.")


@leads.command("line-up", epilog=EXIT_CODES)
@LEAD
@click.argument("description")
@click.option("--fillers", default=FILLERS, show_default=True, help="How many other people stand in it.")
@OUTPUT
def line_up(lead: str, description: str, fillers: int, output: Path) -> None:
    """Write the photographs for a line-up of LEAD.

    It is locked until independent evidence is on record. Fillers are drawn by lot among people in collections
    given for line-ups, of whose photographs each word of DESCRIPTION is known.
    """
    from lineament.app import sign_in
    from lineament.app.casework.line_up import line_up as use

    with opened() as installation:
        made = use(installation, sign_in.operator(installation), lead, description, fillers)
        write_new(output, made)


@leads.command("report", epilog=EXIT_CODES)
@LEAD
@OUTPUT
def report(lead: str, output: Path) -> None:
    """Write the report on LEAD.

    It is HTML where the file's name ends in .html, and else a PDF. That it was handed out is on record.
    """
    from lineament.app import sign_in
    from lineament.app.casework.reports import lead_report

    with opened() as installation:
        made = lead_report(installation, sign_in.operator(installation), lead)
        write_new(output, made.html.encode() if output.suffix.lower() == ".html" else made.pdf)


@cases.command("report", epilog=EXIT_CODES)
@REFERENCE
@OUTPUT
def case_report(reference: str, output: Path) -> None:
    """Write the report on the case REFERENCE.

    It is HTML where the file's name ends in .html, and else a PDF.

    That it was handed out is on record.
    """
    from lineament.app import sign_in
    from lineament.app.casework import reports
    from lineament.app.casework.overview import find_case

    with opened() as installation:
        who = sign_in.operator(installation)
        made = reports.case_report(installation, who, find_case(installation, who, reference).id)
        write_new(output, made.html.encode() if output.suffix.lower() == ".html" else made.pdf)


def _text(view: LeadView) -> str:
    from lineament.app.casework.leads import WHAT_A_LEAD_IS_NOT

    lines = [*WHAT_A_LEAD_IS_NOT, "", f"{capital(view.standing)}."]
    if view.candidate is None:
        lines.append("The candidate is withheld.")
    else:
        source = view.candidate.image.provenance
        lines.append(f"{plain(source.caption or source.path)} ({view.candidate.collection})")
    lines += [said for said in (view.odds, view.caution) if said]
    for one in view.examined:
        lines.append(
            f"{one.place.capitalize()}, {plain(one.name)}: {WORDING[one.review.comparison.conclusion]}"
        )
    lines += [
        f"{event.at}  {event.change}, {plain(view.names[event.person_id])}: "
        + ", ".join(plain(" ".join(value.split())) for value in event.document.values())
        for event in view.events
    ]
    return "\n".join(lines)
