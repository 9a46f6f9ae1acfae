"""A copy of the whole store at one moment, and a copy's beginning as a store of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from p2pblog.store import timeline
from p2pblog.store.core import Core
from p2pblog.store.faults import mapped
from p2pblog.store.records import Totals

STEP = 256  # pages copied between two looks at the clock: 1 MiB, a few milliseconds


class Copies(Core):
    """What backups need."""

    def copy_to(self, path: Path, go_on: Callable[[int, int], bool]) -> Totals | None:
        """Copy the store as it is now into a new file, while others write.

        `go_on` is told how many pages are done, of how many; where it says no, the copy is given
        up, and None returned; else how much the copy holds.
        """
        with self._database.snapshot() as source, mapped(path):
            totals = timeline.totals(source)  # from here on the state is fixed
            with closing(sqlite3.connect(path, isolation_level=None)) as target:
                whole = _copy(source, target, go_on)
                target.execute("PRAGMA journal_mode = DELETE")  # all of it in the one file
        return totals if whole else None

    def begin_anew(self, store_id: bytes) -> None:
        """Take another id: arrival numbers that were told before are not good any more."""
        with self._database.writing() as connection:
            connection.execute("UPDATE store SET id = ?", (store_id,))
        self.store_id = store_id


class _GivenUp(Exception):
    """Leaves SQLite's loop."""


def _copy(
    source: sqlite3.Connection, target: sqlite3.Connection, go_on: Callable[[int, int], bool]
) -> bool:
    def look(_: int, remaining: int, total: int) -> None:
        if not go_on(total - remaining, total):
            raise _GivenUp

    try:
        source.backup(target, pages=STEP, progress=look, sleep=0)
    except _GivenUp:
        return False
    return True
