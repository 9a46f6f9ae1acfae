"""The one way to write to the store: own posts first, in a thread, one job at a time.

Appends that wait share a commit. Ingest goes in parts, and each part lets waiting appends pass, so
that a post never waits long. When nothing else is to be done, the search index catches up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import trio

from p2pblog.store.replica import Appended, Author, Draft, Ingested, Replica

T = TypeVar("T")
Told = Callable[[Sequence[Ingested], Sequence[bytes]], None]
INDEX_BATCH = 5000  # rows a transaction of the search index: the best of those measured
INGEST_PAGES = 8  # pages a transaction: 4,096 entries, where commits cost least
CALM = 1.0  # seconds without an own post after which ingest takes whole batches again


@dataclass(slots=True, eq=False)
class _Waiting:
    drafts: Sequence[Draft]
    made: list[Appended] | None = None


class Writer:
    """Runs every write of one replica. `clock` gives the wall clock in ms."""

    def __init__(self, replica: Replica, author: Author, clock: Callable[[], int]) -> None:
        self._replica = replica
        self._author = author
        self._clock = clock
        self._lock = trio.Lock()
        self._waiting: list[_Waiting] = []
        self._thread_limit = trio.CapacityLimiter(1)
        self._unindexed = trio.Event()
        self._calm_at = 0.0

    def sign_as(self, author: Author) -> None:
        """Append to the logs of this author from now on."""
        self._author = author

    async def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        """Append own entries; durable when it returns. Can't be cancelled: it may be done."""
        mine = _Waiting(drafts)
        self._waiting.append(mine)
        with trio.CancelScope(shield=True):
            async with self._lock:
                if mine.made is None:
                    await self._append_waiting()
        assert mine.made is not None
        return mine.made

    async def ingest(self, pages: Sequence[bytes], told: Told) -> list[Ingested]:
        """Ingest pages of others; durable when it returns.

        Each part is `told` as soon as it is stored, also where the rest is cancelled.
        """
        done: list[Ingested] = []
        while len(done) < len(pages):
            async with self._lock:
                await self._append_waiting()
                size = INGEST_PAGES if trio.current_time() > self._calm_at else 1
                part = pages[len(done) : len(done) + size]
                results = await self._run(self._replica.ingest, part, self._clock())
            done += results
            self._unindexed.set()
            told(results, part)
        return done

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run any other short write."""
        async with self._lock:
            return await self._run(function, *args)

    async def index(self) -> None:
        """Keep the search index behind the log by little; for ever."""
        while True:
            self._unindexed = trio.Event()
            more = True
            while more:
                more = await self.call(self._replica.index_search, INDEX_BATCH)
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
            made = await self._run(self._replica.append, self._author, drafts, self._clock())
        for job in jobs:
            job.made, made = made[: len(job.drafts)], made[len(job.drafts) :]
        self._calm_at = trio.current_time() + CALM
        self._unindexed.set()

    async def _run(self, function: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(function, *args, limiter=self._thread_limit)


def _from(draft: Draft, start: int) -> Draft:
    """A draft that, if its content looks at the drafts before it, sees those of its own job."""
    make = draft.content
    if isinstance(make, bytes):
        return draft
    return replace(draft, content=lambda made: make(made[start:]))
