"""Virtual time: what happens, in one order, the same in every run of a seed."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from tests.support.logs import START


class Clock:
    """Seconds since the simulation began, and what is due."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, time: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._due, (max(time, self.now), next(self._count), happens))

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        self.at(self.now + seconds, happens)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, happens = heapq.heappop(self._due)
            self.steps += 1
            happens()
        self.now = end

    def run_until(self, holds: Callable[[], bool], limit: float, step: float = 1.0) -> bool:
        """Until `holds`, looked at now and then, or `limit` seconds; whether it does."""
        end = self.now + limit
        while not holds():
            if self.now >= end:
                return False
            self.run(step)
        return True

    def wall(self, skew: float) -> int:
        """What a wall clock shows that is wrong by `skew` seconds, in ms."""
        return START + 10**9 + int((self.now + skew) * 1000)
