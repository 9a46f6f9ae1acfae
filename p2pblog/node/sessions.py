"""The live sessions of a node, one a device, and which of two connections stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import trio

from p2pblog.node.driver import Driver
from p2pblog.protocol.crypto import DeviceKey

YOUNG = 10.0  # seconds in which two devices may have dialled each other at the same time


@dataclass(slots=True)
class Sessions:
    """Sessions by device. `me` is our own key."""

    me: DeviceKey
    _by_device: dict[DeviceKey, Driver] = field(default_factory=dict)
    _gone: dict[DeviceKey, trio.Event] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Driver]:
        return iter(list(self._by_device.values()))

    def __len__(self) -> int:
        return len(self._by_device)

    def get(self, device: DeviceKey) -> Driver | None:
        """The session with a device, if there is one."""
        return self._by_device.get(device)

    def admit(self, new: Driver, now: float) -> bool:
        """Whether `new` stays; if so an older session with the same device is ended.

        Both sides have to keep the same one. Of two that are young, that of the smaller dialler
        stays, then that of the smaller handshake hash. Otherwise the new one: whoever dials again
        has lost the old one, or has found a better way.
        """
        old = self._by_device.get(new.remote)
        if old is not None and not self._replaces(new, old, now):
            return False
        if old is not None:
            old.drop()
        self._by_device[new.remote] = new
        self._gone.setdefault(new.remote, trio.Event())
        return True

    def _replaces(self, new: Driver, old: Driver, now: float) -> bool:
        return now - old.since > YOUNG or self._rank(new) < self._rank(old)

    def _rank(self, driver: Driver) -> tuple[bytes, bytes]:
        dialler = self.me if driver.initiator else driver.remote
        return dialler, driver.connection.handshake_hash

    def remove(self, driver: Driver) -> None:
        """It has ended."""
        if self._by_device.get(driver.remote) is driver:
            del self._by_device[driver.remote]
            self._gone.pop(driver.remote, trio.Event()).set()

    async def wait_gone(self, device: DeviceKey) -> None:
        """Until no session with the device is left."""
        while device in self._by_device:
            await self._gone[device].wait()
