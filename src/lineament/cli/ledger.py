"""The ledger at the command line: check it as an outsider would, and have witnesses vouch for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from lineament import ledger
from lineament.cli.common import Exit, opened
from lineament.errors import InvalidRequest, LedgerBroken
from lineament.ledger.witness_policy import NONE

VKEY = click.option("--vkey", help="The log's public key, which reached you by another way than the log.")
POLICY = click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="A policy of c2sp.org/tlog-policy: the logs and witnesses you trust, and how many must agree.",
)


@click.command(short_help="Check a receipt, bundle or checkpoint.")
@click.argument("file", type=click.Path(path_type=Path))
@VKEY
@POLICY
@click.option("--log", help="Also see that the log in this folder or at this address goes on from it.")
def verify(file: Path, vkey: str | None, policy: Path | None, log: str | None) -> None:
    """Check FILE: a receipt, a bundle, or a checkpoint of a ledger that you kept.

    Each step is printed as it passes; the first that does not ends the check. Nothing of this machine's own
    installation is used: it is the check that anybody can make.
    """
    trusted, place = _trusted(vkey, policy), ledger.log_at(log) if log else None
    with _steps() as steps:
        ledger.verify(ledger.read_whole(file), trusted, place, steps)


@click.command(short_help="Check a whole ledger.")
@click.argument("log", required=False)
@VKEY
@POLICY
def fsck(log: str | None, vkey: str | None, policy: Path | None) -> None:
    """Derive every tile and the root of LOG again from its entries.

    LOG is a folder or a web address. Without it, this installation's own ledger is checked with its own key.
    """
    if log is not None:
        place, trusted = ledger.log_at(log), _trusted(vkey, policy)
        _fsck(place, ledger.key_of(place, trusted), trusted)
        return
    with opened() as installation:
        try:
            # What this installation's own witnesses have signed so far is shown; `witness` asks for the rest.
            known = replace(installation.witnesses, quorum=NONE)
            _fsck(installation.ledger_folder, installation.signer.verifier, known)
        except ledger.LedgerError as error:
            raise LedgerBroken(str(error)) from error


@click.command(short_help="Have witnesses cosign the ledger.")
def witness() -> None:
    """Ask the ledger's witnesses to cosign it, and show who did.

    They are listed in the file `witnesses` in the data folder; docs/reference/ledger.md shows an example.
    While the server runs, it asks them once a minute.
    """
    from lineament.app import witnessing

    with opened() as installation:
        if not installation.witnesses.urls:
            raise InvalidRequest(
                "No witness with an address is listed in the file witnesses in the data folder."
            )
        for one in witnessing.ask(installation):
            outcome = (
                f"cosigned at {one.cosigned_at:%Y-%m-%d %H:%M:%S} UTC" if one.cosigned_at else one.refused
            )
            click.echo(f"{one.name} ({one.url}): {outcome}")
        now = witnessing.witnessed(installation)
        quorum = installation.witnesses.quorum
    size = f"{now.size:,} entries are cosigned" if now else "Nothing is cosigned yet"
    enough = bool(now and now.is_enough)
    click.echo(f"{size}; the quorum '{quorum}' is {'met' if enough else 'not met'}.")
    click.get_current_context().exit(Exit.DONE if enough else Exit.NOTHING)


@click.command(short_help="Print the verifier as one Python file.")
def verifier() -> None:
    """Print the verifier as one Python file, which needs only the package cryptography.

    Whoever is to check receipts, bundles or ledgers can read it, keep it, and run it without Lineament.
    """
    from lineament.ledger.one_file import one_file

    click.echo(one_file(), nl=False)


def _trusted(vkey: str | None, policy: Path | None) -> ledger.WitnessPolicy:
    if not vkey and policy is None:
        raise InvalidRequest(
            "Give the log's public key with --vkey, or a policy that holds it with --policy. "
            "It must reach you by another way than the log: from the operator's own page or letter."
        )
    trusted = (
        ledger.WitnessPolicy.parse(ledger.read_whole(policy))
        if policy
        else ledger.WitnessPolicy.of_log_alone()
    )
    if vkey:
        trusted.trust(ledger.Verifier.from_vkey(vkey))
    return trusted


def _fsck(place: ledger.Log, verifier: ledger.Verifier, trusted: ledger.WitnessPolicy) -> None:
    console = Console(stderr=True)
    with Progress(transient=True, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Checking entries")
        with _steps() as steps:
            checkpoint = ledger.fsck(
                place,
                verifier,
                lambda done, total: progress.update(bar, completed=done, total=total),
                steps,
                trusted,
            )
    click.echo(f"{checkpoint.size:,} entries, every tile and the root agree.")
    click.echo(f"Log:  {verifier.vkey}")
    click.echo(f"Root: {checkpoint.root.hex()}")


@contextmanager
def _steps() -> Iterator[ledger.Steps]:
    """Print each step that passes, and the number of the one that does not."""
    steps = ledger.Steps(click.echo)
    try:
        yield steps
    except ledger.LedgerError:
        click.echo(f"{steps.number}. FAILED.")
        raise
