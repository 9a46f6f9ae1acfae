"""A log as a tree of entries: one branch as a rule, more after a fork.

Where a page attaches is a pure question of the branches held: it extends a tip, is known, opens a
branch, or floats over a gap. Forks are kept, shown and healed, never fatal.
Spec: `protocol/log.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from p2pblog.protocol.entry import EntryId


class Outcome(StrEnum):
    """What became of an entry or a page at ingest."""

    STORED = "stored"
    KNOWN = "known"
    GAP = "gap"
    FORK = "fork"  # stored, as a branch of its own
    REFUSED = "refused"


class Tip(NamedTuple):
    """The newest entry of a branch."""

    seq: int
    id: EntryId


@dataclass(frozen=True, slots=True)
class Branch:
    """A run of entries from `first` on; below it the run of `parent` goes on (None: from 1)."""

    number: int
    parent: int | None
    first: int
    tip: Tip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page goes: its entries from `index` on are new.

    `branch` is the branch to extend; with FORK, the one that the new branch leaves. None where the
    log itself is new.
    """

    outcome: Outcome
    index: int = 0
    branch: Branch | None = None


IdAt = Callable[[Branch, int], EntryId | None]


def place(
    branches: Sequence[Branch],
    first_seq: int,
    backlink: EntryId,
    ids: Sequence[EntryId],
    id_at: IdAt,
) -> Place:
    """Where a run of entries `ids`, the first at `first_seq` after `backlink`, attaches.

    `id_at(branch, seq)` is the id at that height of a branch, its ancestors included, None above
    its tip.
    """
    for branch in branches:
        if branch.tip.seq == first_seq - 1 and branch.tip.id == backlink:
            return Place(Outcome.STORED, 0, branch)
    if not branches:
        return Place(Outcome.STORED if first_seq == 1 else Outcome.GAP)
    best = max(
        ((_shared(branch, first_seq, backlink, ids, id_at), branch) for branch in branches),
        key=lambda pair: pair[0],
    )
    shared, branch = best
    if shared < 0:
        return Place(Outcome.GAP)
    if shared == len(ids):
        return Place(Outcome.KNOWN, shared, branch)
    at_tip = branch.tip.seq == first_seq + shared - 1
    return Place(Outcome.STORED if at_tip else Outcome.FORK, shared, branch)


def _shared(
    branch: Branch, first_seq: int, backlink: EntryId, ids: Sequence[EntryId], id_at: IdAt
) -> int:
    """How many of `ids` the branch holds; -1 where it does not even hold the backlink."""
    if first_seq > 1 and id_at(branch, first_seq - 1) != backlink:
        return -1
    low, high = 0, min(len(ids), branch.tip.seq - first_seq + 1)
    while low < high:  # ids are chained: equal at one height means equal at all below
        middle = (low + high + 1) // 2
        if id_at(branch, first_seq + middle - 1) == ids[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return max(low, 0)


def meeting(one: Tip, other: Tip, id_at: Callable[[Tip, int], EntryId | None]) -> Tip | None:
    """The highest entry that the ways to two tips share; None where they share nothing.

    `id_at(tip, seq)` is the id at that height of the way to a tip.
    """
    lower, higher = sorted((one, other))
    if lower == higher or id_at(higher, lower.seq) == lower.id:
        return lower  # as a rule: one way leads on from the other's end
    low, high = 0, lower.seq - 1
    while low < high:
        middle = (low + high + 1) // 2
        if id_at(one, middle) == id_at(other, middle):
            low = middle
        else:
            high = middle - 1
    found = id_at(one, low) if low else None
    return None if found is None else Tip(low, found)


def locator_heights(tip: int) -> list[int]:
    """The heights a locator names: the tip, then steps of 1, 2, 4 ... down, and 1."""
    heights, step = [tip], 1
    while heights[-1] - step > 1:
        heights.append(heights[-1] - step)
        step *= 2
    if heights[-1] != 1 and tip > 0:
        heights.append(1)
    return [height for height in heights if height > 0]
