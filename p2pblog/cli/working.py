"""A sign of life on a terminal while the daemon works: how far it is, as its status says."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
from collections.abc import Iterator
from typing import Final

import click

from p2pblog.cli.api import Api
from p2pblog.cli.app import App
from p2pblog.cli.client import Client
from p2pblog.cli.records import Job
from p2pblog.errors import P2pblogError

EVERY: Final = 0.25  # seconds
WHEEL: Final = "|/-\\"


@contextlib.contextmanager
def working(app: App, what: str) -> Iterator[None]:
    """Turn a wheel on stderr until the block has ended; nothing where nobody looks."""
    if app.json or app.quiet or not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_turn, args=(app, what, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        click.echo("\r\x1b[K", err=True, nl=False)


def _turn(app: App, what: str, done: threading.Event) -> None:
    client = Client(app.home)
    try:
        for wheel in itertools.cycle(WHEEL):
            if done.wait(EVERY):
                return
            click.echo(f"\r\x1b[K{wheel} {what}{_share(_job(client))}", err=True, nl=False)
    finally:
        client.close()


def _job(client: Client) -> Job | None:
    with contextlib.suppress(P2pblogError):
        return Api(client).status().get("job")
    return None


def _share(job: Job | None) -> str:
    if job is None or not job["total"]:
        return ""
    return f" {100 * job['done'] // job['total']} %"
