"""Many rows in few statements.

A thread lets go of the interpreter at each statement, and gets it back when the others have had
their turn. While pages are checked in another thread, an index row by row took 183 µs a row; in
statements of thousands it takes 7.

Python's sqlite3 looks for an adapter for each `bytes` and each None that it is given, which takes
longer than all else that is done for a value: so blobs come as `bytearray`, and NULL as NULL below.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain

# Rows of a statement. Few sizes, for each is prepared once and kept: one of 4,096 takes 60 ms and
# 6 MB, and saves a hundredth of a second in 100,000 rows.
SIZES = (1024, 256, 64, 16)
FEW = 4  # rows that are not worth a statement with room for more
NULL = ""  # what stands for it in a row, in columns where no empty text is


def insert(
    connection: sqlite3.Connection, table: str, values: str, rows: Sequence[Sequence[object]]
) -> None:
    """Add rows to a table, given with the columns to fill if they are not all.

    `values` are SQL for these, from `column1`, `column2` and so on, which a row has. The first of
    them is never NULL: rows without it fill a statement up.
    """
    done = 0
    while len(rows) - done >= FEW:
        size = _size(len(rows) - done)
        part = rows[done : done + size]
        width = len(part[0])
        room = (NULL,) * (width * (size - len(part)))
        fields = (*chain.from_iterable(part), *room)
        connection.execute(_statement(table, values, width, size), fields)
        done += len(part)
    if done < len(rows):
        connection.executemany(_statement(table, values, len(rows[0]), 1), rows[done:])


def _size(left: int) -> int:
    """Of a statement for so many rows: the largest that they fill to three quarters."""
    return next((size for size in SIZES if left >= size * 3 // 4), SIZES[-1])


@cache
def _statement(table: str, values: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    given = ", ".join([row] * rows)
    return f"INSERT INTO {table} SELECT {values} FROM (VALUES {given}) WHERE column1 <> ''"
