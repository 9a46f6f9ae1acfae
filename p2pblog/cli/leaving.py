"""`leave`: go, and say what stays."""

from __future__ import annotations

import click

from p2pblog.cli import gone, output
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.ask import confirm
from p2pblog.cli.member import me
from p2pblog.cli.roster import Roster


@click.command(
    epilog="""\b
Examples
  p2pblog leave
  p2pblog leave --successor Sam            (if you are the last one in charge)"""
)
@click.option("--successor", metavar="NAME", default="", help="Make NAME an admin first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def leave(app: App, successor: str, yes: bool) -> None:
    """Leave the team, with all your devices.

    What you wrote stays with the others. This machine keeps what it has and gets nothing new; you
    come back only by a new invitation, into another home.
    """
    app.note(
        "What you wrote stays with the others. This machine keeps what it has and gets nothing "
        "new. You come back only by a new invitation, into another home."
    )
    team = output.clean(app.api().status()["team"])
    mine = me(app)
    confirm(f"Leave {team}?", yes)
    roster = Roster(app.api().client)
    gone.follow(app, roster.leave(successor), lambda: roster.removal(mine))
