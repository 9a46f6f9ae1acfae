"""Reading posts: by place in time, by arrival, by the start of an id, and by thread.

Every way is an index seek and a walk of as many rows as are asked for; while posts come in bulk,
those that no order holds yet are walked as well. Runs on a read connection.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Sequence

from p2pblog.protocol.entry import entry_id
from p2pblog.protocol.post import Reference
from p2pblog.store.authority import Authority
from p2pblog.store.catalog import Catalog
from p2pblog.store.ordering import WAITS
from p2pblog.store.records import ChannelView, PostQuery, PostView, TextState, Totals
from p2pblog.store.views import START, UNREADABLE, readable

Row = tuple[int, int, bytes, int, int, bytes, bytes | None]
_COLUMNS = "p.arrival, p.time, p.start, p.log, p.channel, e.header, e.payload"
FROM = f"SELECT {_COLUMNS} FROM posts p JOIN entries e USING (arrival)"
_ORDERED = (
    f"SELECT {_COLUMNS} FROM {{}} o CROSS JOIN posts p USING (arrival) "
    "CROSS JOIN entries e USING (arrival)"
)
CHUNK = 500  # parameters of one statement


class Reader:
    """Turns rows into views, with the names of the team."""

    def __init__(self, catalog: Catalog, authority: Authority) -> None:
        self._catalog = catalog
        self._authority = authority

    def view(self, row: Row) -> PostView:
        """The post of a row."""
        arrival, time, _, number, channel, header, payload = row
        log = self._catalog.by_number[number]
        device = log.key.device
        person = self._authority.person(device)
        post = None if channel == UNREADABLE else readable(2, payload)
        return PostView(
            id=entry_id(log.whole(header)),
            time=time,
            arrival=arrival,
            device=device,
            member=person.member,
            author=person.name,
            device_name=person.device_name,
            channel=post.channel if post else "",
            text=post.text if post else "",
            state=_state(post is not None, payload),
            reply_to=post.reply_to if post else None,
            source=post.source if post else None,
        )

    def views(self, rows: Iterable[Row]) -> list[PostView]:
        """The posts of rows, in their order."""
        return [self.view(row) for row in rows]


def _state(readable: bool, payload: bytes | None) -> TextState:
    if readable:
        return TextState.HERE
    return TextState.MISSING if payload is None else TextState.NEWER


def posts(connection: sqlite3.Connection, catalog: Catalog, query: PostQuery) -> list[Row]:
    """The rows that a query asks for, newest first. Within a read transaction."""
    channel = _channel_number(connection, query.channel)
    if query.channel is not None and channel is None:
        return []
    if query.by is None:
        streams = [_ordered(connection, query, channel), _waiting(connection, query, channel)]
    else:
        numbers = [n for device in query.by for n in catalog.of_device.get(device, ())]
        streams = [_of_log(connection, query, channel, number) for number in numbers]
    forwards = query.after is not None
    merged = heapq.merge(*streams, key=lambda row: row[1:3], reverse=not forwards)
    rows = [row for row, _ in zip(merged, range(query.limit), strict=False)]
    return rows[::-1] if forwards else rows


def _ordered(
    connection: sqlite3.Connection, query: PostQuery, channel: int | None
) -> Iterable[Row]:
    """Of those that stand in order, the first that a query asks for."""
    table = "by_time" if channel is None else "by_channel"
    where, values = _conditions(query, channel, "o")
    return connection.execute(
        f"{_ORDERED.format(table)} {_all(where)} {_limited(query, 'o')}", (*values, query.limit)
    ).fetchall()


def _waiting(
    connection: sqlite3.Connection, query: PostQuery, channel: int | None
) -> Iterable[Row]:
    """The same of those that wait: all are looked at, but only these are read."""
    where, values = _conditions(query, channel, "p")
    inner = f"SELECT p.arrival FROM posts p {_all([*where, WAITS])} {_limited(query, 'p')}"
    return connection.execute(
        f"{FROM} WHERE p.arrival IN ({inner}) {_order(query, 'p')}", (*values, query.limit)
    ).fetchall()


def _of_log(
    connection: sqlite3.Connection, query: PostQuery, channel: int | None, log: int
) -> Iterable[Row]:
    where, values = _conditions(query, channel, "p")
    return connection.execute(
        f"{FROM} {_all([*where, 'p.log = ?'])} {_limited(query, 'p')}", (*values, log, query.limit)
    ).fetchall()


def _conditions(
    query: PostQuery, channel: int | None, table: str
) -> tuple[list[str], list[object]]:
    """What a query asks of a table with times, and the values for it."""
    where: list[str] = []
    values: list[object] = []
    if query.since is not None:
        where.append(f"{table}.time >= ?")
        values.append(query.since)
    if query.until is not None:
        where.append(f"{table}.time < ?")
        values.append(query.until)
    for place, sign in ((query.before, "<"), (query.after, ">")):
        if place is not None:
            where.append(f"{table}.time {sign}= ? AND (p.time {sign} ? OR p.start {sign} ?)")
            values += [place[0], place[0], place[1][:START]]
    if channel is not None:
        where.append(f"{table}.channel = ?")
        values.append(channel)
    return where, values


def _all(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _order(query: PostQuery, table: str) -> str:
    way = "" if query.after is not None else " DESC"
    return f"ORDER BY {table}.time{way}, p.start{way}"


def _limited(query: PostQuery, table: str) -> str:
    return f"{_order(query, table)} LIMIT ?"


def _channel_number(connection: sqlite3.Connection, name: str | None) -> int | None:
    row = connection.execute("SELECT channel FROM channels WHERE name = ?", (name,)).fetchone()
    number: int | None = row and row[0]
    return number


def by_arrival(connection: sqlite3.Connection, after: int, limit: int) -> list[Row]:
    """Posts that arrived after number `after`, the first first."""
    return connection.execute(
        f"{FROM} WHERE p.arrival > ? ORDER BY p.arrival LIMIT ?", (after, limit)
    ).fetchall()


def place(connection: sqlite3.Connection, arrival: int) -> tuple[int, int] | None:
    """The number of a post's log, and its height there."""
    found: tuple[int, int] | None = connection.execute(
        "SELECT p.log, e.seq FROM posts p JOIN entries e USING (arrival) WHERE p.arrival = ?",
        (arrival,),
    ).fetchone()
    return found


def at(connection: sqlite3.Connection, arrivals: Sequence[int]) -> list[Row]:
    """The posts of arrival numbers, the newest arrival first; those that are none are left out."""
    rows: list[Row] = []
    for start in range(0, len(arrivals), CHUNK):
        part = arrivals[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        rows += connection.execute(f"{FROM} WHERE p.arrival IN ({marks})", part).fetchall()
    return sorted(rows, reverse=True)


def referred(connection: sqlite3.Connection, reference: Reference) -> Row | None:
    """The post that a reference names."""
    row: Row | None = connection.execute(
        f"{FROM} WHERE p.arrival = coalesce("
        "(SELECT p.arrival FROM by_time o CROSS JOIN posts p USING (arrival) "
        "WHERE o.time = ?1 AND p.start = ?2), "
        f"(SELECT p.arrival FROM posts p WHERE {WAITS} AND p.time = ?1 AND p.start = ?2))",
        (reference.time, reference.id[:START]),
    ).fetchone()
    return row


def channels(connection: sqlite3.Connection) -> list[ChannelView]:
    """The channels that have posts, by name."""
    rows = connection.execute(
        "SELECT name, posts, newest FROM channels WHERE posts > 0 ORDER BY name"
    )
    return [ChannelView(*row) for row in rows]


def totals(connection: sqlite3.Connection) -> Totals:
    """How much is stored."""
    row = connection.execute(
        "SELECT entries, posts, size, (SELECT count(*) FROM wants), (SELECT count(*) FROM logs) "
        "FROM store"
    ).fetchone()
    return Totals(*row)


def imported(
    connection: sqlite3.Connection, reader: Reader, origins: Sequence[str]
) -> dict[str, Reference]:
    """Those of these origins that are here, and the first post of each."""
    found: dict[str, Reference] = {}
    for start in range(0, len(origins), CHUNK):
        part = origins[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        for origin, *row in connection.execute(
            f"SELECT o.origin, {_COLUMNS} FROM origins o JOIN posts p USING (arrival) "
            f"JOIN entries e USING (arrival) WHERE o.origin IN ({marks}) ORDER BY arrival DESC",
            part,
        ):
            post = reader.view(row)
            found[origin] = Reference(post.time, post.id)
    return found
