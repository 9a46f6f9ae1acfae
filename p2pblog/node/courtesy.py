"""Bulk gives way to what people post: what each device costs is counted, and waited for.

Reading what a peer asks, taking in its logs and serving ours may each keep the machine busy for as
long as the peer likes. While somebody posts, here or at a peer, such work gets a quarter of the
time, in small pieces, all devices together; otherwise it may have what there is. What a device
costs below `UNNOTICED` is free: so live posts never wait.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import trio

from p2pblog.protocol.crypto import DeviceKey

T = TypeVar("T")
CALM: Final = 1.0  # seconds without a post after which bulk has the machine for itself
UNNOTICED: Final = 0.25  # of the time
SHORT: Final = 0.004  # seconds of work that are owed before anybody waits
PATIENCE: Final = 3  # times what a piece of work took, before the next: a quarter of the time


class Courtesy:
    """Who is to wait, and for how long. Strangers have one account together.

    `ahead`: bytes of pages that were checked before their turn, for where it is calm.
    """

    def __init__(self) -> None:
        self.ahead = 0
        self._calm_at = -math.inf
        self._accounts: dict[DeviceKey | None, Account] = {}

    @property
    def is_calm(self) -> bool:
        """Whether nobody has posted for a moment."""
        return trio.current_time() > self._calm_at

    def posting(self) -> None:
        """Somebody posts."""
        self._calm_at = trio.current_time() + CALM

    def account(self, device: DeviceKey | None) -> Account:
        """That of a device of the team, or of all strangers."""
        return self._accounts.setdefault(device, Account(self))

    def times(self, now: float) -> int:
        """By how much the work of one device has to be outwaited."""
        waiting = sum(account.free_at > now for account in self._accounts.values())
        return 1 if self.is_calm else PATIENCE * max(1, waiting)


@dataclass(slots=True)
class Account:
    """What a device has cost, in seconds of a processor, and has not yet waited for.

    It has the machine again at `free_at`. Its sessions read the store one after the other.
    """

    courtesy: Courtesy
    free_at: float = 0.0
    reads: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))
    _owed: float = 0.0
    _at: float = 0.0

    def owe(self, spent: float) -> None:
        """It has cost so much more."""
        now = trio.current_time()
        self._owed = max(0.0, self._owed - UNNOTICED * (now - self._at)) + spent
        self._at = now

    def owe_bulk(self, spent: float) -> None:
        """It has cost so much more, beside what others do: that counts while somebody posts."""
        if not self.courtesy.is_calm:
            self.owe(spent)

    async def pay(self, *, always: bool = False) -> None:
        """Wait for what is owed; where it is calm, only if `always`."""
        if self._owed < SHORT or not (always or not self.courtesy.is_calm):
            return  # without a turn of the loop: live posts come message by message
        now = trio.current_time()
        wait, self._owed = self._owed * self.courtesy.times(now), 0.0
        self.free_at = max(self.free_at, now) + wait
        await trio.sleep_until(self.free_at)


def timed(function: Callable[..., T], *args: object) -> tuple[T, float]:
    """What a function returns, and the seconds of a processor that it took."""
    began = time.thread_time()
    result = function(*args)
    return result, time.thread_time() - began
