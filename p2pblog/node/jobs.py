"""Work that takes its time (a bundle, a backup): one at a time, with progress, and gone at a stop.

It runs in a thread, says how far it is, and asks now and then whether it should go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import trio

from p2pblog.errors import Conflict, P2pblogError
from p2pblog.node.carriage import JobView

T = TypeVar("T")


class GivenUp(P2pblogError):
    """The daemon stops: the work was left, and what it had begun is removed."""


@dataclass(slots=True)
class Job:
    """One piece of work. Written by its thread, read by whoever asks."""

    what: str
    path: str
    done: int = 0
    total: int = 0
    stopping: bool = False

    def look(self, done: int, total: int) -> bool:
        """Note how far it is; whether to go on."""
        self.done, self.total = done, total
        return not self.stopping

    def step(self, done: int) -> None:
        """Note how far it is. Raises `GivenUp` where it should not go on."""
        self.done = done
        if self.stopping:
            raise GivenUp(self.what)

    def view(self) -> JobView:
        """As the surfaces see it."""
        return JobView(self.what, self.path, self.done, self.total)


class Jobs:
    """The work of a node. `current` is what is being done."""

    def __init__(self) -> None:
        self.current: Job | None = None

    def check_free(self) -> None:
        """Raise `Conflict` while something is being done."""
        if self.current is not None:
            busy = f"{self.current.what} ({self.current.path})"
            raise Conflict(f"Something else is under way: {busy}.", "Wait: p2pblog status")

    @contextmanager
    def begin(self, what: str, path: str) -> Iterator[Job]:
        """Raises `Conflict` while something else is being done."""
        self.check_free()
        self.current = Job(what, path)
        try:
            yield self.current
        finally:
            self.current = None

    def view(self) -> JobView | None:
        """What is being done, as the surfaces see it."""
        return self.current.view() if self.current else None


async def work(job: Job, function: Callable[[], T]) -> T:
    """Run it in a thread. When cancelled, it is told to stop, and waited for."""
    job.stopping = False
    results: list[T] = []
    faults: list[P2pblogError] = []

    def run() -> None:
        try:
            results.append(function())
        except P2pblogError as error:  # carried over as a value: else it comes out in a group
            faults.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_with, job)
        await trio.to_thread.run_sync(run)
        nursery.cancel_scope.cancel()
    if faults:
        raise faults[0]
    return results[0]


async def _stop_with(job: Job) -> None:
    """Be there until the end; a cancellation from outside tells the thread."""
    try:
        await trio.sleep_forever()
    finally:
        job.stopping = True
