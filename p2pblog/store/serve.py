"""What others get: pages cut from a log, each ending where a signature is held.

Held signatures are never more than a page apart: every page that was stored ended in one. Where
payloads came later than their page, a span may have outgrown a page; its last payloads then go
without, and the receiver asks for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from p2pblog.protocol import entry, page
from p2pblog.protocol.limits import MAX_PAGE_BYTES, MAX_PAGE_ENTRIES
from p2pblog.protocol.log import Branch, Tip
from p2pblog.store import entries
from p2pblog.store.catalog import Log
from p2pblog.store.database import Database

Row = tuple[int, bytes, bytes | None, bytes | None]  # seq, header, signature, payload
_Runs = list[tuple[int, int, int]]  # branch, first and last seq
_SIGNATURE = 2 + 64  # in msgpack


@dataclass(frozen=True, slots=True)
class Served:
    """A page, where it starts, its last entry, and how much it brings."""

    page: bytes
    first_seq: int
    last: Tip
    entries: int
    size: int


def cut_pages(
    database: Database, log: Log, after: Tip | None, upto: Tip, max_bytes: int
) -> list[Served]:
    """Pages of what follows `after` on the way to `upto`, of about `max_bytes`, at least one.

    Where `after` is on another branch, from where the two part. Empty where either is not here.
    """
    with database.reading() as connection:
        branch = entries.holder(connection, log, upto)
        done = 0 if after is None else _height(connection, log, branch, after)
        if branch is None or done is None:
            return []
        served: list[Served] = []
        left = max_bytes
        while done < upto.seq and (left > 0 or not served):
            rows = _next_rows(connection, log, log.runs(branch, done, upto.seq))
            if not rows:
                break
            served.append(packed(rows, log.is_team))
            left -= len(served[-1].page)
            done = _height(connection, log, branch, served[-1].last) or upto.seq
        return served


def _height(
    connection: sqlite3.Connection, log: Log, branch: Branch | None, tip: Tip
) -> int | None:
    """Up to where the way to `tip` is that of `branch`; None where `tip` is not here."""
    other = entries.holder(connection, log, tip)
    if branch is None or other is None:
        return None
    return min(tip.seq, entries.parting(log, branch, other))


def _next_rows(connection: sqlite3.Connection, log: Log, runs: _Runs) -> list[Row]:
    """The rows of the next page on a way.

    Where the way leaves a branch too far from the next signature, that branch's own next page: it
    holds what is needed and more.
    """
    rows = _read(connection, log, runs)
    count = cut(rows, log.is_team)
    if not count:
        number, first, _ = runs[0]
        rows = _read(connection, log, [(number, first, log.standing(number))])
        count = cut(rows, log.is_team)
    return rows[:count]


def _read(connection: sqlite3.Connection, log: Log, runs: _Runs) -> list[Row]:
    rows: list[Row] = []
    for branch, first, last in runs:
        found = connection.execute(
            "SELECT seq, header, signature, payload FROM entries "
            "WHERE branch = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (branch, first, last, MAX_PAGE_ENTRIES - len(rows)),
        )
        rows += [(seq, log.whole(header), *others) for seq, header, *others in found]
        if len(rows) == MAX_PAGE_ENTRIES:
            break
    return rows


def cuts(run: Sequence[tuple[bytes, bytes | None]]) -> list[int]:
    """Where a run of (header, payload) has to be signed: after how many entries, the last too."""
    ends = [0]
    rows: list[Row] = [(0, header, b"", payload) for header, payload in run]
    while ends[-1] < len(rows):
        ends.append(ends[-1] + cut(rows[ends[-1] : ends[-1] + MAX_PAGE_ENTRIES], each=False))
    return ends[1:]


def _item(data: bytes | None) -> int:
    """The bytes of a header or payload in msgpack."""
    if data is None:
        return 1
    return len(data) + (2 if len(data) < 256 else 3)


def _envelope(count: int, each: bool) -> int:
    """The bytes of a page around its headers and payloads."""
    lists = 1 if count < 16 else 3
    return 1 + 2 * lists + (lists + count * _SIGNATURE if each else 1 + _SIGNATURE)


def cut(rows: list[Row], each: bool) -> int:
    """How many of `rows` make the next page: the most that fit and end in a signature.

    Where none fits with its payloads, the first that does without.
    """
    bare = full = best = 0
    for count, (_, header, signature, payload) in enumerate(rows, 1):
        bare += _item(header) + 1
        full += _item(header) + _item(payload)
        room = MAX_PAGE_BYTES - _envelope(count, each)
        if bare > room:
            break
        if signature is not None and (full <= room or not best):
            best = count
        if full > room and best:
            break
    return best


def packed(rows: list[Row], each: bool) -> Served:
    """The page of rows that were `cut` so."""
    headers = [row[1] for row in rows]
    signatures = [row[2] for row in (rows if each else rows[-1:]) if row[2] is not None]
    room = MAX_PAGE_BYTES - _envelope(len(rows), each) - sum(map(_item, headers)) - len(rows)
    payloads = _fit([row[3] for row in rows], room)
    data = page.pack(headers, payloads, signatures)
    size = sum(map(len, headers)) + sum(len(payload) for payload in payloads if payload)
    last = Tip(rows[-1][0], entry.entry_id(headers[-1]))
    return Served(data, rows[0][0], last, len(rows), size)


def _fit(payloads: list[bytes | None], room: int) -> list[bytes | None]:
    """The payloads, without those that there is no room for."""
    fitting: list[bytes | None] = []
    for payload in payloads:
        more = _item(payload) - 1
        fitting.append(payload if more <= room else None)
        room -= more if more <= room else 0
    return fitting


def lag(connection: sqlite3.Connection, log: Log, after: Tip | None, upto: Tip) -> tuple[int, int]:
    """How many entries follow `after` up to `upto`, and about how many bytes (by the average)."""
    branch = entries.holder(connection, log, upto)
    if branch is None:
        return 0, 0
    low = 0 if after is None else after.seq
    count = size = 0
    for number, first, last in log.runs(branch, low, upto.seq):
        own = log.branch(number)
        count += last - first + 1
        size += log.sizes[number] * (last - first + 1) // max(1, own.tip.seq - own.first + 1)
    return count, size
