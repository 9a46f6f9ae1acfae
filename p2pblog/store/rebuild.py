"""Views made anew from the entries.

While they are remade the store says so in `views`: where it was interrupted, it starts over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from p2pblog.protocol import entry
from p2pblog.store import ordering, search, views
from p2pblog.store.catalog import Catalog
from p2pblog.store.views import Sheet

BATCH = 5000  # entries of one transaction

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


def clear(connection: sqlite3.Connection) -> None:
    """Empty every view."""
    ordering.clear(connection)
    for table in ("posts", "channels", "origins", "profiles"):
        connection.execute(f"DELETE FROM {table}")
    search.clear(connection)
    connection.execute("UPDATE store SET views = 0, posts = 0")


def refill(transaction: Transaction, catalog: Catalog) -> dict[str, int]:
    """Fill empty views from the entries, in several transactions: the numbers of the channels."""
    channels: dict[str, int] = {}
    done = 0
    while True:
        with transaction() as connection:
            rows = connection.execute(
                "SELECT e.arrival, b.log, e.header, e.payload FROM entries e "
                "JOIN branches b USING (branch) "
                "WHERE e.arrival > ? AND e.seq <= ifnull(b.bound, e.seq) "
                "ORDER BY e.arrival LIMIT ?",
                (done, BATCH),
            ).fetchall()
            if not rows:
                ordering.take_in(connection)
                connection.execute("UPDATE store SET views = ?", (views.VERSION,))
                return channels
            _show(connection, Sheet(channels), rows, catalog)
            done = rows[-1][0]
            ordering.follow(connection, len(rows))


_Shown = tuple[int, int, bytes, bytes | None]  # arrival, log, header, payload


def _show(
    connection: sqlite3.Connection, sheet: Sheet, rows: list[_Shown], catalog: Catalog
) -> None:
    for arrival, number, stored, payload in rows:
        log = catalog.by_number[number]
        raw = log.whole(stored)
        header = entry.parse_header(raw)
        post = views.readable(header.payload_class, payload)
        sheet.add(log, arrival, [entry.entry_id(raw)], [header], [payload], [post])
    posts = sheet.write(connection)
    sheet.settle()
    connection.execute("UPDATE store SET posts = posts + ?", (posts,))
