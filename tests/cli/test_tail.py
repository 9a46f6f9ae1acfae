"""`tail`: what is there, what comes, across a daemon that goes away, and resuming."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from p2pblog.config import Home
from tests.support.fake_api import STORE, Team, serving


@contextmanager
def tailing(home: Home, *arguments: str) -> Iterator[tuple[IO[str], IO[str]]]:
    command = [sys.executable, "-m", "p2pblog", "--home", str(home.path), "tail", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        try:
            yield running.stdout, running.stderr
        finally:
            running.kill()


def texts(out: IO[str], number: int) -> list[str]:
    return [json.loads(out.readline())["text"] for _ in range(number)]


def test_the_newest_come_first_in_order_and_then_what_arrives(home: Home, team: Team) -> None:
    team.events_end = True
    for text in ("one", "two", "three"):
        team.add(text)
    with tailing(home, "-n", "2", "--json") as (out, err):
        assert texts(out, 2) == ["two", "three"]
        team.add("four")
        assert texts(out, 1) == ["four"]
        assert err.readline() == "p2pblog: the daemon went away; waiting until it is back\n"
        team.add("five")
        assert texts(out, 1) == ["five"]


def test_it_resumes_after_a_cursor(home: Home, team: Team) -> None:
    for text in ("one", "two", "three"):
        team.add(text)
    with tailing(home, "--json", "--after", f"{STORE}:1") as (out, _):
        post = json.loads(out.readline())
        assert (post["text"], post["cursor"]) == ("two", f"{STORE}:2")
        assert texts(out, 1) == ["three"]


def test_one_channel_for_people(home: Home, team: Team) -> None:
    team.add("pump", channel="pumps")
    team.add("ladder")
    team.add("seal", channel="pumps")
    with tailing(home, "-c", "#pumps", "--after", f"{STORE}:0") as (out, _):
        lines = [out.readline() for _ in range(6)]
    assert lines[1] == "  pump\n"
    assert lines[4] == "  seal\n"


def test_it_waits_for_a_daemon_that_was_stopped_and_misses_nothing(home: Home) -> None:
    first = Team()
    first.add("before")
    with serving(home, first):
        waiting = tailing(home, "--json")
        out, err = waiting.__enter__()
        assert texts(out, 1) == ["before"]
        while not any(path == "/events" for _, path, _ in first.requests):
            out_of_band = first.stopped.wait(0.01)
            assert not out_of_band
    assert "went away" in err.readline()
    second = Team()
    second.add("before")
    second.add("meanwhile")
    with serving(home, second):
        assert texts(out, 1) == ["meanwhile"]
        waiting.__exit__(None, None, None)
