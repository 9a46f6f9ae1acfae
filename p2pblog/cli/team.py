"""`team`: what belongs to the whole team."""

from __future__ import annotations

import click

from p2pblog.cli import output
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.roster import Roster


@click.group(epilog='Example: p2pblog team rename "Acme Roofing"')
def team() -> None:
    """Change what belongs to the whole team."""


@team.command(epilog='Example: p2pblog team rename "Acme Roofing"')
@click.argument("name")
@pass_app
def rename(app: App, name: str) -> None:
    """Name the team anew; for admins."""
    renamed = Roster(app.api().client).rename_team(name)
    if app.json:
        app.emit({"team": renamed})
    else:
        app.say(f"The team is {output.strong(output.clean(renamed))}")
