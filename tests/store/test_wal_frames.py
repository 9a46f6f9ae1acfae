"""Logs put together from the sectors of two moments: what a power cut can leave, and what it can't.

Any file of SQLite's does, and here it can be said how many frames a commit has.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pblog.errors import DiskError
from p2pblog.store import wal

FRAME = 24 + wal.PAGE
SPLIT_FLAG, SPLIT_SUM = (
    41,
    62,
)  # frames, from 0, with a sector ending before the salts, the checksum


class Pages:
    """A file of rows that have a page each: to change some in one commit makes so many frames."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path.with_name(f"{path.name}-wal")
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"):
            self.connection.execute(f"PRAGMA {pragma}")

    def fill(self) -> None:
        self.connection.execute("CREATE TABLE pages (number INTEGER PRIMARY KEY, data BLOB)")
        self.connection.execute("BEGIN")
        rows = [(number, bytes(wal.PAGE // 2 + 1)) for number in range(100)]
        self.connection.executemany("INSERT INTO pages VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")
        self.checkpoint("TRUNCATE")

    def commit(self, *sizes: int) -> bytes:
        """Make commits of so many frames each; the log as it is then."""
        for frames in sizes:
            self.connection.execute(
                "UPDATE pages SET data = randomblob(length(data)) WHERE number < ?", (frames,)
            )
        return self.log.read_bytes()

    def checkpoint(self, mode: str) -> None:
        self.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    made = Pages(tmp_path / "store")
    made.fill()
    yield made
    made.connection.close()


def crashed(pages: Pages, log: bytes) -> Pages:
    """The same after a crash that left this log."""
    shutil.copy(pages.path, pages.path.with_name("crashed"))
    pages.path.with_name("crashed-wal").write_bytes(log)
    return Pages(pages.path.with_name("crashed"))


def is_refused(pages: Pages, log: bytes) -> bool:
    other = pages.path.with_name("other")
    other.with_name("other-wal").write_bytes(log)
    try:
        wal.check(other)
    except DiskError:
        return True
    return False


def at(frame: int) -> int:
    return 32 + frame * FRAME


def sector_in(frame: int) -> int:
    """Where a sector ends within a frame's header."""
    end = (at(frame) + 24) // wal.SECTOR * wal.SECTOR
    assert at(frame) < end
    return end


def mixed(old: bytes, new: bytes, place: int) -> bytes:
    """What was there before up to a place, and what was written from it on."""
    return old[:place] + new[place:]


def flipped(log: bytes, place: int, bit: int = 4) -> bytes:
    return log[:place] + bytes([log[place] ^ 1 << bit]) + log[place + 1 :]


# -- what a power cut leaves ---------------------------------------------------------------------


def test_a_commit_flag_of_the_round_before_is_no_commit(pages: Pages) -> None:
    """A sector ended behind it, and only that one was not written."""
    old = pages.commit(*[1] * 70)
    pages.checkpoint("RESTART")
    new = pages.commit(70)
    assert len(old) == len(new) == at(70)
    end = sector_in(SPLIT_FLAG)
    assert end == at(SPLIT_FLAG) + 8
    start = end - wal.SECTOR
    assert not is_refused(pages, mixed(mixed(new, old, start), new, end))


def test_the_commit_of_a_lost_transaction_is_none(pages: Pages) -> None:
    """Its flag and the round's salts stay where a sector ended before the checksum."""
    lost = pages.commit(*[1] * (SPLIT_SUM + 1))
    after = crashed(pages, lost[: at(SPLIT_SUM)])
    new = after.commit(3)
    after.connection.close()
    assert lost[: at(SPLIT_SUM)] == new[: at(SPLIT_SUM)]
    assert len(new) == at(SPLIT_SUM + 3)
    assert sector_in(SPLIT_SUM) == at(SPLIT_SUM) + 16
    assert not is_refused(pages, mixed(lost, new, sector_in(SPLIT_SUM)))


def test_any_sectors_of_a_transaction_may_be_missing(pages: Pages) -> None:
    """Each in turn is the first, the last, the only one that was written, and the only one not."""
    old = pages.commit(*[1] * 66)
    pages.checkpoint("RESTART")
    new = pages.commit(64)
    old = new[:32] + old[32:]  # the header is synced first
    ends = {place for frame in (0, 1, SPLIT_FLAG, SPLIT_SUM, 63) for place in places(frame)}
    for end in sorted(ends):
        start = end - wal.SECTOR
        for log in (mixed(old, new, end), mixed(new, old, end)):
            assert not is_refused(pages, log)
        for one, other in ((old, new), (new, old)):
            assert not is_refused(pages, mixed(mixed(one, other, start), one, end))


def places(frame: int) -> Iterator[int]:
    """Where sectors end around a frame's header."""
    first = at(frame) // wal.SECTOR * wal.SECTOR + wal.SECTOR
    yield from (first, first + wal.SECTOR)


# -- what only damage leaves ---------------------------------------------------------------------


@pytest.mark.parametrize("count", [SPLIT_FLAG + 2, SPLIT_FLAG + 3])
def test_damage_before_the_last_commit_is_told(pages: Pages, count: int) -> None:
    log = pages.commit(*[1] * count)
    for frame in range(count - 1):
        untold = frame == SPLIT_FLAG == count - 2
        assert is_refused(pages, flipped(log, at(frame) + 1000)) is not untold
    assert not is_refused(pages, flipped(log, at(count - 1) + 1000))


def test_each_field_of_a_frame_is_told(pages: Pages) -> None:
    log = pages.commit(1, 1, 1, 1)
    for place in range(at(1), at(1) + 24):
        assert is_refused(pages, flipped(log, place))


def test_each_bit_of_the_header_is_told(pages: Pages) -> None:
    log = pages.commit(1, 1, 1)
    for place in range(32):
        for bit in range(8):
            assert is_refused(pages, flipped(log, place, bit))
    assert is_refused(pages, bytes(wal.SECTOR) + log[wal.SECTOR :])


def test_a_header_put_back_to_the_round_before_is_told(pages: Pages) -> None:
    old = pages.commit(1, 1, 1, 1)
    pages.checkpoint("RESTART")
    assert is_refused(pages, mixed(old, pages.commit(1, 1, 1), wal.SECTOR))
