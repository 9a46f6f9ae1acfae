"""A machine of the office: a home, the daemon that runs on it or not, and the commands typed there.

The daemon is a process of its own, on a host of the LAN or on this machine's loopback. Commands go
through its Unix socket, so they need no namespace.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from p2pblog.cli.api import Api
from p2pblog.cli.client import Client
from p2pblog.cli.start import default_command, start_daemon
from p2pblog.config import Home
from p2pblog.errors import P2pblogError

T = TypeVar("T")
COMMAND_TIMEOUT: Final = 120.0  # seconds; the longest, an import of many posts, takes a few
STOP_TIMEOUT: Final = 10.0


class Trouble(Exception):
    """Something did not go as it has to; the message says what."""


@contextmanager
def place(keep: str | None = None) -> Iterator[Path]:
    """A directory for homes, with all state of theirs inside; removed unless it is to be kept."""
    path = Path(keep).resolve() if keep else Path(tempfile.mkdtemp(prefix="p2pblog-"))
    path.mkdir(parents=True, exist_ok=True)
    sockets = tempfile.mkdtemp(prefix="p2pblog-")  # where homes have paths too long for a socket
    inside = {"XDG_STATE_HOME": str(path / "state"), "XDG_RUNTIME_DIR": sockets}
    before = {name: os.environ.get(name) for name in inside}
    os.environ.update(inside)
    try:
        yield path
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(sockets, ignore_errors=True)
        if not keep:
            shutil.rmtree(path, ignore_errors=True)


@dataclass(slots=True, eq=False)
class Machine:
    """One machine. `prefix` is what runs a command on its host; empty on loopback."""

    name: str
    member: str
    home: Home
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def api(self) -> Iterator[Api]:
        """A connection to the daemon's local API."""
        client = Client(self.home)
        try:
            yield Api(client)
        finally:
            client.close()

    def ask(self, question: Callable[[Api], T]) -> T:
        """The answer to one question, such as `Api.status`."""
        with self.api() as api:
            return question(api)

    @property
    def is_up(self) -> bool:
        """Whether its daemon runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> float:
        """Start the daemon; the seconds until it answers."""
        started = time.monotonic()
        self.process = start_daemon(self.home, [*self.prefix, *default_command(self.home)])
        return time.monotonic() - started

    def stop(self) -> float:
        """`p2pblog down`; the seconds until the process has ended."""
        started = time.monotonic()
        self.cli("down")
        self.wait_ended()
        return time.monotonic() - started

    def kill(self) -> None:
        """End the daemon as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.wait_ended()

    def wait_ended(self) -> int:
        """The exit code of the daemon's process; `Trouble` if it does not end."""
        if self.process is None:
            return 0
        try:
            code = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Trouble(f"the daemon of {self.name} does not end") from None
        self.process = None
        return code

    def remove(self) -> None:
        """End the daemon, whatever state it is in."""
        if self.is_up:
            with suppress(P2pblogError):
                self.ask(Api.stop)
            with suppress(Trouble):
                self.wait_ended()
        self.kill()

    def argv(self, *arguments: str) -> list[str]:
        """The command line of a command on this machine."""
        return [sys.executable, "-m", "p2pblog", "--home", str(self.home.path), *arguments]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit code; never starts a daemon."""
        return subprocess.run(
            self.argv("--no-start", *arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
        )

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command, with pipes; never starts a daemon."""
        pipe = subprocess.PIPE
        argv = self.argv("--no-start", *arguments)
        return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def cli(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints; `Trouble` unless its exit code is 0."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode:
            typed = " ".join(arguments)
            raise Trouble(f"{self.name}: p2pblog {typed}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """The object that a command prints with --json."""
        return json.loads(self.cli("--json", *arguments, stdin=stdin))

    def posts(self) -> list[str]:
        """All posts as `read --json` gives them, oldest first, but for the local arrival number."""
        lines = self.cli("read", "--json", "--reverse", "--limit", "1000000000").splitlines()
        return [_without_arrival(line) for line in lines]

    def memory(self) -> int:
        """The most bytes that the daemon ever had resident."""
        if self.process is None:
            return 0
        status = Path(f"/proc/{self.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
        return int(peak.split()[1]) * 1024

    def stored(self) -> int:
        """The bytes of the store's files."""
        files = self.home.store.parent.glob(f"{self.home.store.name}*")
        return sum(file.stat().st_size for file in files)

    def last_words(self, lines: int = 12) -> str:
        """The end of the daemon's log."""
        if not self.home.log.exists():
            return ""
        return "\n".join(self.home.log.read_text(errors="replace").splitlines()[-lines:])


def _without_arrival(line: str) -> str:
    post = json.loads(line)
    del post["arrival"]
    return json.dumps(post, ensure_ascii=False)
