"""The live sessions of a node, one a start of a device, and which of two connections stays.

A device has one key and as a rule one daemon. After a home was copied there are two machines with
one key: they are told apart by the instance that each says in its hello, and both are served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import trio

from p2pblog.node.driver import Driver
from p2pblog.node.peering import Peer
from p2pblog.protocol import overlay
from p2pblog.protocol.crypto import DeviceKey

MAX_STARTS = 8  # sessions of one device: two copies of a home, each dialled from both sides, twice
MAX_STRANGERS = 16  # sessions of all devices that are not known: 4 MiB of team logs each


class Sessions:
    """All sessions. `me` is our own key, `is_known` says whether a device is of the team or was."""

    def __init__(self, me: DeviceKey, is_known: Callable[[DeviceKey], bool]) -> None:
        self._me = me
        self._is_known = is_known
        self._all: list[Driver] = []
        self._less = trio.Event()

    def __iter__(self) -> Iterator[Driver]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def get(self, device: DeviceKey) -> Driver | None:
        """A session with a device, if there is one."""
        return next((driver for driver in self._all if driver.remote == device), None)

    def enter(self, driver: Driver) -> None:
        """It begins; which start of the device it is with is not known yet.

        Where there are too many alike, the oldest goes: nobody keeps all the room.
        """
        if self._is_known(driver.remote):
            alike = [other for other in self._all if other.remote == driver.remote]
            most = MAX_STARTS
        else:
            alike = [other for other in self._all if not self._is_known(other.remote)]
            most = MAX_STRANGERS
        if len(alike) >= most:
            alike[0].drop()
        self._all.append(driver)

    def settle(self, new: Driver, now: float) -> None:
        """Its hello has come: end it, or an older one with the same start of the device.

        Both sides have to keep the same one.
        """
        for old in self:
            if old is not new and old.peer == new.peer:
                newer = overlay.newer_stays(now - old.since, self._rank(old), self._rank(new))
                (old if newer else new).drop()

    def _rank(self, driver: Driver) -> overlay.Rank:
        dialler = self._me if driver.initiator else driver.remote
        return dialler, driver.connection.handshake_hash

    def leave(self, driver: Driver) -> None:
        """It has ended."""
        self._all.remove(driver)
        self._less.set()
        self._less = trio.Event()

    async def wait_gone(self, peer: Peer) -> None:
        """Until no session with this device is left, or with this start of it if that is known."""
        while any(self._is_with(driver, peer) for driver in self._all):
            await self._less.wait()

    def _is_with(self, driver: Driver, peer: Peer) -> bool:
        same_start = not peer.instance or driver.peer.instance in (b"", peer.instance)
        return driver.remote == peer.device and same_start
