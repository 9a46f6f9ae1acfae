"""What every command has: the home, the options that all of them take, and the daemon.

The shared options may stand before or after the command's name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click

from p2pblog.cli import output
from p2pblog.cli.api import Api
from p2pblog.cli.client import Client, NotRunning
from p2pblog.config import Home
from p2pblog.errors import DaemonUnreachable, NotSetUp

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

NOT_SET_UP: Final = "This home belongs to no team yet"
SET_UP: Final = "Found one with 'p2pblog init', or join one with 'p2pblog join CODE'."


@dataclass(slots=True)
class App:
    """The settings of one run."""

    home_given: str | None = None
    json: bool = False
    color: str = "auto"
    pager: bool = True
    start: bool = True
    quiet: bool = False
    _api: Api | None = field(default=None, repr=False)

    @property
    def home(self) -> Home:
        """The home that this run is about."""
        return Home.resolve(self.home_given)

    def api(self, *, fresh: bool = False) -> Api:
        """The daemon, started if it is down. Only with `fresh` may the home be in no team."""
        if self._api is None:
            client = Client(self.home)
            try:
                client.open()
            except NotRunning as e:
                self._start(e, fresh=fresh)
                client.open()
            self._api = Api(client)
        return self._api

    def _start(self, why: DaemonUnreachable, *, fresh: bool) -> None:
        home = self.home
        if not fresh and home.is_fresh():
            raise NotSetUp(NOT_SET_UP, SET_UP)
        if not self.start:
            raise why
        from p2pblog.cli.start import start_daemon

        self.note("p2pblog: starting the daemon in the background (stop it with: p2pblog down)")
        start_daemon(home)

    def close(self) -> None:
        """Drop the connection to the daemon."""
        if self._api is not None:
            self._api.client.close()

    def note(self, text: str) -> None:
        """Say something about what is going on, on stderr, unless it has to be quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    def say(self, text: str) -> None:
        """Print a result for people."""
        click.echo(text)

    def emit(self, value: object) -> None:
        """Print a result as a line of JSON."""
        click.echo(output.to_json(value))

    def now(self) -> datetime | None:
        """The local time if times are to be shown relative to it: on a terminal."""
        return datetime.now() if sys.stdout.isatty() else None


def app_of(context: click.Context) -> App:
    """The App of a run, made when it is first asked for."""
    return context.find_root().ensure_object(App)


def pass_app(function: Callable[Concatenate[App, P], R]) -> Callable[P, R]:
    """Give the command the App as its first argument, and the shared options."""
    return shared_options(click.make_pass_decorator(App, ensure=True)(function), hidden=True)


def shared_options(function: F, *, hidden: bool = False) -> F:
    """Add the shared options; `hidden` leaves the rarer ones out of the help."""
    for add in reversed(
        (
            _option("--home", "home_given", metavar="DIR", help="Use this home. [P2PBLOG_HOME]"),
            _option("--json", "json", is_flag=True, help="Print JSON: an object a line."),
            _option(
                "--color",
                "color",
                type=click.Choice(["auto", "always", "never"]),
                help="Colour the output (auto: on a terminal). [NO_COLOR]",
                hidden=hidden,
            ),
            _option("--no-pager", "pager", is_flag=True, help="Never use a pager.", hidden=hidden),
            _option(
                "--no-start",
                "start",
                is_flag=True,
                help="Fail with exit 7 if the daemon is down.",
                hidden=hidden,
            ),
            _option(
                "--quiet", "quiet", "-q", is_flag=True, help="Say only results.", hidden=hidden
            ),
        )
    ):
        function = add(function)
    return function


def _option(name: str, target: str, *more: str, **attributes: Any) -> Callable[[F], F]:
    def store(context: click.Context, _: click.Parameter, value: object) -> None:
        if value in (None, False):
            return
        app = app_of(context)
        setattr(app, target, not name.startswith("--no-") if value is True else value)
        if target == "color" and value != "auto":
            context.find_root().color = context.color = value == "always"

    return click.option(
        name, *more, expose_value=False, is_eager=True, callback=store, default=None, **attributes
    )
