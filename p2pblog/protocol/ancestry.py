"""What each team entry knew of: the graph of team entries, in the one order of all readers.

An entry's ancestors are the entry before it in its log, what its operation's `after` names, the
tips of team logs that its cut-offs name, and all of theirs. While one is missing the entry is
pending and nothing is said about it. Spec: `protocol/ancestry.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, Incarnation, Kind
from p2pblog.protocol.operation import (
    CutOff,
    Extend,
    Leave,
    Operation,
    RemoveMember,
    RevokeDevice,
    SetRole,
    Unknown,
    Unreadable,
)


class TeamEntry(NamedTuple):
    """What the rules of a team look at. `operation` is None for payloads of another class.

    `proven`: the invitation's and the joiner's signatures in it were found good before.
    """

    id: EntryId
    device: DeviceKey
    incarnation: Incarnation
    seq: int
    backlink: EntryId
    time: int
    operation: Operation | Unknown | Unreadable | None
    proven: bool = False


def cut_offs(entry: TeamEntry) -> tuple[CutOff, ...]:
    """The cut-offs that the entry's operation states."""
    match entry.operation:
        case SetRole() | RemoveMember() | RevokeDevice() | Leave() | Extend() as bounding:
            return bounding.cut_offs
    return ()


def parents(entry: TeamEntry) -> set[EntryId]:
    """The ids that the entry names: what has to be here before it is judged."""
    named = set(entry.operation.after) if entry.operation else set()
    if entry.seq > 1:
        named.add(entry.backlink)
    named.update(cut.tip for cut in cut_offs(entry) if cut.kind == Kind.TEAM)
    return named


@dataclass(frozen=True, slots=True)
class Ancestry:
    """The entries that can be judged, by (depth, id); sets of them are masks of their places.

    `depth` is the longest way down to an entry that names none. `ancestors[i]` leaves i out;
    `chain[i]` is i and what is before it in its own log.
    """

    entries: Sequence[TeamEntry]
    place: Mapping[EntryId, int]
    depth: Sequence[int]
    ancestors: Sequence[int]
    chain: Sequence[int]
    pending: frozenset[EntryId]

    @property
    def everything(self) -> int:
        """The mask of all entries."""
        return (1 << len(self.entries)) - 1

    def heads(self, mask: int) -> int:
        """Of the entries of `mask`, those that none of the others has among its ancestors."""
        known = 0
        for place in places(mask):
            known |= self.ancestors[place]
        return mask & ~known


def places(mask: int) -> Iterator[int]:
    """The places in a mask, ascending."""
    bits = bin(mask)[:1:-1]
    place = bits.find("1")
    while place >= 0:
        yield place
        place = bits.find("1", place + 1)


def arrange(entries: Iterable[TeamEntry]) -> Ancestry:
    """The ancestry of a set of entries, whatever order or number of times they are given in."""
    by_id = {entry.id: entry for entry in entries}
    named = {entry.id: parents(entry) for entry in by_id.values()}
    depth = _depths(by_id, named)
    ordered = sorted(depth, key=lambda one: (depth[one], one))
    place = {one: index for index, one in enumerate(ordered)}
    ancestors: list[int] = []
    chain: list[int] = []
    for index, one in enumerate(ordered):
        mask = 0
        for parent in named[one]:
            mask |= ancestors[place[parent]] | 1 << place[parent]
        ancestors.append(mask)
        entry = by_id[one]
        before = chain[place[entry.backlink]] if entry.seq > 1 else 0
        chain.append(before | 1 << index)
    return Ancestry(
        tuple(by_id[one] for one in ordered),
        place,
        tuple(depth[one] for one in ordered),
        ancestors,
        chain,
        frozenset(by_id.keys() - depth.keys()),
    )


def _depths(
    by_id: Mapping[EntryId, TeamEntry], named: Mapping[EntryId, set[EntryId]]
) -> dict[EntryId, int]:
    """The depth of every entry whose ancestors are all here."""
    children: dict[EntryId, list[EntryId]] = {}
    missing: dict[EntryId, int] = {}
    for one, ids in named.items():
        missing[one] = len(ids)
        for parent in ids:
            children.setdefault(parent, []).append(one)
    depth = {one: 0 for one, count in missing.items() if count == 0}
    ready = list(depth)
    while ready:
        one = ready.pop()
        for child in children.get(one, ()):
            depth[child] = max(depth[one] + 1, depth.get(child, 0))
            missing[child] -= 1
            if missing[child] == 0:
                ready.append(child)
    return {one: level for one, level in depth.items() if missing[one] == 0}
