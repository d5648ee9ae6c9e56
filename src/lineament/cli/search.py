"""`lineament search`: photographs of one person, one purpose, a candidate list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineament.cli.common import EXIT_CODES, Exit, opened
from lineament.core.cases import Obtained
from lineament.core.words import counted, plain

if TYPE_CHECKING:
    from lineament.api.search_models import ProbeOut, SearchOut

EXITS = {"awaiting-face": Exit.CHOOSE_FACE, "empty": Exit.NOTHING}  # by how a search stands


@click.command(short_help="Find candidates for a face.", epilog=EXIT_CODES)
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--purpose", required=True, help="Why you search: one of the policy's purposes.")
@click.option("--collection", "names", multiple=True, help="Search only this collection; may be repeated.")
@click.option("--case", metavar="REFERENCE", help="Search in this case of yours.")
@click.option(
    "--obtained",
    type=click.Choice([one.value for one in Obtained]),
    help="In a case: how the photographs were obtained.",
)
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
    obtained: str | None,
    faces: tuple[int, ...],
    box: str | None,
    as_json: bool,
) -> None:
    """Find candidates for the face on PHOTO, or on up to 20 photographs of one and the same person.

    They must show the person sought. Without --collection, every collection is searched whose permission
    allows the purpose; `lineament cases` opens the case that some purposes need. Where a photograph does not
    show one usable face alone, its faces are listed: choose one with --face, or draw a box around one that
    was not found with --box.
    """
    from lineament.api.search_models import search_out
    from lineament.app import candidates, collections, sign_in
    from lineament.app import search as use
    from lineament.app.choices import choices_of
    from lineament.sources import read_file

    with opened() as installation:
        who = sign_in.operator(installation)
        chosen = names or collections.allowing(installation, purpose)
        how = Obtained(obtained) if obtained else None
        request = use.Request(purpose, tuple(chosen), case, how)
        choices = choices_of(faces, box)
        done = use.open_search(installation, who, request, [read_file(photo) for photo in photos], choices)
        shown = search_out(candidates.show_search(installation, who, done.id))
    waits = shown.outcome == "awaiting-face"
    words = _waiting(shown, photos) if waits else text(shown)
    click.echo(shown.model_dump_json(indent=2) if as_json else words)
    context.exit(EXITS.get(shown.outcome, Exit.DONE))


def text(search: SearchOut) -> str:
    """Return a finished search as it is printed."""
    names = ", ".join(str(one["name"]) for one in search.collections)
    lines = [f"Searched {counted(search.searched_faces or 0, 'face')} in: {names}."]
    if len(search.probes) > 1:
        lines.append(f"One template was made from {len(search.probes)} photographs of one person.")
    if search.outcome == "empty" and not search.searched_faces:
        lines.append("These collections hold no face yet, so there was nothing to compare with.")
    elif search.outcome == "empty":
        floor = "" if search.threshold is None else f" that scores {search.threshold:.2f} or more"
        lines.append(f"No lead: there is no face{floor}.")
    if search.blind:
        lines.append("In an order of your own, without scores: first judge each candidate by sight.")
    for one in search.candidates:
        strength = f", {one.strength}" if one.strength else ""
        score = "" if one.score is None else f" score {one.score:.3f}{strength}"
        lines.append(f"\n{one.number}.{score}")
        if one.source is None:
            lines.append("   The permission for this photograph has ended; it is no longer shown.")
            continue
        place = one.source.source_url or one.source.path
        lines += [f"   {text}" for text in (one.source.caption, place, one.odds) if text]
        lines += [f"   also in {copy.collection}: {copy.source_url or copy.path}" for copy in one.also_in]
    if search.truncated:
        lines.append(f"\nMore faces passed; the policy shows the best {search.limit}.")
    if search.candidates:
        lines.append("\nA candidate is for people to review, not an identification.")
        lines += [search.caution] if search.caution else []
    return "\n".join([*lines, f"Search {search.id} is on record."])


def _waiting(search: SearchOut, photos: tuple[Path, ...]) -> str:
    if len(photos) == 1:
        return choose(search.probes[0])
    lines = ["All photographs must show one and the same person. Give --face once for each, in this order:"]
    for photo, probe in zip(photos, search.probes, strict=True):
        lines.append(f"{plain(photo.name)}, {_size(probe)}: {_found(probe).lower()}.")
        if probe.face is None:
            lines += _faces(probe) or ["  Leave it out, or search it alone with --box."]
    return "\n".join(lines)


def choose(probe: ProbeOut) -> str:
    """Return the faces of a photograph, and how to choose one of them."""
    one = "Choose one with --face, or draw a box" if probe.faces else "Draw a box"
    how = f"{one} around one that was not found with --box LEFT,TOP,RIGHT,BOTTOM."
    return "\n".join([f"{_found(probe)} in the photograph of {_size(probe)}.", how, *_faces(probe)])


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
