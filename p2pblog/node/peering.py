"""Whom to dial: instances seen by mDNS, fixed addresses, remembered ones, and those peers told.

Each way to a device is a task of its own that dials, runs the session, and waits: for the session
of another way to the same device to end, for room, or for its back-off. A change of the network
makes every way try at once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import trio

from p2pblog.errors import PeerError, Reason
from p2pblog.net.address import Address
from p2pblog.net.connection import Connection, dial
from p2pblog.protocol.crypto import DeviceKey, SigningKey

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.5
NEAR_PAUSE: Final = 4.0  # the longest between tries on a LAN: a healed partition is found in 4 s
FAR_PAUSE: Final = 60.0  # the longest for an address that has not answered for long
LONG: Final = 600.0  # seconds without an answer after which an address is far
FAULT_PAUSE: Final = 30.0  # after a peer broke a rule; as much more each time it does again
MAX_FAULT_PAUSE: Final = 600.0  # the longest: it may have been mended
SETTLED: Final = 10.0  # seconds of a session after which the next is dialled at once
MAX_WAYS: Final = 512  # a team of 300, each known by mDNS or by an address


class Peer(NamedTuple):
    """A device, and which start of it: two where its home was copied; empty if not known."""

    device: DeviceKey
    instance: bytes = b""


class Ended(NamedTuple):
    """Why a session ended, whom it was with, and whether by the peer's fault."""

    reason: Reason
    peer: Peer
    fault: bool = False


@dataclass(slots=True, eq=False)
class Way:
    """One way to reach a device."""

    name: str
    source: str  # mdns, fixed, remembered, told
    addresses: tuple[Address, ...]
    peer: Peer | None = None
    state: str = "seen"
    why: str = ""
    answered: float = 0.0
    pause: float = FIRST_PAUSE
    faults: int = 0
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    poke: trio.Event = field(default_factory=trio.Event)

    @property
    def device(self) -> DeviceKey | None:
        """The device that it leads to, if that is known."""
        return self.peer.device if self.peer else None

    def hurry(self) -> None:
        """Try now."""
        self.pause = FIRST_PAUSE
        self.poke.set()


class Peering:
    """Dials. `run_session` runs a connection to its end and says why it ended.

    `wants(peer)` says whether a further link is wanted; `wait_gone(peer)` waits until no
    session with the peer is left, at once where there is none. `doubt(way)` is called when one
    does not answer any more.
    """

    def __init__(
        self,
        key: SigningKey,
        psk: bytes,
        run_session: Callable[[Connection], Awaitable[Ended]],
        wants: Callable[[Peer | None], bool],
        wait_gone: Callable[[Peer], Awaitable[None]],
        chance: random.Random,
    ) -> None:
        self.ways: dict[str, Way] = {}
        self._key = key
        self._psk = psk
        self._run_session = run_session
        self._wants = wants
        self._wait_gone = wait_gone
        self._chance = chance
        self._nursery: trio.Nursery | None = None
        self.doubt: Callable[[Way], None] = lambda way: None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Dial until cancelled."""
        async with trio.open_nursery() as self._nursery:
            for way in list(self.ways.values()):
                self._nursery.start_soon(self._keep, way)
            task_status.started()
            await trio.sleep_forever()

    def add(
        self,
        name: str,
        source: str,
        addresses: Sequence[Address],
        device: DeviceKey | None = None,
    ) -> Way | None:
        """Know a way from now on, or its new addresses; None where there are too many."""
        way = self.ways.get(name)
        if way is not None:
            if way.addresses != tuple(addresses):
                way.addresses = tuple(addresses)
                if source != "told":  # else a peer could make us dial whatever it likes, at once
                    way.hurry()
            return way
        if len(self.ways) >= MAX_WAYS:
            return None
        way = self.ways[name] = Way(
            name, source, tuple(addresses), None if device is None else Peer(device)
        )
        way.answered = trio.current_time()
        if self._nursery is not None:
            self._nursery.start_soon(self._keep, way)
        return way

    def remove(self, name: str) -> None:
        """Forget a way; a session that came of it goes on."""
        way = self.ways.pop(name, None)
        if way is not None and way.state != "connected":
            way.scope.cancel()

    @property
    def coming(self) -> int:
        """How many ways are being dialled."""
        return sum(way.state == "connecting" for way in self.ways.values())

    def hurry(self) -> None:
        """The network has changed: try every way now."""
        for way in self.ways.values():
            way.hurry()

    async def _keep(self, way: Way) -> None:
        with way.scope:
            while self.ways.get(way.name) is way:
                if way.peer is not None:
                    await self._wait_gone(way.peer)
                if self._wants(way.peer):
                    await self._dial(way)
                if self.ways.get(way.name) is way:
                    await self._rest(way)

    async def _rest(self, way: Way) -> None:
        way.poke = trio.Event()
        with trio.move_on_after(way.pause * self._chance.uniform(0.8, 1.2)):
            await way.poke.wait()
        far = trio.current_time() - way.answered > LONG
        way.pause = min(way.pause * 2, FAR_PAUSE if far else NEAR_PAUSE)

    async def _dial(self, way: Way) -> None:
        way.state, way.why = "connecting", ""
        try:
            connection = await dial(way.addresses, self._key, self._psk)
        except PeerError as error:
            way.state = "refused" if error.reason is not Reason.TIMED_OUT else "unreachable"
            way.why = error.detail or str(error.reason)
            if error.reason is Reason.SELF:
                way.peer = Peer(self._key.public)
                self.remove(way.name)
            log.debug("fail way=%s reason=%s", way.name, error)
            self.doubt(way)
            return
        way.answered = trio.current_time()
        way.peer = Peer(connection.remote_device)
        way.state = "connected"
        async with connection:
            reason, way.peer, fault = await self._run_session(connection)
        way.state, way.why = "seen", str(reason)
        if reason is Reason.TIMED_OUT:
            self.doubt(way)
        if reason is Reason.DUPLICATE:
            return
        if fault:
            way.faults += 1
            way.pause = min(FAULT_PAUSE * way.faults, MAX_FAULT_PAUSE)
        elif reason in (Reason.CUT, Reason.NOT_A_MEMBER, Reason.VERSION):
            way.pause = FAULT_PAUSE
        elif trio.current_time() - way.answered > SETTLED:  # else it may do so again and again
            way.faults, way.pause = 0, FIRST_PAUSE
