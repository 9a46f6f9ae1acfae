"""Which links a device keeps: to everybody in a small team, to a few at random in a larger one.

A machine without chance of its own: who drives it dials in a random order. From time to time a
device of a larger team takes one link more and gives back what is too many, at random: so two
halves of a team that had lost each other, and have links enough each, find together again.
Spec: `protocol/overlay.md`.
"""

from __future__ import annotations

from p2pblog.protocol.limits import MESH_SIZE, RANDOM_LINKS, ROTATION_INTERVAL, YOUNG_LINK

Rank = tuple[bytes, bytes]  # the dialler's key, the handshake's hash


def relays(devices: int) -> bool:
    """Whether links pass on what others wrote: in a team that is too large for a mesh."""
    return devices > MESH_SIZE


def newer_stays(age: float, old: Rank, new: Rank) -> bool:
    """Which of two connections with one start of a device stays; both sides say the same.

    `age` is that of the older. Of two that are young, that of the smaller dialler, then of the
    smaller hash: both may have dialled at once. Otherwise the new one: who dials again has lost
    the old one, or found a better way.
    """
    return age > YOUNG_LINK or new < old


class Overlay:
    """The links of one device. `first` is when its first rotation is due."""

    def __init__(self, first: float) -> None:
        self._rotate_at = first

    def hurry(self) -> None:
        """The network has changed: a rotation is due."""
        self._rotate_at = 0.0

    def wants(self, devices: int, linked: int, coming: int, now: float) -> bool:
        """Whether to dial one more, with links to so many devices and so many being dialled."""
        if not relays(devices) or linked + coming < RANDOM_LINKS:
            return True
        return not coming and now >= self._rotate_at

    def surplus(self, devices: int, linked: int, now: float) -> int:
        """How many links to give back, now that one has become live: any but that one."""
        if not relays(devices) or now < self._rotate_at or linked <= RANDOM_LINKS:
            return 0
        self._rotate_at = now + ROTATION_INTERVAL
        return linked - RANDOM_LINKS
