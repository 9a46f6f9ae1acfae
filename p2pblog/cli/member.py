"""`member`: roles and names of members, and those who have to go."""

from __future__ import annotations

import click

from p2pblog.cli import gone, output
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.ask import confirm
from p2pblog.cli.people import members
from p2pblog.cli.roster import Named, Profile, Roster
from p2pblog.errors import UsageError


@click.group(
    epilog="""\b
Examples
  p2pblog member role Sam admin
  p2pblog member rename "Sam Fox"
  p2pblog member remove Sam"""
)
def member() -> None:
    """Change roles and names, and remove members."""


@member.command("list", epilog="Example: p2pblog member list")
@pass_app
@click.pass_context
def list_(context: click.Context, _: App) -> None:
    """The same as p2pblog members."""
    context.invoke(members)


def roster(app: App) -> Roster:
    """The calls about members and devices."""
    return Roster(app.api().client)


@member.command(epilog="Example: p2pblog member role Sam admin")
@click.argument("name")
@click.argument("role", type=click.Choice(["member", "admin"]))
@pass_app
def role(app: App, name: str, role: str) -> None:
    """Make NAME an admin, or a plain member again."""
    _show(app, roster(app).set_role(name, role))


@member.command(
    epilog="""\b
Examples
  p2pblog member rename "Sam Fox"          (yourself)
  p2pblog member rename Sam "Sam Fox"      (somebody else, by an admin)"""
)
@click.argument("names", nargs=-1, metavar="[NAME] NEW-NAME")
@pass_app
def rename(app: App, names: tuple[str, ...]) -> None:
    """Take another name; admins may rename others."""
    who, new = old_and_new(names)
    _show(app, roster(app).rename_member(who or me(app), new))


def old_and_new(names: tuple[str, ...]) -> tuple[str, str]:
    """[OLD] NEW; empty where no old name is given."""
    if not 1 <= len(names) <= 2:
        raise UsageError(f"{len(names)} names are given", "Give the new name, or the old and it.")
    return names[0] if len(names) == 2 else "", names[-1]


def me(app: App) -> str:
    """The id of one's own member."""
    return next(one["id"] for one in app.api().members() if one["is_me"])


def _show(app: App, named: Named) -> None:
    if app.json:
        app.emit(named)
    else:
        app.say(f"{output.strong(output.clean(named['name']))} ({named['role']})")


@member.command(
    epilog="""\b
Examples
  p2pblog member remove Sam
  p2pblog member remove 3f9a2b71 --yes     (by the start of the id)"""
)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Remove NAME from the team, with every device.

    What NAME wrote until now stays; what comes later counts nowhere. Copies that are already on
    NAME's machines stay there: nothing can undo that.
    """
    who = roster(app)
    found = who.profile(name)
    confirm(_question(found), yes)
    machines = _machines(app, found)  # nobody can be asked for them afterwards
    removed = who.remove(found["id"])
    gone.follow(app, removed, lambda: who.removal(found["id"]))
    if not app.json:
        app.note(f"Copies already on {machines} stay there.")


def _question(found: Profile) -> str:
    name = output.clean(found["name"])
    return f"Remove {name} ({found['role']}, {found['id'][:8]}) from the team?"


def _machines(app: App, found: Profile) -> str:
    names = [output.clean(one["name"]) for one in roster(app).devices(found["id"])]
    return ", ".join(names) or "other machines"


@member.command(epilog="Example: p2pblog member removal Sam")
@click.argument("name")
@pass_app
def removal(app: App, name: str) -> None:
    """Show who knows that NAME has gone, and what is left of it."""
    gone.show(app, roster(app).removal(name))


@member.command(epilog="Example: p2pblog member extend Sam")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def extend(app: App, name: str, yes: bool) -> None:
    """Let count what this machine holds of NAME, who has gone.

    Who removed NAME may not have had all that NAME wrote before. Look first: p2pblog member removal
    """
    who = roster(app)
    found = who.removal(name)
    if found["more"]:
        count = sum(more["entries"] for more in found["more"])
        confirm(f"Let {count} more of {output.clean(found['name'])} count?", yes)
    gone.show(app, who.extend(name))


@member.command(epilog="Example: p2pblog member readmit Cleo")
@click.argument("name")
@pass_app
def readmit(app: App, name: str) -> None:
    """Let NAME in again, who is out for another's removal.

    For those that a removed member had let in.
    """
    _show(app, roster(app).readmit(name))


@member.command(epilog="Example: p2pblog member resume Sam")
@click.argument("name")
@pass_app
def resume(app: App, name: str) -> None:
    """Take in what NAME wrote beyond what this machine takes in a day.

    Others decide for their own machines; without it the rest comes in by itself, a day's worth a
    day. See who waits: p2pblog status
    """
    _show(app, roster(app).resume(name))
