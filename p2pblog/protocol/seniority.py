"""Which of the acts that undo others stand, when their authors did not know of each other.

Acts that cut, withdraw, demote or extend are *items*. They are walked, the most senior author
first: one stands unless a standing one by a more senior author hits it, or all that one of its
grounds could be. Every other act counts unless it falls in the same way. Spec:
`protocol/seniority.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from p2pblog.protocol.ancestry import Ancestry, places

Rank: TypeAlias = tuple[int, ...]  # ascending: the smaller, the more senior
Grounds: TypeAlias = tuple[tuple[int, ...], ...]  # what an act rests on: one of each group

RECOVERY: Rank = (0,)


def founder_rank(admission: int) -> Rank:
    """Of an act by the founder, by the place at which the device was admitted."""
    return (1, 0, admission)


def member_rank(member: int, admission: int) -> Rank:
    """Of an act by a member, by the places of its own admission and of its device's."""
    return (2, member, admission)


def rank_before(member: int) -> Rank:
    """Just above all that this member does: of what two admins sign together against it."""
    return (2, member, -1)


@dataclass(slots=True)
class Seniority:
    """Acts, what they rest on, and which item hits which act; filled in the order of `ancestry`.

    Acts are named by their place there, sets of them are masks.
    """

    ancestry: Ancestry
    items: int = 0
    _sparing: int = 0
    _rank: dict[int, Rank] = field(default_factory=dict)
    _grounds: dict[int, Grounds] = field(default_factory=dict)
    _rests: dict[int, int] = field(default_factory=dict)
    _hit: int = 0
    _hits_by: dict[int, int] = field(default_factory=dict)
    _hitters: dict[int, dict[int, int]] = field(default_factory=dict)
    _standing: dict[int, int] = field(default_factory=lambda: {0: 0})
    _rests_of: dict[int, int] = field(default_factory=lambda: {0: 0})
    _fallen: dict[int, dict[int, bool]] = field(default_factory=dict)

    def add(self, act: int, grounds: Grounds) -> None:
        """An authorised act and what it rests on: it falls when a whole group has fallen."""
        rests = 1 << act
        for group in grounds:
            for ground in group:
                rests |= self._rests[ground]
        self._grounds[act] = grounds
        self._rests[act] = rests

    def add_item(self, act: int, rank: Rank) -> None:
        """Make an added act an item."""
        self.items |= 1 << act
        self._rank[act] = rank

    def rests_on(self, act: int, ground: int) -> bool:
        """Whether an act rests on another, at first or second hand, or is that one."""
        return bool(self._rests[act] >> ground & 1)

    def hit(self, item: int, act: int) -> None:
        """While `item` stands, `act` falls."""
        self._hit |= 1 << act
        self._hits_by[item] = self._hits_by.get(item, 0) | 1 << act
        self._hitters.setdefault(act, {}).setdefault(item, 0)

    def spare(self, item: int, act: int, by: int) -> None:
        """While `by` stands, `item` does not make `act` fall."""
        hitters = self._hitters.get(act, {})
        if item in hitters:
            hitters[item] |= 1 << by
            self._sparing |= 1 << by

    def hits_by(self, item: int) -> int:
        """The acts that an item hits."""
        return self._hits_by.get(item, 0)

    def is_hit(self, act: int, standing: int) -> bool:
        """Whether one of the standing items hits `act` itself."""
        hitters = self._hitters.get(act, {})
        return any(
            standing >> item & 1 and not spared & standing for item, spared in hitters.items()
        )

    def counts(self, act: int, standing: int) -> bool:
        """Whether an added act has effect, given the standing items."""
        if self.items >> act & 1:
            return bool(standing >> act & 1)
        return not self.falls(act, standing)

    def falls(self, act: int, standing: int) -> bool:
        """Whether standing items hit the act, or the whole of a group that it rests on."""
        if not self._rests[act] & self._hit:
            return False
        fallen = self._fallen.setdefault(standing, {})
        stack = [act]
        while stack:
            top = stack[-1]
            todo = [
                ground
                for group in self._grounds[top]
                for ground in group
                if ground not in fallen and self._rests[ground] & self._hit
            ]
            if todo and top not in fallen:
                stack.extend(todo)
                continue
            stack.pop()
            fallen[top] = self.is_hit(top, standing) or any(
                group and all(fallen.get(ground, False) for ground in group)
                for group in self._grounds[top]
            )
        return fallen[act]

    def standing(self, known: int) -> int:
        """The items that stand among the acts of `known`, which has all ancestors of its own."""
        wanted = known & self.items
        above: list[int] = []
        below = wanted
        while below not in self._standing:
            newest = below.bit_length() - 1
            others = below ^ 1 << newest
            if self.ancestry.ancestors[newest] & self.items != others:
                self._keep(below, self.walk(below))
                break
            above.append(newest)
            below = others
        for newest in reversed(above):
            others, below = below, below | 1 << newest
            adds = self._only_adds(newest, others)
            self._keep(below, self._standing[others] | 1 << newest if adds else self.walk(below))
        return self._standing[wanted]

    def _only_adds(self, newest: int, others: int) -> bool:
        """Whether an item that knew all `others` stands and changes nothing among them.

        It stood when it was authorised; only what spares could have made that depend on juniors.
        """
        rests = self._rests[newest]
        touched = self._rests_of[others] & self.hits_by(newest) or self._sparing >> newest & 1
        return not touched and not (rests & self._hit and self._sparing & others)

    def _keep(self, items: int, standing: int) -> None:
        self._standing[items] = standing
        newest = items.bit_length() - 1
        others = items ^ 1 << newest
        rests = self._rests_of.get(others)
        if rests is None:
            rests = 0
            for item in places(others):
                rests |= self._rests[item]
        self._rests_of[items] = rests | self._rests[newest]

    def walk(self, items: int) -> int:
        """The items that stand among `items`, the long way: `standing` keeps what it finds."""
        standing = 0
        ordered = sorted(places(items), key=lambda item: (self._rank[item], item))
        for _, group in groupby(ordered, key=self._rank.__getitem__):
            senior = standing
            for item in group:
                if not self.falls(item, senior):
                    standing |= 1 << item
        return standing
