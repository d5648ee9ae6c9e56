"""`lineament search`: photographs of one person, one purpose, a candidate list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineament.cli.common import EXIT_CODES, Exit, opened
from lineament.core.words import counted, plain

if TYPE_CHECKING:
    from lineament.api.models import ProbeOut, SearchOut


@click.command(short_help="Find candidates for a face.", epilog=EXIT_CODES)
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--purpose", required=True, help="Why you search: one of the policy's purposes.")
@click.option("--collection", "names", multiple=True, help="Search only this collection; may be repeated.")
@click.option("--case", help="The case reference, where the purpose needs one.")
@click.option(
    "--face",
    "faces",
    multiple=True,
    type=click.IntRange(min=1),
    help="Which face of the photograph to search, from 1; with several photographs, once for each in order.",
)
@click.option(
    "--box",
    metavar="LEFT,TOP,RIGHT,BOTTOM",
    help="Of one photograph: a box around a face that was not found, in px.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the search as JSON, as the HTTP interface does.")
@click.pass_context
def search(
    context: click.Context,
    photos: tuple[Path, ...],
    purpose: str,
    names: tuple[str, ...],
    case: str | None,
    faces: tuple[int, ...],
    box: str | None,
    as_json: bool,
) -> None:
    """Find candidates for the face on PHOTO, or on up to 20 photographs of one and the same person.

    Without --collection, every collection is searched whose permission allows the purpose. Where a photograph
    does not show one usable face alone, its faces are listed: choose one with --face, or draw a box around
    one that was not found with --box.
    """
    from lineament.api.models import search_out
    from lineament.app import candidates, collections, sign_in
    from lineament.app import search as use
    from lineament.app.choices import choices_of
    from lineament.sources import read_file

    with opened() as installation:
        who = sign_in.operator(installation)
        chosen = names or collections.allowing(installation, purpose)
        request = use.Request(purpose, tuple(chosen), case)
        choices = choices_of(faces, box)
        done = use.open_search(installation, who, request, [read_file(photo) for photo in photos], choices)
        shown = search_out(candidates.show_search(installation, who, done.id))
    click.echo(shown.model_dump_json(indent=2) if as_json else _text(shown, photos))
    exits = {"awaiting-face": Exit.CHOOSE_FACE, "empty": Exit.NOTHING}
    context.exit(exits.get(shown.outcome, Exit.DONE))


def _text(search: SearchOut, photos: tuple[Path, ...]) -> str:
    if search.outcome == "awaiting-face":
        return _waiting(search, photos)
    names = ", ".join(str(one["name"]) for one in search.collections)
    lines = [f"Searched {counted(search.searched_faces or 0, 'face')} in: {names}."]
    if len(photos) > 1:
        lines.append(f"One template was made from {len(photos)} photographs of one person.")
    if search.outcome == "empty" and not search.searched_faces:
        lines.append("These collections hold no face yet, so there was nothing to compare with.")
    elif search.outcome == "empty":
        floor = "" if search.threshold is None else f" that scores {search.threshold:.2f} or more"
        lines.append(f"No lead: there is no face{floor}.")
    for one in search.candidates:
        strength = f", {one.strength}" if one.strength else ""
        lines.append(f"\n{one.rank}. score {one.score:.3f}{strength}")
        if one.source is None:
            lines.append("   The permission for this photograph has ended; it is no longer shown.")
            continue
        place = one.source.source_url or one.source.path
        lines += [f"   {text}" for text in (one.source.caption, place, one.odds) if text]
        lines += [f"   also in {copy.collection}: {copy.source_url or copy.path}" for copy in one.also_in]
    if search.truncated:
        lines.append(f"\nMore faces passed; the policy shows the best {search.limit}.")
    if search.candidates:
        lines.append("\nA candidate is a lead for people to review, not an identification.")
        lines += [search.caution] if search.caution else []
    return "\n".join([*lines, f"Search {search.id} is on record."])


def _waiting(search: SearchOut, photos: tuple[Path, ...]) -> str:
    if len(photos) == 1:
        (probe,) = search.probes
        choose = "Choose one with --face, or draw a box" if probe.faces else "Draw a box"
        how = f"{choose} around one that was not found with --box LEFT,TOP,RIGHT,BOTTOM."
        return "\n".join([f"{_found(probe)} in the photograph of {_size(probe)}.", how, *_faces(probe)])
    lines = ["All photographs must show one and the same person. Give --face once for each, in this order:"]
    for photo, probe in zip(photos, search.probes, strict=True):
        lines.append(f"{plain(photo.name)}, {_size(probe)}: {_found(probe).lower()}.")
        if probe.face is None:
            lines += _faces(probe) or ["  Leave it out, or search it alone with --box."]
    return "\n".join(lines)


def _found(probe: ProbeOut) -> str:
    number = len(probe.faces)
    return {0: "No face was found", 1: "One face was found"}.get(number, f"{number} faces were found")


def _size(probe: ProbeOut) -> str:
    return f"{probe.width} x {probe.height} px"


def _faces(probe: ProbeOut) -> list[str]:
    return [
        "; ".join([f"  {face.number}: at {','.join(f'{edge:.0f}' for edge in face.box)} px", *face.advice])
        for face in probe.faces
    ]
