"""The daemon in the background: started when it is down, waited for, and why not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from p2pblog.cli import start
from p2pblog.cli.start import is_running, start_daemon
from p2pblog.config import Home
from p2pblog.errors import DaemonUnreachable
from tests.support.cli import run_cli
from tests.support.fake_api import Team, serving


def command(home: Home, mode: str) -> list[str]:
    module = [sys.executable, "-m", "tests.support.fake_daemon"]
    return [*module, mode, "--home", str(home.path), "up"]


@pytest.fixture
def started(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Daemons that commands start; they have to have ended, or are stopped."""
    processes: list[subprocess.Popen[bytes]] = []

    def begin(home: Home) -> None:
        processes.append(start_daemon(home, command(home, "serve")))

    monkeypatch.setattr(start, "start_daemon", begin)
    yield processes
    for process in processes:
        process.terminate()
        process.wait()


def test_a_command_starts_the_daemon_and_says_so_once(
    home: Home, started: list[subprocess.Popen[bytes]]
) -> None:
    result = run_cli(home, "init", "--team", "Acme", "--name", "Dana", "--json")
    assert result.code == 9, "the fake one has a team already"
    assert result.err.splitlines()[0].startswith("p2pblog: starting the daemon in the background")
    assert is_running(home)
    assert "starting" not in run_cli(home, "read").err
    assert len(started) == 1


def test_up_and_down(home: Home, started: list[subprocess.Popen[bytes]]) -> None:
    assert str(home.log) in run_cli(home, "up", "--detach").out
    assert run_cli(home, "up", "--detach").out == "The daemon runs already.\n"
    assert run_cli(home, "up", "--detach", "--json").lines()[0]["started"] is False
    assert run_cli(home, "down").out == "The daemon has stopped.\n"
    assert not is_running(home)
    assert started[0].wait(5) == 0
    assert run_cli(home, "down").out == "The daemon was not running.\n"
    assert run_cli(home, "down", "--json").lines() == [{"running": False, "stopped": False}]


def test_the_daemon_survives_the_end_of_our_session(home: Home) -> None:
    process = start_daemon(home, command(home, "serve"))
    try:
        assert process.pid != os.getsid(0)
        assert os.getsid(process.pid) == process.pid
    finally:
        process.terminate()
        process.wait()


def test_a_start_that_crashes_shows_the_last_line_of_its_log(home: Home) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        start_daemon(home, command(home, "crash"))
    assert caught.value.message.endswith("RuntimeError: the disk is on fire")
    assert str(home.log) in caught.value.hint


def test_a_start_that_is_killed_says_so_and_quotes_no_line_of_before(home: Home) -> None:
    home.create()
    home.log.write_text("2026-11-23 15:28:00 I p2pblog.node.membership connect\n")
    with pytest.raises(DaemonUnreachable) as caught:
        start_daemon(home, command(home, "killed"))
    assert caught.value.message.endswith("it was ended by SIGKILL")


def test_a_start_that_is_refused_shows_why(home: Home) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        start_daemon(home, command(home, "refuse"))
    assert caught.value.message.endswith("It is taken")
    assert caught.value.hint == "Wait."


# the process is left alone on purpose: it may be at work on a large store
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_start_that_takes_too_long(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "START_TIMEOUT", 0.0)
    with pytest.raises(DaemonUnreachable, match="did not answer"):
        start_daemon(home, [sys.executable, "-c", "pass"])


def test_another_one_that_is_starting_is_waited_for(home: Home) -> None:
    team, done = Team(), threading.Event()

    def other() -> None:
        with serving(home, team):
            done.wait(10)

    home.create()
    thread = threading.Timer(0.3, other)
    thread.start()
    try:
        start_daemon(home, command(home, "locked"))
        assert is_running(home)
    finally:
        done.set()
        thread.join()


def test_a_large_log_is_set_aside(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "MAX_LOG", 10)
    home.create()
    home.log.write_text("x" * 11)
    with pytest.raises(DaemonUnreachable):
        start_daemon(home, command(home, "refuse"))
    assert home.log.with_suffix(".log.1").read_text() == "x" * 11
    assert home.log.read_text() == ""
