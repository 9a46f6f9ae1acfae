"""Many rows in few statements: whatever their number, each row once, in its order."""

import sqlite3

import pytest

from p2pblog.store import bulk

LARGE, _, SMALL = bulk.SIZES


@pytest.mark.parametrize("count", [0, 1, SMALL - 1, SMALL, SMALL + 1, LARGE + SMALL + 1, 2 * LARGE])
def test_every_row_is_added_once(count: int) -> None:
    rows = [(number, bytes([number % 256]), None) for number in range(count)]
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        bulk.insert(connection, "t", rows)
        assert connection.execute("SELECT * FROM t ORDER BY rowid").fetchall() == rows
    connection.close()


def test_some_columns_can_be_named() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        bulk.insert(connection, "t (c, a)", [(number, -number) for number in range(SMALL + 1)])
        assert connection.execute("SELECT * FROM t WHERE c = 7").fetchall() == [(-7, None, 7)]
    connection.close()
