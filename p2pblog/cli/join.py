"""`join`: become a member with a code."""

from __future__ import annotations

import sys
import time
from typing import Final

import click

from p2pblog.cli import output, when
from p2pblog.cli.api import Api
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.ask import ask, host_name, user_name
from p2pblog.cli.records import Join, Status
from p2pblog.errors import Conflict, UsageError, WaitRanOut

PATIENCE: Final = 15.0  # seconds; a join on a local network takes less than ten
FIRST_POSTS: Final = 3.0  # seconds; a member in reach hands them over within two
POLL: Final = 0.1  # seconds between two questions: people see no shorter wait
PENDING: Final = (
    "It goes on by itself. Look: p2pblog join; name a member's address: "
    "p2pblog join CODE --peer HOST; give up: p2pblog join --cancel"
)
WORDS: Final = {
    "searching": "Looking for the team",
    "found": "Found a member",
    "asking": "Asking to be let in",
}


@click.command(
    epilog="""\b
Examples
  p2pblog join K7QF-M2XD-9HWA-T3PL
  p2pblog join K7QF-M2XD-9HWA-T3PL --name Sam --peer 192.168.1.20
  p2pblog join K7QF-M2XD-9HWA-T3PL --wait --timeout 5m
  p2pblog join                     (how the join stands)
  p2pblog join --cancel"""
)
@click.argument("code", required=False)
@click.option("--name", metavar="NAME", help="Your name. [your user name]")
@click.option("--device", metavar="NAME", help="This machine's name. [its host name]")
@click.option(
    "--peer", "peers", multiple=True, metavar="HOST[:PORT]", help="Ask here too. Repeatable."
)
@click.option("--wait", is_flag=True, help="Wait until you are in; exit 8 if it takes too long.")
@click.option(
    "--timeout", metavar="SPAN", default="10m", show_default=True, help="How long --wait waits."
)
@click.option("--cancel", is_flag=True, help="Give up a join that is pending.")
@pass_app
def join(
    app: App,
    code: str | None,
    name: str | None,
    device: str | None,
    peers: tuple[str, ...],
    wait: bool,
    timeout: str,
    cancel: bool,
) -> None:
    """Join a team with the CODE or link of an invitation.

    Any member in reach can let you in. With none in reach the join stays pending and finishes by
    itself.
    """
    if cancel:
        _cancel(app)
        return
    patience = when.parse_span(timeout).total_seconds() if wait else PATIENCE
    api = app.api(fresh=code is not None)
    if code:
        name = ask(name, "Your name", "--name", user_name())
        state = api.join(code, name, device or host_name(), peers)
    else:
        state = api.join_state()
        patience = patience if wait else 0
    follow(app, api, state, patience, wait=wait)


def follow(app: App, api: Api, state: Join, patience: float, *, wait: bool) -> None:
    """Tell how a join goes on, for as long as there is patience, and how it ended."""
    _finish(app, api, _await(app, api, state, patience), wait=wait)


def _cancel(app: App) -> None:
    app.api().cancel_join()
    if app.json:
        app.emit({"state": "cancelled"})
    else:
        app.say("The join is given up.")


def _await(app: App, api: Api, state: Join, patience: float) -> Join:
    """Poll until the join is decided or time is out, and tell what happens."""
    deadline = time.monotonic() + patience
    told: list[str] = []
    while True:
        _tell(app, state, told)
        if state["state"] in ("joined", "refused") or time.monotonic() >= deadline:
            return state
        time.sleep(POLL)
        state = api.join_state()


def _tell(app: App, state: Join, told: list[str]) -> None:
    lines = []
    if state["team"]:
        team, inviter = output.clean(state["team"]), output.clean(state["inviter"])
        lines.append(f"Team: {team}" + (f"; invited by {inviter}" if inviter else ""))
    if state["state"] in WORDS:
        lines.append(WORDS[state["state"]] + " ...")
    for line in lines:
        if line not in told:
            told.append(line)
            app.note(line)


def _finish(app: App, api: Api, state: Join, *, wait: bool) -> None:
    match state["state"]:
        case "joined":
            _joined(app, api, state)
        case "refused":
            raise Conflict(f"Not joined: {state['why']}", state["hint"])
        case "searching" | "found" | "asking":
            _pending(app, state, wait=wait)
        case _:
            raise UsageError("No join is pending", "Give the code: p2pblog join CODE")


def _pending(app: App, state: Join, *, wait: bool) -> None:
    why = state["why"].rstrip(".") or "nobody of the team is in reach"
    tried = f" (tried {', '.join(state['tried'])})" if state["tried"] else ""
    if wait:
        raise WaitRanOut(f"Not joined yet: {why}{tried}", PENDING)
    if app.json:
        app.emit(state)
    else:
        app.say(output.sentence(f"Not joined yet: {why}{tried}"))
        app.say(PENDING)


def _joined(app: App, api: Api, state: Join) -> None:
    if app.json:
        app.emit(state)
        return
    app.say(f"Joined as {output.strong(output.clean(state['name']))}")
    status = _with_posts(api)
    posts, coming = status["totals"]["posts"], status["sync"]["bytes_to_get"]
    here = f"{output.count(posts, 'post')} here" if posts else "Posts come by themselves"
    more = f"; {output.size(coming)} are on their way" if coming else ""
    app.say(f"{here}{more}. Read: p2pblog read")
    sys.stdout.flush()


def _with_posts(api: Api) -> Status:
    """The status when the first posts are here, or have had their time."""
    deadline = time.monotonic() + FIRST_POSTS
    while True:
        status = api.status()
        if status["totals"]["posts"] or time.monotonic() >= deadline:
            return status
        time.sleep(POLL)
