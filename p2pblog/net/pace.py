"""When to ask again: at a steady pace, and thrice in a row after a change. On an asyncio loop."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from p2pblog.protocol.limits import LOOK_MIN

BURST: Final = (LOOK_MIN, 2 * LOOK_MIN)  # pauses between the three: RFC 6762 section 5.2
JITTER: Final = (0.8, 1.2)  # of a pause: devices switched on together must not ask together


class Pace:
    """Pauses between questions, never shorter than `LOOK_MIN`."""

    def __init__(self) -> None:
        self.stopped = False
        self._hurried = asyncio.Event()
        self._burst = iter(BURST)

    def hurry(self) -> None:
        """Let the pause end as soon as may be, and the next ones be short."""
        self._burst = iter(BURST)
        self._hurried.set()

    def stop(self) -> None:
        """Let every pause end at once."""
        self.stopped = True
        self._hurried.set()

    async def pause(self, every: float) -> None:
        """Return when it is time to ask again, in about `every` seconds at the latest."""
        clock = asyncio.get_running_loop().time
        asked = clock()
        await self._wait(next(self._burst, every * random.uniform(*JITTER)))
        while not self.stopped and (rest := asked + LOOK_MIN - clock()) > 0:
            await self._wait(rest)

    async def _wait(self, seconds: float) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), seconds)
        self._hurried.clear()
