"""Limits: what the machine does at best, by loops that do nothing else, to stand beside figures."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

from p2pblog.store import ordering, search, timeline
from p2pblog.store.database import Database
from tests.bench.figures import Value, percentile

BATCH = 4096  # rows a transaction, as ingest has them

Rows = Sequence[Sequence[object]]


def same_rows(store: Path, folder: Path) -> tuple[Value, Value]:
    """Rows a second, and µs of processor a row, of a loop that only inserts the rows of a store.

    The same columns into the same tables, all indexes and that of search included, in one thread:
    no parsing, no hash, no signature, no network; put in order as rarely as the store does it. What
    the shape of the store costs is in here.
    """
    entries, posts, documents = _rows_of(store)
    database, waiting = Database.create(folder / "bare.db"), 0
    with database.writing() as connection:
        connection.execute("INSERT INTO store VALUES (x'', x'', 0, 0, 0, 0, 0, 0)")
    begun, used = time.perf_counter(), time.process_time()
    for first in range(0, len(entries), BATCH):
        part = slice(first, first + BATCH)
        with database.writing() as connection:
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", entries[part])
            connection.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?)", posts[part])
            search._insert(connection, documents[part])
            waiting += len(posts[part])
            if waiting >= ordering.ENOUGH or first + BATCH >= len(posts):
                ordering.take_in(connection)
                waiting = 0
    taken, used = time.perf_counter() - begun, time.process_time() - used
    database.close()
    what = "bare loop that only inserts the same rows"
    each = Value(what, 1e6 * used / len(entries), "µs")
    return Value(what, len(entries) / taken, "rows/s"), each


def lean_rows(store: Path, folder: Path) -> Value:
    """Rows a second into the least that could be called a store of posts.

    One table of headers and payloads with an index on its seq and on its time, and the text in
    FTS5: nothing by channel, author, thread or id, and nothing that marks what is shown.
    """
    entries, posts, documents = _rows_of(store)
    rows = [(e[0], e[2], p[1], e[3], e[5]) for e, p in zip(entries, posts, strict=True)]
    texts = [document[:2] for document in documents]
    connection = sqlite3.connect(folder / "lean.db", isolation_level=None)
    for line in (
        *("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA cache_size = -32768"),
        "CREATE TABLE e (arrival INTEGER PRIMARY KEY, seq, time, header, payload)",
        *("CREATE INDEX by_seq ON e (seq)", "CREATE INDEX by_time ON e (time)"),
        "CREATE VIRTUAL TABLE f USING fts5 (text, content = '')",
    ):
        connection.execute(line)
    begun = time.perf_counter()
    for first in range(0, len(rows), BATCH):
        part = slice(first, first + BATCH)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO e VALUES (?, ?, ?, ?, ?)", rows[part])
        connection.executemany("INSERT INTO f (rowid, text) VALUES (?, ?)", texts[part])
        connection.execute("COMMIT")
    taken = time.perf_counter() - begun
    connection.close()
    return Value("bare loop into one table and FTS5 of the text", len(rows) / taken, "rows/s")


def _rows_of(store: Path) -> tuple[Rows, Rows, Sequence[tuple[int, str, str, str]]]:
    """Entries that are posts, the posts, and what the search index holds of them."""
    connection = sqlite3.connect(store)
    entries = connection.execute(
        "SELECT e.* FROM entries e JOIN posts USING (arrival) ORDER BY arrival"
    ).fetchall()
    posts = connection.execute("SELECT * FROM posts ORDER BY arrival").fetchall()
    documents = search._documents(timeline.by_arrival(connection, 0, len(posts)))
    connection.close()
    return entries, posts, documents


def fsync(folder: Path, times: int = 500) -> list[Value]:
    """What it takes to have 4 KiB more of a file on the disk."""
    taken = []
    with TemporaryFile(buffering=0, dir=folder) as file:
        for _ in range(times):
            begun = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            taken.append(1000 * (time.perf_counter() - begun))
    return [
        Value("raw fsync of 4 KiB, median", median(taken), "ms"),
        Value("raw fsync of 4 KiB, p99", percentile(taken, 99), "ms"),
    ]


def whole_process(*command: str) -> float:
    """Milliseconds of a whole Python process."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - begun)
