"""`init`: found a team on this machine."""

from __future__ import annotations

import click

from p2pblog.cli import output
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.ask import ask, host_name, user_name

DONE = """\
Team {team} founded. You are {member}, on {device}.
Your keys are in {home}; only you can read them.

Recovery code, shown only now:

    {code}

Write it on paper and keep it away from this machine. If all administrators lose
their machines, it alone gives the team back.

Next, invite a colleague:  p2pblog invite
Or write the first post:   p2pblog post 'hello'"""


@click.command(
    epilog="""\b
Examples
  p2pblog init --team "Acme Roofing" --name Dana
  p2pblog init --team "Acme Roofing" --name Dana --device front-desk"""
)
@click.option("--team", metavar="NAME", help="The team's name. Asked for on a terminal.")
@click.option("--name", metavar="NAME", help="Your name. [your user name]")
@click.option("--device", metavar="NAME", help="This machine's name. [its host name]")
@pass_app
def init(app: App, team: str | None, name: str | None, device: str | None) -> None:
    """Found a team on this machine.

    Its keys are made here and now. The names of the team and of you, if you leave them out, are
    asked for on a terminal.
    """
    team = ask(team, "Name of the team", "--team")
    name = ask(name, "Your name", "--name", user_name())
    device = device or host_name()
    founded = app.api(fresh=True).found(team, name, device)
    if app.json:
        app.emit(founded)
        return
    app.say(
        DONE.format(
            team=output.strong(output.clean(founded["team"])),
            member=output.strong(output.clean(founded["member"])),
            device=output.clean(device),
            home=app.home.path,
            code=output.strong(founded["recovery_code"]),
        )
    )
