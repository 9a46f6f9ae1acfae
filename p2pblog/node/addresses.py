"""Where other devices of the team are: as the user said, as peers tell, as it was the last time.

What is known is given to `Peering`, which dials it. Kept in the store: what the user said, and
where a device was reached.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

import trio

from p2pblog.errors import CantWrite, P2pblogError
from p2pblog.net.address import Address, literal, parse
from p2pblog.node.driver import Driver
from p2pblog.node.founding import FIXED_PEERS
from p2pblog.node.peering import Peering
from p2pblog.node.sessions import Sessions
from p2pblog.node.writer import Writer
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.limits import MAX_ADDRESSES
from p2pblog.store.replica import Replica

log = logging.getLogger(__name__)
REMEMBER_EVERY = 600.0  # seconds: an address that is the same costs no write at each connection
MAX_REMEMBERED = 4  # of a device, the last first


class Addresses:
    """What is known of a team's other devices.

    `port` is where we listen, and others as a rule; `clock` the wall clock in ms.
    """

    def __init__(
        self,
        me: DeviceKey,
        replica: Replica,
        writer: Writer,
        sessions: Sessions,
        peering: Peering,
        port: int,
        clock: Callable[[], int],
    ) -> None:
        self._me = me
        self._replica = replica
        self._writer = writer
        self._sessions = sessions
        self._peering = peering
        self._port = port
        self._clock = clock
        self._remembered: dict[DeviceKey, tuple[str, float]] = {}

    def of(self, driver: Driver) -> Address:
        """Where the device of a session can be dialled, as far as it said."""
        remote = driver.connection.remote_address
        return remote if driver.initiator else Address(remote.host, driver.remote_port)

    # -- from and to peers -------------------------------------------------------------------

    def told(self, items: tuple[tuple[bytes, tuple[str, ...]], ...]) -> None:
        """A peer told where other devices are."""
        for device, addresses in items:
            key = DeviceKey(device)
            if self._is_other(key) and not self._sessions.get(key):
                self._know(key, "told", addresses, _literal)

    def to_tell(self, device: DeviceKey) -> tuple[tuple[bytes, tuple[str, ...]], ...]:
        """What a device is told of the others."""
        told = [
            (bytes(driver.remote), (str(self.of(driver)),))
            for driver in self._sessions
            if driver.remote != device and driver.is_live and driver.remote_port
        ]
        return tuple(told[:MAX_ADDRESSES])

    def _is_other(self, device: DeviceKey) -> bool:
        return device != self._me and self._replica.team.is_active(device)

    def _know(
        self,
        device: DeviceKey,
        source: str,
        addresses: Sequence[str],
        read: Callable[[str, int], Address],
    ) -> None:
        """Dial these addresses of a device, if they make sense."""
        known = []
        for text in addresses:
            try:
                known.append(read(text, self._port))
            except P2pblogError:
                log.debug("skip address device=%s", device[:4].hex())
        if known:
            self._peering.add(f"{source} {device.hex()}", source, known, device)

    # -- from the last time ------------------------------------------------------------------

    def recall(self) -> None:
        """Know where devices were reached before."""
        by_device: dict[DeviceKey, list[str]] = {}
        for device, address in self._replica.addresses():
            by_device.setdefault(device, []).append(address)
        for device, addresses in by_device.items():
            if self._is_other(device):
                self._know(device, "remembered", addresses[:MAX_REMEMBERED], parse)

    async def remember(self, driver: Driver) -> None:
        """Keep the address of a device that we reached; not again and again."""
        address, now = str(self.of(driver)), trio.current_time()
        known, since = self._remembered.get(driver.remote, ("", 0.0))
        if address == known and now < since + REMEMBER_EVERY:
            return
        if driver.initiator or driver.remote_port:
            self._remembered[driver.remote] = address, now
            write = self._replica.remember_address
            with suppress(CantWrite):
                await self._writer.call(write, driver.remote, address, self._clock())

    # -- from the user -----------------------------------------------------------------------

    def fixed(self) -> list[str]:
        """The addresses that the user gave."""
        kept: list[str] = json.loads(self._replica.settings().get(FIXED_PEERS, "[]"))
        return kept

    async def fix(self, address: str) -> None:
        """Keep an address that the user gave."""
        await self._keep({*self.fixed(), address})

    async def unfix(self, address: str) -> None:
        """Forget an address that the user gave."""
        await self._keep(set(self.fixed()) - {address})

    async def _keep(self, addresses: set[str]) -> None:
        text = json.dumps(sorted(addresses))
        await self._writer.call(self._replica.put_setting, FIXED_PEERS, text)


def _literal(text: str, port: int) -> Address:
    """What a peer tells: an address, never a name that we would have to look up."""
    parsed = parse(text, port)
    return literal(parsed.host, parsed.port)
