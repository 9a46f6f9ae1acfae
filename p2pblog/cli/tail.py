"""`tail`: posts as they arrive."""

from __future__ import annotations

import time
from typing import Final

import click

from p2pblog.cli import events, posts
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.events import Event
from p2pblog.cli.records import Post
from p2pblog.errors import DaemonUnreachable

RETRY: Final = 1.0  # seconds between two looks for a daemon that went away


@click.command(
    epilog="""\b
Examples
  p2pblog tail
  p2pblog tail -n 0 -c pumps
  p2pblog tail --json | while read -r line; do ...; done
  p2pblog tail --json --after "$(tail -n 1 seen.jsonl | jq -r .cursor)" >> seen.jsonl"""
)
@click.option("-c", "--channel", metavar="NAME", help="Only this channel.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Show so many before what is new.",
)
@click.option("--after", metavar="CURSOR", help="Resume after this cursor, as --json prints it.")
@pass_app
def tail(app: App, channel: str | None, limit: int, after: str | None) -> None:
    """Show posts as they arrive here, until Ctrl-C.

    In order of arrival: what a colleague who was away brings along is shown too. With --json each
    post has a `cursor`; start with --after it and nothing is missed.
    """
    channel = posts.channel_name(channel)
    status = app.api().status()
    position = after or events.position_of(status)
    if not after and limit:
        for post in reversed(app.api().posts(limit, {"channel": channel})):
            _print(app, post, events.position(status["store"], post["arrival"]))
    while True:
        position = _follow(app, position, channel)


def _follow(app: App, position: str, channel: str | None) -> str:
    """Print what comes until the daemon goes away, wait until it is back, return the position."""
    try:
        for event in events.follow(app.api().client, position):
            position = event.position or position
            _show(app, event, channel)
    except (TimeoutError, DaemonUnreachable):
        pass
    app.note("p2pblog: the daemon went away; waiting until it is back")
    while not _is_back(app):
        time.sleep(RETRY)
    app.note("p2pblog: it is back")
    return position


def _show(app: App, event: Event, channel: str | None) -> None:
    if event.name == "reset":
        app.note("p2pblog: the store is another one; going on from its end")
    elif event.name == "post":
        post = event.post()
        if channel in (None, post["channel"]):
            _print(app, post, event.position)


def _print(app: App, post: Post, position: str) -> None:
    if app.json:
        app.emit({**post, "cursor": position})
    else:
        app.say(posts.render(post, app.now()) + "\n")


def _is_back(app: App) -> bool:
    client = app.api().client
    client.close()
    try:
        client.open()
    except DaemonUnreachable:
        return False
    return True
