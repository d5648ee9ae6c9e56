"""`lineament evaluate`: measure error rates on one's own photographs, or on stored scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineament.cli.common import EXIT_CODES, opened, progress_bar
from lineament.core.words import counted, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lineament.evaluation.protocol import Protocol

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _folders(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> dict[str, Path]:
    """Read NAME=FOLDER, each name once."""
    folders: dict[str, Path] = {}
    for one in given:
        name, equals, folder = one.partition("=")
        if not (name and equals and folder) or name in folders:
            raise click.BadParameter(f"'{one}' is not NAME=FOLDER, or its name comes twice.")
        folders[name] = Path(folder)
    return folders


@click.command(epilog=EXIT_CODES)
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="The report's folder."
)
@click.option("--root", type=FOLDER, help="The folder that the places in a protocol are below.")
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    callback=_folders,
    metavar="NAME=FOLDER",
    help="Degraded copies of probes, under the same places as below the root. May be repeated.",
)
@click.option(
    "--gallery-size",
    "sizes",
    multiple=True,
    type=click.IntRange(2),
    help="People to enrol, drawn at random; may be repeated. Else a tenth, a third and all.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of everything drawn.")
def evaluate(
    source: Path,
    output: Path,
    root: Path | None,
    conditions: Mapping[str, Path],
    sizes: Sequence[int],
    seed: int,
) -> None:
    """Measure error rates on SOURCE and report them.

    The report goes into the folder that --output names.

    SOURCE is a folder with one folder of photographs for each person, a CSV file of pairs, the gallery.csv of
    an open set, or a CSV file of scores; docs/evaluation.md describes each. Every figure comes with how many
    it was counted in and an interval. Nothing joins a collection, and neither photographs nor templates are
    kept.
    """
    from lineament.app import evaluate as use
    from lineament.evaluation import plots, protocol, report

    plots.require_matplotlib()  # before an hour's work, and not after it
    read = protocol.read_protocol(source, root, seed)
    if isinstance(read, protocol.StoredScores):
        if conditions or sizes:
            raise click.UsageError("Stored scores have no photographs to degrade and no gallery.")
        document = use.evaluate_scores(read, seed)
    else:
        document = _photographs(read, conditions, sizes, seed)
    made = report.make(document)
    output.mkdir(parents=True, exist_ok=True)
    for name, data in made.files.items():
        (output / name).write_bytes(data)
    _print(document, output)


def _photographs(
    read: Protocol, conditions: Mapping[str, Path], sizes: Sequence[int], seed: int
) -> dict[str, Any]:
    from lineament.app import evaluate as use
    from lineament.app import sign_in

    progress = progress_bar()
    bar = progress.add_task("Embedding", total=None)
    with opened() as installation, progress:
        who = sign_in.operator(installation)

        def on_progress(done: int, of: int) -> None:
            what = "Computing" if done == of else "Embedding"
            progress.update(bar, description=what, completed=done, total=of)

        return use.evaluate(installation, who, read, conditions, sizes, seed, on_progress=on_progress)


def _print(document: Mapping[str, Any], output: Path) -> None:
    from lineament.evaluation.report import rate

    acquired, one, many = (document[part] for part in ("acquisition", "verification", "search"))
    if acquired:
        click.echo(f"Photographs without a template: {rate(acquired['figure'])}.")
    if one:
        click.echo(f"EER {rate(one['figures'][0])}.")
    if many:
        whole = many["galleries"][-1]
        people = counted(whole["people"], "person").replace("persons", "people")
        click.echo(f"Among {people}, FNIR at rank 1 {rate(whole['investigation'][0])}.")
    click.echo(f"The report is in {plain(str(output))}: report.html, report.pdf, report.json, model-card.md.")
