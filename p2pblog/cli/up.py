"""`up` and `down`: the daemon."""

from __future__ import annotations

import gc
import os

import click

from p2pblog.cli.app import App, pass_app
from p2pblog.errors import UsageError


@click.command(
    epilog="""\b
Examples
  p2pblog up                 (in the foreground, the log on stderr; Ctrl-C stops it)
  p2pblog up --detach
  p2pblog --home /srv/blog up"""
)
@click.option("--detach", is_flag=True, help="Run in the background, with a log in the home.")
@click.option("--repair", is_flag=True, help="Mend the store first, as doctor --repair does.")
@click.option("--ready-fd", type=int, hidden=True)
@pass_app
def up(app: App, detach: bool, repair: bool, ready_fd: int | None) -> int:
    """Run the daemon of this home.

    Every command that needs it starts it in the background; `up` is for service managers and for
    looking at what it does.
    """
    if detach and repair:
        hint = "In the background: p2pblog doctor --repair"
        raise UsageError("--repair is for the foreground", hint)
    if detach:
        _detach(app)
        return 0
    gc.disable()  # what the imports make stays: to look at it again and again takes 20 ms
    from p2pblog.daemon import run

    gc.freeze()
    gc.enable()
    if ready_fd is not None:
        os.chdir(app.home.path)  # so that nobody is kept from unmounting where we were called
    return run(app.home, detach_ready_fd=ready_fd, repair=repair)


def _detach(app: App) -> None:
    from p2pblog.cli.start import is_running, start_daemon

    home = app.home
    running = is_running(home)
    if not running:
        start_daemon(home)
    if app.json:
        app.emit({"running": True, "started": not running, "log": str(home.log)})
    elif running:
        app.say("The daemon runs already.")
    else:
        app.say(f"The daemon runs in the background. Its log: {home.log}")


@click.command(epilog="Example: p2pblog down")
@pass_app
def down(app: App) -> None:
    """Stop the daemon of this home, losing nothing."""
    from p2pblog.cli.api import Api
    from p2pblog.cli.client import Client, NotRunning
    from p2pblog.cli.start import wait_until_gone

    client = Client(app.home)
    try:
        Api(client).stop()
        stopped = True
    except NotRunning:
        stopped = False
    client.close()
    if stopped:
        wait_until_gone(app.home)
    if app.json:
        app.emit({"running": False, "stopped": stopped})
    else:
        app.say("The daemon has stopped." if stopped else "The daemon was not running.")
