"""Live gossip: who gets a new entry pushed, who is told, who is asked, and by which session.

Up to `MESH_SIZE` devices everybody is linked to everybody: an author pushes to all, the others only
announce. In a larger team entries are relayed at once over the links that have proved useful, and
announced over the others (Plumtree: a duplicate makes a link lazy, a miss makes it eager again).
Claims see to it that a bucket is fetched from one peer at a time. Spec: `protocol/gossip.md`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Row
from p2pblog.protocol.limits import (
    ANNOUNCE_DELAY,
    ANTI_ENTROPY_INTERVAL,
    CLAIM_PATIENCE,
    CLAIM_TIMEOUT,
    MAX_HEIGHTS,
    MAX_PENDING_PULLS,
    PULL_DELAY,
)
from p2pblog.protocol.log import Tip

NEVER = float("inf")


class Claims:
    """Which session fetches which bucket: shared by all sessions of a node.

    The claims of a session last as long as something comes from it; but who is left to wait for a
    bucket for `CLAIM_PATIENCE` gets it, so that nobody can keep others from being asked for ever.
    """

    def __init__(self) -> None:
        self._owner: dict[tuple[int, int], Hashable] = {}
        self._until: dict[Hashable, float] = {}
        self._waiting: dict[Hashable, dict[tuple[int, int], tuple[float, float]]] = {}

    def claim(self, owner: Hashable, scope: int, buckets: bytes, now: float) -> bytes:
        """Those of `buckets` that are `owner`'s from now on."""
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
        """`owner` has ended: give up what it claims, and what it waits for."""
        self._waiting.pop(owner, None)
        return self.release(owner)


@dataclass(slots=True)
class Link:
    """What is known of one peer, and what it is still to be told or asked."""

    relays: bool  # push what others wrote as well: in teams larger than a mesh
    eager: bool = True
    agreed: bool = False  # the frontiers have been compared
    heights: dict[LogId, int] = field(default_factory=dict)
    _announce: dict[LogId, int] = field(default_factory=dict)  # up to which height
    _announce_at: float = NEVER
    _pulls: dict[LogId, tuple[float, Row]] = field(default_factory=dict)

    def has(self, log: LogId, seq: int) -> bool:
        """Whether the peer is known to have an entry."""
        return self.heights.get(log, 0) >= seq

    def note(self, row: Row) -> None:
        """Remember what the peer says it has, of as many logs as anybody may have."""
        if row.tips and (row.log in self.heights or len(self.heights) < MAX_HEIGHTS):
            seq = max(mark.seq for mark in row.tips)
            self.heights[row.log] = max(seq, self.heights.get(row.log, 0))

    def pushes(self, log: LogId, tip: Tip, *, own: bool) -> bool:
        """Whether to push an entry at once: it is ours or we relay, and the peer is next to it.

        Of a log not yet spoken of the two frontiers agreed, so the peer is next to it.
        """
        wanted = own or (self.relays and self.eager)
        height = self.heights.get(log, tip.seq - 1 if self.agreed else 0)
        return wanted and height == tip.seq - 1

    def pushed(self, log: LogId, seq: int) -> None:
        """It went out; what is above it is still to be announced."""
        self.heights[log] = max(seq, self.heights.get(log, 0))
        if self._announce.get(log, seq + 1) <= seq:
            del self._announce[log]

    def announce(self, log: LogId, seq: int, now: float, *, at_once: bool) -> None:
        """Tell the peer soon (with others), or at once: that is how it learns we have stored it."""
        self._announce[log] = max(seq, self._announce.get(log, 0))
        self._announce_at = min(self._announce_at, now if at_once else now + ANNOUNCE_DELAY)

    def announced(self, row: Row, now: float) -> None:
        """The peer has something that we lack: pull it unless it comes by another way."""
        if len(self._pulls) < MAX_PENDING_PULLS or row.log in self._pulls:
            at = self._pulls[row.log][0] if row.log in self._pulls else now + PULL_DELAY
            self._pulls[row.log] = (at, row)

    def due_announcements(self, now: float) -> set[LogId]:
        """The logs to announce now."""
        if now < self._announce_at:
            return set()
        due, self._announce, self._announce_at = self._announce, {}, NEVER
        return set(due)

    def due_pulls(self, now: float) -> list[Row]:
        """What was announced and has had its time to come otherwise."""
        due = [row for at, row in self._pulls.values() if at <= now]
        for row in due:
            del self._pulls[row.log]
        return due

    def next_deadline(self) -> float:
        """When something falls due."""
        return min(self._announce_at, *(at for at, _ in self._pulls.values()), NEVER)
