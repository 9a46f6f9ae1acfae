"""Other programs at the same work: those of a folder with a `bench.py`, where they are installed.

`bench.py` starts two processes, drives them by lines, and prints one JSON object of figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.figures import Value, plain, table
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


def checked(row: dict[str, Any]) -> dict[str, Any]:
    """The row, if all went well."""
    if "error" in row:
        raise RuntimeError(f"{row['peer']}: {row['error']} {row['stderr']}")
    return row


def catch_up(place: Place, count: int, feeds: int) -> Iterator[Value]:
    """The same catch-up by the peers that are installed."""
    for peer, name in NAMES.items():
        if place.shared is not None and installed(place.shared, peer):
            row = checked(run(place.shared, peer, count, feeds))
            yield Value(name, float(row["catch"]["posts_s"]), "posts/s")


@dataclass(frozen=True, slots=True)
class Work:
    """What one program is given to do."""

    peer: str
    count: int
    feeds: int = 1
    live: int = 200
    gap: int = 50


SCRIPTS = {"xmpp": ("xmpp/run.py", "sql"), "nostr": ("nostr/run.py",)}  # not driven by `bench.py`
WHOLE = (
    *(Work("p2pblog", 100_000, feeds) for feeds in (10, 1)),
    *(Work("hyper", 100_000, feeds) for feeds in (10, 1)),
    *(Work("ssb", 100_000, feeds) for feeds in (10, 1)),
    *(Work("cabal", 10_000), Work("xmpp", 10_000), Work("nostr", 10_000)),
)


def compare(shared: Path, names: list[str], runs: int, small: bool) -> list[dict[str, Any]]:
    """Every peer that is installed, or those named, at the same work: a row a run."""
    work = [one for one in WHOLE if not names or one.peer in names]
    if small:
        work = [replace(one, count=2000, live=20) for one in work]
    found = []
    for _ in range(runs):
        for one in work:
            try:
                found.append(_done(shared, one))
            except FileNotFoundError as error:
                found.append({"peer": one.peer, "N": one.count, "error": str(error)})
            print(json.dumps(found[-1]), file=sys.stderr)
    return found


def _done(shared: Path, work: Work) -> dict[str, Any]:
    count, feeds, live, gap = map(str, (work.count, work.feeds, work.live, work.gap))
    if work.peer in SCRIPTS:
        script, *more = SCRIPTS[work.peer]
        python = shared.parent / "venv/bin/python"
        with tempfile.TemporaryDirectory(prefix="peers-") as scratch:
            ended = subprocess.run(
                [str(python), str(shared / script), count, *more],
                env={**os.environ, "WORK": scratch},
                cwd=scratch,
                stdout=subprocess.PIPE,
                check=True,
                timeout=PATIENCE,
            )
        row: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return row
    if work.peer == "p2pblog":
        with tempfile.TemporaryDirectory(prefix="ours-") as scratch:
            ours = Path(scratch) / "p2pblog"
            ours.mkdir()
            programs = [f"{sys.executable} -m tests.bench.peer_{which}" for which in OURS]
            return drive(shared, str(ours), *programs, count, feeds, live, gap)
    return run(shared, work.peer, work.count, work.feeds, work.live, work.gap)


OURS = ("author", "fresh")
COLUMNS = (
    *("program", "posts", "logs", "batch append/s", "single append/s", "catch-up posts/s"),
    *("live p50 ms", "p99 ms", "bytes a post", "peak MiB author / reader", "CPU s author / reader"),
)


def told(rows: list[dict[str, Any]]) -> str:
    """The comparison as a table: medians, and ranges of the catch-up until all is stored."""
    cells = []
    for key in dict.fromkeys((row["peer"], row["N"], row.get("feeds", 1)) for row in rows):
        same = [row for row in rows if (row["peer"], row["N"], row.get("feeds", 1)) == key]
        cells.append(_cells(key, [row for row in same if "error" not in row]))
    return table(COLUMNS, cells)


def _cells(key: tuple[str, int, int], rows: list[dict[str, Any]]) -> list[str]:
    def middle(*ways: tuple[str | int, ...]) -> str:
        values = [value for row in rows if (value := _first(row, ways)) is not None]
        return plain(median(values)) if values else "-"

    rates = [v for row in rows if (v := _first(row, CATCH)) is not None]
    spread = f" ({plain(min(rates))}-{plain(max(rates))})" if len(rates) > 1 else ""
    return [
        *(str(key[0]), f"{key[1]:,}", str(key[2])),
        middle(("append", "posts_s"), ("append_posts_s",)),
        middle(("append", "single_posts_s")),
        middle(*CATCH) + spread,
        *(middle(("live", which), ("live_ms", which)) for which in ("p50", "p99")),
        middle(("b_disk_per_post", 0), ("bytes_post",)),
        f"{middle(('a_mem', 'VmHWM'))} / {middle(('b_mem', 'VmHWM'))}",
        f"{middle(('a_mem', 'cpu'))} / {middle(('b_mem', 'cpu'))}",
    ]


CATCH: tuple[tuple[str | int, ...], ...] = (
    ("catch", "posts_s"),
    ("catch_posts_s",),
)


def _first(row: dict[str, Any], ways: Sequence[tuple[str | int, ...]]) -> float | None:
    """What stands at the first of these paths that the row has."""
    for way in ways:
        found: Any = row
        try:
            for step in way:
                found = found[step]
        except (KeyError, IndexError, TypeError):
            continue
        return float(found)
    return None
