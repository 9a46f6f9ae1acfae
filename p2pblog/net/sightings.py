"""Which instances of the service were heard of, and which ought to be asked for again. Pure.

mDNS never says that somebody went away without a goodbye: its records live for 75 minutes. So
whoever was not heard for a while, or is doubted, is left out of a question's known answers, which
makes him answer; after some questions without an answer he is lost. An answer goes to everybody on
the LAN, so one device's question spares the others theirs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NewType

from p2pblog.net.address import Address
from p2pblog.protocol.limits import (
    DOUBT_PAUSE,
    HEARD_FOR,
    LOOK_EVERY,
    LOOK_MAX,
    MAX_INSTANCES,
    MAX_UNANSWERED,
)

Instance = NewType("Instance", str)  # random, new at every start of a daemon

NEVER: Final = -math.inf


@dataclass(frozen=True, slots=True)
class Found:
    """An instance of the service, as it describes itself now; the best address first.

    Nothing of it is authenticated: anybody on the LAN can claim anything.
    """

    instance: Instance
    addresses: tuple[Address, ...]
    properties: Mapping[bytes, bytes | None] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """An instance that said goodbye, or no longer answers."""

    instance: Instance


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is told of an instance; `news` grows with every change, and when it is back."""

    found: Found
    news: int


@dataclass(slots=True)
class _State:
    heard: float = NEVER
    unanswered: int = 0
    doubted: bool = False
    trusted_until: float = NEVER  # it has just dispelled a doubt
    sighting: Sighting | None = None


class Sightings:
    """The table of instances, at most `MAX_INSTANCES`."""

    def __init__(self) -> None:
        self._states: dict[Instance, _State] = {}
        self._news = 0

    def __contains__(self, instance: Instance) -> bool:
        return instance in self._states

    def hear(self, instance: Instance, now: float) -> None:
        """An answer named it."""
        state = self._states.get(instance)
        if state is None:
            if len(self._states) >= MAX_INSTANCES:
                del self._states[min(self._states, key=lambda name: self._states[name].heard)]
            state = self._states[instance] = _State()
        state.heard = now
        state.unanswered = 0
        if state.doubted:
            state.trusted_until = now + DOUBT_PAUSE
            if state.sighting:
                state.sighting = Sighting(state.sighting.found, self._next())
        state.doubted = False

    def describe(self, found: Found) -> None:
        """Its records are known. Ignored for an instance that was not heard."""
        state = self._states.get(found.instance)
        if state is not None and (state.sighting is None or state.sighting.found != found):
            state.sighting = Sighting(found, self._next())

    def forget(self, instance: Instance) -> None:
        """It said goodbye."""
        self._states.pop(instance, None)

    def doubt(self, instance: Instance, now: float) -> bool:
        """It could not be reached: it must answer again, and will be news when it does.

        False when it answered just now: it is there, and asking again would not help.
        """
        state = self._states.get(instance)
        if state is None or now < state.trusted_until:
            return False
        state.doubted = True
        state.heard = NEVER
        return True

    def doubt_all(self) -> None:
        """The network changed under us: nobody's answer counts any more."""
        for state in self._states.values():
            state.doubted = True
            state.heard = NEVER

    def ask(self, now: float) -> list[Instance]:
        """The known answers of a question that goes out now: all who need not answer.

        Whoever did not answer `MAX_UNANSWERED` questions before is lost.
        """
        known = []
        for instance, state in list(self._states.items()):
            if state.heard + HEARD_FOR > now:
                known.append(instance)
            elif state.unanswered >= MAX_UNANSWERED:
                del self._states[instance]
            else:
                state.unanswered += 1
        return known

    @property
    def every(self) -> float:
        """Seconds between two questions of ours: all of us together ask about once a second."""
        return min(max(LOOK_EVERY, float(len(self._states))), LOOK_MAX)

    def table(self) -> Mapping[Instance, Sighting]:
        """Who is there."""
        return {
            instance: state.sighting for instance, state in self._states.items() if state.sighting
        }

    def _next(self) -> int:
        self._news += 1
        return self._news
