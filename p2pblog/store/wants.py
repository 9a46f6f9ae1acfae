"""Payloads that are missing: which, and putting them in when they come.

A payload that comes gives its entry a new arrival number, the next one, so that whoever goes by
arrival (unread, streams, search) meets the text as something new.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from p2pblog.errors import Refused
from p2pblog.protocol import entry
from p2pblog.protocol import wants as protocol
from p2pblog.protocol.entry import EntryId, Header, LogId
from p2pblog.protocol.frontier import short
from p2pblog.protocol.log import Branch
from p2pblog.protocol.message import Missing
from p2pblog.protocol.page import Page
from p2pblog.store import entries
from p2pblog.store.catalog import Catalog, Log
from p2pblog.store.writing import Writing

_ALL = -1  # of a limit in SQL


class Wanted(NamedTuple):
    """An entry whose payload is asked for."""

    log: LogId
    seq: int
    id: EntryId


def arrivals(connection: sqlite3.Connection) -> dict[int, int]:
    """How many payloads each branch wants."""
    return dict(
        connection.execute(
            "SELECT branch, count(*) FROM wants JOIN entries USING (arrival) GROUP BY branch"
        )
    )


def missing(
    connection: sqlite3.Connection, catalog: Catalog, limit: int, skip: int
) -> list[Wanted]:
    """Up to `limit` entries whose payload is wanted, after the first `skip`, the newest first."""
    return [wanted for _, _, wanted in _missing(connection, catalog, limit, skip)]


def digest(connection: sqlite3.Connection, catalog: Catalog) -> bytes | None:
    """`wants.digest` of those that can be passed on; None where there are none."""
    return protocol.digest(
        Missing(wanted.log, wanted.seq, short(wanted.id))
        for log, branch, wanted in _missing(connection, catalog, _ALL, 0)
        if wanted.seq <= log.served(branch)
    )


def _missing(
    connection: sqlite3.Connection, catalog: Catalog, limit: int, skip: int
) -> Iterator[tuple[Log, int, Wanted]]:
    for number, branch, seq, header in connection.execute(
        "SELECT b.log, b.branch, e.seq, e.header FROM wants w JOIN entries e USING (arrival) "
        "JOIN branches b USING (branch) WHERE e.seq <= ifnull(b.bound, e.seq) "
        "ORDER BY w.arrival DESC LIMIT ? OFFSET ?",
        (limit, skip),
    ):
        log = catalog.by_number[number]
        yield log, branch, Wanted(log.id, seq, entry.entry_id(log.whole(header)))


def payloads(
    connection: sqlite3.Connection, catalog: Catalog, wanted: Sequence[tuple[LogId, int, bytes]]
) -> list[tuple[LogId, int, bytes]]:
    """Those payloads that are here and may be given. Ids may be shortened."""
    found = []
    for log_id, seq, start in wanted:
        log = catalog.by_id.get(log_id)
        payload = _payload(connection, log, (seq, start)) if log else None
        if payload is not None:
            found.append((log_id, seq, payload))
    return found


def _payload(connection: sqlite3.Connection, log: Log, mark: tuple[int, bytes]) -> bytes | None:
    branch = entries.holder(connection, log, mark)
    if branch is None:
        return None
    carrier = log.carrier(branch, mark[0]).number
    if mark[0] > log.standing(carrier):
        return None
    row = connection.execute(
        "SELECT payload FROM entries WHERE branch = ? AND seq = ?", (carrier, mark[0])
    ).fetchone()
    payload: bytes | None = row[0]
    return payload


def fill(writing: Writing, items: Sequence[tuple[LogId, int, bytes]]) -> list[bool]:
    """Put payloads in; for each whether it was wanted and is what its header commits to."""
    return [_fill_one(writing, *item) for item in items]


def _fill_one(writing: Writing, log_id: LogId, seq: int, payload: bytes) -> bool:
    writing.flush()
    log = writing.log(log_id)
    if log is None:
        return False
    for branch in log.branches:
        row = writing.connection.execute(
            "SELECT header FROM entries WHERE branch = ? AND seq = ? AND payload IS NULL",
            (branch.number, seq),
        ).fetchone()
        if row is None:
            continue
        raw = log.whole(row[0])
        header = entry.parse_header(raw)
        try:
            entry.check_payload(header, payload)
        except Refused:
            continue
        return _put(writing, log_id, branch.number, header, entry.entry_id(raw), payload)
    return False


def fill_known(writing: Writing, log: Log, branch: Branch, page: Page, count: int) -> int:
    """Take what is missing here from the first `count` entries of a page that the branch holds."""
    writing.flush()
    first, filled = page.headers[0].seq, 0
    for number, low, high in log.runs(branch, first - 1, first + count - 1):
        for (seq,) in writing.connection.execute(
            "SELECT seq FROM entries WHERE branch = ? AND seq BETWEEN ? AND ? AND payload IS NULL",
            (number, low, high),
        ).fetchall():
            payload = page.payloads[seq - first]
            if payload is not None:
                at = seq - first
                filled += _put(writing, log.id, number, page.headers[at], page.ids[at], payload)
    return filled


def _put(
    writing: Writing, log: LogId, branch: int, header: Header, name: EntryId, payload: bytes
) -> bool:
    row = writing.connection.execute(
        "SELECT arrival FROM entries JOIN wants USING (arrival) WHERE branch = ? AND seq = ?",
        (branch, header.seq),
    ).fetchone()
    if row is None:
        return False
    writing.fill(log, branch, row[0], header, name, payload)
    return True
