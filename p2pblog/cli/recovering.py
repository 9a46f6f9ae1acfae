"""`recover`: the founder comes back with the code on paper."""

from __future__ import annotations

import time
from typing import Final

import click

from p2pblog.cli import gone, join, output, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.ask import ask, confirm, host_name
from p2pblog.cli.roster import Roster
from p2pblog.errors import WaitRanOut

CATCH_UP: Final = 60.0  # seconds in which the posts of a small firm are here
CALM: Final = 1.0  # seconds without anything to come, connected: then all is here
POLL: Final = 0.1  # seconds between two questions: people see no shorter wait


@click.command(
    epilog="""\b
Examples
  p2pblog recover                          (asks for the code)
  p2pblog recover --revoke                 (and revokes your lost machines)
  p2pblog recover --peer 192.168.1.20 --wait"""
)
@click.argument("code", required=False)
@click.option("--device", metavar="NAME", help="This machine's name. [its host name]")
@click.option(
    "--peer", "peers", multiple=True, metavar="HOST[:PORT]", help="Ask here too. Repeatable."
)
@click.option("--revoke", is_flag=True, help="Revoke your other devices: lost, or stolen.")
@click.option("--wait", is_flag=True, help="Wait until you are in; exit 8 if it takes too long.")
@click.option(
    "--timeout", metavar="SPAN", default="10m", show_default=True, help="How long --wait waits."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def recover(
    app: App,
    code: str | None,
    device: str | None,
    peers: tuple[str, ...],
    revoke: bool,
    wait: bool,
    timeout: str,
    yes: bool,
) -> None:
    """Come back as the founder, on a new machine.

    The recovery CODE is the one that `init` has shown; without it you are asked. Any member in
    reach will do. With --revoke the code also shuts your lost machines out, and what a thief did
    with them falls; that works on a machine that is in the team already, too.
    """
    patience = when.parse_span(timeout).total_seconds() if wait else join.PATIENCE
    code = ask(code, "Recovery code", "CODE")
    api = app.api(fresh=True)
    roster = Roster(api.client)
    if not revoke or api.status()["phase"] != "member":
        state = roster.recover(code, device or host_name(), list(peers))
        join.follow(app, api, state, patience, wait=wait)
        if revoke and api.status()["phase"] == "member":
            _catch_up(app)
    if revoke and api.status()["phase"] == "member":
        _revoke(app, roster, code, yes)
    elif not revoke and not app.json:
        app.note("If the old machine was lost or stolen, shut it out: p2pblog recover --revoke")


def _catch_up(app: App) -> None:
    """Until all is here that is in reach: what was written before is to count."""
    app.note("Catching up first, so that what was written before still counts ...")
    deadline, calm = time.monotonic() + CATCH_UP, 0.0
    while time.monotonic() < deadline:
        status = app.api().status()
        connected = any(peer["state"] == "connected" for peer in status["peers"])
        busy = not connected or status["sync"]["entries_to_get"] > 0
        calm = 0.0 if busy else calm + POLL
        if calm >= CALM:
            return
        time.sleep(POLL)
    hint = "Look: p2pblog status; when all is here: p2pblog recover --revoke"
    raise WaitRanOut("Not everything is here yet, so nothing was revoked", hint)


def _revoke(app: App, roster: Roster, code: str, yes: bool) -> None:
    others = [one for one in roster.devices() if one["state"] == "active" and not one["is_me"]]
    names = ", ".join(output.clean(one["name"]) for one in others)
    if not others:
        app.note("There is no other device of yours.")
        return
    confirm(f"Revoke {names}? They can never come back.", yes)
    for revoked in roster.recover_devices(code):
        gone.show(app, revoked)
