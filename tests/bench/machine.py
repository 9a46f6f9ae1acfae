"""The machine that the figures are of, and what the system says of a process."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path

MIB = 1024 * 1024


def described(folder: Path) -> dict[str, object]:
    """What makes figures differ from one machine to the next; `folder` is where stores lie."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB,
        "file_system": _file_system(folder),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = {str(folder), *map(str, folder.parents)}
    best = max((mount for mount in mounts if mount[1] in above), key=lambda mount: len(mount[1]))
    return f"{best[2]} on {best[0]}"


def resident(pid: int) -> float:
    """Resident memory, MB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """The most that it has had resident, MB."""
    return _status(pid, "VmHWM")


def _status(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(key)


def cpu(pid: int) -> float:
    """Seconds of processor that it has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk(folder: Path) -> int:
    """Bytes of all files below, as long as they are."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
