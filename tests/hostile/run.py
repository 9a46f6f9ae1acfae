"""One run: calm first, then each attack while the colleague posts on, and what has to hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import trio

from p2pblog.net.address import Address
from p2pblog.node.identity import Identity
from tests.bench.figures import percentile
from tests.hostile.attack import Attack
from tests.hostile.stage import Load, Stage, staged
from tests.support.rogue import rogue_with

FACTOR = 5  # times the calm p99
FLOOR = 20.0  # ms: a calm p99 below counts as this. Four busy processes share two processors, and
# a turn of the scheduler is a few ms: five times a p99 of 4 ms would measure that, not the victim
VISITOR = "visitor"


@dataclass(frozen=True)
class Row:
    """What an attack did; `calm` is the p99 of all calm stretches of the run so far, ms."""

    attack: type[Attack]
    load: Load
    calm: float
    blows: int

    def faults(self) -> list[str]:
        """What it did beyond its bounds."""
        return [*self.late(), *self.fat(), *self.idle()]

    def late(self) -> list[str]:
        """Whether live posts took too long meanwhile."""
        limit, p99 = FACTOR * max(self.calm, FLOOR), self.load.p99
        return [f"{self.attack.name}: p99 {p99:.0f} ms, at most {limit:.0f}"] * (p99 >= limit)

    def fat(self) -> list[str]:
        """Whether the victim's memory grew too much."""
        grown, most = self.load.grown, self.attack.memory
        return [f"{self.attack.name}: grew by {grown:.0f} MB, at most {most}"] * (grown >= most)

    def idle(self) -> list[str]:
        """Whether there was no attack."""
        return [f"{self.attack.name}: no blow was dealt"] * (not self.blows)


def play(attacks: Sequence[type[Attack]], seconds: float) -> Iterator[Row]:
    """A row for each attack; after each the victim takes another member's session."""
    calm: list[float] = []
    with staged([VISITOR, *(one.name for one in attacks)]) as stage:
        stage.watch(seconds)  # what is done once is done
        for attack in attacks:
            calm += stage.watch(seconds / 2).took
            load, blows = stage.attacked(attack.name, seconds)
            visit(stage)
            yield Row(attack, load, percentile(calm, 99), blows)


def visit(stage: Stage) -> None:
    """Another member connects, and what it wrote is taken."""
    home = stage.rogues[VISITOR]
    keys = Identity.load(home.identity)
    assert keys is not None

    async def main() -> None:
        async with rogue_with(Address("127.0.0.1", stage.victim.port), keys, home.store) as visitor:
            assert await visitor.goodbye(0.1) == ""

    trio.run(main)
    assert stage.victim.connected() >= 1
