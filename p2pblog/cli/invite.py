"""`invite`: a code by which one person joins; and the list of those made."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol, cast

import click

from p2pblog.cli import output, posts, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.records import Invitation
from p2pblog.errors import UsageError, UserError


class Picture(Protocol):
    """What we use of segno's QR code."""

    def terminal(self, out: IO[str], border: int, compact: bool) -> None:
        """Draw it in half blocks."""

    def save(self, out: str, *, scale: int) -> None:
        """Write it to a file whose ending says the format."""


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples
  p2pblog invite
  p2pblog invite --expires 2h --qr sam.png
  p2pblog invite --device                  (for another machine of yours)
  p2pblog invite list
  p2pblog invite withdraw 3f9a""",
)
@click.option(
    "--role",
    type=click.Choice(["member", "admin"]),
    default="member",
    show_default=True,
    help="What the person may do.",
)
@click.option("--device", is_flag=True, help="For another device of yours.")
@click.option("--expires", metavar="SPAN", help="How long it is good: 2h, 3d. [7d]")
@click.option("--qr", metavar="FILE", help="Save the QR picture: .png or .svg.")
@pass_app
@click.pass_context
def invite(
    context: click.Context, app: App, role: str, device: bool, expires: str | None, qr: str | None
) -> None:
    """Invite one person: a code, a link and a QR picture.

    Any member can let the person in; this machine may be off. The code is good once.
    """
    if context.invoked_subcommand is not None:
        return
    if qr and Path(qr).suffix not in (".png", ".svg"):
        raise UsageError(f"Can't make {qr!r}", "The file's name has to end in .png or .svg.")
    made = app.api().invite(role, _hours(expires), device)
    if app.json:
        app.emit(made)
    else:
        _show(app, made, device)
    if qr:  # last: where it can't be written, the code is seen all the same
        _save(_picture(made["link"]), qr)
        if not app.json:
            app.say(f"The QR picture is in {qr}")


def _hours(expires: str | None) -> int | None:
    if expires is None:
        return None
    return max(1, round(when.parse_span(expires).total_seconds() / 3600))


def _show(app: App, made: Invitation, own_device: bool) -> None:
    who = "another device of yours" if own_device else "one person"
    left = when.from_api(made["expires"]) - datetime.now(UTC)
    span = when.show_span(left.total_seconds())
    app.say(f"On the other machine:\n\n    p2pblog join {output.strong(made['code'])}\n")
    app.say(f"Or with the link:\n\n    p2pblog join '{made['link']}'\n")
    if sys.stdout.isatty():
        _picture(made["link"]).terminal(sys.stdout, border=2, compact=True)
        app.say("")
    app.say(f"Good for {who}, once, until {when.show(made['expires'])} ({span} from now).")
    app.say(f"Take it back: p2pblog invite withdraw {posts.short(made['id'])}")


def _picture(link: str) -> Picture:
    import segno

    return cast(Picture, segno.make(link, error="m", micro=False))


def _save(picture: Picture, file: str) -> None:
    try:
        picture.save(file, scale=8)
    except OSError as e:
        raise UserError(f"Can't write {file}: {e.strerror}", "Name another with --qr.") from e


@invite.command("list", epilog="Example: p2pblog invite list")
@pass_app
def list_(app: App) -> None:
    """All invitations and what became of them."""
    found = app.api().invitations()
    if app.json:
        for one in found:
            app.emit(one)
    elif not found:
        app.note("No invitations. Make one: p2pblog invite")
    else:
        app.say("\n".join(output.table([_row(one) for one in found])))


def _row(one: Invitation) -> tuple[str, ...]:
    state = one["state"]
    if state == "open":
        state = f"open until {when.show(one['expires'])}"
    elif one["used_by"]:
        state = f"{state} by {output.clean(one['used_by'])}"
    return posts.short(one["id"]), one["role"], f"from {output.clean(one['inviter'])}", state


@invite.command(epilog="Example: p2pblog invite withdraw 3f9a")
@click.argument("invitation", metavar="ID")
@pass_app
def withdraw(app: App, invitation: str) -> None:
    """Make an invitation void, wherever it is known."""
    answer = app.api().withdraw(invitation)
    if app.json:
        app.emit(answer or {"id": invitation, "state": "withdrawn"})
    else:
        app.say(f"Withdrawn: {posts.short(answer['id'] if answer else invitation)}")
