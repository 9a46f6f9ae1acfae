"""`members` and `channels`: who is in the team, and where they write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from p2pblog.cli import output, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.records import Device, Member


@click.command(
    epilog="""\b
Examples
  p2pblog members
  p2pblog members --json | jq -r .name"""
)
@pass_app
def members(app: App) -> None:
    """Show the members of the team and their devices."""
    found = app.api().members()
    if app.json:
        for member in found:
            app.emit(member)
        return
    now = app.now()
    app.say("\n".join(output.table([row for member in found for row in _rows(member, now)])))


def _rows(member: Member, now: datetime | None) -> Iterator[tuple[str, ...]]:
    me = " (you)" if member["is_me"] else ""
    name, role = output.strong(output.clean(member["name"])) + me, member["role"]
    for device in member["devices"]:
        yield name, role, output.clean(device["name"]), _seen(device, now)
        name = role = ""
    if name:
        yield name, role, "", "no device"


def _seen(device: Device, now: datetime | None) -> str:
    if device["is_me"]:
        return "this device"
    if device["connected"]:
        return output.good("connected")
    seen = device["last_seen"]
    return f"last seen {when.show(seen, now)}" if seen else output.dim("not met yet")


@click.command(epilog="Example: p2pblog channels")
@pass_app
def channels(app: App) -> None:
    """Show the channels that have posts."""
    found = app.api().channels()
    if app.json:
        for channel in found:
            app.emit(channel)
    elif not found:
        app.note("No channels yet. One begins with its first post: p2pblog post -c NAME 'hello'")
    else:
        now = app.now()
        rows = [
            (
                click.style("#" + output.clean(channel["name"]), fg="cyan"),
                output.count(channel["posts"], "post"),
                f"newest {when.show(channel['newest'], now)}",
            )
            for channel in found
        ]
        app.say("\n".join(output.table(rows)))
