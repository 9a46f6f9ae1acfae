"""The example itself: it ends well, and nothing of it is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.office.history import CHAT
from p2pblog.errors import Exit
from tests.support.lan import needs_lan

EXAMPLES = Path(__file__).parents[2] / "examples"
SAME = "All have the same posts in the same order"


def day(example: Path, place: Path, *options: str) -> subprocess.Popen[str]:
    """Start the example; everything that it makes for itself is in `place`."""
    return subprocess.Popen(
        [sys.executable, str(example / "office_day.py"), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(place), "PYTHONUNBUFFERED": "1"},
    )


def left_behind(place: Path, process: int) -> list[str]:
    """Files, processes and namespaces of an example that has ended."""
    found = [str(file) for file in place.iterdir()]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        words = command.read_bytes().replace(b"\\0", b" ").decode(errors="replace")
        if str(place) in words:
            found.append(words)
    run = Path("/run/netns")
    found += [one.name for one in run.glob(f"p2pblog-{process}-*")] if run.exists() else []
    return found


@pytest.fixture
def place() -> Iterator[Path]:
    """As `tmp_path`, but short: the path of a socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="p2pblog-") as made:
        yield Path(made)


@pytest.mark.slow
def test_a_day_on_loopback_with_the_history_of_our_own(place: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(EXAMPLES, tmp_path / "alone" / "repository" / "examples")
    with day(copied, place, "--loopback", "--machines", "5") as running:
        told, _ = running.communicate(timeout=120)
    assert running.returncode == Exit.OK, told
    assert SAME in told
    assert "of 9 people, from history.jsonl" in told
    assert left_behind(place, running.pid) == []


@pytest.mark.parametrize(
    "signal_number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_day_that_is_cut_short_cleans_up(place: Path, signal_number: int) -> None:
    with day(EXAMPLES, place, "--machines", "5", "--posts", "50") as running:
        assert running.stdout is not None
        while "founds the team" not in running.stdout.readline():
            assert running.poll() is None
        running.send_signal(signal_number)
        running.communicate(timeout=60)
    assert running.returncode == Exit.INTERRUPTED
    assert left_behind(place, running.pid) == []


@needs_lan
@pytest.mark.slow
@pytest.mark.skipif(not CHAT.exists(), reason="the chat is not beside the repository")
def test_20000_posts_of_200_people_on_6_machines(place: Path) -> None:
    options = ("--posts", "20000", "--authors", "340", "--machines", "6")
    with day(EXAMPLES, place, *options) as running:
        told, _ = running.communicate(timeout=1200)
    print(told)
    assert running.returncode == Exit.OK, told
    assert SAME in told
    assert left_behind(place, running.pid) == []
