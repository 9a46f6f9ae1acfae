"""The order of posts in time, as a whole and by channel: two tables that follow the posts table.

Logs come one after the other, and each tells of the same months: put in as they come, every row
would touch a page of its own. So in bulk rows wait until they are many, and go in sorted. What
waits is found by its arrival number, which lies above `ordered` in the store's row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

BULK = 1024  # entries of a transaction from which its posts may wait
ENOUGH = 32 * 1024  # posts that wait, at most: to read a page beside them takes some 5 ms

WAITS = "p.arrival > (SELECT ordered FROM store)"
_TIMES = "INSERT INTO by_time SELECT p.time, p.arrival FROM posts p WHERE"
_CHANNELS = "INSERT INTO by_channel SELECT p.channel, p.time, p.arrival FROM posts p WHERE"


def follow(connection: sqlite3.Connection, added: int) -> None:
    """Take in the posts of a transaction that has `added` so many entries, unless they may wait."""
    if added < BULK or _count(connection) >= ENOUGH:
        take_in(connection)


def _count(connection: sqlite3.Connection) -> int:
    found = connection.execute(f"SELECT count(*) FROM posts p WHERE {WAITS}").fetchone()
    count: int = found[0]
    return count


def take_in(connection: sqlite3.Connection) -> None:
    """Take in whatever waits."""
    connection.execute(f"{_TIMES} {WAITS} ORDER BY 1, 2")
    connection.execute(f"{_CHANNELS} {WAITS} ORDER BY 1, 2, 3")
    connection.execute("UPDATE store SET ordered = (SELECT ifnull(max(arrival), 0) FROM posts)")


def waits(connection: sqlite3.Connection) -> bool:
    """Whether any post waits."""
    found = connection.execute(f"SELECT 1 FROM posts p WHERE {WAITS} LIMIT 1").fetchone()
    return found is not None


def put_back(connection: sqlite3.Connection, arrivals: Sequence[int]) -> None:
    """Take in posts again that were hidden for a while; what waits anyhow goes on waiting."""
    these = f"p.arrival = ? AND NOT {WAITS}"
    for into in (_TIMES, _CHANNELS):
        connection.executemany(f"{into} {these}", [(arrival,) for arrival in arrivals])


def clear(connection: sqlite3.Connection) -> None:
    """Empty both tables."""
    connection.execute("DELETE FROM by_time")
    connection.execute("DELETE FROM by_channel")
    connection.execute("UPDATE store SET ordered = 0")
