"""`lineament models`: which model packs there are, under which terms, and which one is in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lineament.cli.common import EXIT_CODES, Exit, confirmed, opened, print_table, progress_bar
from lineament.core.words import counted, plain
from lineament.errors import LineamentError

if TYPE_CHECKING:
    from lineament.app.migrate import Migration
    from lineament.vision.pack import ModelPack

CONTRACT_SHOWN = 12  # hex digits


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the model packs, add one, or migrate to one."""
    if context.invoked_subcommand is None:
        _show()


@models.command(epilog=EXIT_CODES)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--accept-licence", is_flag=True, help="Accept the terms that are printed, without being asked."
)
def add(folder: Path, accept_licence: bool) -> None:
    """Add the model pack in FOLDER under its terms.

    Prints where each of its files comes from and under which licence, and the notices that come with them.
    Once the terms are accepted, the pack is copied into the data folder, and the acceptance is on record. It
    is not used before `lineament models migrate`. docs/reference/model-pack.md explains what a pack is.
    """
    from lineament.app import models as use
    from lineament.app import sign_in

    def accepts(terms: str) -> bool:
        click.echo(terms)
        return accept_licence or confirmed("Accept these terms?")

    with opened(to_migrate=True) as installation:
        pack = use.add(installation, sign_in.operator(installation), folder, accepts)
    if pack is None:
        click.echo("This model pack was there already.")
    else:
        click.echo(f"The model pack '{pack}' is added. `lineament models migrate {pack}` takes it into use.")


@models.command(epilog=EXIT_CODES, short_help="Re-embed every photograph and switch.")
@click.argument("name")
@click.option("--uncalibrated", is_flag=True, help="Go on although the pack's error rates were not measured.")
@click.pass_context
def migrate(context: click.Context, name: str, uncalibrated: bool) -> None:
    """Re-embed every stored photograph under the model pack NAME, then switch to it.

    Searches go on under the pack in use until all is done; the switch is one transaction. Stop it at any time
    and run it again: nothing is done twice. A server that runs must be started again afterwards. Collections
    whose permission is not in force are left out, and cannot be searched until the command is run once more.
    """
    from lineament.app import migrate as use
    from lineament.app import sign_in

    def accepts(warning: str) -> bool:
        click.echo(warning)
        return uncalibrated or confirmed("Go on without them?")

    progress = progress_bar()
    bar = progress.add_task(f"Migrating to '{plain(name)}'", total=None)

    def on_progress(done: int, of: int) -> None:
        progress.start()
        progress.update(bar, completed=done, total=of)

    with opened(to_migrate=True) as installation:
        try:
            who = sign_in.operator(installation)
            done = use.migrate(installation, who, name, accepts, on_progress)
        except (KeyboardInterrupt, LineamentError):
            if progress.tasks[bar].total is not None:
                click.echo("Stopped before the switch. Run the same command to go on.", err=True)
            raise
        finally:
            progress.stop()
    _print(done, name)
    context.exit(Exit.NOTHING if done.rejected or done.left_out else Exit.DONE)


def _print(done: Migration, name: str) -> None:
    click.echo(
        f"The model pack '{name}' is in use: {counted(done.images, 'photograph')} with "
        f"{counted(done.faces, 'face')} re-embedded. Start the server again if one is running."
    )
    if done.faceless:
        click.echo(
            f"{counted(done.faceless, 'photograph')} without a face did not go through it, for they are not "
            "stored; ingest their sources again to have this pack look at them."
        )
    if done.left_out:
        click.echo(f"Left out, for their permission is not in force: {', '.join(done.left_out)}.")
    if done.rejected:
        click.echo(f"{counted(len(done.rejected), 'photograph')} without a template now:")
    for one in done.rejected:
        click.echo(f"  {one.path}: {one.sentence} [{one.code}]")


def _show() -> None:
    from lineament.app import models as use

    with opened(to_migrate=True) as installation:
        use.clear_drafts(installation.models_folder)
        packs, others = use.known(installation)
    table = Table("name", "in use", "contract", "faces", "odds", "licences", box=None)
    for one in packs:
        table.add_row(
            one.name,
            "yes" if one.in_use else "",
            _short(one.contract),
            f"{one.faces:,}",
            "measured" if one.calibrated else "not measured" if one.pack else "",
            "\n".join(_licences(one.pack)) if one.pack else one.fault,
        )
    for contract, faces in others.items():
        table.add_row("(no longer here)", "", _short(contract), f"{faces:,}", "", "")
    print_table(table)


def _licences(pack: ModelPack) -> list[str]:
    return [f"{source.file}: {source.licence}" for source in pack.sources]


def _short(contract: str) -> str:
    return contract.removeprefix("sha256:")[:CONTRACT_SHOWN]
