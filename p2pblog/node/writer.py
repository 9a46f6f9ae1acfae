"""The one way to write to the store: own posts first, in a thread, one job at a time.

Appends that wait share a commit. Ingest goes in parts, and each part lets waiting appends pass, so
that a post never waits long. When nothing else is to be done, the search index catches up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import trio

from p2pblog.errors import CantWrite
from p2pblog.node.courtesy import Account, Courtesy, timed
from p2pblog.store.replica import Appended, Author, Draft, Ingested, Replica

T = TypeVar("T")
Told = Callable[[Sequence[Ingested], Sequence[bytes]], None]
INDEX_BATCH = 5000  # rows a transaction of the search index: the best of those measured
LITTLE_BATCH = 200  # the same while somebody posts: some 10 ms
MAX_PART = 1280 * 1024  # bytes a transaction: 4,096 short posts, where commits cost least
LITTLE_PART = 32 * 1024  # the same while somebody posts: some 100 posts, and fewer commits than
# one a page, where pages are small
RETRY = 10.0  # seconds until the index is tried again, where the disk took nothing


@dataclass(slots=True, eq=False)
class _Waiting:
    drafts: Sequence[Draft]
    made: list[Appended] | None = None
    fault: CantWrite | None = None


class Writer:
    """Runs every write of one replica. `clock` gives the wall clock in ms.

    `fault` is why the last write came to nothing; None once one has succeeded.
    """

    def __init__(
        self, replica: Replica, author: Author, clock: Callable[[], int], courtesy: Courtesy
    ) -> None:
        self.fault: CantWrite | None = None
        self._replica = replica
        self._author = author
        self._clock = clock
        self._courtesy = courtesy
        self._lock = trio.Lock()
        self._waiting: list[_Waiting] = []
        self._thread_limit = trio.CapacityLimiter(1)
        self._unindexed = trio.Event()

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
        self, pages: Sequence[bytes], told: Told, account: Account | None = None
    ) -> list[Ingested]:
        """Ingest pages of others, at the expense of a session; durable when it returns.

        Each part is `told` as soon as it is stored, also where the rest is cancelled.
        """
        account = account or self._courtesy.account(None)
        done: list[Ingested] = []
        while len(done) < len(pages):
            async with self._lock:
                await self._append_waiting()
                part = self._next_part(pages, len(done))
                work = (self._replica.ingest, part, self._clock())
                results, spent = await self._run(timed, *work)
            done += results
            self._unindexed.set()
            told(results, part)
            account.owe(spent)
            await account.pay()
        return done

    def _next_part(self, pages: Sequence[bytes], start: int) -> Sequence[bytes]:
        """What one transaction takes: little, and at least one page, while somebody posts."""
        end, size = start + 1, len(pages[start])
        most = MAX_PART if self._courtesy.is_calm else LITTLE_PART
        while end < len(pages) and size + len(pages[end]) <= most:
            size += len(pages[end])
            end += 1
        return pages[start:end]

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run any other short write."""
        async with self._lock:
            return await self._run(function, *args)

    async def index(self) -> None:
        """Keep the search index behind the log by little; for ever."""
        account = Account(self._courtesy)
        while True:
            self._unindexed = trio.Event()
            more = True
            while more:
                batch = INDEX_BATCH if self._courtesy.is_calm else LITTLE_BATCH
                try:
                    more, spent = await self.call(timed, self._replica.index_search, batch)
                except CantWrite:
                    await trio.sleep(RETRY)
                    continue
                account.owe(spent)
                await account.pay()
            await self._unindexed.wait()

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
        self._courtesy.posting()
        self._unindexed.set()

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        try:
            result = await trio.to_thread.run_sync(function, *args, limiter=self._thread_limit)
        except CantWrite as fault:
            self.fault = fault
            raise
        self.fault = None
        return result


def _from(draft: Draft, start: int) -> Draft:
    """A draft that, if its content looks at the drafts before it, sees those of its own job."""
    make = draft.content
    if isinstance(make, bytes):
        return draft
    return replace(draft, content=lambda made: make(made[start:]))
