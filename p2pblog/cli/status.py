"""`status`: everything on one screen, health first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from p2pblog.cli import output, peers, posts, when
from p2pblog.cli.app import NOT_SET_UP, SET_UP, App, pass_app
from p2pblog.cli.records import Status
from p2pblog.errors import NotSetUp

SHOWN: Final = 12  # peers on one screen; `p2pblog peers` has them all


@click.command(
    epilog="""\b
Examples
  p2pblog status
  p2pblog status --json | jq .sync"""
)
@pass_app
def status(app: App) -> None:
    """Show whether all is well.

    One screen: team, peers, what is still to come and to go, how far your newest post has got.
    """
    found = app.api().status()
    if app.json:
        app.emit(found)
    elif found["phase"] == "empty":
        raise NotSetUp(NOT_SET_UP, SET_UP)
    else:
        app.say("\n".join(_lines(app, found)))


def _lines(app: App, status: Status) -> Iterator[str]:
    yield _health(status)
    yield ""
    yield from output.table([(output.dim(name), value) for name, value in _facts(app, status)])
    if status["peers"]:
        yield ""
        yield from peers.rows(status["peers"][:SHOWN], app.now())
        if len(status["peers"]) > SHOWN:
            yield f"and {len(status['peers']) - SHOWN} more: p2pblog peers"
    job = status.get("job")
    if job is not None:
        share = f", {100 * job['done'] // job['total']} %" if job["total"] else ""
        yield ""
        yield f"Under way: {job['what']}, {output.clean(job['path'])}{share}"
    for warning in status["warnings"]:
        yield ""
        yield f"{output.bad('Warning:')} {output.clean(warning)}"


def _health(status: Status) -> str:
    sync = status["sync"]
    connected = sum(peer["state"] == "connected" for peer in status["peers"])
    if status["phase"] == "joining":
        join = status["joining"]
        why = output.clean(join["why"]) if join else ""
        return output.bad("Joining: ") + (why or "nobody of the team is in reach yet")
    if not connected:
        newest = status["newest_own"]
        if status["peers"] or (newest and newest["devices"] > 1):
            return output.bad("Alone: ") + "nobody is in reach; posts wait here and go out then"
        return output.bad("Alone: ") + "no other device is known yet. Invite one: p2pblog invite"
    if sync["entries_to_get"]:
        left = output.count(sync["entries_to_get"], "entry").replace("entrys", "entries")
        return output.bad("Catching up: ") + f"{left}, {output.size(sync['bytes_to_get'])} to come"
    if sync["entries_to_send"]:
        left = output.count(sync["entries_to_send"], "entry").replace("entrys", "entries")
        return output.good("Sending: ") + f"{left}, {output.size(sync['bytes_to_send'])} to go"
    return output.good("In sync ") + f"with {output.count(connected, 'device')}"


def _facts(app: App, status: Status) -> Iterator[tuple[str, str]]:
    totals = status["totals"]
    if status["team"]:
        yield "Team", output.strong(output.clean(status["team"]))
    if status["member"]:
        yield "You", f"{output.clean(status['member'])}, on {output.clean(status['device_name'])}"
    wanted = f", {totals['wanted']:,} texts still wanted" if totals["wanted"] else ""
    yield "Here", f"{output.count(totals['posts'], 'post')}, {output.size(totals['size'])}{wanted}"
    newest = status["newest_own"]
    if newest:
        place = f"stored on {newest['stored_on']} of {newest['devices']} devices"
        which = f"{posts.short(newest['id'])}, {when.show(newest['time'], app.now())}"
        yield "Your newest", f"{place} ({which})"
    yield "Daemon", f"p2pblog {status['version']}, port {status['port']}, home {status['home']}"
