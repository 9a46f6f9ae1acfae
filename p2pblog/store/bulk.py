"""Many rows in few statements.

A thread lets go of the interpreter at each statement, and gets it back when the others have had
their turn. While pages are checked in another thread, an index row by row took 183 µs a row; in
statements of thousands it takes 7.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain

# Rows of a statement. Few sizes, for each is prepared once and kept; of the largest even six
# columns are fewer variables than the 32,766 that SQLite allows.
SIZES = (4096, 1024, 256)


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Add rows to a table, given with the columns to fill if they are not all."""
    done = 0
    for size in SIZES:
        while len(rows) - done >= size:
            fields = chain.from_iterable(rows[done : done + size])
            connection.execute(_statement(table, len(rows[0]), size), tuple(fields))
            done += size
    if done < len(rows):
        row = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({row})", rows[done:])


@cache
def _statement(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} SELECT * FROM (VALUES {', '.join([row] * rows)})"
