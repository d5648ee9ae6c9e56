"""`lineament withdraw`, `withdrawals` and `upkeep`: what is taken back leaves, with a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, Exit, confirmed, opened, print_table
from lineament.core.times import from_iso
from lineament.core.words import counted, plain
from lineament.errors import IndexUnavailable, InvalidRequest, RecordsBusy

if TYPE_CHECKING:
    from lineament.app.installation import Installation
    from lineament.app.withdraw import Reach, Withdrawn
    from lineament.records.withdrawals import Withdrawal

LISTED = 1_000  # withdrawals
BY = click.option(
    "--by",
    required=True,
    type=click.Choice(["person", "grantor", "curator"]),
    help="Whose will it is: the person's in the photograph, the grantor's, or a curator's.",
)
KEEP_FACE_OUT = click.option(
    "--keep-face-out",
    is_flag=True,
    help="Keep other photographs of this face out, too. Its template stays for that alone; only its person "
    "may ask for it.",
)
YES = click.option("--yes", is_flag=True, help="Do not ask before it is done.")


@click.group(short_help="Take photographs out for good.")
def withdraw() -> None:
    """Take photographs out for good: a face's, single ones, a source's, or a whole collection's.

    No search finds them from then on, they are removed from the disk, and their absence is proved. What a
    person withdraws goes with its copies in every collection. It cannot be undone.
    """


@withdraw.command(epilog=EXIT_CODES)
@click.argument("faces", nargs=-1, required=True)
@BY
@KEEP_FACE_OUT
@YES
@click.pass_context
def face(context: click.Context, faces: tuple[str, ...], by: str, keep_face_out: bool, yes: bool) -> None:
    """Withdraw FACES with their photographs.

    They are ids of faces; each goes with its whole photograph and every other face in it.
    """
    context.exit(_withdraw("face", faces, by, yes, keep_face_out))


@withdraw.command(epilog=EXIT_CODES)
@click.argument("images", nargs=-1, required=True)
@BY
@KEEP_FACE_OUT
@YES
@click.pass_context
def image(context: click.Context, images: tuple[str, ...], by: str, keep_face_out: bool, yes: bool) -> None:
    """Withdraw IMAGES with every face in them.

    They are ids of photographs.
    """
    context.exit(_withdraw("image", images, by, yes, keep_face_out))


@withdraw.command(epilog=EXIT_CODES)
@click.argument("addresses", nargs=-1, required=True)
@BY
@YES
@click.pass_context
def source(context: click.Context, addresses: tuple[str, ...], by: str, yes: bool) -> None:
    """Withdraw what comes from ADDRESSES, in every collection.

    An address is that of a photograph or of the page that shows it; one that ends with a slash means all that
    begin with it.
    """
    context.exit(_withdraw("source", addresses, by, yes))


@withdraw.command(epilog=EXIT_CODES)
@click.argument("name")
@BY
@YES
@click.pass_context
def collection(context: click.Context, name: str, by: str, yes: bool) -> None:
    """Withdraw the whole collection NAME.

    Its key is destroyed, and nothing can be taken into it again.
    """
    context.exit(_withdraw("collection", [name], by, yes))


@click.group(invoke_without_command=True, short_help="List the withdrawals, or write a receipt.")
@click.pass_context
def withdrawals(context: click.Context) -> None:
    """List the withdrawals and whether they are erased, or write the receipt for one."""
    if context.invoked_subcommand is None:
        _list()


@withdrawals.command()
@click.argument("withdrawal")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write into."
)
def receipt(withdrawal: str, out: Path) -> None:
    """Write the receipt for WITHDRAWAL, which is its id.

    There are three files: receipt.pdf to be read, receipt.json to be processed, and receipt.zip to be checked
    with `lineament verify`. That it was handed out is on
    record.
    """
    from lineament.app import sign_in, withdrawal_receipt

    with opened() as installation:
        made = withdrawal_receipt.withdrawal_receipt(installation, sign_in.operator(installation), withdrawal)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in (("pdf", made.pdf), ("json", made.json), ("zip", made.bundle)):
            (out / f"receipt.{name}").write_bytes(data)
    except OSError as error:
        raise InvalidRequest(f"'{plain(str(out))}' cannot be written to: {error.strerror}.") from error
    click.echo(f"Written: receipt.pdf, receipt.json and receipt.zip in {plain(str(out))}.")


@click.command(epilog=EXIT_CODES)
def upkeep() -> None:
    """Do what is due, though nobody asks.

    Erasures that were cut short are finished, collections that were kept for as long as they may be are
    emptied, the permission files of sites are looked at again, and photographs that were searched are erased
    when the policy says so. A running server does this by itself.
    """
    from lineament.app import upkeep as use

    with opened() as installation:
        report = use.upkeep(installation)
    click.echo(f"Finished: {counted(report.finished, 'erasure')}.")
    for name in report.purged:
        click.echo(f"Emptied: '{name}', which was kept for as long as its permission allowed.")
    for host in report.ended_sites:
        click.echo(f"Withheld: what came from {host}, whose permission file is no longer in force.")
    if report.erased_probes:
        what = counted(report.erased_probes, "photograph")
        click.echo(f"Erased: {what} that had been searched, as the policy says.")


def _withdraw(scope: str, names: Sequence[str], by: str, yes: bool, keep_face_out: bool = False) -> Exit:
    from lineament.app import sign_in
    from lineament.app import withdraw as use
    from lineament.records.withdrawals import By, Scope

    with opened() as installation:
        who, what = sign_in.operator(installation), (Scope(scope), names, By(by))
        if scope == "face":
            click.echo("A face goes with its whole photograph, and so with every other face in it.")
        _tell(use.reach(installation, who, *what))
        if not yes and not confirmed("Withdraw this? It cannot be undone."):
            click.echo("Nothing was withdrawn.")
            return Exit.NOTHING
        _erase(installation, use.withdraw(installation, who, *what, keep_face_out))
    return Exit.DONE


def _tell(reach: Reach) -> None:
    """Say what would go, and which copies would stay."""
    for name, (images, faces) in reach.taken.items():
        click.echo(f"Of '{name}': {counted(images, 'photograph')} with {counted(faces, 'face')}.")
    if reach.copies:
        click.echo("Nearly the same photographs stay, unless you name them, too:")
        for copy in reach.copies:
            click.echo(f"  {copy}")


def _erase(installation: Installation, done: Sequence[Withdrawn]) -> None:
    from lineament.app import erasure

    try:
        for one in erasure.erase(installation, done):
            click.echo(f"Withdrawn and erased: {one.id}, {_state(one)}.")
    except (IndexUnavailable, RecordsBusy) as error:
        click.echo(f"Withdrawn: no search finds it. It is not erased yet: {error}")
        click.echo("A running server finishes it within a minute, else `lineament upkeep`.")


def _list() -> None:
    from lineament.app import suppression
    from lineament.app import withdraw as use

    with opened() as installation:
        there = use.show(installation, LISTED)
        not_compared = suppression.faces_not_compared(installation)
    table = Table("id", "recorded", "by", "scope", "collection", "images", "faces", "state", box=None)
    for one, name in there:
        when = f"{from_iso(one.recorded_at):%Y-%m-%d %H:%M}"
        counts = f"{one.images:,}", f"{one.faces:,}"
        table.add_row(one.id, when, one.by, one.scope, name or "", *counts, _state(one))
    print_table(table)
    if not_compared:
        click.echo(
            f"{counted(not_compared, 'face')} to be kept out cannot be: under the model in use there is no "
            "template, or no threshold."
        )


def _state(one: Withdrawal) -> str:
    if one.erased_at is None:
        return "to be erased"
    seconds = (from_iso(one.erased_at) - from_iso(one.recorded_at)).total_seconds()
    return f"absence proved after {seconds:,.0f} s"
