"""A session: the protocol state of one connection between two devices that may be of one team.

A pure machine: messages, stored entries and the time go in, effects come out. Team logs converge
first; only then is the peer authorised and any post served or accepted. It holds cursors, never
entries: what is to be sent stays in the log until the connection can take it.
Spec: `protocol/session.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol, TypeAlias

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import frontier, message
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Mark, Row, Tips
from p2pblog.protocol.gossip import NEVER, Claims, Link
from p2pblog.protocol.limits import (
    ANTI_ENTROPY_INTERVAL,
    IDLE_TIMEOUT,
    MAX_ROWS,
    MAX_STRANGER_BYTES,
    STRANGER_TIMEOUT,
)
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Message, Scope


class Standing(StrEnum):
    """What a device is to the team as we know it."""

    MEMBER = "member"
    STRANGER = "stranger"
    CUT = "cut"


class Phase(Enum):
    """How far a session has got."""

    GREETING = "greeting"  # hello not yet exchanged
    PROVING = "proving"  # the peer does not know us: it gets our team logs
    JUDGING = "judging"  # we do not know the peer: it sends its team logs
    TEAM = "team"  # team logs converge
    LIVE = "live"  # authorised on both sides
    CLOSED = "closed"


class View(Protocol):
    """What a session asks of the replica; each answer comes from memory or from one row."""

    def tips(self, scope: Scope) -> Tips:
        """The frontier of a scope."""
        ...

    def scope_of(self, log: LogId) -> Scope | None:
        """Which scope a log of ours is in; None where we have nothing of it."""
        ...

    def holds(self, log: LogId, mark: Mark) -> bool:
        """Whether that entry is here."""
        ...

    def common(self, log: LogId, tip: Tip, marks: Sequence[Mark]) -> Tip | None:
        """The highest of `marks` at or below `tip` on its branch."""
        ...

    def locator(self, log: LogId) -> Sequence[Mark]:
        """Ids at tip, -1, -2, -4 ... 1 of every branch, at most 64."""
        ...

    def standing(self, device: DeviceKey) -> Standing:
        """What a device is to the team."""
        ...


class Job(NamedTuple):
    """Send the peer a run of a log: what follows `after`, up to and with `upto`."""

    log: LogId
    after: Tip | None
    upto: Tip


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes: one message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ingest:
    """Store this page, then call `ingested`."""

    page: bytes
    live: bool


@dataclass(frozen=True, slots=True)
class Judge:
    """A stranger's team logs: ingest them if they make it a member, then call `judged`."""

    pages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """Authorised on both sides."""


@dataclass(frozen=True, slots=True)
class Synced:
    """All that the peer had for us of this scope has come."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Expect:
    """The peer is going to send so much."""

    entries: int
    size: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The peer says that it has stored this log up to a height."""

    log: LogId
    seq: int


@dataclass(frozen=True, slots=True)
class Equal:
    """Both frontiers of a scope are the same: the peer has all that we have."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Asked:
    """The peer wants these payloads."""

    entries: tuple[message.Missing, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """The peer sent payloads that we wanted."""

    items: tuple[tuple[LogId, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Where other devices were reached."""

    items: tuple[tuple[bytes, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Greeted:
    """The peer's wall clock (ms, 0 if not told) and the port where it listens."""

    clock: int
    port: int


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection. `fault` says that it is the peer's, so that it is not dialled at once."""

    reason: Reason
    detail: str
    fault: bool


Effect: TypeAlias = (
    Send
    | Ingest
    | Judge
    | Live
    | Synced
    | Expect
    | Reached
    | Equal
    | Asked
    | Filled
    | Told
    | Greeted
    | Close
)

# A page that is refused for one of these is no fault of the peer: we may lack what it has.
BLAMELESS = frozenset(
    {
        Reason.UNKNOWN_AUTHOR,
        Reason.BEYOND_CUTOFF,
        Reason.GAP,
        Reason.TOO_MANY_BRANCHES,
    }
)


class Session:
    """One side of a session. `key` is the handshake's hash, `relays` as in `gossip.Link`."""

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
    ) -> None:
        self.phase = Phase.GREETING
        self.link = Link(relays)
        self._view = view
        self._claims = claims
        self._initiator = initiator
        self._remote = remote
        self._key = key
        self._port = port
        self._out: list[Effect] = []
        self._jobs: dict[tuple[LogId, Tip], Job] = {}
        self._done_due: Scope | None = None
        self._located: set[LogId] = set()
        self._asked: set[LogId] = set()
        self._deferred = False
        self._busy = False  # a comparison is under way
        self._differs = False  # it has found something
        self._greeted: message.Hello | None = None
        self._evidence: list[bytes] = []
        self._timeout = now + STRANGER_TIMEOUT
        self._heard = now
        self._next_digest = NEVER

    # -- what goes in ------------------------------------------------------------------------

    def start(self, now: float, clock: int) -> list[Effect]:
        """Call once. `clock` is the wall clock in ms."""
        if self._view.standing(self._remote) is Standing.CUT:
            self._close(Reason.CUT, "removed from the team")
        elif self._initiator:
            self._say_hello(clock)
        return self._flush()

    def receive(self, data: Message | None, now: float, clock: int) -> list[Effect]:
        """A message from the peer; None is a type that only a later version knows."""
        self._heard = now
        match data:
            case _ if self.phase is Phase.CLOSED:
                pass
            case message.Goodbye():
                self._left(data)
            case message.Hello():
                self._on_hello(data, now, clock)
            case message.PageMessage():
                self._on_page(data, now)
            case message.Done(scope) if self.phase is Phase.JUDGING and scope == Scope.TEAM:
                self._out.append(Judge(tuple(self._evidence)))
                self._evidence.clear()
            case message.Buckets() if self.phase in (Phase.GREETING, Phase.TEAM, Phase.LIVE):
                self._on_buckets(data, now)
            case message.Rows() if self.phase in (Phase.TEAM, Phase.LIVE):
                self._on_rows(data, now)
            case message.Have() if self.phase in (Phase.TEAM, Phase.LIVE):
                self._on_have(data, now)
            case message.Done() if self.phase in (Phase.TEAM, Phase.LIVE):
                self._on_done(Scope(data.scope), now)
            case message.Offer():
                self._out.append(Expect(data.entries, data.size))
            case _ if self.phase is Phase.LIVE:
                self._on_live(data, now)
            case None:
                pass
            case _:
                self._close(Reason.UNEXPECTED, f"{type(data).__name__} while {self.phase.value}")
        return self._flush()

    def judged(self, now: float, clock: int) -> list[Effect]:
        """The stranger's team logs were looked at; ours are as they made them, or unchanged."""
        standing = self._view.standing(self._remote)
        if standing is not Standing.MEMBER:
            reason = Reason.CUT if standing is Standing.CUT else Reason.NOT_A_MEMBER
            self._close(reason, "no member's device")
        else:
            self._say_hello(clock)
            self._compare_if_known(now)
        return self._flush()

    def ingested(
        self, log: LogId | None, live: bool, known: bool, reason: Reason | None, now: float
    ) -> list[Effect]:
        """What became of a page of the peer: stored or already known, or refused for a reason."""
        if reason is None and log is not None:
            self._asked.discard(log)
            self._claims.touch(self, self._view.scope_of(log) or Scope.POSTS, log[0], now)
            if known and live and self.link.relays and self.link.eager:
                self.link.eager = False
                self._say(message.Push(False))
        elif reason is Reason.GAP and log is not None:
            self._ask_once(log)
        elif reason is Reason.UNKNOWN_AUTHOR:
            self._look_again(now, Scope.TEAM)
        elif reason is not None and reason not in BLAMELESS:
            self._close(reason, "page refused")
        return self._flush()

    def stored(
        self, log: LogId, tip: Tip, page: bytes | None, *, own: bool, from_peer: bool, now: float
    ) -> list[Effect]:
        """A log of ours has grown. `page` holds just its newest entry, if that is all."""
        if self.phase is Phase.LIVE and from_peer:
            self.link.pushed(log, tip.seq)
            self.link.announce(log, now, at_once=True)
        elif self.phase is Phase.LIVE and not self.link.has(log, tip.seq):
            if page is not None and self.link.pushes(log, tip, own=own):
                self.link.pushed(log, tip.seq)
                self._say(message.PageMessage(page, live=True))
            else:
                self.link.announce(log, now, at_once=False)
        return self.tick(now)

    def team_changed(self) -> list[Effect]:
        """The team is another: is the peer still of it?"""
        if self.phase is not Phase.CLOSED and self._view.standing(self._remote) is Standing.CUT:
            self._close(Reason.CUT, "removed from the team")
        return self._flush()

    def look_again(self, now: float) -> list[Effect]:
        """Another session gave up its claims: compare again if anything was left to it."""
        if self._deferred:
            self._look_again(now, Scope.POSTS)
        return self._flush()

    def refuse(self, refused: Refused) -> list[Effect]:
        """What the peer sent can't be read, or not stored: the end."""
        self._close(refused.reason, refused.detail)
        return self._flush()

    def say(self, data: Message) -> list[Effect]:
        """Send a message of the driver's: an offer, payloads, peers, wants."""
        if self.phase is not Phase.CLOSED:
            self._say(data)
        return self._flush()

    def tick(self, now: float) -> list[Effect]:
        """Whatever is due by `now`."""
        if self.phase is Phase.LIVE:
            self._announce_due(now)
            self._pull_due(now)
            if self._initiator and now >= self._next_digest:
                self._say_digest(now)
            if now - self._heard > IDLE_TIMEOUT:
                self._close(Reason.TIMED_OUT, "nothing heard", fault=False)
        elif self.phase is not Phase.CLOSED and now >= self._timeout:
            self._close(Reason.TIMED_OUT, f"still {self.phase.value}", fault=False)
        return self._flush()

    def next_deadline(self) -> float:
        """When to call `tick`."""
        if self.phase is Phase.CLOSED:
            return NEVER
        if self.phase is not Phase.LIVE:
            return self._timeout
        return min(self.link.next_deadline(), self._next_digest, self._heard + IDLE_TIMEOUT + 1)

    # -- what is to be served ----------------------------------------------------------------

    def next_job(self) -> Job | None:
        """The run to be sent next; call `served` after each part of it."""
        return next(iter(self._jobs.values()), None)

    @property
    def jobs(self) -> Sequence[Job]:
        """All runs still to be sent."""
        return tuple(self._jobs.values())

    def served(self, job: Job, last: Tip | None) -> list[Effect]:
        """It was sent up to `last`; None where nothing more can be sent of it."""
        if last is not None:
            self.link.pushed(job.log, last.seq)
        if last is None or last.seq >= job.upto.seq:
            self._jobs.pop((job.log, job.upto), None)
        elif (job.log, job.upto) in self._jobs:
            self._jobs[job.log, job.upto] = job._replace(after=last)
        self._done_if_served()
        return self._flush()

    def _serve(self, job: Job) -> None:
        self._jobs.setdefault((job.log, job.upto), job)

    def _done_if_served(self) -> None:
        if self._done_due is None or self._jobs:
            return
        scope, self._done_due = self._done_due, None
        self._say(message.Done(scope))
        if scope is Scope.TEAM and self._initiator and self.phase is Phase.TEAM:
            self._authorise()

    # -- greeting ----------------------------------------------------------------------------

    def _say_hello(self, clock: int) -> None:
        known = self._view.standing(self._remote) is Standing.MEMBER
        tips = self._view.tips(Scope.TEAM)
        digest = frontier.digest(tips, self._key) if known else b""
        low = high = message.VERSION
        hello = message.Hello(
            low, high, known, digest, clock if known else 0, self._port if known else 0
        )
        self._say(hello)

    def _on_hello(self, hello: message.Hello, now: float, clock: int) -> None:
        if not hello.low <= message.VERSION <= hello.high:
            self._close(Reason.VERSION, f"{hello.low} to {hello.high}")
            return
        if self.phase not in (Phase.GREETING, Phase.PROVING):
            self._close(Reason.UNEXPECTED, "hello again")
            return
        first, self._greeted = self._greeted is None, hello
        if hello.clock or hello.port:
            self._out.append(Greeted(hello.clock, hello.port))
        if first and not self._initiator:
            self._say_hello(clock)
        self._settle(hello, now)

    def _settle(self, hello: message.Hello, now: float) -> None:
        """Who knows whom decides what comes next."""
        known = self._view.standing(self._remote) is Standing.MEMBER
        if known and hello.knows_you:
            self._compare_if_known(now)
        elif known:
            self._prove()
        elif hello.knows_you:
            self.phase = Phase.JUDGING
        else:
            self._close(Reason.NOT_A_MEMBER, "strangers to each other", fault=False)

    def _prove(self) -> None:
        self.phase = Phase.PROVING
        for log, tips in self._view.tips(Scope.TEAM).items():
            for tip in tips:
                self._serve(Job(log, None, tip))
        self._done_due = Scope.TEAM
        self._done_if_served()

    def _compare_if_known(self, now: float) -> None:
        """Both know each other: the responder starts with what differs."""
        self.phase = Phase.TEAM
        self._timeout = now + IDLE_TIMEOUT
        hello = self._greeted
        if self._initiator or hello is None:
            return
        same = hello.digest == frontier.digest(self._view.tips(Scope.TEAM), self._key)
        if same:
            self._authorise()
        else:
            self._say_buckets(Scope.TEAM)

    def _authorise(self) -> bool:
        """Team logs have converged: is the peer, by them, of the team?"""
        standing = self._view.standing(self._remote)
        if standing is not Standing.MEMBER:
            self._close(Reason.CUT if standing is Standing.CUT else Reason.NOT_A_MEMBER, "")
            return False
        if self.phase is not Phase.LIVE:
            self.phase = Phase.LIVE
            self._next_digest = self._heard + ANTI_ENTROPY_INTERVAL
            self._out.append(Live())
        if not self._initiator:
            self._say_buckets(Scope.POSTS)
        return True

    # -- comparing frontiers -----------------------------------------------------------------

    def _say_buckets(self, scope: Scope) -> None:
        self._busy = True
        self._deferred = False
        self._differs = False
        self._located.clear()
        self._say(message.Buckets(scope, frontier.summary(self._view.tips(scope), self._key)))

    def _on_buckets(self, data: message.Buckets, now: float) -> None:
        scope = Scope(data.scope)
        if scope is Scope.POSTS and self.phase is not Phase.LIVE:
            if not self._authorise():
                return
        elif self.phase is Phase.GREETING:
            self.phase = Phase.TEAM
        self._busy = True
        self._located.clear()
        tips = self._view.tips(scope)
        differ = frontier.differing(frontier.summary(tips, self._key), data.summary)
        pull = self._claims.claim(self, scope, differ, now)
        if not differ:
            self._out.append(Equal(scope))
        rest = bytes(sorted(set(differ) - set(pull)))
        self._deferred = bool(rest)
        if rest:
            self._say_rows(scope, rest, pull=False, last=False)
        self._say_rows(scope, pull, pull=True, last=True)

    def _say_rows(self, scope: Scope, buckets: bytes, *, pull: bool, last: bool) -> None:
        """In parts: each names the buckets that it completes."""
        rows = frontier.rows_in(self._view.tips(scope), buckets)
        start = 0
        while len(rows) - start > MAX_ROWS:
            end = start + MAX_ROWS
            while end > start and rows[end].log[0] == rows[end - 1].log[0]:
                end -= 1
            end = end if end > start else start + MAX_ROWS
            full = bytes(b for b in buckets if rows[start].log[0] <= b < rows[end].log[0])
            self._say(message.Rows(scope, full, tuple(rows[start:end]), pull, False))
            buckets = bytes(b for b in buckets if b >= rows[end].log[0])
            start = end
        self._say(message.Rows(scope, buckets, tuple(rows[start:]), pull, last))

    def _on_rows(self, data: message.Rows, now: float) -> None:
        scope = Scope(data.scope)
        if scope is Scope.POSTS and self.phase is not Phase.LIVE:
            self._close(Reason.UNEXPECTED, "posts before the team")
            return
        theirs = {row.log: row for row in data.rows}
        mine = self._view.tips(scope)
        listed = frozenset(data.buckets)
        self._differs = self._differs or bool(listed)
        if data.pull:
            for log, tips in mine.items():
                if log[0] in listed and tips and log not in theirs:
                    self._answer(Row(log, ()), (), now)
        lacking = []
        for log, row in theirs.items():
            self._note(row)
            if data.pull:
                self._answer(row, (), now)
            if not all(self._view.holds(log, mark) for mark in row.tips):
                lacking.append(log)
        self._ask(scope, lacking, now)
        if data.last:
            if not self._differs:
                self._out.append(Equal(scope))
            self._done_due = scope
            self._done_if_served()

    def _ask(self, scope: Scope, logs: Sequence[LogId], now: float) -> None:
        """Ask for what follows our tips, where no other session does so already."""
        won = self._claims.claim(self, scope, bytes({log[0] for log in logs}), now)
        mine = self._view.tips(scope)
        rows = [frontier.row(log, mine.get(log, ())) for log in logs if log[0] in won]
        self._deferred = self._deferred or len(rows) < len(logs)
        for start in range(0, len(rows), MAX_ROWS):
            self._say(message.Have(tuple(rows[start : start + MAX_ROWS]), ()))

    def _on_have(self, data: message.Have, now: float) -> None:
        for row in data.rows:
            if self.phase is not Phase.LIVE and self._view.scope_of(row.log) is Scope.POSTS:
                self._close(Reason.UNEXPECTED, "posts before the team")
                return
            self._note(row)
            self._answer(row, data.locator, now)

    def _answer(self, row: Row, locator: Sequence[Mark], now: float) -> None:
        """Serve what follows the peer's tips; where none is known here, find the parting."""
        scope = self._view.scope_of(row.log)
        if scope is None:
            return
        tips = self._view.tips(scope).get(row.log, ())
        marks = [*row.tips, *locator]
        served = False
        for tip in tips:
            after = self._view.common(row.log, tip, marks)
            if after is not None and after.seq == tip.seq:
                continue
            if after is not None or not row.tips or locator:
                self._serve(Job(row.log, after, tip))
                served = True
        unknown = not all(self._view.holds(row.log, mark) for mark in row.tips)
        parted = unknown and not any(self._view.holds(row.log, mark) for mark in row.tips)
        if parted and tips and (locator or not served) and row.log not in self._located:
            self._located.add(row.log)
            self._say(
                message.Have((frontier.row(row.log, tips),), tuple(self._view.locator(row.log)))
            )

    def _on_done(self, scope: Scope, now: float) -> None:
        self._out.append(Synced(scope))
        self._busy = False
        self._claims.release(self, scope)
        if self._initiator:
            self._done_due = scope
            self._done_if_served()
        elif scope is Scope.TEAM:
            self._authorise()

    # -- live --------------------------------------------------------------------------------

    def _on_page(self, data: message.PageMessage, now: float) -> None:
        if self.phase is Phase.JUDGING:
            self._evidence.append(data.page)
            if sum(map(len, self._evidence)) > MAX_STRANGER_BYTES:
                self._close(Reason.FLOOD, "team logs of an unknown device")
            return
        if self.phase not in (Phase.TEAM, Phase.LIVE):
            self._close(Reason.UNEXPECTED, f"page while {self.phase.value}")
            return
        self._out.append(Ingest(data.page, data.live))

    def _on_live(self, data: Message | None, now: float) -> None:
        match data:
            case message.Announce():
                for row in data.rows:
                    self._on_announced(row, now)
            case message.Want():
                self._out.append(Asked(data.entries))
            case message.Payloads():
                self._out.append(Filled(data.items))
            case message.Digest():
                self._on_digest(data, now)
            case message.Peers():
                self._out.append(Told(data.items))
            case message.Push():
                self.link.eager = data.eager
            case None:
                pass
            case _:
                self._close(Reason.UNEXPECTED, type(data).__name__)

    def _on_announced(self, row: Row, now: float) -> None:
        self._note(row)
        if not all(self._view.holds(row.log, mark) for mark in row.tips):
            self.link.announced(row, now)

    def _note(self, row: Row) -> None:
        self.link.note(row)
        for mark in row.tips:
            if self._view.holds(row.log, mark):
                self._out.append(Reached(row.log, mark.seq))

    def _on_digest(self, data: message.Digest, now: float) -> None:
        mine = self._digest()
        if data == mine:
            self._out.append(Equal(Scope.POSTS))
        if self._initiator or self._busy or self._jobs or data == mine:
            if not self._initiator:
                self._say(mine)
        elif data.team != mine.team:
            self._say_buckets(Scope.TEAM)
        else:
            self._say_buckets(Scope.POSTS)

    def _digest(self) -> message.Digest:
        team, posts = (
            frontier.digest(self._view.tips(scope), self._key)
            for scope in (Scope.TEAM, Scope.POSTS)
        )
        return message.Digest(team, posts)

    def _say_digest(self, now: float) -> None:
        self._next_digest = now + ANTI_ENTROPY_INTERVAL
        self._say(self._digest())

    def _look_again(self, now: float, scope: Scope) -> None:
        if self.phase is Phase.LIVE and not self._busy:
            self._deferred = False
            if self._initiator:
                self._say_digest(now)
            else:
                self._say_buckets(scope)

    def _announce_due(self, now: float) -> None:
        rows = []
        for log in sorted(self.link.due_announcements(now)):
            scope = self._view.scope_of(log)
            if scope is not None:
                rows.append(frontier.row(log, self._view.tips(scope).get(log, ())))
        for start in range(0, len(rows), MAX_ROWS):
            self._say(message.Announce(tuple(rows[start : start + MAX_ROWS])))

    def _pull_due(self, now: float) -> None:
        lacking: dict[Scope, list[LogId]] = {Scope.TEAM: [], Scope.POSTS: []}
        for row in self.link.due_pulls(now):
            if not all(self._view.holds(row.log, mark) for mark in row.tips):
                lacking[self._view.scope_of(row.log) or Scope.POSTS].append(row.log)
        for scope, logs in lacking.items():
            if logs:
                self._ask(scope, logs, now)
                if self.link.relays and not self.link.eager:
                    self.link.eager = True
                    self._say(message.Push(True))

    def _ask_once(self, log: LogId) -> None:
        if log not in self._asked:
            self._asked.add(log)
            scope = self._view.scope_of(log) or Scope.POSTS
            self._say(message.Have((frontier.row(log, self._view.tips(scope).get(log, ())),), ()))

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
            if self._view.standing(self._remote) is Standing.MEMBER:
                self._say(message.Goodbye(reason, detail[:200]))
            self.phase = Phase.CLOSED
            self._out.append(Close(reason, detail, fault))

    def _say(self, data: Message) -> None:
        self._out.append(Send(message.pack(data)))

    def _flush(self) -> list[Effect]:
        out, self._out = self._out, []
        return out
