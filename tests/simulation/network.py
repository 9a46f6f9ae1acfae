"""The network between devices: connections that are slow, break, or fall silent.

A connection carries bytes in order and whole, as TCP and the channel do, until it breaks: then what
was on its way is lost. Across a partition nothing arrives; who has sent something learns after
`LINK_TIMEOUT` that it is not acknowledged, who has sent nothing does not learn it at all. Order
holds within a connection and not between two.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from p2pblog.protocol.limits import LINK_TIMEOUT
from tests.simulation.clock import Clock

HANDSHAKE = 3  # times the latency: the connection, and two messages of the three


class Socket(Protocol):
    """What an end of a connection does with what the network brings."""

    def arrived(self, data: bytes) -> None:
        """A message."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...


@dataclass(slots=True)
class Link:
    """How it is between two devices: seconds each way, and bytes a second."""

    latency: float = 0.02
    rate: float = 10e6


@dataclass(eq=False, slots=True)
class Wire:
    """One direction of a connection."""

    network: Network
    link: Link
    sender: int
    receiver: int
    source: Socket | None = None
    target: Socket | None = None
    free_at: float = 0.0  # when what was sent will have left
    last: float = 0.0  # when the newest message arrives
    given_up: bool = False  # what is on its way is lost
    _queue: deque[bytes] = field(default_factory=deque)
    _stalled: int = 0  # messages that have come as far as a partition
    _stalls: int = 0

    def send(self, data: bytes) -> None:
        clock, rng = self.network.clock, self.network.rng
        self.free_at = max(self.free_at, clock.now) + len(data) / self.link.rate
        delay = self.link.latency * rng.uniform(1.0, 1.0 + self.network.jitter)
        self.last = max(self.last, self.free_at + delay)
        self._queue.append(data)
        clock.at(self.last, self._arrive)

    def _arrive(self) -> None:
        if self.network.parted(self.sender, self.receiver):
            self._stall()
        elif self.target is None:
            self.lose()  # nobody is there any more: that is told
        elif not self.given_up:
            self.target.arrived(self._queue.popleft())

    def _stall(self) -> None:
        if not self._stalled:
            self._stalls += 1
            stall = self._stalls
            self.network.clock.after(LINK_TIMEOUT, lambda: self._give_up(stall))
        self._stalled += 1

    def _give_up(self, stall: int) -> None:
        if self._stalled and self._stalls == stall:
            self.lose()

    def lose(self) -> None:
        """What is on its way is lost, and the sender learns it."""
        self._queue.clear()
        self._stalled, self.given_up = 0, True
        if self.source is not None:
            self.source.lost()

    def resume(self) -> None:
        """The partition has ended: what it held up arrives."""
        count, self._stalled = self._stalled, 0
        for _ in range(count):
            self.network.clock.after(self.link.latency, self._arrive)


class Network:
    """All connections. `rng` decides on every delay."""

    def __init__(self, clock: Clock, rng: random.Random, *, jitter: float = 0.25) -> None:
        self.clock = clock
        self.rng = rng
        self.jitter = jitter
        self.slow: dict[int, Link] = {}  # devices that are behind a bad link
        self._sides: dict[int, int] = {}
        self._links: dict[tuple[int, int], Link] = {}
        self._wires: dict[Wire, None] = {}

    def link(self, one: int, other: int) -> Link:
        """What lies between two devices: always the same."""
        pair = min(one, other), max(one, other)
        found = self._links.get(pair)
        if found is None:
            found = self._links[pair] = Link(0.02 * self.rng.uniform(0.75, 1.25))
        slow = self.slow.get(one) or self.slow.get(other)
        return slow or found

    def parted(self, one: int, other: int) -> bool:
        return self._sides.get(one, 0) != self._sides.get(other, 0)

    def part(self, sides: Iterable[Iterable[int]]) -> None:
        """From now on only those of one side reach each other."""
        self._sides = {device: side for side, group in enumerate(sides) for device in group}

    def heal(self) -> None:
        """Everybody reaches everybody."""
        self._sides = {}
        for wire in list(self._wires):
            wire.resume()

    def dial(self, dialler: int, listener: int, answered: Callable[[bool], None]) -> None:
        """Try to reach a device: `answered` says whether the handshake was completed."""
        wait = HANDSHAKE * self.link(dialler, listener).latency * self.rng.uniform(1.0, 1.2)
        self.clock.after(wait, lambda: answered(not self.parted(dialler, listener)))

    def wires(self, dialler: int, listener: int) -> tuple[Wire, Wire]:
        """Both directions of a new connection: the dialler's first."""
        link = self.link(dialler, listener)
        there, back = Wire(self, link, dialler, listener), Wire(self, link, listener, dialler)
        for wire in (there, back):
            self._wires[wire] = None
        return there, back

    def close(self, wire: Wire) -> None:
        """The sender of `wire` has ended it: what it sent before still arrives, then the end."""
        wire.source = None
        self._wires.pop(wire, None)
        if wire.target is not None and not self.parted(wire.sender, wire.receiver):
            self.clock.at(wire.last, lambda: wire.target.lost() if wire.target else None)

    def cut(self, wire: Wire) -> None:
        """The sender of `wire` is gone: what it sent is lost, and the end of it is not told."""
        wire.source = None
        wire.given_up = True
        self._wires.pop(wire, None)
