"""`lineament keys`: what everything kept of photographs and faces is encrypted under."""

from __future__ import annotations

import click

from lineament.cli.common import EXIT_CODES, opened, progress_bar
from lineament.config import load_settings
from lineament.core.words import counted, plain
from lineament.errors import InvalidRequest


@click.group()
def keys() -> None:
    """Rotate the keys of what is kept here.

    Photographs and templates are encrypted under them; docs/encryption.md explains how.
    """


@keys.command(epilog=EXIT_CODES)
@click.option("--to", help="Where the new master key is: file:PATH, env:NAME or program:PATH.")
def rotate(to: str | None) -> None:
    """Put new keys in place of the old ones.

    These are the master key and a key for each collection. Without --to the new master key takes the old
    one's place. Nothing that is stored is encrypted anew: each photograph has a key of its own, and those are
    wrapped again. Stop the server first.
    """
    from lineament.app import rotation, sign_in
    from lineament.records.master_key import (
        is_master_key,
        next_master_key,
        open_master_key,
        take_over,
    )

    place = load_settings().master_key_place
    if to is not None and not is_master_key(to):
        raise InvalidRequest(f"'{plain(to)}' is no place for a master key.")
    with opened() as installation, progress_bar() as progress:
        master = next_master_key(place) if to in {None, place} else open_master_key(to or "", is_new=True)
        bar = progress.add_task("Keys of photographs", total=None)
        who = sign_in.operator(installation)
        count = rotation.rotate(installation, who, master, lambda done: progress.update(bar, completed=done))
    if to in {None, place}:
        take_over(place)
    click.echo(
        f"{counted(count, 'key')} wrapped under the new master key. Destroy every copy of the old one."
    )
    if to not in {None, place}:
        click.echo(f"Set LINEAMENT_MASTER_KEY={to} before the next command.")
