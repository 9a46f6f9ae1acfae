"""Keeps others from filling our log: of what somebody makes us write, so much a minute.

What goes beyond is written at the level of debugging, and that it does is said once.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable

import trio

BURST = 20  # lines a minute of one source: a machine that flaps is still told of
MINUTE = 60.0


class Murmur:
    """A log with a share for each source. Sources are few: members' devices, and the rest as one.

    `log` is where it goes.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told: dict[Hashable, tuple[float, int]] = {}  # since when, how many

    def tell(self, source: Hashable, line: str, *details: object) -> None:
        """Write a line that `source` caused."""
        now = trio.current_time()
        since, count = self._told.get(source, (now, 0))
        if now >= since + MINUTE:
            since, count = now, 0
        self._told[source] = since, count + 1
        self._log.log(logging.INFO if count < BURST else logging.DEBUG, line, *details)
        if count == BURST:
            self._log.warning("hush what follows for a minute: %s", line.partition(" ")[0])
