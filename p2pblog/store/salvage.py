"""A store made anew from what can be made out in a damaged one.

All rows that are found go into a scratch file; the logs in it are verified from their first entry
on and taken in as if a peer had sent them. So nothing is believed, and views, counters and cut-offs
come out as ever. What is not whole is left: peers have it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from p2pblog.errors import DiskError, StoreTooNew
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import Incarnation, Kind, TeamId, log_id
from p2pblog.store import leaves, proof
from p2pblog.store.catalog import Log, LogKey
from p2pblog.store.faults import NONSENSE, mapped
from p2pblog.store.leaves import Row
from p2pblog.store.notes import Token
from p2pblog.store.replica import Replica

Look = Callable[[int, int], object]
_SCRATCH = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE entries (arrival INTEGER, branch INTEGER, seq INTEGER, header BLOB, signature BLOB,
    payload BLOB, UNIQUE (branch, seq, header, signature, payload) ON CONFLICT IGNORE);
"""
_BATCH = 5000  # rows of one statement


@dataclass(slots=True)
class Finds:
    """What was found beside the entries: logs and branches by number, and the small tables."""

    logs: dict[int, LogKey] = field(default_factory=dict)
    branches: dict[int, tuple[int, int]] = field(default_factory=dict)  # log, first seq
    heights: dict[int, int] = field(default_factory=dict)  # of branches, as they were noted
    settings: dict[str, str] = field(default_factory=dict)
    addresses: dict[tuple[bytes, str], int] = field(default_factory=dict)
    tokens: dict[str, tuple[Token, bytes]] = field(default_factory=dict)

    def note(self, row: Row) -> None:
        """Keep a row of one of the small tables; others are left."""
        match row.values:
            case (None, bytes(device), bytes(incarnation), int(kind)) if len(device) == 32:
                if row.number is not None and len(incarnation) == 8:
                    key = LogKey(DeviceKey(device), Incarnation(incarnation), kind)
                    self.logs[row.number] = key
            case (None, int(log), _, int(first), int(seq), bytes(), int(), _):
                if row.number is not None:
                    self.branches[row.number] = log, first
                    self.heights[row.number] = max(seq, self.heights.get(row.number, 0))
            case (str(key), str(value)) if row.number is None:
                self.settings[key] = value
            case (bytes(device), str(address), int(seen)) if len(device) == 32:
                self.addresses[device, address] = seen
            case (str(name), str(called), str(scopes), int(made), bytes(digest)):
                token = Token(name, called, frozenset(scopes.split()), made)
                self.tokens[name] = token, digest


@dataclass(frozen=True, slots=True)
class Loss:
    """What of a log was there once, and is not whole: the entries from `first` to `last`."""

    log: LogKey
    first: int
    last: int


def salvage(
    damaged: Path,
    new: Path,
    team: TeamId,
    store_id: bytes,
    own: Sequence[LogKey],
    now: int,
    look: Look,
) -> list[Loss]:
    """Make the store `new` from what is whole in `damaged`; what is not.

    `own` are logs that are known to be ours, for where the file does not say so any more.
    """
    scratch = new.with_name(f"{new.name}.scratch")
    scratch.unlink(missing_ok=True)
    try:
        with mapped(scratch), closing(sqlite3.connect(scratch, isolation_level=None)) as found:
            finds = _gather(damaged, found, look)
            with Replica.create(new, team, store_id) as replica:
                losses = _take_in(replica, found, finds, own, now)
                _put_notes(replica, finds)
                while replica.index_search(_BATCH):
                    pass
    finally:
        scratch.unlink(missing_ok=True)
    return losses


def _gather(damaged: Path, scratch: sqlite3.Connection, look: Look) -> Finds:
    scratch.executescript(_SCRATCH)
    finds = Finds()
    batch: list[tuple[object, ...]] = []
    for row in leaves.rows(damaged, look):
        match row.values:
            case (None, int(), int(), bytes(), bytes() | None, bytes() | None) if row.number:
                batch.append((row.number, *row.values[1:]))
            case _:
                finds.note(row)
        if len(batch) == _BATCH:
            _insert(scratch, batch)
    _insert(scratch, batch)
    return finds


def _insert(scratch: sqlite3.Connection, batch: list[tuple[object, ...]]) -> None:
    scratch.execute("BEGIN")
    scratch.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", batch)
    scratch.execute("COMMIT")
    batch.clear()


def _take_in(
    replica: Replica, scratch: sqlite3.Connection, finds: Finds, own: Sequence[LogKey], now: int
) -> list[Loss]:
    """Ingest every branch, team logs first, a branch after the one that it leaves."""
    losses: list[Loss] = []
    places = [
        (number, key, first, last)
        for number, last in scratch.execute("SELECT branch, max(seq) FROM entries GROUP BY branch")
        for key, first in _places(number, finds, own)
    ]
    for number, key, first, last in sorted(places, key=lambda p: (p[1].kind != Kind.TEAM, p[0])):
        log = Log(0, log_id(replica.team_id, *key), key, ())
        done = first - 1
        entries = proof.walk(scratch, replica.team_id, log, number, first)
        for data, end in proof.pages(entries, key.kind):
            (result,) = replica.take_back([data], now)
            if result.reason is not None:
                break
            done = end.seq
        due = max(last, finds.heights.get(number, 0))
        if done < due and (number in finds.branches or done >= first):
            losses.append(Loss(key, done + 1, due))
    return losses


def _places(number: int, finds: Finds, own: Sequence[LogKey]) -> Iterator[tuple[LogKey, int]]:
    """The log that a branch is of, and where it begins; each that it may be, where nothing says."""
    log, first = finds.branches.get(number, (0, 1))
    if log in finds.logs:
        yield finds.logs[log], first
    else:
        yield from ((key, first) for key in {*finds.logs.values(), *own})


def _put_notes(replica: Replica, finds: Finds) -> None:
    for key, value in finds.settings.items():
        replica.put_setting(key, value)
    for (device, address), seen in finds.addresses.items():
        replica.remember_address(DeviceKey(device), address, seen)
    for token, digest in finds.tokens.values():
        replica.add_token(token, digest)


def faults(path: Path, team: TeamId, look: Look) -> list[str]:
    """Everything that is wrong with a store, as far as it can be told. Reads it whole."""
    try:
        with Replica.open(path) as replica:
            if replica.team_id != team:
                return ["it is of another team"]
            return [*replica.check(whole=True), *replica.unproven(look)]
    except StoreTooNew:
        raise
    except (DiskError, *NONSENSE) as error:
        return [str(error)]
