"""Live gossip: who gets a new entry pushed, who is told, who is asked, and by which session.

Up to `MESH_SIZE` devices everybody is linked to everybody: an author pushes to all, the others only
announce. In a larger team each device has one source for each log, which it asks to push what is
new there: so each log has a tree of its own, over which an entry comes once (Plumtree, a tree for
each author). Claims see to it that a bucket is fetched from one peer at a time.
Spec: `protocol/gossip.md`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Row
from p2pblog.protocol.limits import (
    ANNOUNCE_DELAY,
    ANTI_ENTROPY_INTERVAL,
    CLAIM_PATIENCE,
    CLAIM_TIMEOUT,
    MAX_HEIGHTS,
    MAX_HOPS,
    MAX_PENDING_PULLS,
    PULL_DELAY,
)
from p2pblog.protocol.log import Tip

NEVER = float("inf")


class Source(NamedTuple):
    """Who is to push a log: a session; `proved` once something of it came from there.

    `hops`: how far its author is from us by this way, `MAX_HOPS` if that is not known. Of our own
    logs we are the source.
    """

    owner: Hashable
    proved: bool
    hops: int


class Sources:
    """Which session pushes which log to us: shared by all sessions of a node."""

    _OWN = Source("own", proved=True, hops=0)

    def __init__(self) -> None:
        self._of: dict[LogId, Source] = {}
        self._tried: set[LogId] = set()  # logs for which another is asked, until a page comes

    def get(self, log: LogId) -> Source | None:
        """The source of a log."""
        return self._of.get(log)

    def hops(self, log: LogId) -> int:
        """How far its author is from us."""
        source = self._of.get(log)
        return MAX_HOPS if source is None else source.hops

    def own(self, log: LogId) -> None:
        """We have written to a log."""
        self._of[log] = self._OWN

    def choose(self, log: LogId, owner: Hashable, hops: int, *, proved: bool) -> None:
        """From now on it is `owner`, who is so far from the author; as many as anybody may have."""
        self._tried.discard(log)
        if log in self._of or len(self._of) < MAX_HEIGHTS:
            self._of[log] = Source(owner, proved, min(hops + 1, MAX_HOPS))

    def tries(self, log: LogId) -> bool:
        """Whether to try another source than that of this log: one for each entry."""
        if log in self._tried or log not in self._of:
            return False
        self._tried.add(log)
        return True

    def leave(self, owner: Hashable) -> None:
        """`owner` has ended: its logs have no source."""
        self._of = {log: source for log, source in self._of.items() if source.owner != owner}


class Pull(NamedTuple):
    """Something that a peer announced and that is not here; `hops` from its author to the peer."""

    at: float
    row: Row
    hops: int


class Claims:
    """Which session fetches which bucket, and which is the source of which log.

    Shared by all sessions of a node. The claims of a session last as long as something comes from
    it; but who is left to wait for a bucket for `CLAIM_PATIENCE` gets it, so that nobody can keep
    others from being asked for ever. Of the scopes in `closed` nobody gets any, for want of room.
    """

    def __init__(self) -> None:
        self.sources = Sources()
        self.closed: frozenset[int] = frozenset()
        self._owner: dict[tuple[int, int], Hashable] = {}
        self._until: dict[Hashable, float] = {}
        self._waiting: dict[Hashable, dict[tuple[int, int], tuple[float, float]]] = {}

    def claim(self, owner: Hashable, scope: int, buckets: bytes, now: float) -> bytes:
        """Those of `buckets` that are `owner`'s from now on."""
        if scope in self.closed:
            return b""
        won = bytes(bucket for bucket in buckets if self._free(owner, scope, bucket, now))
        for bucket in won:
            self._owner[scope, bucket] = owner
        if won:
            self._until.setdefault(owner, now + CLAIM_TIMEOUT)
        return won

    def _free(self, owner: Hashable, scope: int, bucket: int, now: float) -> bool:
        held = self._owner.get((scope, bucket))
        if held is None or held == owner or self._until.get(held, now) <= now:
            self._waiting.get(owner, {}).pop((scope, bucket), None)
            return True
        return self._has_waited(owner, (scope, bucket), now)

    def _has_waited(self, owner: Hashable, bucket: tuple[int, int], now: float) -> bool:
        """Whether it has asked for long, again and again."""
        waiting = self._waiting.setdefault(owner, {})
        since, last = waiting.get(bucket, (now, now))
        if now - last > 3 * ANTI_ENTROPY_INTERVAL:
            since = now  # it had come meanwhile
        waiting[bucket] = since, now
        if now - since < CLAIM_PATIENCE:
            return False
        del waiting[bucket]
        return True

    def touch(self, owner: Hashable, now: float) -> None:
        """Something came from it."""
        if owner in self._until:
            self._until[owner] = now + CLAIM_TIMEOUT

    def release(self, owner: Hashable, scope: int | None = None) -> bool:
        """Give up what `owner` claims (of one scope, or all); whether there was anything."""
        mine = [
            key for key, held in self._owner.items() if held == owner and scope in (None, key[0])
        ]
        for key in mine:
            del self._owner[key]
        if owner not in self._owner.values():
            self._until.pop(owner, None)
        return bool(mine)

    def leave(self, owner: Hashable) -> bool:
        """`owner` has ended: give up what it claims, what it waits for and what it pushes."""
        self.sources.leave(owner)
        self._waiting.pop(owner, None)
        return self.release(owner)


@dataclass(slots=True)
class Link:
    """What is known of one peer, and what it is still to be told or asked."""

    relays: bool  # logs have sources: in teams larger than a mesh
    agreed: bool = False  # the frontiers have been compared
    heights: dict[LogId, int] = field(default_factory=dict)
    declined: set[LogId] = field(default_factory=set)  # what the peer takes nothing more of
    refused: set[LogId] = field(default_factory=set)  # what we take nothing more of
    _eager: dict[LogId, bool] = field(default_factory=dict)  # where the peer said what it wants
    _announce: dict[LogId, int] = field(default_factory=dict)  # up to which height
    _announce_at: float = NEVER
    _pulls: dict[LogId, Pull] = field(default_factory=dict)
    _tried: set[LogId] = field(default_factory=set)  # as a source, for it seemed to be nearer

    def has(self, log: LogId, seq: int) -> bool:
        """Whether the peer is known to have an entry."""
        return self.heights.get(log, 0) >= seq

    def note(self, row: Row) -> None:
        """Remember what the peer says it has, of as many logs as anybody may have."""
        if row.tips and (row.log in self.heights or len(self.heights) < MAX_HEIGHTS):
            seq = max(mark.seq for mark in row.tips)
            self.heights[row.log] = max(seq, self.heights.get(row.log, 0))

    def pushes(self, log: LogId, tip: Tip, *, own: bool) -> bool:
        """Whether to push an entry at once: the peer wants it, and is next to it.

        Where it has not said so, it wants what is ours. Of a log not yet spoken of the two
        frontiers agreed, so the peer is next to it.
        """
        wanted = self._eager.get(log, own)
        height = self.heights.get(log, tip.seq - 1 if self.agreed else 0)
        return wanted and height == tip.seq - 1

    def decline(self, logs: Iterable[LogId]) -> None:
        """The peer takes nothing more of these; of none: everything again."""
        logs = set(logs)
        if not logs:
            self.declined.clear()
        elif len(self.declined | logs) <= MAX_HEIGHTS:
            self.declined |= logs

    def refuse(self, log: LogId) -> bool:
        """We take nothing more of a log; whether that is to be told."""
        fresh = log not in self.refused and len(self.refused) < MAX_HEIGHTS
        if fresh:
            self.refused.add(log)
            self._pulls.pop(log, None)
        return fresh

    def ask(self, logs: Iterable[LogId], *, eager: bool) -> None:
        """The peer wants these logs pushed, or only announced."""
        for log in logs:
            if log in self._eager or len(self._eager) < MAX_HEIGHTS:
                self._eager[log] = eager

    def pushed(self, log: LogId, seq: int) -> None:
        """It went out; what is above it is still to be announced."""
        self.heights[log] = max(seq, self.heights.get(log, 0))
        if self._announce.get(log, seq + 1) <= seq:
            del self._announce[log]

    def announce(self, log: LogId, seq: int, now: float, *, at_once: bool) -> None:
        """Tell the peer soon (with others), or at once: that is how it learns we have stored it."""
        self._announce[log] = max(seq, self._announce.get(log, 0))
        self._announce_at = min(self._announce_at, now if at_once else now + ANNOUNCE_DELAY)

    def announced(
        self, row: Row, now: float, hops: int = MAX_HOPS, *, at_once: bool = False
    ) -> None:
        """The peer has something that we lack: pull it unless it comes by another way."""
        before = self._pulls.get(row.log)
        if row.log in self.refused:
            return
        if before is not None or len(self._pulls) < MAX_PENDING_PULLS:
            at = now if at_once else now + PULL_DELAY
            self._pulls[row.log] = Pull(min(at, before.at) if before else at, row, hops)

    def tries(self, log: LogId) -> bool:
        """Whether to try the peer as a source that seems to be nearer: once for each log."""
        if log in self._tried or len(self._tried) >= MAX_HEIGHTS:
            return False
        self._tried.add(log)
        return True

    def due_announcements(self, now: float) -> set[LogId]:
        """The logs to announce now."""
        if now < self._announce_at:
            return set()
        due, self._announce, self._announce_at = self._announce, {}, NEVER
        return set(due)

    def due_pulls(self, now: float) -> list[Pull]:
        """What was announced and has had its time to come otherwise."""
        due = [pull for pull in self._pulls.values() if pull.at <= now]
        for pull in due:
            del self._pulls[pull.row.log]
        return due

    def next_deadline(self) -> float:
        """When something falls due."""
        at = self._announce_at
        return min(at, *(pull.at for pull in self._pulls.values())) if self._pulls else at
