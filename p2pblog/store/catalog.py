"""The logs that are here, in memory: their branches, tips and bounds.

Read once when the store is opened, from two small tables, whatever the logs' length. What a
transaction changes is published when it is committed: readers on other threads see whole states.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, Kind, LogId, TeamId, log_id
from p2pblog.protocol.log import Branch, Tip


class LogKey(NamedTuple):
    """What a log is named by within its team."""

    device: DeviceKey
    incarnation: Incarnation
    kind: int


Rows = MappingProxyType[LogId, tuple[Tip, ...]]  # of a frontier

RECENT = 512  # ids of the newest entries in memory: each peer says that it has them, soon after
FEW = 8  # entries in a row: more did not come live
_SHARED = 2 + 32 + 2 + 8 + 1  # device, incarnation and kind in msgpack
_ARRAY_16 = 0xDC  # how a header of more than 15 elements begins, with two bytes of length


def _shared_at(header: bytes) -> int:
    """Where device, incarnation and kind stand in a header: after its length and the version."""
    return 4 if header[0] == _ARRAY_16 else 2


def squeezed(headers: Iterable[bytes]) -> list[bytes]:
    """Headers as they are stored: without what all headers of their log share."""
    return [h[: (at := _shared_at(h))] + h[at + _SHARED :] for h in headers]


@dataclass(frozen=True, slots=True)
class Log:
    """A log and its branches, the oldest first.

    `tips` are what the frontier says of it: those of whole branches, and where it is cut the ends
    of what stands and can be served. `bounds`: branch number to the height it is cut at. `proved`,
    where it is cut: branch number to the height up to which it can be served.
    """

    number: int
    id: LogId
    key: LogKey
    branches: tuple[Branch, ...]
    tips: tuple[Tip, ...] = ()
    bounds: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    sizes: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    proved: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def shared(self) -> bytes:
        """The bytes that all headers of this log have at the same place: they are not stored."""
        device, incarnation, kind = self.key
        return b"".join((b"\xc4\x20", device, b"\xc4\x08", incarnation, bytes([kind])))

    @property
    def is_team(self) -> bool:
        """Whether it is of kind team."""
        return self.key.kind == Kind.TEAM

    @property
    def top(self) -> Branch:
        """The branch with the highest tip."""
        return max(self.branches, key=lambda branch: branch.tip)

    def whole(self, stored: bytes) -> bytes:
        """The header's bytes, from what is stored of it."""
        at = _shared_at(stored)
        return stored[:at] + self.shared + stored[at:]

    def branch(self, number: int) -> Branch:
        """A branch by its number."""
        return next(branch for branch in self.branches if branch.number == number)

    def standing(self, number: int) -> int:
        """Up to where a branch is shown and served."""
        tip = self.branch(number).tip.seq
        return min(tip, self.bounds.get(number, tip))

    def served(self, number: int) -> int:
        """Up to where a branch can be passed on."""
        return self.proved.get(number, 0) if self.bounds else self.branch(number).tip.seq

    def carrier(self, branch: Branch, seq: int) -> Branch:
        """Which branch holds the entry at `seq` of `branch`: itself or one that it grew from."""
        while seq < branch.first and branch.parent is not None:
            branch = self.branch(branch.parent)
        return branch

    def runs(self, branch: Branch, after: int, upto: int) -> list[tuple[int, int, int]]:
        """(number, first, last) of the branches that hold `after` < seq <= `upto`, ascending."""
        runs: list[tuple[int, int, int]] = []
        while upto > after:
            branch = self.carrier(branch, upto)
            low = max(branch.first, after + 1)
            runs.append((branch.number, low, upto))
            upto = low - 1
        return runs[::-1]


class Catalog:
    """Every log, by id, key and number."""

    def __init__(self, team: TeamId) -> None:
        self.team = team
        self.by_id: Mapping[LogId, Log] = {}
        self.by_key: Mapping[LogKey, Log] = {}
        self.by_number: Mapping[int, Log] = {}
        self.of_device: Mapping[DeviceKey, tuple[int, ...]] = {}  # numbers of its logs
        self.team_rows: Rows = MappingProxyType({})
        self.post_rows: Rows = MappingProxyType({})
        self.wanted = 0  # payloads that are missing
        self.next_log = 1
        self.next_branch = 1
        self._recent: dict[tuple[int, int], EntryId] = {}

    def id_of(self, key: LogKey) -> LogId:
        """The id of a log, held or not."""
        return log_id(self.team, *key)

    def remember(self, name: LogId, first: int, ids: Sequence[EntryId]) -> None:
        """Keep the ids of what was stored just now, from height `first` on, unless it is bulk."""
        log = self.by_id[name]
        if len(ids) > FEW or len(log.branches) > 1:
            return
        self._recent.update(((log.number, seq), entry) for seq, entry in enumerate(ids, first))
        while len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]

    def recent(self, log: Log, tip: Tip, seq: int) -> EntryId | None:
        """The id at a height below a tip, where it is kept; of a log with one branch."""
        if len(log.branches) > 1 or log.branches[0].tip != tip or seq > tip.seq:
            return None
        return self._recent.get((log.number, seq))

    def prepare(self, logs: Iterable[Log]) -> None:
        """Let readers find new logs by number: their first rows are about to be committed."""
        new = {log.number: log for log in logs if log.id not in self.by_id}
        if new:
            self.by_number = {**self.by_number, **new}

    def publish(self, logs: Iterable[Log]) -> None:
        """Take these logs in, each in place of its former state."""
        changed = {log.id: log for log in logs}
        if not changed:
            return
        fresh = [log for log in changed.values() if log.id not in self.by_id]
        self.by_id = {**self.by_id, **changed}
        self.by_number = {**self.by_number, **{log.number: log for log in changed.values()}}
        self.by_key = {**self.by_key, **{log.key: log for log in changed.values()}}
        for log in fresh:
            device = log.key.device
            numbers = (*self.of_device.get(device, ()), log.number)
            self.of_device = {**self.of_device, device: numbers}
            self.next_log = max(self.next_log, log.number + 1)
        self.team_rows = _rows(self.team_rows, (x for x in changed.values() if x.is_team))
        self.post_rows = _rows(self.post_rows, (x for x in changed.values() if not x.is_team))
        top = max(branch.number for log in changed.values() for branch in log.branches)
        self.next_branch = max(self.next_branch, top + 1)


def _rows(rows: Rows, logs: Iterable[Log]) -> Rows:
    new = {log.id: log.tips for log in logs}
    if not new:
        return rows
    every = rows.copy()
    every.update(new)
    for log, tips in new.items():
        if not tips:
            del every[log]
    return MappingProxyType(every)


def load(connection: sqlite3.Connection, team: TeamId) -> list[Log]:
    """Every log; the tips of those that are cut are yet to be worked out."""
    branches: dict[int, list[Branch]] = {}
    bounds: dict[int, dict[int, int]] = {}
    sizes: dict[int, dict[int, int]] = {}
    for number, log, parent, first, seq, tip, size, bound in connection.execute(
        "SELECT branch, log, parent, first, seq, id, size, bound FROM branches ORDER BY branch"
    ):
        branches.setdefault(log, []).append(Branch(number, parent, first, Tip(seq, EntryId(tip))))
        sizes.setdefault(log, {})[number] = size
        if bound is not None:
            bounds.setdefault(log, {})[number] = bound
    logs = []
    for number, *key in connection.execute("SELECT log, device, incarnation, kind FROM logs"):
        named = LogKey(*key)
        logs.append(
            Log(
                number,
                log_id(team, *named),
                named,
                tuple(branches[number]),
                tuple(branch.tip for branch in branches[number]),
                MappingProxyType(bounds.get(number, {})),
                MappingProxyType(sizes[number]),
            )
        )
    return logs
