"""`lineament ingest`: from a source into a collection."""

from __future__ import annotations

import csv
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

import click

from lineament.cli.common import EXIT_CODES, Exit, opened, progress_bar
from lineament.config import load_settings
from lineament.core.words import counted, plain
from lineament.errors import ExtraMissing, LineamentError, SourceUnreadable

if TYPE_CHECKING:
    from lineament.app.ingest import Report
    from lineament.app.installation import Installation
    from lineament.app.prepare import Sight
    from lineament.records.ingests import Rejected

CSV_FILE = click.File("w", encoding="utf-8", lazy=False)


@click.command(epilog=EXIT_CODES, short_help="Take photographs into a collection.")
@click.argument("source")
@click.option("--collection", required=True, help="The collection that the photographs go into.")
@click.option("--rejections", type=CSV_FILE, help="Write what cannot be used to a CSV file.")
@click.option("--cluster", help="Look at photographs on a Dask cluster, such as tls://HOST:8786.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def ingest(
    context: click.Context,
    source: str,
    collection: str,
    rejections: TextIO | None,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Take the photographs of SOURCE into a collection whose permission is in force.

    SOURCE is a folder, a manifest, an archive, or an address; docs/sources.md says what each may hold. Run it
    again at any time: nothing is done twice, and where a caption or the like was corrected, that is recorded.
    Files that cannot be used are listed with the reason; the rest goes on. docs/ingest.md says more.
    """
    from lineament.app import ingest as use
    from lineament.app import sign_in
    from lineament.sources import open_source
    from lineament.wiring import open_fetcher

    progress, settings = progress_bar(), load_settings()
    with opened() as installation:
        there = use.require_permission(installation, collection)
        fetch = open_fetcher(settings, there.permission.purposes if there.permission else ())
        items = open_source(_outside(source, settings.data), fetch)
        total = items.size
        bar = progress.add_task(f"Ingesting into '{plain(collection)}'", total=total)
        try:
            with _sight(installation, cluster) as sight, progress:
                report = use.ingest(
                    installation,
                    sign_in.operator(installation),
                    collection,
                    items,
                    # A film is one file, and becomes many items: then nobody knows how many there will be.
                    lambda done: progress.update(bar, completed=done, total=total and max(total, done)),
                    called=_called(source),
                    sight=sight,
                    site_permissions=lambda: fetch.permissions_seen if fetch else (),
                    on_rejected=_Table(rejections).add,
                )
        except (KeyboardInterrupt, LineamentError):
            click.echo("Stopped. What is in is kept; run the same command to go on.", err=True)
            raise
    if as_json:
        click.echo(json.dumps(vars(report) | {"rejected": [vars(one) for one in report.rejected]}, indent=2))
    else:
        _print(report)
    context.exit(Exit.NOTHING if report.rejected or report.withheld else Exit.DONE)


class _Table:
    """The CSV file of what cannot be used; each file is there as soon as it is on record."""

    def __init__(self, file: TextIO | None) -> None:
        from lineament.app import rejections

        self._file, self._row = file, rejections.row
        if file:
            csv.writer(file).writerow(rejections.HEADER)

    def add(self, one: Rejected) -> None:
        if self._file:
            csv.writer(self._file).writerow(self._row(one))
            self._file.flush()


def _sight(installation: Installation, cluster: str | None) -> AbstractContextManager[Sight | None]:
    """Open the cluster's workers, where one is named. Raises ClusterUnavailable or ExtraMissing."""
    if cluster is None:
        return nullcontext()
    try:
        from lineament.app.cluster_ingest import cluster_sight
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            "A cluster is used through Dask, which is not installed: the extra 'dask'."
        ) from error
    return cluster_sight(installation, cluster)


def _called(source: str) -> str:
    """Return what people call a source; what else an address holds may be a secret."""
    parts = urlsplit(source)
    return plain(f"{parts.scheme}://{parts.hostname}{parts.path}" if "://" in source else source)


def _outside(source: str, data: Path) -> str | Path:
    """Return the source's address or path.

    Raises SourceUnreadable for a path that holds, or lies in, the data folder. There lie photographs that
    were searched, and they never join a collection.
    """
    if "://" in source:
        return source
    place = Path(source)
    here, there = place.resolve(), data.resolve()
    if not source or here.is_relative_to(there) or there.is_relative_to(here):
        raise SourceUnreadable(f"'{plain(source)}' is no source: it is or holds Lineament's own data folder.")
    return place


def _print(report: Report) -> None:
    if not any(report.counts.values()):
        click.echo("There was nothing to take in.")
        return
    new, faces = counted(report.new, "new image"), counted(report.faces, "face")
    corrected = f", of which {report.corrected:,} were corrected" if report.corrected else ""
    click.echo(f"{new} with {faces}; {report.known:,} already there{corrected}.")
    if report.withheld:
        click.echo(f"{counted(report.withheld, 'file')} kept out: what was withdrawn does not come back.")
    if report.rejected:
        click.echo(f"{counted(len(report.rejected), 'file')} not taken in:")
    for one in report.rejected:
        click.echo(f"  {one.path}: {one.sentence} [{one.code}]")
