"""Real daemons, each a process of its own, and the clients that ask them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any

from p2pblog.cli.client import Client, Query
from p2pblog.config import Home
from tests.bench import machine

POLL = 0.02  # seconds between two looks: no event tells what a daemon is at
PATIENCE = 300.0  # seconds; nobody waits longer for anything here


class Daemon:
    """A daemon on a home. `started` is how many seconds it took until its API had answered."""

    def __init__(self, home: Home) -> None:
        self.home = home
        begun = time.perf_counter()
        self._process = _start(home)
        self.client = Client(home)
        try:
            self.port = int(self.get("/status")["port"])
        except BaseException:
            self.stop()
            raise
        self.started = time.perf_counter() - begun

    @property
    def pid(self) -> int:
        return self._process.pid

    def get(self, path: str, **query: str | int) -> Any:
        """The answer to a GET."""
        given: Query = query
        return self.client.request("GET", path, query=given)

    def post(self, path: str, body: object = None) -> Any:
        """The answer to a POST."""
        return self.client.request("POST", path, body)

    def meet(self, port: int) -> None:
        """Dial a port of this machine."""
        self.post("/peers", {"address": f"127.0.0.1:{port}"})

    def connected(self) -> int:
        """With how many devices a session is live."""
        return sum(peer["state"] == "connected" for peer in self.get("/status")["peers"])

    def stop(self) -> None:
        """Let it end by itself, else end it."""
        self.client.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def resident(self) -> float:
        return machine.resident(self.pid)

    @property
    def peak(self) -> float:
        return machine.peak(self.pid)

    @property
    def cpu(self) -> float:
        return machine.cpu(self.pid)


@contextmanager
def daemons(*homes: Home) -> Iterator[list[Daemon]]:
    """A daemon on each home."""
    running: list[Daemon] = []
    try:
        for home in homes:
            running.append(Daemon(home))  # noqa: PERF401  # those that run have to end
        yield running
    finally:
        for daemon in running:
            daemon.stop()


def mesh(running: Sequence[Daemon]) -> None:
    """Link each with each."""
    for one, other in combinations(running, 2):
        one.meet(other.port)
    for daemon in running:
        until(lambda daemon=daemon: daemon.connected() >= len(running) - 1, "mesh")  # type: ignore[misc]  # bound now


def until(condition: Callable[[], object], what: str, poll: float = POLL) -> float:
    """The seconds until it is so."""
    begun = time.perf_counter()
    while not condition():
        if time.perf_counter() - begun > PATIENCE:
            raise TimeoutError(what)
        time.sleep(poll)
    return time.perf_counter() - begun


def _start(home: Home) -> subprocess.Popen[bytes]:
    ours, theirs = os.pipe()
    command = ("-m", "p2pblog", "--home", str(home.path), "up", "--ready-fd", str(theirs))
    with home.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command], pass_fds=[theirs], stdout=log, stderr=log
        )
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        if pipe.readline() != "ready\n":
            process.kill()
            process.wait()
            raise RuntimeError(home.log.read_text())
    return process
