"""The live part of a session: new entries pushed or announced, pulls, and anti-entropy.

Runs beside comparisons, once both sides are authorised. Whatever it misses, the next comparison
finds: nothing here has to arrive for two frontiers to become one. Spec: `protocol/live.md`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import frontier, message
from p2pblog.protocol.comparison import Comparison
from p2pblog.protocol.effects import Asked, Effect, Equal, Filled, Reached, Send, Told, View
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.gossip import NEVER, Claims, Link, Pull
from p2pblog.protocol.limits import (
    ANTI_ENTROPY_INTERVAL,
    FILLED_DELAY,
    MAX_HOPS,
    MAX_PENDING_PULLS,
    MAX_ROWS,
)
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Digest, Message, Scope
from p2pblog.protocol.wants import Wants

# there is no room for more of its log here, whoever brings it
FULL = frozenset({Reason.TOO_MANY_INCARNATIONS, Reason.PAUSED})


class LivePart:
    """One side of it. Effects go to `out`; `open` says whether both sides are authorised.

    `wants` asks the peer for payloads that are missing here.
    """

    def __init__(
        self,
        view: View,
        claims: Claims,
        link: Link,
        comparison: Comparison,
        out: list[Effect],
        *,
        owner: Hashable,
        key: bytes,
        initiator: bool,
    ) -> None:
        self.open = False
        self.wants = Wants(view, out)
        self._view = view
        self._claims = claims
        self._sources = claims.sources
        self._link = link
        self._comparison = comparison
        self._out = out
        self._owner = owner
        self._key = key
        self._initiator = initiator
        self._asked: set[LogId] = set()  # because a page lay over a gap
        self._again = False  # compare again as soon as this comparison is over
        self._next_digest = NEVER
        self._lacks = True  # whether payloads may be missing at the peer, by what it said last

    def begin(self, now: float) -> None:
        """Both sides are authorised."""
        self.open = True
        if self._initiator:
            self._next_digest = now + ANTI_ENTROPY_INTERVAL

    # -- what the peer says ------------------------------------------------------------------

    def receive(self, data: Message, now: float) -> None:
        """A message of the live part. Raises `Refused` UNEXPECTED for any other."""
        match data:
            case message.Announce():
                self._on_announce(data, now)
            case message.Want():
                self._lacks = True
                self._out.append(Asked(data.entries))
            case message.Payloads():
                if self.wants.is_asking:
                    self._out.append(Filled(data.items))
            case Digest():
                self._on_digest(data)
            case message.Peers():
                self._out.append(Told(data.items))
            case message.Push():
                self._link.ask(data.logs, eager=data.eager)
            case _:
                raise Refused(Reason.UNEXPECTED, f"{type(data).__name__} while live")

    def _on_announce(self, data: message.Announce, now: float) -> None:
        told = data.hops.ljust(len(data.rows), bytes([MAX_HOPS]))
        for row, hops in zip(data.rows, told, strict=False):
            self._comparison.note(row)
            if self._comparison.holds_all(row):
                self._improve(row.log, hops)
            else:
                self._link.announced(row, now, hops, at_once=self._has_no_other(row.log))
        self._pull_due(now)

    def _on_digest(self, data: Digest) -> None:
        mine = self._digest()
        if data.team == mine.team:
            self._out.append(Equal(Scope.TEAM, dict(self._view.tips(Scope.TEAM))))
        if data.posts == mine.posts:
            self._out.append(Equal(Scope.POSTS, dict(self._view.tips(Scope.POSTS))))
        if not self._initiator:
            self._answer(data, mine)
        self._lacks = data.missing is not None
        if data.posts == mine.posts and data.missing != mine.missing is not None:
            self.wants.ask_all()

    def _answer(self, data: Digest, mine: Digest) -> None:
        if data[:2] == mine[:2] or self._comparison.scope is not None:
            self._say(mine)
        else:
            self._comparison.begin(Scope.TEAM if data.team != mine.team else Scope.POSTS)

    # -- what happened here ------------------------------------------------------------------

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
    ) -> None:
        """A log of ours has grown: push, announce, or tell its author that its entry is here."""
        if own:
            self._sources.own(log)
        if from_peer or self._link.has(log, tip.seq):
            self._out.append(Reached(log, tip.seq))
        told = self._scope_of(log) is Scope.TEAM or self._has_parted(log)
        if from_peer:
            self._link.pushed(log, tip.seq)
            if theirs or told:  # others learn it from a digest
                self._link.announce(log, tip.seq, now, at_once=False)
        elif log in self._link.declined:
            return
        elif told or not self._link.has(log, tip.seq):
            if self.open and newest and self._link.pushes(log, tip, own=own):
                self._link.pushed(log, tip.seq)
                self._say(message.PageMessage(newest, True, self._sources.hops(log)))
            else:
                self._link.announce(log, tip.seq, now, at_once=self._is_unproved(log))

    def _has_parted(self, log: LogId) -> bool:
        """Whether it has more than one tip: then a height does not say what a peer has of it."""
        return len(self._view.tips(self._scope_of(log)).get(log, ())) > 1

    def took(
        self, log: LogId, reason: Reason | None, hops: int, now: float, *, live: bool, known: bool
    ) -> None:
        """A page of the peer was stored, or could not be placed for a blameless reason."""
        if reason is Reason.GAP:
            self._ask_once(log, now)
        elif reason is Reason.UNKNOWN_AUTHOR:
            self.look_again(now, Scope.TEAM)
        elif reason in FULL:
            if self._link.refuse(log):
                self._say(message.Decline((log,)))
        elif reason is None:
            self._asked.discard(log)
            self._claims.touch(self._owner, now)
            if self._comparison.scope is None:
                self._claims.release(self._owner)
            if self._link.relays:
                self._settle_source(log, hops, live=live, known=known)

    def gained(self, now: float) -> None:
        """Payloads that were missing came from elsewhere: the peer may lack them too."""
        if self.open and self._lacks:
            self._next_digest = min(self._next_digest, now + FILLED_DELAY)

    def take_again(self, now: float) -> None:
        """What was refused may be taken by now."""
        if self._link.refused:
            self._link.refused.clear()
            self._say(message.Decline(()))
            self.look_again(now, Scope.TEAM)

    # -- sources -----------------------------------------------------------------------------

    def _settle_source(self, log: LogId, hops: int, *, live: bool, known: bool) -> None:
        """Who brought something new first is the source; another that pushes it shall not."""
        source = self._sources.get(log)
        mine = source is not None and source.owner is self._owner
        if live and not known:
            self._sources.choose(log, self._owner, hops, proved=True)
        elif source is not None and mine and not known:
            self._sources.choose(log, self._owner, source.hops - 1, proved=True)
        elif live and source is not None and not mine:
            self._say(message.Push((log,), False))

    def _has_no_other(self, log: LogId) -> bool:
        """Whether nobody else is going to push what this peer announces of a log that we know."""
        source = self._sources.get(log)
        known = self._link.relays and self._view.scope_of(log) is not None
        return known and (source is None or source.owner is self._owner)

    def _is_unproved(self, log: LogId) -> bool:
        """Whether a log has no source yet, so that others may be without one too."""
        source = self._sources.get(log)
        return self._link.relays and (source is None or not source.proved)

    def _improve(self, log: LogId, hops: int) -> None:
        """Try a peer that is nearer to the author: of two that push, the later is told not to."""
        source = self._sources.get(log)
        if source is None or not source.proved or source.owner is self._owner:
            return
        if not self._link.relays or not hops + 1 < source.hops < MAX_HOPS:
            return
        if self._sources.tries(log) and self._link.tries(log):
            self._say(message.Push((log,), True))

    def _ask_once(self, log: LogId, now: float) -> None:
        if log not in self._asked and len(self._asked) < MAX_PENDING_PULLS:
            self._asked.add(log)
            self._comparison.ask(self._scope_of(log), [log], now)

    def look_again(self, now: float, scope: Scope) -> None:
        """Compare again, now or after the comparison under way."""
        if not self.open:
            return
        if self._comparison.scope is not None:
            self._again = True
        elif self._initiator:
            self._say_digest(now)
        else:
            self._comparison.begin(scope)

    def compared(self, now: float) -> None:
        """A comparison of posts is over."""
        self._link.agreed = True
        if self._again:
            self._again = False
            self.look_again(now, Scope.POSTS)

    # -- what falls due ----------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Whatever is due by `now`."""
        if self.open:
            self._announce_due(now)
            self._pull_due(now)
            if now >= self._next_digest:
                self._say_digest(now)

    def next_deadline(self) -> float:
        """When to call `tick`."""
        return min(self._link.next_deadline(), self._next_digest) if self.open else NEVER

    def _announce_due(self, now: float) -> None:
        rows = []
        for log in sorted(self._link.due_announcements(now)):
            tips = self._view.tips(self._scope_of(log)).get(log)
            if tips:
                rows.append(frontier.row(log, tips))
        for part in frontier.parts(rows):
            hops = (self._sources.hops(row.log) for row in part if self._link.relays)
            self._say(message.Announce(part, bytes(hops)))

    def _pull_due(self, now: float) -> None:
        due: dict[LogId, Pull] = {}
        for pull in self._link.due_pulls(now):
            if self._comparison.holds_all(pull.row):
                self._improve(pull.row.log, pull.hops)
            else:
                due[pull.row.log] = pull
        if not due:
            return
        left: set[LogId] = set()
        for scope in Scope:
            logs = [log for log in due if self._scope_of(log) is scope]
            left.update(self._comparison.ask(scope, logs, now))
        for log, pull in due.items():
            if log in left:
                self._link.announced(pull.row, now, pull.hops)
        if self._link.relays:
            self._choose([pull for log, pull in due.items() if log not in left])

    def _choose(self, pulls: Sequence[Pull]) -> None:
        """The peer has what no source of ours brought: it is the source from now on."""
        new = []
        for _, row, hops in pulls:
            source = self._sources.get(row.log)
            if source is None or source.owner is not self._owner:
                new.append(row.log)
            self._sources.choose(row.log, self._owner, hops, proved=False)
        for at in range(0, len(new), MAX_ROWS):
            self._say(message.Push(tuple(new[at : at + MAX_ROWS]), True))

    def _digest(self) -> Digest:
        team, posts = (
            frontier.digest(self._view.tips(scope), self._key)
            for scope in (Scope.TEAM, Scope.POSTS)
        )
        return Digest(team, posts, self._view.missing())

    def _say_digest(self, now: float) -> None:
        self._next_digest = now + ANTI_ENTROPY_INTERVAL if self._initiator else NEVER
        self._say(self._digest())

    def _scope_of(self, log: LogId) -> Scope:
        scope = self._view.scope_of(log)
        return Scope.POSTS if scope is None else scope

    def _say(self, data: Message) -> None:
        self._out.append(Send(message.pack(data)))
