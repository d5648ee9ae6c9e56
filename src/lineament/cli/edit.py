"""`lineament edit`: search again with one photograph of a finished search edited."""

from __future__ import annotations

import click

from lineament.cli.common import EXIT_CODES, Exit, opened
from lineament.cli.search import EXITS, choose, text


@click.command(short_help="Search again with a photograph edited.", epilog=EXIT_CODES)
@click.argument("search_id", metavar="SEARCH")
@click.option("--probe", "number", default=1, type=click.IntRange(min=1), help="Which photograph, from 1.")
@click.option(
    "--edit",
    "edits",
    multiple=True,
    required=True,
    metavar="KIND[=VALUES]",
    help="crop=LEFT,TOP,RIGHT,BOTTOM  rotate=DEGREES  flip  brightness=FACTOR  contrast=FACTOR  "
    "deinterlace=FIELD  resize=WIDTH,HEIGHT; may be repeated, and is done in this order.",
)
@click.option("--face", type=click.IntRange(min=1), help="Which face of the edited photograph, from 1.")
@click.option("--box", metavar="LEFT,TOP,RIGHT,BOTTOM", help="Or a box around one, in px of what is edited.")
@click.option("--json", "as_json", is_flag=True, help="Print the search as JSON, as the HTTP interface does.")
@click.pass_context
def edit(
    context: click.Context,
    search_id: str,
    number: int,
    edits: tuple[str, ...],
    face: int | None,
    box: str | None,
    as_json: bool,
) -> None:
    """Search again, as the finished search SEARCH of yours did, with one of its photographs edited.

    Nothing is enhanced: each edit is recorded and can be done again to the same pixels. The list for the
    unedited photograph stays on record beside the new one.
    """
    from lineament.api.search_models import search_out
    from lineament.app import candidates, edited, sign_in
    from lineament.app.choices import choices_of

    with opened() as installation:
        who = sign_in.operator(installation)
        choice = next(iter(choices_of(() if face is None else (face,), box)), None)
        steps = edited.edits_of(edits)
        done = edited.search_edited(installation, who, search_id, number, steps, choice)
        shown = search_out(candidates.show_search(installation, who, done.id))
    waits = shown.outcome == "awaiting-face"
    words = choose(shown.probes[number - 1]) if waits else text(shown)
    click.echo(shown.model_dump_json(indent=2) if as_json else words)
    context.exit(EXITS.get(shown.outcome, Exit.DONE))
