"""`lineament ingest`: from a folder or manifest into a collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineament.cli.common import EXIT_CODES, Exit, opened, progress_bar
from lineament.config import load_settings
from lineament.core.words import counted, plain
from lineament.errors import LineamentError, SourceUnreadable

if TYPE_CHECKING:
    from lineament.app.ingest import Report


@click.command(epilog=EXIT_CODES, short_help="Take photographs into a collection.")
@click.argument("source")
@click.option("--collection", required=True, help="The collection that the photographs go into.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def ingest(context: click.Context, source: str, collection: str, as_json: bool) -> None:
    """Take the photographs of SOURCE into a collection whose permission is in force.

    SOURCE is a folder, or a manifest: a CSV file with the columns path and source_url, and where known
    page_url, caption and credit. A folder that holds a manifest.csv is read by it. Run it again at any time:
    nothing is done twice. Files that cannot be used are listed with the reason; the rest goes on.
    """
    from lineament.app import ingest as use
    from lineament.app import sign_in
    from lineament.sources import open_source

    progress = progress_bar()
    with opened() as installation:
        items = open_source(_outside(source, load_settings().data))
        use.require_permission(installation, collection)
        bar = progress.add_task(f"Ingesting into '{plain(collection)}'", total=items.size)
        try:
            with progress:
                report = use.ingest(
                    installation,
                    sign_in.operator(installation),
                    collection,
                    items,
                    lambda done: progress.update(bar, completed=done),
                )
        except (KeyboardInterrupt, LineamentError):
            click.echo("Stopped. What is in is kept; run the same command to go on.", err=True)
            raise
    if as_json:
        click.echo(json.dumps(vars(report) | {"rejected": [vars(one) for one in report.rejected]}, indent=2))
    else:
        _print(report)
    context.exit(Exit.NOTHING if report.rejected else Exit.DONE)


def _outside(source: str, data: Path) -> Path:
    """Return the source's path. Raises SourceUnreadable for one that holds, or lies in, the data folder.

    There lie photographs that were searched, and they never join a collection.
    """
    place = Path(source)
    here, there = place.resolve(), data.resolve()
    if not source or here.is_relative_to(there) or there.is_relative_to(here):
        raise SourceUnreadable(f"'{plain(source)}' is no source: it is or holds Lineament's own data folder.")
    return place


def _print(report: Report) -> None:
    if not report.known and not report.new and not report.rejected:
        click.echo("There was nothing to take in.")
        return
    new, faces = counted(report.new, "new image"), counted(report.faces, "face")
    click.echo(f"{new} with {faces}; {report.known:,} already there.")
    if report.rejected:
        click.echo(f"{counted(len(report.rejected), 'file')} not taken in:")
    for one in report.rejected:
        click.echo(f"  {one.path}: {one.sentence} [{one.code}]")
