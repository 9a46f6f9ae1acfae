"""One home, one daemon: what is refused there, how it stops, and what a command costs."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.office.machine import Machine
from p2pblog.cli.api import Api
from p2pblog.errors import Exit
from tests.support.office import team, texts


@pytest.fixture(scope="module")
def desk(path: Path) -> Iterator[Machine]:
    with team(path, 1) as office:
        yield office.machines[0]


def test_a_second_daemon_on_one_home_is_refused(desk: Machine) -> None:
    assert desk.process is not None
    second = desk.run("up")
    assert second.returncode == Exit.CONFLICT
    assert f"already (process {desk.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert desk.is_up
    assert desk.ask(Api.status)["phase"] == "member"


def test_a_post_is_durable_when_the_command_returns(desk: Machine) -> None:
    took = []
    for number in range(5):
        started = time.monotonic()
        desk.cli("post", f"hello {number}")
        took.append(time.monotonic() - started)
    desk.kill()  # as a power cut, but for what the system has not written yet
    desk.start()
    print(f"`p2pblog post hello` takes {1000 * min(took):.0f} ms at best (aim: 250)")
    assert texts(desk)[:5] == [f"hello {number}" for number in reversed(range(5))]
    assert min(took) < 2.5


@pytest.mark.parametrize("how", ["down", "SIGTERM", "SIGINT", "impatience"])
def test_it_stops_within_two_seconds(desk: Machine, how: str) -> None:
    before = texts(desk)
    started = time.monotonic()
    assert desk.process is not None
    if how == "down":
        desk.cli("down")
    elif how == "impatience":
        while desk.process.poll() is None:
            os.kill(desk.process.pid, signal.SIGTERM)
            time.sleep(0.002)  # as somebody who keeps pressing, not a flood
    else:
        os.kill(desk.process.pid, getattr(signal, how))
    assert desk.wait_ended() == Exit.OK
    took = time.monotonic() - started
    print(f"stopped by {how} in {took:.2f} s (aim: 2)")
    assert took < 10
    assert not desk.home.api_socket.exists()
    desk.start()
    assert texts(desk) == before


def test_a_store_of_a_newer_version_is_refused_and_not_touched(desk: Machine) -> None:
    desk.stop()
    with sqlite3.connect(desk.home.store) as store:
        (version,) = store.execute("PRAGMA user_version").fetchone()
        store.execute(f"PRAGMA user_version = {version + 1}")
    store.close()
    before = _files(desk)
    refused = desk.run("up")
    assert refused.returncode == Exit.CONFLICT
    assert "newer version" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert _files(desk) == before
    with sqlite3.connect(desk.home.store) as store:
        store.execute(f"PRAGMA user_version = {version}")
    store.close()
    desk.start()
    assert desk.ask(Api.status)["phase"] == "member"


def _files(machine: Machine) -> dict[str, str]:
    """What is in the home, by name, but for the lock and the log."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in machine.home.path.iterdir()
        if file.is_file() and file.name not in ("lock", "daemon.log")
    }
