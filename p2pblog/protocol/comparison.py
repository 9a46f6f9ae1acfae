"""Comparing two frontiers, one scope at a time, and the runs that each side then sends.

The responder begins with `Buckets`; the initiator answers with `Rows`; the responder asks by
`Have` and both send what the other lacks; then the initiator says `Done`, then the responder.
Where a log has parted, `Locate` finds where. Spec: `protocol/comparison.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import frontier, message
from p2pblog.protocol.effects import Effect, Equal, Job, Reached, Send, Synced, View
from p2pblog.protocol.entry import LogId
from p2pblog.protocol.frontier import Mark, Row, Tips
from p2pblog.protocol.gossip import Claims, Link
from p2pblog.protocol.limits import BUCKETS, MAX_MARKS, MAX_PULLED_BRANCHES
from p2pblog.protocol.log import Tip
from p2pblog.protocol.message import Done, Have, Message, Rows, Scope


class Comparison:
    """One side of it. `end` is called with the scope when both have said `Done`.

    Effects go to `out`. What the turn does not allow raises `Refused` UNEXPECTED. `scope` is what
    is being compared now, `posts` whether the peer is authorised for posts, `deferred` whether
    something was left for another session to fetch.
    """

    def __init__(
        self,
        view: View,
        claims: Claims,
        link: Link,
        out: list[Effect],
        end: Callable[[Scope], None],
        *,
        owner: Hashable,
        key: bytes,
        initiator: bool,
    ) -> None:
        self.scope: Scope | None = None
        self.posts = False
        self.deferred = False
        self._view = view
        self._claims = claims
        self._link = link
        self._out = out
        self._end = end
        self._owner = owner
        self._key = key
        self._initiator = initiator
        self._jobs: dict[LogId, dict[Tip, Job]] = {}
        self._awaited: type[Message] | None = None
        self._listed: set[LogId] = set()  # of ours, by the peer's rows
        self._tips: Tips = {}  # ours, as they were when we sent or got the summary
        self._differ: set[int] = set()
        self._count = BUCKETS  # of the summary that is compared
        self._questions: set[LogId] = set()  # located, and not answered yet
        self._done_due = False

    # -- the turns ---------------------------------------------------------------------------

    def begin(self, scope: Scope) -> None:
        """The responder's first turn."""
        self._start(scope, Rows)
        self._count = frontier.buckets_for(len(self._tips))
        self._say(message.Buckets(scope, self._summary()))

    def on_buckets(self, data: message.Buckets, now: float) -> None:
        """The initiator's answer: which differ, with all our rows of them."""
        if self.scope is not None or not self._initiator:
            raise Refused(Reason.UNEXPECTED, "buckets out of turn")
        scope = Scope(data.scope)
        self._start(scope, Have)
        self._count = frontier.buckets_of(data.summary)
        differ = frontier.differing(self._summary(), data.summary)
        self._agree(scope, differ)
        pull, rest = self._claim(scope, differ, now)
        self.deferred = bool(rest)
        if rest:
            self._say_rows(scope, rest, pull=False, last=False)
        self._say_rows(scope, pull, pull=True, last=True)

    def on_rows(self, data: Rows, now: float) -> None:
        """The responder's second turn: serve what the peer lacks, ask for what we lack."""
        scope = self._turn(Rows, data.scope)
        self._differ.update(data.buckets)
        ours = self._view.tips(scope)
        self._listed.update(row.log for row in data.rows if row.log in ours)
        if data.pull:
            self._serve_unlisted(scope, frozenset(data.buckets))
        for row in data.rows:
            self._check_scope(row.log, scope)
            self.note(row)
            if data.pull:
                self._answer(row)
        lacking = [row.log for row in data.rows if not self.holds_all(row)]
        self.deferred = bool(self.ask(scope, lacking, now, last=data.last)) or self.deferred
        if data.last:
            self._awaited = Done
            self._agree(scope, self._differ)

    def _summary(self) -> bytes:
        return frontier.summary(self._tips, self._key, self._count)

    def _claim(self, scope: Scope, differ: Sequence[int], now: float) -> tuple[list[int], ...]:
        """The buckets that we are to fetch, and the rest: claims are by a log id's first byte."""
        first = {bucket: bucket * BUCKETS // self._count for bucket in differ}
        won = set(self._claims.claim(self._owner, scope, bytes(sorted({*first.values()})), now))
        pull = [bucket for bucket in differ if first[bucket] in won]
        return pull, [bucket for bucket in differ if first[bucket] not in won]

    def _agree(self, scope: Scope, differ: Collection[int]) -> None:
        """What lies in the buckets that do not differ is with the peer as it is here."""
        same = {log: tips for log, tips in self._tips.items() if self._bucket(log) not in differ}
        self._out.append(Equal(scope, same))

    def on_have(self, data: Have) -> None:
        """Serve what follows the peer's tips, where we know them; else ask where we parted."""
        if data.last:
            self._turn(Have, self.scope)
            self._awaited = None
        for row in data.rows:
            self._check_scope(row.log)
            self._link.declined.discard(row.log)
            self.note(row)
            if not self._answer(row):
                self._locate(row.log)
        if data.last:
            self._done_due = True
        self._finish()

    def on_locate(self, data: message.Locate) -> None:
        """Tell which of the marks are here, and serve what follows them."""
        log = data.row.log
        scope = self._check_scope(log)
        self.note(data.row)
        self._answer(data.row, data.marks, located=True)
        if data.answer:
            self._questions.discard(log)
            self._finish()
        else:
            held = [mark for mark in (*data.row.tips, *data.marks) if self._view.holds(log, mark)]
            tips = self._view.tips(scope).get(log, ()) if scope is not None else ()
            highest = tuple(sorted(set(held), reverse=True)[:MAX_MARKS])
            self._say(message.Locate(frontier.row(log, tips), highest, answer=True))

    def on_decline(self, data: message.Decline) -> None:
        """The peer takes nothing more of some logs: what was to be sent of them is left."""
        self._link.decline(data.logs)
        for log in data.logs:
            self._jobs.pop(log, None)
        self._finish()

    def on_done(self, data: Done) -> None:
        """All that the peer had for us has come."""
        scope = self._turn(Done, data.scope)
        self._awaited = None
        freed = self._claims.release(self._owner, scope)
        self._out.append(Synced(scope, freed))
        if self._initiator:
            self._over(scope)
        else:
            self._done_due = True
            self._finish()

    def _start(self, scope: Scope, awaited: type[Message]) -> None:
        self.scope = scope
        self.deferred = False
        self._differ.clear()
        self._tips = dict(self._view.tips(scope))
        self._awaited = awaited
        self._listed.clear()

    def _turn(self, kind: type[Message], scope: int | None) -> Scope:
        if self._awaited is not kind or self.scope is None or scope != self.scope:
            raise Refused(Reason.UNEXPECTED, f"{kind.__name__} out of turn")
        return self.scope

    def _finish(self) -> None:
        if not self._done_due or self._jobs or self._questions or self.scope is None:
            return
        self._done_due = False
        self._say(Done(self.scope))
        if self._initiator:
            self._awaited = Done
        else:
            self._over(self.scope)

    def _over(self, scope: Scope) -> None:
        self.scope = None
        self._end(scope)

    # -- asking ------------------------------------------------------------------------------

    def ask(
        self, scope: Scope, logs: Sequence[LogId], now: float, *, last: bool = False
    ) -> list[LogId]:
        """Ask for what follows our tips; those left are another session's to fetch."""
        logs = [log for log in logs if log not in self._link.refused]
        won = self._claims.claim(self._owner, scope, bytes({log[0] for log in logs}), now)
        mine = self._view.tips(scope)
        rows = [frontier.row(log, mine.get(log, ())) for log in logs if log[0] in won]
        for part in frontier.parts(rows):
            self._say(Have(part, last=False))
        if last:
            self._say(Have((), last=True))
        return [log for log in logs if log[0] not in won]

    def _locate(self, log: LogId) -> None:
        scope = self._view.scope_of(log)
        if scope is None or log in self._questions:
            return
        self._questions.add(log)
        row = frontier.row(log, self._view.tips(scope).get(log, ()))
        self._say(message.Locate(row, tuple(self._view.locator(log)), answer=False))

    def _say_rows(self, scope: Scope, buckets: Sequence[int], *, pull: bool, last: bool) -> None:
        """In parts: each names the buckets that it completes."""
        rows = frontier.rows_in(self._view.tips(scope), buckets, self._count)
        parts = list(frontier.parts(rows, self._count)) or [()]
        for number, part in enumerate(parts, 1):
            ended = number == len(parts)
            below = self._count if ended else self._bucket(parts[number][0].log)
            full = tuple(bucket for bucket in buckets if bucket < below)
            buckets = buckets[len(full) :]
            self._say(Rows(scope, full, part, pull, last and ended))

    def note(self, row: Row) -> None:
        """What the peer says it has."""
        self._link.note(row)
        for mark in row.tips:
            if self._view.holds(row.log, mark):
                self._out.append(Reached(row.log, mark.seq))

    def holds_all(self, row: Row) -> bool:
        """Whether every entry that a row names is here."""
        return all(self._view.holds(row.log, mark) for mark in row.tips)

    def _check_scope(self, log: LogId, due: Scope | None = None) -> Scope | None:
        scope = self._view.scope_of(log)
        if scope is Scope.POSTS and not self.posts:
            raise Refused(Reason.UNEXPECTED, "posts before the team")
        if due is not None and scope not in (None, due):
            raise Refused(Reason.WRONG_LOG, "a log of another scope")
        return scope

    # -- serving -----------------------------------------------------------------------------

    @property
    def jobs(self) -> Sequence[Job]:
        """All runs still to be sent, in order."""
        return tuple(job for jobs in self._jobs.values() for job in jobs.values())

    @property
    def next_job(self) -> Job | None:
        """The run to be sent next."""
        for jobs in self._jobs.values():
            for job in jobs.values():
                return job
        return None

    def served(self, job: Job, last: Tip | None) -> None:
        """It was sent up to `last`; None where nothing more can be sent of it."""
        jobs = self._jobs.get(job.log, {})
        if last is not None:
            self._link.pushed(job.log, last.seq)
        if last is None or last.seq >= job.upto.seq:
            jobs.pop(job.upto, None)
        elif job.upto in jobs:
            jobs[job.upto] = job._replace(after=last)
        if not jobs:
            self._jobs.pop(job.log, None)
        self._finish()

    def serve_all(self, scope: Scope) -> None:
        """Every log of a scope from its start."""
        for log in sorted(self._view.tips(scope)):
            self._answer(Row(log, ()))

    def _serve_unlisted(self, scope: Scope, buckets: frozenset[int]) -> None:
        for log in sorted(self._view.tips(scope)):
            if self._bucket(log) in buckets and log not in self._listed:
                self._answer(Row(log, ()))

    def _answer(self, row: Row, marks: Sequence[Mark] = (), *, located: bool = False) -> bool:
        """Serve what a peer at these tips lacks; False where none of them is known here."""
        scope = self._view.scope_of(row.log)
        if scope is None or row.log in self._link.declined:
            return True
        known = [mark for mark in (*row.tips, *marks) if self._view.holds(row.log, mark)]
        if row.tips and not known and not located:
            return False
        coming = [_mark(upto) for upto in self._jobs.get(row.log, ())]
        growing, count = {*row.tips, *coming}, len(row.tips)  # branches there, and how many
        for tip in self._view.tips(scope).get(row.log, ()):
            after = self._view.common(row.log, tip, [*known, *coming])
            if after == tip:
                continue
            if after is not None and _mark(after) in growing:
                growing.remove(_mark(after))
            elif scope is Scope.POSTS and count >= MAX_PULLED_BRANCHES:
                continue
            else:
                count += 1
            growing.add(_mark(tip))
            coming.append(_mark(tip))
            self._jobs.setdefault(row.log, {})[tip] = Job(row.log, after, tip)
        return True

    def _bucket(self, log: LogId) -> int:
        return frontier.bucket(log, self._count)

    def _say(self, data: Message) -> None:
        self._out.append(Send(message.pack(data)))


def _mark(tip: Tip) -> Mark:
    return Mark(tip.seq, frontier.short(tip.id))
