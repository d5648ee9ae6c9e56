"""The `lineament` command: its sub-commands, and errors as sentences with an exit code."""

from __future__ import annotations

import traceback
from typing import Any

import click

import lineament
from lineament.cli import was_interrupted
from lineament.cli.cases import cases
from lineament.cli.collections import collections
from lineament.cli.common import EXIT_CODES, Exit, exit_code
from lineament.cli.disclose import disclose, export, receipt, rerun
from lineament.cli.edit import edit
from lineament.cli.evaluate import evaluate
from lineament.cli.index import index
from lineament.cli.ingest import ingest
from lineament.cli.keys import keys
from lineament.cli.leads import leads
from lineament.cli.ledger import fsck, verifier, verify, witness
from lineament.cli.models import models
from lineament.cli.people import people
from lineament.cli.policy import policy
from lineament.cli.reviews import examiners, seeds
from lineament.cli.search import search
from lineament.cli.serve import serve, sign_in, token
from lineament.cli.withdraw import upkeep, withdraw, withdrawals
from lineament.core.words import plain
from lineament.errors import LineamentError
from lineament.ledger import LedgerError


class _Command(click.Group):
    """A group in which an error of Lineament is a sentence and an exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LineamentError as error:
            click.echo(error.diagnostics(), err=True)
            ctx.exit(exit_code(error))
        except LedgerError as error:
            click.echo(error.diagnostics(), err=True)
            ctx.exit(Exit.BAD_INPUT)
        except KeyboardInterrupt:
            ctx.exit(Exit.INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if was_interrupted():
                ctx.exit(Exit.INTERRUPTED)
            place = traceback.extract_tb(error.__traceback__)[-1]
            sentence = f"Something went wrong inside Lineament: {error!r} at {place.name}:{place.lineno}."
            click.echo(LineamentError(plain(sentence)).diagnostics(), err=True)
            ctx.exit(Exit.BROKEN)


@click.group(cls=_Command, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(lineament.__version__, prog_name="lineament")
def main() -> None:
    """Find where a face appears in image collections that you are permitted to search.

    Every search states a purpose, is decided by a policy, and is recorded in a ledger that outsiders can
    check. A result is a candidate for people to review, never an identification.
    """


for command in (
    collections,
    models,
    policy,
    people,
    ingest,
    index,
    keys,
    cases,
    search,
    edit,
    leads,
    examiners,
    seeds,
    evaluate,
    receipt,
    export,
    disclose,
    rerun,
    withdraw,
    withdrawals,
    upkeep,
    serve,
    sign_in,
    token,
    verify,
    fsck,
    witness,
    verifier,
):
    main.add_command(command)
