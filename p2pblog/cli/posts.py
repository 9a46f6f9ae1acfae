"""How posts look on a terminal and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import click

from p2pblog.cli import output, when
from p2pblog.cli.app import App
from p2pblog.cli.records import Post
from p2pblog.errors import UsageError

SHORT: Final = 8  # hex digits of an id; four are enough for most commands
STATES: Final = {
    "missing": "(the text is not here yet)",
    "newer": "(this needs a newer version of p2pblog)",
}


def short(identifier: str) -> str:
    """The part of an id that people type."""
    return identifier[:SHORT]


def channel_name(given: str | None) -> str | None:
    """A channel as it was typed, without its `#`; `UsageError` for an empty one."""
    name = given.removeprefix("#") if given is not None else None
    if name == "":
        raise UsageError("The channel's name is empty", "Name one, or leave --channel out.")
    return name


def render(post: Post, now: datetime | None) -> str:
    """A post as a heading and its text."""
    text = post["text"] if post["state"] == "here" else output.dim(STATES.get(post["state"], "?"))
    body = output.clean(text, lines=True) if post["state"] == "here" else text
    lines = [_heading(post, now), *_notes(post, now), *(f"  {line}" for line in body.split("\n"))]
    return "\n".join(line.rstrip() for line in lines)


def _heading(post: Post, now: datetime | None) -> str:
    source = post["source"]
    name = output.clean(source["author"] if source else post["author"]["name"])
    time = when.show(source["time"] if source else post["time"], now)
    return "  ".join(
        (
            output.strong(name),
            click.style("#" + output.clean(post["channel"]), fg="cyan"),
            output.dim(time) + (" " + output.bad("(clock ahead)") if post["clock_ahead"] else ""),
            output.dim(short(post["id"])),
        )
    )


def _notes(post: Post, now: datetime | None) -> Iterable[str]:
    if post["reply_to"]:
        yield output.dim(f"  in reply to {short(post['reply_to']['id'])}")
    if post["source"]:
        who = output.clean(post["author"]["name"])
        yield output.dim(f"  imported by {who}, {when.show(post['time'], now)}")


def show(app: App, posts: Sequence[Post], empty: str) -> None:
    """Print posts: a line of JSON each, or for people, paged on a terminal."""
    if app.json:
        for post in posts:
            app.emit(post)
    elif not posts:
        app.note(empty)
    else:
        now = app.now()
        output.page("\n\n".join(render(post, now) for post in posts) + "\n", pager=app.pager)
