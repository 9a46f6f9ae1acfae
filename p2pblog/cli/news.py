"""`p2pblog` alone: what arrived since it was last called, or how to begin."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from p2pblog.cli import events, output, posts
from p2pblog.cli.app import App
from p2pblog.cli.client import NotRunning
from p2pblog.cli.records import Post, Status
from p2pblog.errors import NotSetUp

MOST: Final = 20  # posts that are shown; what is beyond is counted
WINDOW: Final = 200  # arrivals that are looked at
SILENCE: Final = 1.0  # seconds; the daemon sends what it has at once
BEGIN: Final = """\
p2pblog is a microblog for your team that needs no server.

Found a team on this machine:
    p2pblog init --team "Acme Roofing" --name Dana
Or join one with the code that a colleague got from 'p2pblog invite':
    p2pblog join CODE
Just look at it first, with three devices of a pretend team:
    p2pblog demo

All commands: p2pblog --help"""


def show_news(app: App) -> None:
    """Print the posts that are new since last time, and remember the place."""
    try:
        api = app.api()
        status = api.status()
    except (NotSetUp, NotRunning):
        if not app.home.is_fresh():
            raise
        _begin(app)
        return
    if status["phase"] == "empty":
        _begin(app)
        return
    if status["phase"] == "joining":
        _pending(app, status)
        return
    seen = _seen(app.home.path / "seen", status)
    if seen is None:
        posts.show(app, api.posts(MOST), "No posts yet. Write the first: p2pblog post 'hello'")
    else:
        _show(app, status, list(_arrived(app, status, seen)), seen)
    _remember(app.home.path / "seen", status)


def _begin(app: App) -> None:
    if app.json:
        app.emit({"phase": "empty"})
    else:
        app.say(BEGIN)


def _pending(app: App, status: Status) -> None:
    if app.json:
        app.emit({"phase": "joining"})
        return
    why = status["joining"]["why"] if status["joining"] else ""
    app.say(output.sentence(f"Not joined yet: {why or 'nobody of the team is in reach'}"))
    app.say("It goes on by itself. Look: p2pblog join")


def _seen(place: Path, status: Status) -> int | None:
    """Up to which arrival the user has seen; None if unknown for this store."""
    with contextlib.suppress(OSError, ValueError):
        store, _, arrival = place.read_text(encoding="ascii").strip().partition(":")
        if store == status["store"]:
            return int(arrival)
    return None


def _remember(place: Path, status: Status) -> None:
    with contextlib.suppress(OSError):
        place.write_text(events.position_of(status) + "\n", encoding="ascii")


def _arrived(app: App, status: Status, seen: int) -> Iterator[Post]:
    newest = status["newest_arrival"]
    if newest <= seen:
        return
    start = events.position(status["store"], max(seen, newest - WINDOW))
    with contextlib.suppress(TimeoutError):
        for event in events.follow(app.api().client, start, timeout=SILENCE):
            if event.name == "post":
                post = event.post()
                if post["arrival"] <= newest:
                    yield post
                if post["arrival"] >= newest:
                    return


def _show(app: App, status: Status, found: list[Post], seen: int) -> None:
    own = status["member"]
    new = [post for post in found if post["author"]["name"] != own or post["source"]]
    if app.json:
        posts.show(app, new, "")
        return
    posts.show(app, new[-MOST:], "Nothing new. All posts: p2pblog read")
    more = max(0, len(new) - MOST) + max(0, status["newest_arrival"] - seen - WINDOW)
    if more > 0:
        app.note(f"And {f'{more:,} more'} before them: p2pblog read")
