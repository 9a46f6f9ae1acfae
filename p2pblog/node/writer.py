"""The one way to write to the store: own posts first, in a thread, one job at a time.

Appends that wait share a commit, and so do small pages that came from several peers. Ingest goes in
parts, and each part lets waiting appends pass, so that a post never waits long. The search index
follows: a little later, so that it is not in the way of what a post sets off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar

import trio

from p2pblog.errors import CantWrite, SearchDamaged
from p2pblog.node.courtesy import Account, Courtesy, timed
from p2pblog.store.replica import Appended, Author, Checked, Draft, Ingested, Replica

T = TypeVar("T")
Pages = Sequence[bytes | Checked]
Told = Callable[[Sequence[Ingested], Pages], None]
INDEX_BATCH = 5000  # rows a transaction of the search index: one segment of it
LITTLE_BATCH = 200  # the same while somebody posts: some 10 ms
MAX_PART = 2 * 1024 * 1024  # bytes a transaction, which a session gathers less of
LITTLE_PART = 32 * 1024  # the same while somebody posts: some 100 posts, and fewer commits than
# one a page, where pages are small
SEQUEL = 0.00006  # seconds that a post costs once it is stored: indexed, read and shown to an API
# client, passed on to a peer
GATHER = 0.02  # seconds at most that little pages gather after a transaction; see `Writer._gather`
REPOSE = 3  # times what it took: the store gets a quarter of the time
RETRY = 10.0  # seconds until writing is tried again, where the disk took nothing
INDEX_PAUSE = 0.5  # seconds in which new posts gather before the index takes them in
REST = 2.0  # seconds without anything to write after which the store is at rest
BY_HAND = 64  # posts of one commit: more are no person's, nor those of many at once
INDEX_AT_ONCE = 2048  # posts: in bulk it does not wait; half of them cost a third more each
ASKED = 500  # posts that a question waits for: some 5 ms


@dataclass(slots=True, eq=False)
class _Waiting:
    drafts: Sequence[Draft]
    made: list[Appended] | None = None
    fault: CantWrite | None = None


@dataclass(slots=True, eq=False)
class _Taking:
    pages: Pages
    told: Told
    account: Account
    done: list[Ingested] = field(default_factory=list)

    @property
    def left(self) -> Pages:
        return self.pages[len(self.done) :]


class Writer:
    """Runs every write of one replica. `clock` gives the wall clock in ms.

    `fault` is why the last write came to nothing; None once one has succeeded. `unsearchable` is
    why there is no search until a repair.
    """

    def __init__(
        self, replica: Replica, author: Author, clock: Callable[[], int], courtesy: Courtesy
    ) -> None:
        self.fault: CantWrite | None = None
        self.unsearchable: SearchDamaged | None = None
        self._replica = replica
        self._author = author
        self._clock = clock
        self._courtesy = courtesy
        self._lock = trio.Lock()
        self._waiting: list[_Waiting] = []
        self._thread_limit = trio.CapacityLimiter(1)
        self._taking: list[_Taking] = []
        self._rested_at = 0.0
        self._unindexed = INDEX_AT_ONCE  # posts, as far as is known: the last run left some
        self._news = trio.Event()

    def sign_as(self, author: Author) -> None:
        """Append to the logs of this author from now on."""
        self._author = author

    async def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        """Append own entries; durable when it returns. Can't be cancelled: it may be done.

        Raises `CantWrite` where the disk takes nothing more.
        """
        mine = _Waiting(drafts)
        self._waiting.append(mine)
        with trio.CancelScope(shield=True):
            async with self._lock:
                if mine.made is None and mine.fault is None:
                    await self._append_waiting()
        if mine.fault is not None:
            raise CantWrite(mine.fault.message, mine.fault.hint) from mine.fault
        assert mine.made is not None
        return mine.made

    async def ingest(
        self, pages: Pages, told: Told, account: Account | None = None
    ) -> list[Ingested]:
        """Ingest pages of others, at the expense of a session; durable when it returns.

        Each part is `told` as soon as it is stored, also where the rest is cancelled.
        """
        mine = _Taking(pages, told, account or self._courtesy.account(None))
        self._taking.append(mine)
        try:
            while mine.left:
                await self._gather(mine)
                async with self._lock:
                    if mine.left:
                        await self._append_waiting()
                        await self._take(mine)
                await mine.account.pay()
        finally:
            self._taking.remove(mine)
        return mine.done

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run any other short write."""
        async with self._lock:
            return await self._run(function, *args)

    async def index(self) -> None:
        """Keep the search index a little behind the log; for ever."""
        account = Account(self._courtesy)
        while True:
            if self._unindexed < INDEX_AT_ONCE:
                await trio.sleep(INDEX_PAUSE)
            more = True
            while more:
                batch = INDEX_BATCH if self._courtesy.is_calm else LITTLE_BATCH
                try:
                    more, spent = await self._index(batch)
                except SearchDamaged as fault:
                    self.unsearchable = fault
                    return
                except CantWrite:
                    await trio.sleep(RETRY)
                    continue
                account.owe(spent)
                await account.pay()
            with trio.move_on_after(REST) as waiting:
                await self._news.wait()
            if waiting.cancelled_caught:
                await self._rest()
                await self._news.wait()

    async def _rest(self) -> None:
        """Finish what waits; and while nothing can be written, see whether it can be again."""
        with suppress(CantWrite):  # no room to do it in: it is tried after the next write
            await self.call(self._replica.rest)
        while self.fault is not None and not self._news.is_set():
            with trio.move_on_after(RETRY):
                await self._news.wait()
            with suppress(CantWrite):
                await self.call(self._replica.try_writing)

    async def index_news(self) -> None:
        """Let the search index hold what was stored just now, unless that is much."""
        if 0 < self._unindexed < ASKED:
            try:
                await self._index(ASKED)
            except CantWrite:
                self.index_soon(1)  # `index` tries again

    def index_soon(self, count: int) -> None:
        """So many posts were stored."""
        self._unindexed += count
        self._news.set()

    async def _index(self, limit: int) -> tuple[bool, float]:
        self._unindexed, self._news = 0, trio.Event()
        return await self.call(timed, self._replica.index_search, limit)

    async def _gather(self, mine: _Taking) -> None:
        """Let little pages wait after a transaction for some times as long as it took.

        So time is left for all else, and the more there is to do, the more shares a transaction.
        Who posts now and then never waits.
        """
        if self._rested_at > trio.current_time() and _size(mine.left) <= LITTLE_PART:
            await trio.sleep_until(self._rested_at)

    async def _take(self, first: _Taking) -> None:
        """Store a part of `first`, and with it the small pages that others have brought."""
        began = trio.current_time()
        parts = self._share(first)
        pages = [page for _, part in parts for page in part]
        results, spent = await self._run(timed, self._replica.ingest, pages, self._clock())
        self.index_soon(sum(result.stored + result.filled for result in results))
        for job, part in parts:
            mine, results = results[: len(part)], results[len(part) :]
            job.done += mine
            job.account.owe(spent * _size(part) / _size(pages))
            job.account.owe_bulk(SEQUEL * sum(result.stored for result in mine))
            job.told(mine, part)
        now = trio.current_time()
        self._rested_at = now + min(REPOSE * (now - began), GATHER)

    def _share(self, first: _Taking) -> list[tuple[_Taking, Pages]]:
        """What one transaction takes: little, and at least one page, while somebody posts."""
        most = MAX_PART if self._courtesy.is_calm else LITTLE_PART
        sizes = accumulate(map(len, first.left))
        count = max(1, sum(size <= most for size in sizes))
        parts = [(first, first.left[:count])]
        size = _size(parts[0][1])
        for other in self._taking:
            size += _size(other.left)
            if other is not first and size <= LITTLE_PART:
                parts.append((other, other.left))
        return parts

    async def _append_waiting(self) -> None:
        """Append what waits, of whatever task: so whoever runs this must not be cancelled."""
        jobs, self._waiting = self._waiting, []
        if not jobs:
            return
        drafts: list[Draft] = []
        for job in jobs:
            drafts += [_from(draft, len(drafts)) for draft in job.drafts]
        with trio.CancelScope(shield=True):
            try:
                made = await self._run(self._replica.append, self._author, drafts, self._clock())
            except CantWrite as fault:
                for job in jobs:
                    job.fault = fault
                return
        for job in jobs:
            job.made, made = made[: len(job.drafts)], made[len(job.drafts) :]
        if len(drafts) <= BY_HAND:  # an import is bulk itself
            self._courtesy.posting()
        self.index_soon(len(drafts))

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        before = self._replica.changes
        try:
            result = await trio.to_thread.run_sync(function, *args, limiter=self._thread_limit)
        except SearchDamaged:
            raise
        except CantWrite as fault:
            if self.fault is None:
                self._news.set()  # whoever is at rest tries again from now on
            self.fault = fault
            raise
        if self._replica.changes != before:  # a call that had nothing to write tells nothing
            self.fault = None
        return result


def _size(pages: Pages) -> int:
    return sum(map(len, pages))


def _from(draft: Draft, start: int) -> Draft:
    """A draft that, if its content looks at the drafts before it, sees those of its own job."""
    make = draft.content
    if isinstance(make, bytes) or start == 0:
        return draft
    return draft._replace(content=lambda made: make(made[start:]))
