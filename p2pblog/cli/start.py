"""Starting the daemon in the background, and waiting until it answers.

The daemon gets one end of a pipe. It writes `ready` and a line end when the API is up; when it
can't, the reason as one line of JSON (`code`, `message`, `hint`). If it ends without either, its
last log line is the reason.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from p2pblog.cli.client import Client, NotRunning
from p2pblog.cli.last_words import last_line
from p2pblog.config import Home
from p2pblog.errors import DaemonUnreachable, HomeLocked
from p2pblog.lock import locked

START_TIMEOUT: Final = 30.0  # opening the store of a large team on a slow disk, with a migration
STOP_TIMEOUT: Final = 10.0  # a daemon stops within two seconds
POLL: Final = 0.05  # seconds between two looks: no event tells that another process ends
MAX_LOG: Final = 1024 * 1024  # a log beyond this is set aside at the next start
TAIL: Final = 4096


def start_daemon(home: Home, command: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Start a daemon that outlives us and wait until it answers; DaemonUnreachable says why not.

    When another one is starting or stopping on this home, that is waited for.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        process, answer = _launch(home, command or default_command(home), deadline)
        if answer == "ready":
            return process
        if _code(answer) != HomeLocked.code or time.monotonic() > deadline:
            raise _failure(home, process, answer)
        process.wait()
        if _await_other(home):
            return process


def default_command(home: Home) -> list[str]:
    """The command line of a daemon for this home."""
    return [sys.executable, "-m", "p2pblog", "--home", str(home.path), "up"]


def is_running(home: Home) -> bool:
    """Whether a daemon answers on this home."""
    client = Client(home)
    try:
        client.open()
    except NotRunning:
        return False
    client.close()
    return True


def wait_until_gone(home: Home) -> None:
    """Return when no daemon holds this home; DaemonUnreachable if one goes on."""
    deadline = time.monotonic() + STOP_TIMEOUT
    while _is_held(home):
        if time.monotonic() > deadline:
            raise DaemonUnreachable("The daemon does not stop", f"See {home.log}")
        time.sleep(POLL)


def _is_held(home: Home) -> bool:
    if is_running(home):
        return True
    try:
        with locked(home.lock):
            return False
    except HomeLocked:
        return True


def _launch(
    home: Home, command: Sequence[str], deadline: float
) -> tuple[subprocess.Popen[bytes], str]:
    """A daemon's process and what it says of its start; `slow` if it said nothing in time."""
    home.create()
    _set_log_aside(home.log)
    ours, theirs = (-1, -1) if sys.platform == "win32" else os.pipe()
    with _opened(home.log) as log:
        process = _spawn(command, log, theirs)
    try:
        return process, _poll(home, process, deadline) if ours < 0 else _read_line(ours, deadline)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    finally:
        if ours >= 0:
            os.close(ours)


def _opened(log: Path) -> BinaryIO:
    """The log to write to; where the disk takes none, nowhere: the reason comes by the pipe."""
    try:
        return log.open("ab")
    except OSError:
        return open(os.devnull, "ab")


def _spawn(command: Sequence[str], log: BinaryIO, ready: int) -> subprocess.Popen[bytes]:
    """Start a process that outlives us; it gets `ready`, which is ours no more."""
    null = subprocess.DEVNULL
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        return subprocess.Popen(command, stdin=null, stdout=log, stderr=log, creationflags=flags)
    argv = [*command, "--ready-fd", str(ready)]
    try:
        return subprocess.Popen(
            argv, stdin=null, stdout=log, stderr=log, start_new_session=True, pass_fds=[ready]
        )
    finally:
        os.close(ready)


def _read_line(descriptor: int, deadline: float) -> str:
    line = b""
    while not line.endswith(b"\n"):
        left = max(0.0, deadline - time.monotonic())
        if not select.select([descriptor], [], [], left)[0]:
            return "slow"
        part = os.read(descriptor, TAIL)
        if not part:
            break
        line += part
    return line.decode(errors="replace").strip()


def _poll(home: Home, process: subprocess.Popen[bytes], deadline: float) -> str:
    while process.poll() is None and time.monotonic() < deadline:
        if is_running(home):
            return "ready"
        time.sleep(POLL)
    return "" if process.returncode is not None else "slow"


def _await_other(home: Home) -> bool:
    """Whether the daemon that holds the home answers within the time that one takes to stop."""
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        if is_running(home):
            return True
        time.sleep(POLL)
    return False


def _code(answer: str) -> str:
    return _problem(answer).get("code", "")


def _problem(answer: str) -> dict[str, str]:
    if not answer.startswith("{"):
        return {}
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return {key: str(value) for key, value in found.items()}


def _failure(home: Home, process: subprocess.Popen[bytes], answer: str) -> DaemonUnreachable:
    if answer == "slow":
        why = f"it did not answer within {START_TIMEOUT:.0f} seconds"
        return DaemonUnreachable(f"The daemon does not start: {why}", f"See {home.log}")
    process.wait()
    problem = _problem(answer)
    why = problem.get("message") or _end(process.returncode, home.log)
    hint = problem.get("hint") or f"See {home.log}"
    return DaemonUnreachable(f"The daemon does not start: {why}", hint)


def _end(code: int, log: Path) -> str:
    """Why it ended: the log's last line, unless it was killed before it could write one."""
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return last_line(log) or f"exit {code}"


def _set_log_aside(log: Path) -> None:
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_LOG:
            log.replace(log.with_suffix(".log.1"))
