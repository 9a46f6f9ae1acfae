"""What the log of a daemon that ended says of why."""

import os
from pathlib import Path

import pytest

from p2pblog.cli.last_words import FRESH, last_line, reason_of_end

FULL = "store a.db: the disk is full: free some space, then start again"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", "", ""),
        (
            "2026-11-23 15:28:00 I p2pblog.daemon stop\n",
            "2026-11-23 15:28:00 I p2pblog.daemon stop",
            "",
        ),
        (f"x\n2026-11-23 15:28:00 C p2pblog.daemon stop: {FULL}\n", FULL, FULL),
        ("Traceback\nRuntimeError: fire\n\n", "RuntimeError: fire", "RuntimeError: fire"),
    ],
)
def test_the_last_line_tells(tmp_path: Path, text: str, line: str, reason: str) -> None:
    log = tmp_path / "daemon.log"
    log.write_text(text)
    assert last_line(log) == line
    assert reason_of_end(log) == reason


def test_an_old_log_is_about_another_end(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    assert (last_line(log), reason_of_end(log)) == ("", "")
    log.write_text(f"stop: {FULL}\n")
    then = log.stat().st_mtime - 2 * FRESH
    os.utime(log, (then, then))
    assert reason_of_end(log) == ""
