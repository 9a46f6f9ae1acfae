"""Random team histories: members act knowing more or less of each other, some not by the rules."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from p2pblog.protocol.entry import Entry
from p2pblog.protocol.operation import CutOff, Policy, Role
from tests.support.teams import Actor, Invited, TeamBuilder


class RandomTeam(TeamBuilder):
    """Grows by `step`. Every actor knows some of the entries; honesty is not asked for."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.invited: list[Invited] = []
        self.cutting: list[Entry] = []
        self.found()
        for name in ("Bea", "Cyd"):
            self.join(self.actors[0], name, Role.ADMIN)

    def knows(self) -> list[Entry] | None:
        """What the next act's author has seen: everything, or some entries."""
        if self.rng.random() < 0.5:
            return None
        return self.rng.sample(self.entries, self.rng.randint(1, min(3, len(self.entries))))

    def some(self) -> Actor:
        return self.rng.choice(self.actors)

    def step(self) -> None:
        by, after = self.some(), self.knows()
        steps: Sequence[Callable[[], object]] = (
            lambda: self.invited.append(
                self.invite(by, self.rng.choice(list(Role)), own=self.chance(), after=after)
            ),
            lambda: self._admit(by, after),
            lambda: self._admit(by, after),
            lambda: self._withdraw(by, after),
            lambda: self.cutting.append(self.remove(by, self.some(), self.cuts(), **known)),
            lambda: self.cutting.append(self.revoke(by, self.some(), self.cuts(), **known)),
            lambda: self.set_role(by, self.some(), Role.ADMIN, **known),
            lambda: self.cutting.append(
                self.set_role(by, self.some(), Role.MEMBER, self.cuts(), **known)
            ),
            lambda: self.cutting.append(self.leave(by, self.cuts(), after=after)),
            lambda: self._extend(by, after),
            lambda: self.rename(by, self.some(), self.rng.choice("xyz"), after=after),
            lambda: self.set_policy(by, Policy(self.rng.choice(list(Role))), after=after),
            lambda: self._recover(),
        )
        known: dict[str, Any] = {
            "after": after,
            "recovery": self.rng.random() < 0.1,
            "before": self.rng.choice(by.log) if by.log and self.rng.random() < 0.1 else None,
        }
        self.rng.choice(steps)()

    def chance(self) -> bool:
        return self.rng.random() < 0.3

    def cuts(self) -> list[CutOff]:
        """Cut-offs of some logs, each at any of its entries."""
        made: list[CutOff] = []
        for actor in self.actors:
            if actor.log and self.chance():
                made += self.cut_offs(actor, at=self.rng.choice(actor.log))
        return sorted(made)

    def _admit(self, by: Actor, after: list[Entry] | None) -> None:
        if self.invited:
            who = self.some() if self.rng.random() < 0.2 else f"N{len(self.actors)}"
            self.admit(by, self.rng.choice(self.invited), who, after=after)

    def _withdraw(self, by: Actor, after: list[Entry] | None) -> None:
        if self.invited:
            self.withdraw(by, self.rng.choice(self.invited), after=after)

    def _extend(self, by: Actor, after: list[Entry] | None) -> None:
        if self.cutting:
            self.extend(by, self.rng.choice(self.cutting), self.cuts(), after=after)

    def _recover(self) -> None:
        if self.rng.random() < 0.2:
            self.recover()


def random_team(seed: int, steps: int) -> RandomTeam:
    team = RandomTeam(random.Random(seed))
    for _ in range(steps):
        team.step()
    return team
