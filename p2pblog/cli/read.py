"""`read` and `search`: what is stored here."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import click

from p2pblog.cli import posts, when
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.client import Query
from p2pblog.errors import UsageError

FIRST: Final = "No posts yet. Write the first: p2pblog post 'hello'"
NONE: Final = "No post fits. Leave an option out, or look at all: p2pblog read"


@click.command(
    epilog="""\b
Examples
  p2pblog read -c pumps --since 3d
  p2pblog read --by Dana --until yesterday --limit 100
  p2pblog read --thread a1b2c3d4
  p2pblog read --since 2026-11-20 --json | jq -r .text"""
)
@click.argument("post_id", metavar="[ID]", required=False)
@click.option("-c", "--channel", metavar="NAME", help="Only this channel.")
@click.option("--by", metavar="NAME", help="Only posts of this member.")
@click.option("--since", metavar="TIME", help="From this time on: 2h, 3d, yesterday, 2026-11-20.")
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@click.option("--thread", metavar="ID", help="This post with all that it answers and its answers.")
@click.option("-r", "--reverse", is_flag=True, help="Oldest first.")
@pass_app
def read(
    app: App,
    post_id: str | None,
    channel: str | None,
    by: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    thread: str | None,
    reverse: bool,
) -> None:
    """Read posts, newest first.

    With an ID (its first four digits do) only that post.
    """
    query = _query(channel, by, since, until)
    if post_id or thread:
        if any(value is not None for value in query.values()) or (post_id and thread):
            raise UsageError("An ID stands alone", "Leave the other options out.")
        found = app.api().thread(thread) if thread else [app.api().post_by_id(post_id or "")]
        posts.show(app, found[::-1] if reverse else found, FIRST)
        return
    found = app.api().posts(limit, query)
    narrowed = any(value is not None for value in query.values())
    posts.show(app, found[::-1] if reverse else found, NONE if narrowed else FIRST)


def _query(channel: str | None, by: str | None, since: str | None, until: str | None) -> Query:
    now = datetime.now()
    return {
        "channel": posts.channel_name(channel),
        "by": by,
        "since": when.rfc3339(when.parse_when(since, now)) if since else None,
        "until": when.rfc3339(when.parse_when(until, now)) if until else None,
    }


@click.command(
    epilog="""\b
Examples
  p2pblog search pump seal
  p2pblog search "unit 4" --limit 5 --json
  p2pblog search 'pump*' in:servers from:Dana"""
)
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@pass_app
def search(app: App, words: tuple[str, ...], limit: int) -> None:
    """Find posts that have all the words.

    A WORD may also be "a phrase", pump* (words that begin so), -seal (posts without it), from:NAME
    or in:CHANNEL. Works without the network.
    """
    query = " ".join(words)
    posts.show(app, app.api().search(query, limit), f"Nothing here has {query!r}.")
