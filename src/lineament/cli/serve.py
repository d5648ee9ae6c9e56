"""`lineament serve`, and the secrets that let people and scripts in."""

from __future__ import annotations

import os
import socket
import webbrowser
from contextlib import suppress
from threading import Event, Thread

import click

from lineament.cli import was_interrupted
from lineament.cli.common import opened, progress_bar
from lineament.config import load_settings
from lineament.errors import PortTaken

QUICKLY_APPLIED = 50_000  # faces that an index takes up within a second or two
_POLICY_WAITS = (
    "The policy in the data folder lets more through than the one in force, which goes on until two "
    "administrators have approved it: see the page of the policy, or `lineament policy check`."
)
HOST = "127.0.0.1"  # loopback only; other machines need TLS in front, which is not built yet


@click.command()
@click.option("--open", "open_browser", is_flag=True, help="Open the sign-in link in a browser.")
def serve(open_browser: bool) -> None:
    """Serve the page and the HTTP interface on this machine. Ctrl-C stops it."""
    import uvicorn

    from lineament.app import policies, serving, upkeep, witnessing
    from lineament.app import sign_in as use
    from lineament.web.site import create_site

    settings = load_settings()
    listener = _listen(settings.port)
    with opened() as installation:
        site = create_site(installation, settings.examples)
        with progress_bar() as progress:
            bar = progress.add_task("Faces into the index", total=None, visible=False)
            serving.start(
                installation,
                lambda done: progress.update(bar, completed=done, visible=done > QUICKLY_APPLIED),
            )
        secret = use.new_link_secret(installation, use.operator(installation))
        link = f"http://{HOST}:{settings.port}/sign-in/{secret}"
        waiting = policies.waiting(installation)
        if waiting and waiting.needs_approval:
            click.echo(_POLICY_WAITS)
        click.echo(f"Lineament is ready. Sign in once with {link}")
        if open_browser and _has_display():
            webbrowser.open(link)
        config = uvicorn.Config(
            site,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
        )
        stop = Event()
        regular = [
            Thread(target=work, args=(installation, stop), daemon=True)
            for work in (witnessing.ask_regularly, upkeep.keep_up)
        ]
        for thread in regular:
            thread.start()
        try:
            if was_interrupted():  # and what was loading then swallowed it
                raise KeyboardInterrupt
            with suppress(KeyboardInterrupt):  # which uvicorn raises again after Ctrl-C has stopped it
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            stop.set()
            for thread in regular:
                thread.join(timeout=5)  # a witness that is waited for does not hold up the stop
    click.echo("\nLineament has stopped.")


@click.command(name="sign-in")
@click.option("--as", "name", metavar="NAME", help="Somebody else than the operator, by name.")
def sign_in(name: str | None) -> None:
    """Print a new sign-in link. It works once, within 15 minutes, while the server runs."""
    from lineament.app import people
    from lineament.app import sign_in as use

    with opened() as installation:
        who = use.operator(installation)
        person = people.find(installation, name) if name else who
        secret = people.link_secret(installation, who, person.id)
    click.echo(f"http://{HOST}:{load_settings().port}/sign-in/{secret}")


@click.command()
def token() -> None:
    """Print a new API token for scripts. It works for 30 days and is shown only now."""
    from lineament.app import sign_in as use

    with opened() as installation:
        click.echo(use.new_token(installation, use.operator(installation)))


def _listen(port: int) -> socket.socket:
    """Take the port before anything slow is done. Raises PortTaken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTaken(f"Port {port} on {HOST} cannot be used: {error.strerror}.") from error
    return listener


def _has_display() -> bool:
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
