"""Many rows in few statements: whatever their number, each row once, in its order."""

import sqlite3

import pytest

from p2pblog.store import bulk

LARGE, *_, SMALL = bulk.SIZES


@pytest.mark.parametrize("count", [*range(2 * SMALL), LARGE - 1, LARGE + SMALL + 1, 2 * LARGE])
def test_every_row_is_added_once(count: int) -> None:
    rows = [(number, bytearray([number % 256]), bulk.NULL) for number in range(count)]
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        bulk.insert(connection, "t", "column1, column2, nullif(column3, '')", rows)
        found = connection.execute("SELECT * FROM t ORDER BY rowid").fetchall()
        assert found == [(number, bytes(data), None) for number, data, _ in rows]
    connection.close()


def test_some_columns_can_be_named() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        rows = [(number, -number) for number in range(SMALL + 1)]
        bulk.insert(connection, "t (c, a)", "column1, column2", rows)
        assert connection.execute("SELECT * FROM t WHERE c = 7").fetchall() == [(-7, None, 7)]
    connection.close()
