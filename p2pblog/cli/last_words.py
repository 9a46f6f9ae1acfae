"""Why the daemon ended, by its log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

TAIL: Final = 4096  # bytes of the log that are looked at: its last line fits
FRESH: Final = 30.0  # seconds: what was written before is about another end
STOP: Final = " stop: "  # before the reason, in the line that a daemon ends with


def last_line(log: Path) -> str:
    """The log's last line, of a daemon that ended by itself only the reason; empty without one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    line = lines[-1].strip() if lines else ""
    return line.partition(STOP)[2] or line


def reason_of_end(log: Path) -> str:
    """The reason that a daemon gave which has ended just now; empty where it gave none."""
    try:
        fresh = time.time() - log.stat().st_mtime < FRESH
    except OSError:
        return ""
    line = last_line(log) if fresh else ""
    return "" if line[:2].isdigit() else line  # any other line begins with its date
