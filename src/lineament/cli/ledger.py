"""`lineament fsck`: check the ledger as an outsider would."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from lineament import ledger
from lineament.cli.common import opened
from lineament.errors import InvalidRequest, LedgerBroken


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--vkey", help="The log's public key; without it, this installation's own.")
def fsck(folder: Path | None, vkey: str | None) -> None:
    """Derive every tile and the root of a ledger FOLDER again from its entries.

    Without FOLDER, this installation's own ledger is checked.
    """
    try:
        if folder is None or vkey is None:
            with opened() as installation:
                folder = folder or installation.ledger_folder
                vkey = vkey or installation.signer.verifier.vkey
        if not (folder / "checkpoint").exists():
            raise LedgerBroken(f"There is no checkpoint in {folder}: nothing was published there yet.")
        console = Console(stderr=True)
        with Progress(transient=True, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("Checking entries")
            checkpoint = ledger.fsck(
                folder,
                ledger.Verifier.from_vkey(vkey),
                lambda done, total: progress.update(bar, completed=done, total=total),
            )
    except ledger.KeyInvalid as error:
        raise InvalidRequest(f"The public key cannot be used: {error}") from error
    except ledger.LedgerError as error:
        raise LedgerBroken(str(error)) from error
    click.echo(f"{checkpoint.size:,} entries, every tile and the root agree.")
    click.echo(f"Log:  {vkey}")
    click.echo(f"Root: {checkpoint.root.hex()}")
