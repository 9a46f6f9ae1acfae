"""A session: the protocol state of one connection between two devices that may be of one team.

A pure machine: messages, stored entries and the time go in, effects come out. Team logs converge
first; only then is the peer authorised and any post served or accepted. It holds cursors, never
entries: what is to be sent stays in the log until the connection can take it.
Spec: `protocol/session.md`. Frontiers are compared in `comparison.py`, what goes on once both
sides are authorised is in `live.py`, the effects are in `effects.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import assert_never

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import frontier, message, page
from p2pblog.protocol.comparison import Comparison
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.effects import (
    BLAMELESS,
    Asked,
    Close,
    Effect,
    Equal,
    Expect,
    Filled,
    Greeted,
    Ingest,
    Job,
    Judge,
    Live,
    Reached,
    Send,
    Standing,
    Synced,
    Told,
    View,
)
from p2pblog.protocol.entry import Kind, LogId
from p2pblog.protocol.frontier import Tips
from p2pblog.protocol.gossip import NEVER, Claims, Link
from p2pblog.protocol.limits import (
    IDLE_TIMEOUT,
    MAX_STRANGER_BYTES,
    STRANGER_TIMEOUT,
)
from p2pblog.protocol.live import LivePart
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Message, Scope

__all__ = [
    "Asked",
    "Close",
    "Effect",
    "Equal",
    "Expect",
    "Filled",
    "Greeted",
    "Ingest",
    "Job",
    "Judge",
    "Live",
    "Phase",
    "Reached",
    "Send",
    "Session",
    "Standing",
    "Synced",
    "Told",
    "View",
]

PAGE_COST = 64  # bytes held beside those of a page: a million empty ones would cost too


class Phase(Enum):
    """How far a session has got."""

    GREETING = "greeting"  # hello not yet exchanged
    PROVING = "proving"  # the peer does not know us: it gets our team logs
    JUDGING = "judging"  # we do not know the peer: it sends its team logs
    TEAM = "team"  # team logs converge
    LIVE = "live"  # authorised
    CLOSED = "closed"


class Session:
    """One side of a session. `key` is the handshake's hash, `relays` as in `gossip.Link`.

    `instance`: 8 random bytes, the same for all sessions of one start of this device.
    """

    def __init__(
        self,
        view: View,
        claims: Claims,
        *,
        initiator: bool,
        remote: DeviceKey,
        key: bytes,
        port: int,
        relays: bool,
        now: float,
        instance: bytes = bytes(8),
    ) -> None:
        self.phase = Phase.GREETING
        self.link = Link(relays)
        self._view = view
        self._claims = claims
        self._initiator = initiator
        self._remote = remote
        self._key = key
        self._port = port
        self._instance = instance
        self._out: list[Effect] = []
        self._comparison = Comparison(
            *(view, claims, self.link, self._out, self._compared),
            owner=self,
            key=key,
            initiator=initiator,
        )
        self._live = LivePart(
            *(view, claims, self.link, self._comparison, self._out),
            owner=self,
            key=key,
            initiator=initiator,
        )
        self._greeted: message.Hello | None = None
        self._said_known = False  # in our newest Hello
        self._told: Tips = {}  # our team logs, as the digest of our Hello has them
        self._proof_due = False
        self._evidence: list[bytes] = []
        self._evidence_size = 0
        self._timeout = now + STRANGER_TIMEOUT
        self._heard = self._moved = now

    # -- what goes in ------------------------------------------------------------------------

    def start(self, now: float, clock: int) -> list[Effect]:
        """Call once. `clock` is the wall clock in ms."""
        self._heard = self._moved = now
        if self._view.standing(self._remote) is Standing.CUT:
            self._close(Reason.CUT, "removed from the team")
        elif self._initiator:
            self._say_hello(clock)
        return self._flush()

    def receive(self, data: Message | None, now: float, clock: int) -> list[Effect]:
        """A message from the peer; None is a type that only a later version knows."""
        if self.phase is not Phase.CLOSED:
            self._heard = now
            try:
                self._receive(data, now, clock)
            except Refused as refused:
                self._close(refused.reason, refused.detail)
        return self._flush()

    def judged(self, now: float, clock: int) -> list[Effect]:
        """The stranger's team logs were looked at; ours are as they made them, or unchanged."""
        if self.phase is Phase.JUDGING and self._check_member():
            self._say_hello(clock)
            self._converge(now)
        return self._flush()

    def ingested(
        self,
        log: LogId | None,
        done: Ingest,
        known: bool,
        reason: Reason | None,
        now: float,
    ) -> list[Effect]:
        """What became of a page of the peer: stored or already known, or refused for a reason."""
        if reason is not None and reason not in BLAMELESS:
            self._close(reason, "page refused")
        elif log is not None and self.phase is not Phase.CLOSED:
            self._live.took(log, reason, done.hops, now, live=done.live, known=known)
        return self._flush()

    def stored(
        self,
        log: LogId,
        tip: Tip,
        newest: bytes | None,
        *,
        own: bool,
        theirs: bool,
        from_peer: bool,
        now: float,
    ) -> list[Effect]:
        """A log of ours has grown. `newest` is a page of just its newest entry, if that is all.

        The log is our `own`, or `theirs`: the peer's. `from_peer`: the peer has the entry.
        """
        if self.phase is not Phase.CLOSED:
            grown = (log, tip, newest)
            self._live.stored(*grown, own=own, theirs=theirs, from_peer=from_peer, now=now)
        return self.tick(now)

    def team_changed(self) -> list[Effect]:
        """The team is another: is the peer still of it?"""
        if self.phase in (Phase.TEAM, Phase.LIVE):
            self._check_member()
        elif self._view.standing(self._remote) is Standing.CUT:
            self._close(Reason.CUT, "removed from the team")
        return self._flush()

    def look_again(self, now: float) -> list[Effect]:
        """Another session gave up its claims: compare again if anything was left to it."""
        if self._comparison.deferred and self.phase is Phase.LIVE:
            self._live.look_again(now, Scope.POSTS)
        return self._flush()

    def moved(self, now: float) -> list[Effect]:
        """A cut-off was set or raised: compare posts again, for nobody announces that."""
        if self.phase is Phase.LIVE:
            self._live.look_again(now, Scope.POSTS)
        return self._flush()

    def take_again(self, now: float) -> list[Effect]:
        """There may be room for logs that were refused: ask for them again."""
        if self.phase is Phase.LIVE:
            self._live.take_again(now)
        return self._flush()

    def filled(self, count: int) -> list[Effect]:
        """Of the payloads of a `Filled` so many were stored."""
        if self.phase is Phase.LIVE:
            self._live.wants.filled(count)
        return self._flush()

    def gained(self, now: float) -> list[Effect]:
        """Payloads that were missing here came, by another session or otherwise."""
        self._live.gained(now)
        return self._flush()

    def refuse(self, refused: Refused) -> list[Effect]:
        """What the peer sent can't be read, or not stored: the end."""
        self._close(refused.reason, refused.detail)
        return self._flush()

    def say(self, data: Message) -> list[Effect]:
        """Send a message of the driver's: an offer, payloads, peers."""
        if self.phase is not Phase.CLOSED:
            self._say(data)
        return self._flush()

    def tick(self, now: float) -> list[Effect]:
        """Whatever is due by `now`."""
        if now >= self._deadline():
            self._close(Reason.TIMED_OUT, f"silent while {self.phase.value}", fault=False)
        elif self.phase is Phase.LIVE and now >= self._live.next_deadline():
            self._live.tick(now)
        return self._flush()

    def next_deadline(self) -> float:
        """When to call `tick`."""
        live = self._live.next_deadline() if self.phase is Phase.LIVE else NEVER
        return min(live, self._deadline())

    # -- what is to be served ----------------------------------------------------------------

    def next_job(self) -> Job | None:
        """The run to be sent next; call `served` after each part of it."""
        return self._comparison.next_job

    @property
    def jobs(self) -> Sequence[Job]:
        """All runs still to be sent."""
        return self._comparison.jobs

    def served(self, job: Job, last: Tip | None, now: float) -> list[Effect]:
        """It was sent up to `last`; None where nothing more can be sent of it."""
        self._moved = now
        self._comparison.served(job, last)
        self._proof_sent()
        return self._flush()

    # -- greeting ----------------------------------------------------------------------------

    def _receive(self, data: Message | None, now: float, clock: int) -> None:
        match data:
            case None:
                pass
            case message.Goodbye():
                self._left(data)
            case message.Hello():
                self._on_hello(data, now, clock)
            case _ if self.phase is Phase.JUDGING:
                self._on_evidence(data)
            case _ if self.phase in (Phase.TEAM, Phase.LIVE):
                self._on_member(data, now)
            case _:
                raise self._unexpected(data)

    def _unexpected(self, data: Message) -> Refused:
        return Refused(Reason.UNEXPECTED, f"{type(data).__name__} while {self.phase.value}")

    def _knows(self) -> bool:
        return self._view.standing(self._remote) is Standing.MEMBER

    def _say_hello(self, clock: int) -> None:
        version = message.VERSION
        self._said_known = self._knows()
        if self._said_known:
            self._told = dict(self._view.tips(Scope.TEAM))
            digest = frontier.digest(self._told, self._key)
            self._say(
                message.Hello(version, version, True, digest, clock, self._port, self._instance)
            )
        else:
            self._say(message.Hello(version, version, False, None, 0, 0, self._instance))

    def _on_hello(self, hello: message.Hello, now: float, clock: int) -> None:
        if not hello.low <= message.VERSION <= hello.high:
            raise Refused(Reason.VERSION, f"{hello.low} to {hello.high}")
        again = self.phase is Phase.PROVING and hello.knows_you
        if self.phase is not Phase.GREETING and not again:
            raise self._unexpected(hello)
        self._greeted = hello
        if hello.clock or hello.port:
            self._out.append(Greeted(hello.clock, hello.port, hello.instance))
        if not again and not self._initiator:
            self._say_hello(clock)
        self._settle(hello, now)

    def _settle(self, hello: message.Hello, now: float) -> None:
        """Who knows whom decides what comes next, as the two have said it, to be of one mind."""
        known = self._said_known
        if known and hello.knows_you:
            self._converge(now)
        elif known:
            self.phase = Phase.PROVING
            self._proof_due = True
            self._comparison.serve_all(Scope.TEAM)
            self._proof_sent()
        elif hello.knows_you:
            self.phase = Phase.JUDGING
        else:
            self._close(Reason.NOT_A_MEMBER, "strangers to each other", fault=False)

    def _proof_sent(self) -> None:
        if self.phase is Phase.PROVING and self._proof_due and not self.next_job():
            self._proof_due = False
            self._say(message.Done(Scope.TEAM))

    def _on_evidence(self, data: Message) -> None:
        """What a stranger sends to prove that it is of the team."""
        match data:
            case message.PageMessage():
                self._evidence.append(data.page)
                self._evidence_size += len(data.page) + PAGE_COST
                if self._evidence_size > MAX_STRANGER_BYTES:
                    raise Refused(Reason.FLOOD, "team logs of an unknown device")
            case message.Done(Scope.TEAM):
                self._out.append(Judge(tuple(self._evidence)))
                self._evidence.clear()
            case message.Offer():
                pass
            case _:
                raise self._unexpected(data)

    def _converge(self, now: float) -> None:
        """Both know each other: the responder starts with what differs."""
        self.phase = Phase.TEAM
        self._moved = now
        hello = self._greeted
        if self._initiator or hello is None:
            return
        tips = dict(self._view.tips(Scope.TEAM))
        if hello.digest == frontier.digest(tips, self._key):
            self._out.append(Equal(Scope.TEAM, tips))
            self._authorise()
        else:
            self._comparison.begin(Scope.TEAM)

    def _check_member(self) -> bool:
        standing = self._view.standing(self._remote)
        match standing:
            case Standing.MEMBER:
                return True
            case Standing.CUT:
                self._close(Reason.CUT, "removed from the team")
            case Standing.STRANGER:
                self._close(Reason.NOT_A_MEMBER, "no member's device")
            case _:
                assert_never(standing)
        return False

    def _authorise(self) -> None:
        """Team logs have converged: is the peer, by them, of the team?"""
        if not self._check_member():
            return
        fresh, self.phase = self.phase is not Phase.LIVE, Phase.LIVE
        if fresh:
            self._comparison.posts = True
            self._live.begin(self._heard)
        if not self._initiator:
            self._comparison.begin(Scope.POSTS)  # first: it tells the peer that it is authorised
        if fresh:
            self._out.append(Live())

    def _compared(self, scope: Scope) -> None:
        """Both sides have said that they are done with a scope."""
        if scope is Scope.TEAM:
            self._authorise()
        else:
            self._live.compared(self._heard)

    # -- among members -----------------------------------------------------------------------

    def _on_member(self, data: Message, now: float) -> None:
        self._moved = now
        match data:
            case message.PageMessage():
                if self.phase is Phase.TEAM and page.kind_of(data.page) != Kind.TEAM:
                    raise Refused(Reason.UNEXPECTED, "posts before the team")
                self._out.append(Ingest(data.page, data.live, data.hops))
            case message.Offer():
                self._out.append(Expect(data.entries, data.size))
            case message.Buckets():
                if data.scope == Scope.POSTS and self.phase is Phase.TEAM:
                    self._out.append(Equal(Scope.TEAM, self._told))  # the digests were equal
                    self._authorise()
                if self.phase is not Phase.CLOSED:
                    self._comparison.on_buckets(data, now)
            case message.Rows():
                self._comparison.on_rows(data, now)
            case message.Have():
                self._comparison.on_have(data)
            case message.Locate():
                self._comparison.on_locate(data)
            case message.Decline():
                self._comparison.on_decline(data)
            case message.Done():
                self._comparison.on_done(data)
                if data.scope == Scope.POSTS:
                    self._live.wants.ask_all()
            case _ if self.phase is Phase.LIVE:
                self._live.receive(data, now)
            case _:
                raise self._unexpected(data)

    def _deadline(self) -> float:
        """When the peer has been silent for too long."""
        match self.phase:
            case Phase.CLOSED:
                return NEVER
            case Phase.LIVE if self._comparison.scope is None or self.next_job():
                return self._heard + IDLE_TIMEOUT
            case Phase.TEAM if self.next_job():
                return NEVER
            case Phase.TEAM | Phase.LIVE:
                return self._moved + IDLE_TIMEOUT
            case _:
                return self._timeout

    # -- ends --------------------------------------------------------------------------------

    def _left(self, data: message.Goodbye) -> None:
        try:
            reason = Reason(data.reason)
        except ValueError:
            reason = Reason.SHUTTING_DOWN
        self.phase = Phase.CLOSED
        self._out.append(Close(reason, f"peer: {data.detail}", fault=False))

    def _close(self, reason: Reason, detail: str, *, fault: bool = True) -> None:
        if self.phase is not Phase.CLOSED:
            match self._view.standing(self._remote):
                case Standing.MEMBER:
                    self._say(message.Goodbye(reason, detail[:200]))
                case Standing.CUT:
                    self._say(message.Goodbye(Reason.CUT, ""))  # the one word that it gets
                case Standing.STRANGER:
                    pass
            self.phase = Phase.CLOSED
            self._out.append(Close(reason, detail, fault))

    def _say(self, data: Message) -> None:
        self._out.append(Send(message.pack(data)))

    def _flush(self) -> list[Effect]:
        out = self._out[:]
        self._out.clear()
        return out
