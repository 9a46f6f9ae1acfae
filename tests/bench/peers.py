"""Other programs at the same work: those of a folder with a `bench.py`, where they are installed.

`bench.py` starts two processes, drives them by lines, and prints one JSON object of figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figures import Value
from tests.bench.homes import Place

ROOT = Path(__file__).parents[2]
NAMES = {"hyper": "hypercore", "ssb": "ssb-db2 with EBT"}
PATIENCE = 900.0  # seconds; slow peers are given fewer posts


def installed(shared: Path | None, peer: str) -> bool:
    """Whether a peer's program and its packages are there."""
    return shared is not None and (shared / peer / "node_modules").is_dir()


def run(
    shared: Path, peer: str, count: int, feeds: int, live: int = 0, gap: int = 20
) -> dict[str, Any]:
    """One run of a peer that `bench.py` drives."""
    arguments = (str(shared / peer), "node a.mjs", "node b.mjs")
    return drive(shared, *arguments, str(count), str(feeds), str(live), str(gap))


def drive(shared: Path, *arguments: str) -> dict[str, Any]:
    """What `bench.py` prints when it is started so."""
    with tempfile.TemporaryDirectory(prefix="peers-") as work:
        more = {"WORK": work, "CAP": str(PATIENCE), "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, str(shared / "bench.py"), *arguments],
            env={**os.environ, **more},
            stdout=subprocess.PIPE,
            check=True,
            timeout=PATIENCE + 60,
        )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def catch_up(place: Place, count: int, feeds: int) -> Iterator[Value]:
    """The same catch-up by the peers that are installed."""
    for peer, name in NAMES.items():
        if place.shared is not None and installed(place.shared, peer):
            row = run(place.shared, peer, count, feeds)
            if "error" in row:
                raise RuntimeError(f"{peer}: {row['error']} {row['stderr']}")
            yield Value(name, float(row["catch"]["posts_s"]), "posts/s")
