"""Daemons by the hundred, each forked from one process that has imported all of them.

What is forked is the daemon itself, on its own home, with its own log: only the half second that
Python takes to import is spent once. `python -m tests.support.forge` reads the path of a home from
each line, and answers with the number of the process that runs on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from p2pblog.cli.start import is_running
from p2pblog.config import Home

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds; a start takes a tenth of one
POLL = 0.002  # seconds between two looks: no event tells what a process of others is at


class Forge:
    """Starts daemons and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._running: dict[Path, int] = {}

    def start(self, home: Home) -> None:
        """Start a daemon; it may take its time until it answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{home.path}\n")
        self._process.stdin.flush()
        self._running[home.path] = int(self._process.stdout.readline())

    def is_up(self, home: Home) -> bool:
        """Whether one was started and not killed."""
        return home.path in self._running

    def wait_ready(self, home: Home) -> None:
        """Until it answers; fails with the end of its log where it ended instead."""
        until = time.monotonic() + PATIENCE
        while not is_running(home):
            assert _is_alive(self._running[home.path]), home.log.read_text()[-3000:]
            assert time.monotonic() < until, home.log.read_text()[-3000:]
            time.sleep(POLL)

    def kill(self, home: Home) -> None:
        """SIGKILL, and wait until the process is gone."""
        self._end(home, signal.SIGKILL)

    def stop(self, home: Home) -> None:
        """SIGTERM, and wait until the process is gone."""
        self._end(home, signal.SIGTERM)

    def _end(self, home: Home, number: signal.Signals) -> None:
        process = self._running.pop(home.path)
        if _is_alive(process):
            os.kill(process, number)
        until = time.monotonic() + PATIENCE
        while _is_alive(process):
            assert time.monotonic() < until, f"{home.path} does not end"
            time.sleep(POLL)

    def end(self) -> None:
        """Kill whatever still runs."""
        for path in list(self._running):
            self.kill(Home(path))


@contextmanager
def forge() -> Iterator[Forge]:
    """A process to fork from, and at the end nothing of it."""
    pipe = subprocess.PIPE
    argv = [sys.executable, "-m", "tests.support.forge"]
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        made = Forge(process)
        try:
            yield made
        finally:
            made.end()
            assert process.stdin is not None
            process.stdin.close()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _run_daemon(home: str) -> None:
    """In the child: be a daemon as `p2pblog up` is one, with its log in the home."""
    from p2pblog.cli.main import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(Path(home) / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, descriptor)
    os._exit(main(["--home", home, "up"]))


def _serve() -> None:
    import p2pblog.cli.up
    import p2pblog.daemon  # noqa: F401  # what every child needs is imported once

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended is gone at once
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run_daemon(line.strip())
        print(child, flush=True)


if __name__ == "__main__":
    _serve()
