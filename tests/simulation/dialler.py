"""Whom a device dials, and when: `p2pblog/node/peering.py` and what it is asked there.

Whom it sees is told by datagrams: of each look some are lost, so some are seen later.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from p2pblog.node.peering import FAULT_PAUSE, FIRST_PAUSE, NEAR_PAUSE
from p2pblog.protocol.limits import ROTATION_INTERVAL
from p2pblog.protocol.overlay import Overlay
from tests.simulation.end import End

if TYPE_CHECKING:
    from tests.simulation.device import Device

LOOK = 1.0  # seconds between looks
SEEN = 64  # ways that come into question at one look


class Dialler:
    """The ways of one device to `others`. `loss`: of what is seen at a look, what is missed."""

    def __init__(
        self, device: Device, others: list[Device], rng: random.Random, *, loss: float = 0.0
    ) -> None:
        self._device = device
        self._others = others
        self._rng = rng
        self._loss = loss
        self._pauses: dict[Device, tuple[float, float]] = {}  # until when, and for how long
        self._coming: set[Device] = set()
        self._start = 0

    def start(self) -> None:
        """The device is on: from now on look at who is there."""
        self._start += 1
        self._pauses.clear()
        self._coming.clear()
        clock = self._device.clock
        self._overlay = Overlay(clock.now + ROTATION_INTERVAL * self._rng.random())
        start = self._start
        clock.after(self._rng.uniform(0.0, LOOK), lambda: self._look(start))

    def _is(self, start: int) -> bool:
        return self._device.is_on and start == self._start

    def _look(self, start: int) -> None:
        if not self._is(start):
            return
        clock = self._device.clock
        clock.after(LOOK * self._rng.uniform(0.8, 1.2), lambda: self._look(start))
        linked = self._linked()
        for other in self._rng.sample(self._others, min(SEEN, len(self._others))):
            if not self._wants(len(linked)):
                return
            busy = other is self._device or other in linked or other in self._coming
            rests = self._pauses.get(other, (0.0, 0.0))[0] > clock.now
            if not busy and not rests and not self._misses():
                self._dial(other, start)

    def _wants(self, linked: int) -> bool:
        device = self._device
        devices = len(device.replica.team.devices)
        return self._overlay.wants(devices, linked, len(self._coming), device.clock.now)

    def _misses(self) -> bool:
        return self._loss > 0 and self._rng.random() < self._loss

    def _linked(self) -> set[Device]:
        return {end.remote for end in self._device.ends}

    def _dial(self, other: Device, start: int) -> None:
        self._coming.add(other)
        here = self._device

        def answered(reached: bool) -> None:
            if not self._is(start):
                return
            self._coming.discard(other)
            if not reached or not other.is_on:
                self._rest(other)
            elif other not in self._linked():
                connect(here, other, self._rng.randbytes(64))

        here.network.dial(here.number, other.number, answered)

    def _rest(self, other: Device, pause: float = 0.0) -> None:
        _, last = self._pauses.get(other, (0.0, FIRST_PAUSE / 2))
        pause = pause or min(last * 2, NEAR_PAUSE)
        self._pauses[other] = self._device.clock.now + pause * self._rng.uniform(0.8, 1.2), pause

    def is_live(self, end: End) -> None:
        """Give back links that are too many."""
        device = self._device
        devices = len(device.replica.team.devices)
        self._pauses.pop(end.remote, None)
        surplus = self._overlay.surplus(devices, len(self._linked()), device.clock.now)
        others = [other for other in device.ends if other is not end]
        for one in self._rng.sample(others, min(surplus, len(others))):
            one.close()

    def has_left(self, end: End) -> None:
        """A session has ended: not at once again."""
        fault = end.end is not None and end.end.fault
        self._rest(end.remote, FAULT_PAUSE if fault else 0.0)


def connect(dialler: Device, listener: Device, key: bytes) -> tuple[End, End]:
    """A connection between two devices: the dialler's end first."""
    there, back = dialler.network.wires(dialler.number, listener.number)
    one = dialler.end(listener, there, back, key, initiator=True)
    two = listener.end(dialler, back, there, key, initiator=False)
    for end in (two, one):
        end.device.ends[end] = None
        end.start()
    return one, two
