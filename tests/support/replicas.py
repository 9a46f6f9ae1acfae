"""A replica in memory over the real protocol code: pages verified, placed, cut and served.

Its team is a pretence: an operation admits a device or cuts one, and the order does not matter.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import codec, entry, frontier, page, wants
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.effects import Job, Standing
from p2pblog.protocol.entry import NO_BACKLINK, Entry, EntryId, Incarnation, Kind, LogId
from p2pblog.protocol.frontier import Mark
from p2pblog.protocol.limits import MAX_MARKS, MAX_PAGE_ENTRIES, MAX_PULLED_BRANCHES
from p2pblog.protocol.log import Branch, Outcome, Tip, locator_heights, meeting, place
from p2pblog.protocol.message import Missing, Scope
from p2pblog.protocol.post import Post
from tests.support.logs import INCARNATION, START, TEAM, key, packed, tip

ADMIT, CUT = 1, 2

Item = tuple[LogId, int, bytes]  # a payload and its place


@dataclass(frozen=True)
class Taken:
    """What became of a page."""

    log: LogId | None
    new: tuple[Entry, ...] = ()
    reason: Reason | None = None


@dataclass
class Log:
    """Its ways: each whole from its first entry to a tip; branches are numbered alike."""

    kind: int
    ways: list[list[Entry]] = field(default_factory=list)

    def branches(self) -> list[Branch]:
        return [Branch(number, None, 1, tip(way[-1])) for number, way in enumerate(self.ways)]

    def id_at(self, branch: Branch, seq: int) -> EntryId | None:
        way = self.ways[branch.number]
        return way[seq - 1].id if 1 <= seq <= len(way) else None

    def way_to(self, end: Tip) -> list[Entry] | None:
        for way in self.ways:
            if len(way) >= end.seq > 0 and way[end.seq - 1].id == end.id:
                return way[: end.seq]
        return None


class Replica:
    """What one device holds; the `View` of its sessions."""

    def __init__(self, number: int, rng: random.Random | None = None) -> None:
        self.signing: SigningKey = key(number)
        self.logs: dict[LogId, Log] = {}
        self.page_entries = MAX_PAGE_ENTRIES
        self.incarnation = INCARNATION
        self.room: int | None = None  # for so many logs of posts
        self.paused: set[LogId] = set()  # logs of which nothing more is taken
        self.lost: dict[tuple[LogId, int], bytes] = {}  # payloads that were dropped
        self._admitted: set[DeviceKey] = set()
        self._cut: set[DeviceKey] = set()
        self._rng = rng or random.Random(f"replica {number}")

    @property
    def device(self) -> DeviceKey:
        return self.signing.public

    def copy(self) -> Replica:
        """Another that holds the same."""
        made = Replica(1)
        made.signing = self.signing
        made.logs = {
            log_id: Log(log.kind, [list(way) for way in log.ways])
            for log_id, log in self.logs.items()
        }
        made.page_entries, made.incarnation = self.page_entries, self.incarnation
        made._admitted, made._cut = set(self._admitted), set(self._cut)
        return made

    # -- as a view ---------------------------------------------------------------------------

    def tips(self, scope: Scope) -> Mapping[LogId, tuple[Tip, ...]]:
        return {
            log_id: tuple(tip(way[-1]) for way in log.ways)
            for log_id, log in self.logs.items()
            if self.scope_of(log_id) is scope
        }

    def scope_of(self, log: LogId) -> Scope | None:
        if log not in self.logs:
            return None
        return Scope.TEAM if self.logs[log].kind == Kind.TEAM else Scope.POSTS

    def holds(self, log: LogId, mark: Mark) -> bool:
        return self._find(log, mark) is not None

    def common(self, log: LogId, tip: Tip, marks: Sequence[Mark]) -> Tip | None:
        found = [self._find(log, mark) for mark in marks]
        met = [
            meeting(tip, other, lambda at, seq: self._id_at(log, at, seq))
            for other in found
            if other
        ]
        return max((at for at in met if at), default=None)

    def locator(self, log: LogId) -> Sequence[Mark]:
        marks = [
            Mark(height, frontier.short(way[height - 1].id))
            for way in self.logs[log].ways
            for height in locator_heights(len(way))
        ]
        return marks[:MAX_MARKS]

    def standing(self, device: DeviceKey) -> Standing:
        if device in self._cut:
            return Standing.CUT
        return Standing.MEMBER if device in self._admitted else Standing.STRANGER

    def wanted(self, limit: int, skip: int) -> Sequence[Missing]:
        return self._bare()[skip : skip + limit]

    def missing(self) -> bytes | None:
        return wants.digest(self._bare())

    def _bare(self) -> list[Missing]:
        """Entries without payload, as a rule the newest of a log first."""
        found = {
            Missing(log_id, made.header.seq, frontier.short(made.id)): None
            for log_id, log in self.logs.items()
            for way in log.ways
            for made in way
            if made.payload is None
        }
        return list(found)[::-1]

    def _find(self, log: LogId, mark: Mark) -> Tip | None:
        for way in self.logs[log].ways if log in self.logs else ():
            if len(way) >= mark.seq and frontier.short(way[mark.seq - 1].id) == mark.id:
                return tip(way[mark.seq - 1])
        return None

    def _id_at(self, log: LogId, end: Tip, seq: int) -> EntryId | None:
        way = self.logs[log].way_to(end)
        return way[seq - 1].id if way and seq <= len(way) else None

    # -- writing -----------------------------------------------------------------------------

    def write(
        self, content: bytes = b"", kind: int = Kind.POSTS, after: Entry | None = None
    ) -> tuple[LogId, Entry]:
        """The next entry of our own log; with `after`, a branch that leaves it there."""
        log_id = self.log_id(kind)
        log = self.logs.setdefault(log_id, Log(kind))
        way = log.ways[-1] if log.ways else []
        if after is not None:
            way = list(way[: after.header.seq])
            log.ways.append(way)
        elif not log.ways:
            log.ways.append(way)
        made = self._make(content or Post("hello", "general").pack(), kind, way)
        way.append(made)
        self._learn(kind, [made])
        return log_id, made

    def log_id(self, kind: int = Kind.POSTS) -> LogId:
        return entry.log_id(TEAM, self.device, self.incarnation, kind)

    def write_many(self, count: int) -> LogId:
        for _ in range(count):
            log_id, _made = self.write()
        return log_id

    def operate(self, what: int, *others: Replica) -> LogId:
        for other in others:
            log_id, _made = self.write(codec.pack((what, other.device)), Kind.TEAM)
        return log_id

    def restart(self, incarnation: bytes) -> None:
        self.incarnation = Incarnation(incarnation)

    def _make(self, content: bytes, kind: int, way: Sequence[Entry]) -> Entry:
        return entry.make(
            self.signing,
            TEAM,
            self.incarnation,
            kind,
            seq=len(way) + 1,
            backlink=way[-1].id if way else NO_BACKLINK,
            time=START + len(way),
            payload_class=2 if kind else 0,
            salt=self._rng.randbytes(16),
            content=content,
        )

    def _learn(self, kind: int, run: Iterable[Entry]) -> None:
        for made in run:
            if kind == Kind.TEAM and made.payload is not None:
                what, device = codec.unpack(entry.body(made.payload), 100)  # type: ignore[misc, str-unpack]  # our own
                (self._admitted if what == ADMIT else self._cut).add(DeviceKey(device))  # type: ignore[arg-type]  # our own

    # -- ingest and serving ------------------------------------------------------------------

    def ingest(self, data: bytes) -> Taken:
        try:
            taken = page.verify(data, TEAM)
        except Refused as refused:
            return Taken(None, (), refused.reason)
        device, incarnation, kind = taken.log
        log_id = entry.log_id(TEAM, device, incarnation, kind)
        reason = self._refusal(device, kind) or self._full(log_id)
        if reason is not None:
            return Taken(log_id, (), reason)
        log = self.logs.get(log_id) or Log(kind)
        first = taken.headers[0]
        found = place(log.branches(), first.seq, first.backlink, taken.ids, log.id_at)
        if found.outcome in (Outcome.GAP, Outcome.KNOWN):
            return Taken(log_id, (), Reason.GAP if found.outcome is Outcome.GAP else None)
        if found.outcome is Outcome.FORK and kind and len(log.ways) >= MAX_PULLED_BRANCHES:
            return Taken(log_id, (), Reason.TOO_MANY_BRANCHES)
        run = [
            Entry(id_, header, raw, taken.held[index] or b"", payload)
            for index, (id_, header, raw, payload) in enumerate(
                zip(taken.ids, taken.headers, taken.raw, taken.payloads, strict=True)
            )
        ][found.index :]
        self._store(log_id, log, found.branch, found.outcome, run)
        return Taken(log_id, tuple(run))

    def _refusal(self, device: DeviceKey, kind: int) -> Reason | None:
        if kind == Kind.TEAM:
            return None
        match self.standing(device):
            case Standing.STRANGER:
                return Reason.UNKNOWN_AUTHOR
            case Standing.CUT:
                return Reason.BEYOND_CUTOFF
            case _:
                return None

    def _full(self, log_id: LogId) -> Reason | None:
        if log_id in self.paused:
            return Reason.PAUSED
        full = self.room is not None and len(self.tips(Scope.POSTS)) >= self.room
        return Reason.TOO_MANY_INCARNATIONS if full and log_id not in self.logs else None

    def _store(
        self, log_id: LogId, log: Log, branch: Branch | None, outcome: Outcome, run: list[Entry]
    ) -> None:
        self.logs[log_id] = log
        if branch is None:
            log.ways.append(list(run))
        elif outcome is Outcome.FORK:
            below = log.ways[branch.number][: run[0].header.seq - 1]
            log.ways.append([*below, *run])
        else:
            log.ways[branch.number].extend(run)
        self._learn(log.kind, run)

    def cut_page(self, job: Job) -> tuple[bytes, Tip] | None:
        """The next page of a job and its last entry."""
        way = self.logs[job.log].way_to(job.upto)
        if way is None:
            return None
        start = 0
        if job.after is not None:
            met = meeting(job.upto, job.after, lambda at, seq: self._id_at(job.log, at, seq))
            start = met.seq if met else 0
        end = start + self.page_entries
        while end < len(way) and not way[end - 1].signature:
            end += 1
        run = way[start:end]
        return (packed(run), tip(run[-1])) if run else None

    def payloads(self, asked: Iterable[Missing]) -> tuple[Item, ...]:
        """Those of these payloads that are here."""
        found = [
            (one.log, one.seq, payload)
            for one in asked
            if (at := self._find(one.log, Mark(one.seq, one.id)))
            and (way := self.logs[one.log].way_to(at))
            and (payload := way[-1].payload) is not None
        ]
        return tuple(found)

    def fill(self, items: Iterable[Item]) -> int:
        """Put payloads in; how many were missing and are right."""
        filled = 0
        for log_id, seq, payload in items:
            bare = {made.id: made for made in self._at(log_id, seq) if made.payload is None}
            for made in bare.values():
                with suppress(Refused):
                    entry.check_payload(made.header, payload)
                    self._put(log_id, made, payload)
                    filled += 1
        return filled

    def _at(self, log_id: LogId, seq: int) -> list[Entry]:
        ways = self.logs[log_id].ways if log_id in self.logs else []
        return [way[seq - 1] for way in ways if len(way) >= seq]

    def _put(self, log_id: LogId, bare: Entry, payload: bytes | None) -> None:
        for way in self.logs[log_id].ways:
            at = bare.header.seq - 1
            if len(way) > at and way[at].id == bare.id:
                way[at] = bare._replace(payload=payload)

    def drop(self, log_id: LogId, *seqs: int) -> None:
        """Lose payloads, as a damaged disk does."""
        for seq in seqs:
            for bare in self._at(log_id, seq):
                self.lost[log_id, seq] = bare.payload or b""
                self._put(log_id, bare, None)

    def snapshot(self) -> dict[LogId, frozenset[Tip]]:
        """What is compared in the end."""
        return {
            log_id: frozenset(map(tip, (w[-1] for w in log.ways)))
            for log_id, log in self.logs.items()
        }


def team_of(*replicas: Replica) -> None:
    """The first founds, admits all, and everybody knows it."""
    founder = replicas[0]
    log_id = founder.operate(ADMIT, *replicas)
    for other in replicas[1:]:
        assert other.ingest(packed(founder.logs[log_id].ways[0])).reason is None
