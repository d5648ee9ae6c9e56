"""What is handed out so that others can check it: receipts, a search, a whole case; and searches repeated."""

from __future__ import annotations

from pathlib import Path

import click

from lineament.cli.common import EXIT_CODES, Exit, opened
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
        write_new(output, disclose.receipt(installation, sign_in.operator(installation), search))


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
        write_new(output, disclose.export(installation, sign_in.operator(installation), search))


@click.command(short_help="Hand out a case with its proofs.")
@click.argument("case")
@OUTPUT
def disclose(case: str, output: Path) -> None:
    """Write a bundle with everything that was done in CASE, its reference or id, for both sides to check.

    It holds every search with its photographs and candidates, what examiners saw and concluded, and receipts.
    That it was made is on record.
    """
    from lineament.app import sign_in
    from lineament.app.casework import disclosure
    from lineament.app.casework.overview import find_case

    with opened() as installation:
        who = sign_in.operator(installation)
        found = find_case(installation, who, case)
        write_new(output, disclosure.disclose(installation, who, found.id))


@click.command(short_help="Repeat the searches of a case's bundle.", epilog=EXIT_CODES)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.pass_context
def rerun(context: click.Context, bundle: Path) -> None:
    """Check BUNDLE, the file of a case that was disclosed, and repeat its searches here.

    Each is made again among the faces that were in the collections then, and its list held against the
    record. What was withdrawn since is counted. Nothing is recorded, and no candidate is shown.
    """
    from lineament import ledger
    from lineament.app import sign_in
    from lineament.app.casework.rerun import rerun as repeat

    with opened() as installation:
        done = repeat(installation, sign_in.operator(installation), ledger.read_whole(bundle))
    for one in done:
        click.echo(f"Search {one.search}: {one.sentence}")
    same = sum(one.same for one in done)
    click.echo(f"{same} of {len(done)} finished searches gave the same.")
    context.exit(Exit.DONE if same == len(done) else Exit.BAD_INPUT)


def write_new(output: Path, data: bytes) -> None:
    """Write a file that is not there yet. Raises InvalidRequest."""
    try:
        with output.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise InvalidRequest(f"'{plain(str(output))}' cannot be written: {error.strerror}.") from error
    click.echo(f"Written: {plain(str(output))} ({len(data):,} bytes).")
