"""One write transaction over the logs: what it adds, written once, published once committed.

Everything that stores entries goes through here, own and received, so that the catalog, the views
and the counters can never disagree with the entries.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from p2pblog.protocol.budget import Allowance
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import Entry, EntryId, Header, LogId
from p2pblog.protocol.log import Branch, Tip
from p2pblog.protocol.post import Post
from p2pblog.store import entries, ordering
from p2pblog.store.authority import Authority
from p2pblog.store.catalog import Catalog, Log, LogKey
from p2pblog.store.views import Sheet, readable

STORED_EVERY_MS = 60_000  # how finely the time of storing is kept: retention counts in days


@dataclass(slots=True)
class Run:
    """Entries of one log in a row, to be stored. All parallel, in order of seq."""

    ids: Sequence[EntryId]
    headers: Sequence[Header]
    raw: Sequence[bytes]
    signatures: Sequence[bytes | None]
    payloads: Sequence[bytes | None]
    posts: Sequence[Post | None]  # what can be read of each

    def whole(self) -> Iterator[tuple[Any, ...]]:
        """The fields of each entry."""
        return zip(self.ids, self.headers, self.raw, self.signatures, self.payloads, strict=True)

    @property
    def size(self) -> int:
        """Bytes of headers, signatures and payloads."""
        return (
            sum(map(len, self.raw))
            + sum(map(len, filter(None, self.signatures)))
            + sum(map(len, filter(None, self.payloads)))
        )


@dataclass(slots=True)
class Writing:
    """The state within one transaction: the catalog as it will be, and rows yet to be written."""

    connection: sqlite3.Connection
    catalog: Catalog
    authority: Authority
    sheet: Sheet
    next_arrival: int
    now: int
    changed: dict[LogId, Log] = field(default_factory=dict)
    size: int = 0
    wanted: int = 0
    allowances: dict[tuple[DeviceKey, bool], Allowance] = field(default_factory=dict)
    unlimited: bool = False  # whether nobody is paused, nor counted
    spared: DeviceKey | None = None  # our own, which is never paused
    moved: bool = False  # whether posts that were here already were shown or hidden
    team_entries: list[Entry] = field(default_factory=list)
    _count: int = 0
    _posts: int = 0
    _rows: list[tuple[object, ...]] = field(default_factory=list)
    _first: int = 0
    _fresh: list[tuple[LogId, int, Sequence[EntryId]]] = field(default_factory=list)
    _logs: int = 0
    _branches: int = 0

    def __post_init__(self) -> None:
        self._first = self.next_arrival

    def log(self, log: LogId) -> Log | None:
        """A log as this transaction has it."""
        return self.changed.get(log) or self.catalog.by_id.get(log)

    def new_log(self, key: LogKey) -> Log:
        """Open a log that has no branch yet."""
        number = self.catalog.next_log + self._logs
        self._logs += 1
        self.connection.execute("INSERT INTO logs VALUES (?, ?, ?, ?)", (number, *key))
        log = Log(number, self.catalog.id_of(key), key, ())
        self.changed[log.id] = log
        return log

    def new_branch(self, log: Log, parent: Branch | None, first: int) -> tuple[Log, Branch]:
        """Open a branch that leaves `parent` below `first`; its tip is set by what is added."""
        number = self.catalog.next_branch + self._branches
        self._branches += 1
        branch = Branch(
            number, parent.number if parent else None, first, Tip(first - 1, EntryId(b""))
        )
        self.connection.execute(
            "INSERT INTO branches VALUES (?, ?, ?, ?, ?, ?, 0, NULL)",
            (number, log.number, branch.parent, first, *branch.tip),
        )
        log = replace(log, branches=(*log.branches, branch))
        self.changed[log.id] = log
        return log, branch

    def add(self, log: Log, branch: Branch, run: Run) -> tuple[int, int]:
        """Put a run on the tip of a branch: its first and last arrival numbers."""
        arrival, count, first = self.next_arrival, len(run.ids), branch.tip.seq + 1
        self._rows.extend(
            entries.rows(arrival, branch.number, first, run.raw, run.signatures, run.payloads)
        )
        missing = [(arrival + i,) for i, payload in enumerate(run.payloads) if payload is None]
        if missing:
            self.connection.executemany("INSERT INTO wants VALUES (?)", missing)
            self.wanted += len(missing)
        if log.is_team:
            self.team_entries += map(Entry._make, run.whole())
        shown = count if not log.bounds else max(0, log.bounds.get(branch.number, 0) - first + 1)
        seen = (run.ids[:shown], run.headers[:shown], run.payloads[:shown], run.posts[:shown])
        self.sheet.add(log, arrival, *seen)
        self.next_arrival += count
        self._count += count
        self._fresh.append((log.id, first, run.ids))
        size = run.size
        self.size += size
        self._grow(log, branch, Tip(first + count - 1, run.ids[-1]), size)
        return arrival, arrival + count - 1

    def fill(
        self, log: LogId, branch: int, old: int, header: Header, name: EntryId, payload: bytes
    ) -> None:
        """Give the wanted entry stored under arrival `old` its payload, and a new arrival."""
        changed = self.log(log)
        assert changed is not None
        new = self.next_arrival
        self.next_arrival += 1
        run = self.connection.execute
        run("UPDATE entries SET arrival = ?, payload = ? WHERE arrival = ?", (new, payload, old))
        run("DELETE FROM wants WHERE arrival = ?", (old,))
        if run("DELETE FROM posts WHERE arrival = ?", (old,)).rowcount:  # not beyond a cut-off
            self._posts -= 1
            post = readable(header.payload_class, payload)
            self.sheet.add(changed, new, [name], [header], [payload], [post])
        run("UPDATE profiles SET arrival = ? WHERE arrival = ?", (new, old))
        self.wanted -= 1
        self.size += len(payload)
        sizes = entries.sizes_with(changed, branch, len(payload))
        self.changed[log] = replace(changed, sizes=sizes)

    def logs_of(self, key: LogKey) -> int:
        """How many logs of that kind the device has."""
        numbers = self.catalog.of_device.get(key.device, ())
        known = [self.catalog.by_number[number].key for number in numbers]
        fresh = [log.key for log in self.changed.values() if log.key not in self.catalog.by_key]
        return sum(k.device == key.device and k.kind == key.kind for k in (*known, *fresh))

    @property
    def any_wanted(self) -> bool:
        """Whether any payload is missing here."""
        return self.catalog.wanted + self.wanted > 0

    def _grow(self, log: Log, branch: Branch, tip: Tip, size: int) -> None:
        grown = replace(branch, tip=tip)
        branches = tuple(grown if b.number == branch.number else b for b in log.branches)
        log = replace(log, branches=branches, sizes=entries.sizes_with(log, branch.number, size))
        self.changed[log.id] = (
            log if log.bounds else replace(log, tips=tuple(branch.tip for branch in branches))
        )

    def flush(self) -> None:
        """Write the rows, so that statements of this transaction find them."""
        if self._rows:
            entries.insert(self.connection, self._rows)
            self._rows = []
        self._posts += self.sheet.write(self.connection)

    def finish(self) -> None:
        """Write all that is left; call last in the transaction."""
        self.flush()
        if self._count or self._posts or self.size:  # else nothing is to be synced
            self.connection.execute(
                "UPDATE store SET entries = entries + ?, posts = posts + ?, size = size + ?",
                (self._count, self._posts, self.size),
            )
            ordering.follow(self.connection, self._count)
        if self.next_arrival > self._first:
            self.connection.execute(
                "INSERT INTO stored SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM "
                "(SELECT time FROM stored ORDER BY arrival DESC LIMIT 1) "
                "WHERE ? BETWEEN time AND time + ?)",
                (self._first, self.now, self.now, STORED_EVERY_MS),
            )
        self.connection.executemany(
            "UPDATE branches SET seq = ?, id = ?, size = ? WHERE branch = ?",
            [
                (*branch.tip, log.sizes.get(branch.number, 0), branch.number)
                for log in self.changed.values()
                for branch in log.branches
            ],
        )

    def settle(self) -> None:
        """The transaction is committed: let readers see it."""
        self.sheet.settle()
        self.catalog.wanted += self.wanted
        self.catalog.publish(self.changed.values())
        for log, first, ids in self._fresh:
            self.catalog.remember(log, first, ids)
