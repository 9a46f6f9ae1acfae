"""The daemon: puts node and local API together on one home, and stops them cleanly.

The composition root: the only place that knows every part.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import random
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trio

from p2pblog import __version__
from p2pblog.api.server import TcpDoor, UnixDoor, serve
from p2pblog.config import Home, load_config, save_config
from p2pblog.errors import DiskError, Exit, UserError
from p2pblog.lock import locked
from p2pblog.node.files import Files
from p2pblog.node.node import Node

log = logging.getLogger(__name__)
SWITCH = 0.0002  # seconds until a waiting thread gets its turn; see `run`
# New objects until a collection, and collections until one of older objects: what comes in bulk is
# 30 objects a post, and nearly none in cycles. Python's (700, 10, 10) took 1 of 28 µs a post.
COLLECT = (20_000, 20, 20)
DESCRIPTORS = 1024  # 256 of peers, 2 * 80 of the API, those of the store, and as many again


class HomeSettings:
    """The settings of a home, read again when their file has changed: that takes effect at once."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._read_at: tuple[int, ...] = ()
        self._known: dict[str, str] = {}

    def all(self) -> dict[str, str]:
        """Every setting as text."""
        try:
            state = self._home.config.stat()
            found = state.st_ino, state.st_size, state.st_mtime_ns
        except FileNotFoundError:
            found = 0, 0, 0
        if found != self._read_at:
            self._known = load_config(self._home.config).as_text()
            self._read_at = found  # only now: a file that can't be read is tried again
        return dict(self._known)

    def put(self, key: str, value: str | None) -> None:
        """Change one."""
        save_config(self._home.config, load_config(self._home.config).with_value(key, value))


def run(home: Home, *, detach_ready_fd: int | None = None, repair: bool = False) -> int:
    """Run the daemon on `home` until it is told to stop; the exit code.

    With `repair` it mends the store first. Once the API answers, `ready` and a line end go to the
    descriptor. Raises `UserError` for what the user can mend before it starts.

    A thread that writes to the store lets go of the interpreter at each row. With Python's 5 ms it
    then waited that long whenever another thread was at work: rows took 1,111 µs beside one that
    hashes without end, and take 6 µs.
    """
    sys.setswitchinterval(SWITCH)
    gc.set_threshold(*COLLECT)
    _set_up_logging()
    _allow_descriptors()
    os.umask(0o077)  # whatever is made in the home is the user's alone
    try:
        home.create()
        with locked(home.lock), _plain_errors():
            trio.run(_main, home, detach_ready_fd, repair)
    except UserError as error:
        _tell_why(detach_ready_fd, str(error), error.hint, error.code)
        raise
    except DiskError as error:
        log.critical("stop: %s", error)
        _tell_why(detach_ready_fd, str(error))
        return Exit.FAILED
    return Exit.OK


async def _main(home: Home, ready_fd: int | None, repair: bool) -> None:
    stopping = trio.Event()
    node = Node(
        Files(home.path, home.store, home.identity, home.joining, home.state_dir / "marker.json"),
        HomeSettings(home),
        __version__,
        secrets.token_bytes,
        random.Random(secrets.randbits(64)),
        stopping.set,
        repair,
    )
    async with trio.open_nursery() as outer:
        outer.start_soon(_watch_signals, stopping)
        await outer.start(node.run)
        async with trio.open_nursery() as inner:  # stops first: requests at work need the node
            await inner.start(serve, node, _doors(home))
            log.info("ready home=%s process=%d", home.path, os.getpid())
            gc.freeze()  # what a start has made stays: collections need not look at it again
            _tell(ready_fd, "ready")
            await stopping.wait()
            log.info("stop")
            inner.cancel_scope.cancel()
        outer.cancel_scope.cancel()


def _doors(home: Home) -> list[UnixDoor | TcpDoor]:
    """The user's own door, and that of bots where the settings open it."""
    tcp = load_config(home.config).tcp_api
    if sys.platform == "win32":
        return [TcpDoor(tcp or 0, home.api_port, home.api_token)]
    home.check_socket()
    doors: list[UnixDoor | TcpDoor] = [UnixDoor(home.api_socket)]
    return doors if tcp is None else [*doors, TcpDoor(tcp, home.api_port)]


async def _watch_signals(stopping: trio.Event) -> None:
    for known in (signal.SIGINT, signal.SIGTERM):
        signal.signal(known, signal.SIG_IGN)  # so that a second one does not cut the stop short
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            log.info("signal name=%s", signal.Signals(number).name)
            stopping.set()


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Give the user's and the disk's errors out of trio's groups; a bug stays a traceback."""
    try:
        yield
    except* (UserError, DiskError) as group:
        found: BaseException = group
        while isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        error = found
    else:
        return
    raise error


def _tell(descriptor: int | None, line: str) -> None:
    if descriptor is not None:
        with suppress(OSError):  # nobody waits any more
            os.write(descriptor, line.encode() + b"\n")
            os.close(descriptor)


def _tell_why(descriptor: int | None, message: str, hint: str = "", code: str = "failed") -> None:
    """Whoever waits for the start hears the reason: a full disk may keep it from the log."""
    _tell(descriptor, json.dumps({"code": code, "message": message, "hint": hint}))


def _allow_descriptors() -> None:
    """Room for all connections that are let in, where the system starts us with less (macOS)."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows, which has no such limit

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < DESCRIPTORS:
            most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _set_up_logging() -> None:
    """A readable log on stderr; P2PBLOG_LOG gives another level."""
    logging.raiseExceptions = False  # where the log can't be written, complaints can't be either
    level = os.environ.get("P2PBLOG_LOG", "info").upper()
    form = "%(asctime)s %(levelname).1s %(name)s %(message)s"
    logging.basicConfig(stream=sys.stderr, format=form, datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("p2pblog").setLevel(level if level in logging.getLevelNamesMapping() else 20)
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
