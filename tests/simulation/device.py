"""A device: a real store, and what `p2pblog/node/membership.py` does between it and sessions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p2pblog.node import incarnation
from p2pblog.node.identity import Identity
from p2pblog.node.view import ReplicaView
from p2pblog.protocol import entry, overlay, page
from p2pblog.protocol.crypto import DeviceKey, SigningKey
from p2pblog.protocol.entry import Kind, LogId, PayloadClass, TeamId
from p2pblog.protocol.frontier import Mark, short
from p2pblog.protocol.gossip import Claims
from p2pblog.protocol.log import Outcome, Tip
from p2pblog.protocol.post import Cause, Post
from p2pblog.store.replica import Appended, Author, Draft, Ingested, LogKey, Replica
from tests.simulation.census import Census
from tests.simulation.clock import Clock
from tests.simulation.disk import Crashed, Disk, Image
from tests.simulation.end import End
from tests.simulation.network import Network, Wire
from tests.support.logs import INCARNATION

if TYPE_CHECKING:
    from tests.simulation.dialler import Dialler


@dataclass(eq=False)
class Device:
    """One machine. `skew`: seconds that its clock is wrong. Off until `start`."""

    number: int
    key: SigningKey
    team: TeamId
    disk: Disk
    network: Network
    census: Census
    rng: random.Random
    skew: float = 0.0
    ends: dict[End, None] = field(default_factory=dict)
    acknowledged: list[tuple[LogId, Tip]] = field(default_factory=list)  # posts that are durable
    crashes: int = 0
    faults: list[str] = field(default_factory=list)  # of peers, by which sessions ended
    dialler: Dialler = field(init=False)

    is_honest = True

    def __post_init__(self) -> None:
        self.clock: Clock = self.network.clock
        self.identity = Identity(self.key, INCARNATION, self.team, bytes(32))
        self.marked = 0  # outside the disk: how far our own logs had got
        self.is_on = False

    # -- on and off --------------------------------------------------------------------------

    def start(self) -> None:
        self.replica: Replica = self.disk.open()
        self.view = ReplicaView(self.replica)
        self.claims = Claims()
        self.instance = self.rng.randbytes(8)
        self.is_on = True
        if incarnation.own_height(self.identity, self.replica) < self.marked:
            self._renew(Cause.MOVED)
        self.dialler.start()

    def stop(self) -> None:
        """Shut down as one does."""
        for end in list(self.ends):
            end.close()
        self.is_on = False
        self.replica.close()

    def crash(self) -> None:
        """The power is gone; a peer may learn it at once, or when nothing comes any more."""
        self.is_on = False
        self.crashes += 1
        for end in list(self.ends):
            end.vanish(told=self.rng.random() < 0.5)
        self.disk.lose_power()

    def forget(self, image: Image, *, marker: bool) -> None:
        """The store is put back to what it once was; whether the marker outside stays.

        What nobody else has is lost.
        """
        self.disk.put(image)
        if not marker:
            self.marked = 0

    @property
    def me(self) -> DeviceKey:
        return self.key.public

    @property
    def relays(self) -> bool:
        return overlay.relays(len(self.replica.team.devices))

    def wall(self) -> int:
        return self.clock.wall(self.skew)

    # -- own entries -------------------------------------------------------------------------

    def post(self, text: str = "") -> Appended | None:
        """Write a post; None where the power went before it was acknowledged."""
        body = Post(text or f"at {self.clock.now:.3f} on {self.number}", "general").pack()
        draft = Draft(Kind.POSTS, PayloadClass.POST, body, self.rng.randbytes(16))
        return self.append(Kind.POSTS, draft)

    def append(self, kind: Kind, *drafts: Draft) -> Appended | None:
        author = Author(self.key, self.identity.incarnation)
        try:
            made = self.replica.append(author, drafts, self.wall())
        except Crashed:
            self.crash()
            return None
        for one in made:
            header = one.entry.header
            log = entry.log_id(self.team, self.me, header.incarnation, kind)
            tip = Tip(header.seq, one.entry.id)
            if kind == Kind.POSTS:
                self.acknowledged.append((log, tip))
            self.census.written(log, header.seq, self.number, self.clock.now)
            whole = [one.entry.header_bytes], [one.entry.payload], [one.entry.signature]
            self._tell(log, tip, page.pack(*whole), author=self.me, by=None)
        self.marked = incarnation.own_height(self.identity, self.replica)
        return made[-1]

    def _renew(self, cause: Cause) -> None:
        """Go on in a new incarnation."""
        renewed = incarnation.renewed(self.identity, self.replica, cause, self.rng.randbytes)
        if renewed != self.identity:
            self.identity = renewed
            draft = incarnation.opening_draft(renewed, self.replica, self.rng.randbytes)
            if draft is not None:
                self.append(Kind.POSTS, draft)
            self.marked = incarnation.own_height(self.identity, self.replica)

    # -- what sessions report ----------------------------------------------------------------

    def log_id(self, key: LogKey) -> LogId:
        return entry.log_id(self.team, *key)

    def take(self, data: bytes, by: End) -> Ingested:
        """Store a page, and tell the other sessions."""
        result = (*self._ingest([data]), Ingested(Outcome.KNOWN))[0]
        if result.log is not None:
            log = self.log_id(result.log)
            self.census.took(data, result, log, by.remote.number, self.number, self.clock.now)
            if result.stored and result.tip is not None:
                self._has_grown(result.log, log, result, data, by)
        return result

    def _ingest(self, pages: Sequence[bytes]) -> list[Ingested]:
        """What became of pages; empty where the power went."""
        try:
            return self.replica.ingest(pages, self.wall())
        except Crashed:
            self.crash()
            return []

    def _has_grown(
        self, key: LogKey, log: LogId, result: Ingested, data: bytes, by: End | None
    ) -> None:
        if key.kind == Kind.TEAM:
            self._each(lambda end: end.apply(end.session.team_changed()))
        single = result.stored == 1 and result.outcome is Outcome.STORED
        assert result.tip is not None
        self._tell(log, result.tip, data if single else None, author=key.device, by=by)
        if key[:2] == (self.me, self.identity.incarnation):
            forked = result.outcome is Outcome.FORK
            self.clock.after(0.0, lambda: self._check_own(Cause.FORKED if forked else Cause.BEHIND))

    def _check_own(self, cause: Cause) -> None:
        if self.is_on:
            self._renew(cause)

    def _tell(
        self, log: LogId, tip: Tip, data: bytes | None, *, author: DeviceKey, by: End | None
    ) -> None:
        own, now = author == self.me, self.clock.now
        for end in list(self.ends):
            if end in self.ends:
                theirs = end.remote.me == author
                told = end.session.stored(
                    *(log, tip, data),
                    own=own,
                    theirs=theirs,
                    from_peer=end is by or theirs,
                    now=now,
                )
                end.apply(told)

    def judge(self, pages: Sequence[bytes], stranger: Device) -> None:
        """Take a stranger's team logs if they make it a member."""
        if not self.replica.team_with(pages).is_active(stranger.me):
            return
        for data, result in zip(pages, self._ingest(pages), strict=False):
            if result.log is not None and result.stored:
                self._has_grown(result.log, self.log_id(result.log), result, data, None)

    def let_others_go_on(self, end: End) -> None:
        now = self.clock.now
        self._each(lambda other: other is end or other.apply(other.session.look_again(now)))

    def _each(self, do: object) -> None:
        assert callable(do)
        for end in list(self.ends):
            if end in self.ends:
                do(end)

    # -- connections -------------------------------------------------------------------------

    def end(self, remote: Device, out: Wire, back: Wire, key: bytes, *, initiator: bool) -> End:
        """Our end of a new connection."""
        return End(self, remote, out, back, key, initiator=initiator)

    def settle(self, new: End) -> None:
        """Its hello has come: of two with the same start of a device, one stays."""
        for old in list(self.ends):
            same = (old.remote, old.instance) == (new.remote, new.instance)
            if old is not new and same and old.instance:
                newer = overlay.newer_stays(self.clock.now - old.since, old.rank, new.rank)
                (old if newer else new).close()

    def is_live(self, end: End) -> None:
        self.dialler.is_live(end)

    def leave(self, end: End) -> None:
        """A session has ended."""
        del self.ends[end]
        self.claims.leave(end.session)
        if end.end is not None and end.end.fault:
            self.faults.append(
                f"{self.number} of {end.remote.number}: {end.end.reason} {end.end.detail}"
            )
        self.let_others_go_on(end)
        self.dialler.has_left(end)

    def snapshot(self) -> object:
        """What is here: every log with its tips."""
        rows = {**self.replica.rows(True), **self.replica.rows(False)}
        return {log: sorted(tips) for log, tips in rows.items()}

    def holds(self, log: LogId, tip: Tip) -> bool:
        """Whether an entry is here."""
        return self.view.holds(log, Mark(tip.seq, short(tip.id)))
