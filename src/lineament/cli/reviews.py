"""`lineament examiners` and `seeds`: how often examiners are wrong, and what that is measured with."""

from __future__ import annotations

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, opened, print_table
from lineament.core.words import counted, plain


@click.command(short_help="Show how often examiners are wrong.", epilog=EXIT_CODES)
def examiners() -> None:
    """Show every examiner's error rates, measured with pairs of faces whose answer is known.

    Each is a count with its 95 % interval. Inconclusive answers are no errors and stand beside them.
    """
    from lineament.app import sign_in
    from lineament.app.casework import examiners as use

    with opened() as installation:
        rates = use.error_rates(installation, sign_in.operator(installation))
    table = Table(
        "examiner",
        "mates missed",
        "lookalikes supported",
        "mates undecided",
        "lookalikes undecided",
        box=None,
    )
    for one in rates:
        shares = (one.missed, one.wrongly_supported, one.undecided_mates, one.undecided_lookalikes)
        table.add_row(plain(one.name), *map(str, shares))
    print_table(table)


@click.command(short_help="Show how many pairs there are to test examiners with.", epilog=EXIT_CODES)
def seeds() -> None:
    """Show how many pairs of faces there are whose answer is known, to test examiners with.

    They come from collections whose permission allows the purpose examiner-testing and whose manifest names
    the person in each photograph.
    """
    from lineament.app.casework import seeds as use

    with opened() as installation, installation.records.read() as tx:
        pool = use.pool(installation, tx)
    click.echo(f"{counted(pool.faces, 'face')} of named people may be used to test examiners.")
    click.echo(f"{counted(len(pool.mates), 'pair')} of mates, {len(pool.lookalikes):,} of lookalikes.")
    lacking = [name for name, pairs in (("mates", pool.mates), ("lookalikes", pool.lookalikes)) if not pairs]
    if lacking:
        what = " and ".join(lacking)
        click.echo(
            f"Without {what} a part of the examiners' error rates is not measured. Add photographs of named "
            f"people, two or more of each, to a collection whose permission allows {use.PURPOSE}."
        )
