"""`device`: the machines of a member."""

from __future__ import annotations

import click

from p2pblog.cli import gone, output, posts, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.ask import confirm
from p2pblog.cli.invite import invite
from p2pblog.cli.member import old_and_new
from p2pblog.cli.roster import Machine, Roster


@click.group(
    epilog="""\b
Examples
  p2pblog device add
  p2pblog device list
  p2pblog device revoke old-laptop"""
)
def device() -> None:
    """Add, name and revoke your machines."""


@device.command(
    "list",
    epilog="""\b
Examples
  p2pblog device list
  p2pblog device list Sam""",
)
@click.argument("name", required=False)
@pass_app
def list_(app: App, name: str | None) -> None:
    """The devices of NAME, past ones too; yours without a NAME."""
    found = Roster(app.api().client).devices(name or "")
    if app.json:
        for one in found:
            app.emit(one)
        return
    app.say("\n".join(output.table([_row(app, one) for one in found])))


def _row(app: App, one: Machine) -> tuple[str, ...]:
    return posts.short(one["key"]), output.clean(one["name"]), _state(app, one)


def _state(app: App, one: Machine) -> str:
    if one["state"] != "active":
        return output.bad("revoked or gone")
    if one["is_me"]:
        return "this device"
    if one["connected"]:
        return output.good("connected")
    seen = one["last_seen"]
    return f"last seen {when.show(seen, app.now())}" if seen else output.dim("not met yet")


@device.command(
    epilog="""\b
Examples
  p2pblog device add
  p2pblog device add --expires 2h --qr laptop.png"""
)
@click.option("--expires", metavar="SPAN", help="How long the code is good: 2h, 3d. [7d]")
@click.option("--qr", metavar="FILE", help="Save the QR picture: .png or .svg.")
@pass_app
@click.pass_context
def add(context: click.Context, app: App, expires: str | None, qr: str | None) -> None:
    """Print a code by which another machine becomes yours.

    Type it there with p2pblog join. It needs no name: the machine gets yours.
    """
    context.invoke(invite, role="member", device=True, expires=expires, qr=qr)


@device.command(
    epilog="""\b
Examples
  p2pblog device rename front-desk             (this one)
  p2pblog device rename laptop old-laptop"""
)
@click.argument("names", nargs=-1, metavar="[DEVICE] NEW-NAME")
@pass_app
def rename(app: App, names: tuple[str, ...]) -> None:
    """Name this machine, or another of yours, anew."""
    which, new = old_and_new(names)
    found = Roster(app.api().client).rename_device(which or app.api().status()["device"], new)
    if app.json:
        app.emit(found)
    else:
        app.say(f"{posts.short(found['key'])} is {output.strong(output.clean(found['name']))}")


@device.command(
    epilog="""\b
Examples
  p2pblog device revoke old-laptop
  p2pblog device revoke Sam/van --yes      (by an admin)"""
)
@click.argument("name", metavar="DEVICE")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def revoke(app: App, name: str, yes: bool) -> None:
    """Shut a lost or stolen DEVICE out for good.

    One of yours, or as an admin anybody's, by its name or the start of its id. What it wrote
    until now stays; what comes later counts nowhere. Copies already on it stay there.
    """
    roster = Roster(app.api().client)
    confirm(f"Revoke {name}? It can never come back; the machine has to join anew.", yes)
    revoked = roster.revoke(name)
    gone.follow(app, revoked, lambda: roster.revocation(revoked["subject"]))
