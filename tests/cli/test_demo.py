"""The demo with real daemons: to its end, with a person at it, and cut off; nothing is left."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pblog.config import Home
from tests.support.cli import run_cli

DEMO = [sys.executable, "-m", "p2pblog", "demo"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for temporary files, which has to be empty in the end, with no daemon in it."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []
    state = tmp_path / "state" / "p2pblog"
    assert not state.exists() or list(state.iterdir()) == []
    assert daemons_of(place) == []


def daemons_of(place: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(place) in line:
            found.append(process.name)
    return found


def test_it_plays_all_parts_alone(home: Home, place: Path) -> None:
    result = run_cli(home, "demo", "--json")
    assert result.code == 0, result.err
    steps = {line["step"]: line for line in result.lines()}
    assert steps["back"]["missed"] == 2
    assert steps["equal"]["posts"] == 6
    assert not home.path.exists()


def read_terminal(descriptor: int) -> Iterator[bytes]:
    """What a process writes to its terminal until it ends."""
    with contextlib.suppress(OSError):  # EIO: nobody has the other side any more
        while chunk := os.read(descriptor, 4096):
            yield chunk


def test_a_person_posts_and_watches(place: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"hello from the terminal\n\n\n")
    with subprocess.Popen(DEMO, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        shown = b"".join(read_terminal(ours))
    os.close(ours)
    assert running.returncode == 0, shown.decode()
    assert b"Sam has it after" in shown
    assert b"All three have the same 5 posts in the same order." in shown


SLOW = [pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGTERM, *SLOW])
def test_cut_off_it_cleans_up(place: Path, number: signal.Signals) -> None:
    with subprocess.Popen([*DEMO, "--auto"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while b"Dana founds" not in (line := running.stdout.readline()):
            assert line, "it has ended before"
        running.send_signal(number)
        running.stdout.read()
    assert running.returncode == 130
