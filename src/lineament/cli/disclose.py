"""`lineament receipt` and `lineament export`: what is handed out so that others can check a search."""

from __future__ import annotations

from pathlib import Path

import click

from lineament.cli.common import opened
from lineament.core.words import plain
from lineament.errors import InvalidRequest

OUTPUT = click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="The new file; one that is there stays."
)


@click.command(short_help="Write the receipt of a search.")
@click.argument("search")
@OUTPUT
def receipt(search: str, output: Path) -> None:
    """Write the receipt that proves the ledger's entry for SEARCH, a search's id.

    It is a file of c2sp.org/tlog-proof; `lineament verify` and other tools can check it offline.
    """
    from lineament.app import disclose, sign_in

    with opened() as installation:
        _write(output, disclose.receipt(installation, sign_in.operator(installation), search))


@click.command(short_help="Hand out a search with its proofs.")
@click.argument("search")
@OUTPUT
def export(search: str, output: Path) -> None:
    """Write a bundle with all that SEARCH, a search's id, left: to be checked by others.

    It holds the photograph that was searched, the terms, the candidates as they were shown, and receipts.
    That it was made is on record.
    """
    from lineament.app import disclose, sign_in

    with opened() as installation:
        _write(output, disclose.export(installation, sign_in.operator(installation), search))


def _write(output: Path, data: bytes) -> None:
    try:
        with output.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise InvalidRequest(f"'{plain(str(output))}' cannot be written: {error.strerror}.") from error
    click.echo(f"Written: {plain(str(output))} ({len(data):,} bytes).")
