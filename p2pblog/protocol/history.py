"""The one pass over a set of team entries: order, judge, record, and see what counts in the end.

Spec: `protocol/history.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import cutoff
from p2pblog.protocol.ancestry import Ancestry, TeamEntry, arrange, places
from p2pblog.protocol.authority import Ruling, judge
from p2pblog.protocol.crypto import DeviceKey
from p2pblog.protocol.entry import EntryId, TeamId
from p2pblog.protocol.operation import (
    Admit,
    Extend,
    Found,
    Leave,
    RemoveMember,
    RevokeDevice,
    Role,
    SetRole,
    Withdraw,
)
from p2pblog.protocol.seniority import Seniority
from p2pblog.protocol.standing import Facts, View


@dataclass(frozen=True, slots=True)
class History:
    """A set of team entries, judged. `quarantined` is a mask: entries that nobody passes on."""

    ancestry: Ancestry
    facts: Facts
    view: View
    void: Mapping[EntryId, Reason]
    quarantined: int

    def counting(self) -> Iterator[tuple[int, TeamEntry]]:
        """The acts that have effect, in the one order, with their places."""
        for place, entry in enumerate(self.ancestry.entries):
            if entry.operation is not None and entry.id not in self.void:
                yield place, entry

    def heads(self) -> list[EntryId]:
        """The ids of the newest entries that are passed on, ascending."""
        mask = self.ancestry.heads(self.ancestry.everything & ~self.quarantined)
        return sorted(self.ancestry.entries[place].id for place in places(mask))

    def cuts(self, device: DeviceKey) -> list[tuple[int, list[int]]]:
        """The items that cut a device, each with its extensions; all of them stand."""
        facts, view = self.facts, self.view
        member = view.member_of(device)
        of_member = facts.member_cuts.get(member, ()) if member else ()
        cuts = view.counting((*of_member, *facts.device_cuts.get(device, ())))
        return [(cut, list(view.counting(facts.extensions.get(cut, ())))) for cut in cuts]


def evaluate(entries: Iterable[TeamEntry], team: TeamId) -> History:
    """Judge a set of entries of the team."""
    ancestry = arrange(entries)
    seniority = Seniority(ancestry)
    facts = Facts(ancestry, seniority)
    void: dict[EntryId, Reason] = {}
    for place, entry in enumerate(ancestry.entries):
        if _founds(ancestry, place, team):
            _record(facts, place, Ruling(None, (), ()))
        elif entry.operation is not None:
            try:
                ruling = judge(View.of(facts, ancestry.ancestors[place]), team, entry)
            except Refused as refused:
                void[entry.id] = refused.reason
            else:
                _record(facts, place, ruling)
    view = View.of(facts, ancestry.everything)
    for place, entry in enumerate(ancestry.entries):
        if entry.operation is not None and entry.id not in void and not view.counts(place):
            void[entry.id] = _why(view, place)
    history = History(ancestry, facts, view, void, 0)
    return History(ancestry, facts, view, void, _quarantined(history))


def _founds(ancestry: Ancestry, place: int, team: TeamId) -> bool:
    entry = ancestry.entries[place]
    is_first = TeamId(entry.id) == team and not ancestry.ancestors[place]
    return is_first and isinstance(entry.operation, Found)


def _record(facts: Facts, place: int, ruling: Ruling) -> None:
    facts.seniority.add(place, ruling.grounds)
    match facts.ancestry.entries[place].operation:
        case Withdraw() | RemoveMember() | RevokeDevice() | Leave() | Extend():
            facts.seniority.add_item(place, ruling.rank)
        case SetRole(role=Role.MEMBER):
            facts.seniority.add_item(place, ruling.rank)
    facts.add(place, ruling.author and ruling.author.member, ruling.charged)
    if ruling.second is not None:
        facts.second[place] = ruling.second
        facts.seconded[ruling.second.member].append(place)
    cutoff.connect(facts, place)


def _why(view: View, place: int) -> Reason:
    """Why an authorised act has no effect."""
    facts = view.facts
    entry = facts.ancestry.entries[place]
    if not facts.seniority.is_hit(place, view.standing):
        return Reason.NOT_AUTHORISED
    if isinstance(entry.operation, Admit) and entry.operation.invitation is not None:
        invite = facts.ancestry.place[entry.operation.invitation]
        if any(view.counting(facts.withdrawals.get(invite, ()))):
            return Reason.INVITATION_WITHDRAWN
    return Reason.BEYOND_CUTOFF


def _quarantined(history: History) -> int:
    """Entries beyond a cut-off or by strangers, but for those that others build on."""
    ancestry = history.ancestry
    by_device: defaultdict[DeviceKey, list[int]] = defaultdict(list)
    for place, entry in enumerate(ancestry.entries):
        by_device[entry.device].append(place)
    within = needed = 0
    for device, made in by_device.items():
        if history.view.admissions(device):
            cuts = history.cuts(device)
            for place in made:
                if all(_is_within(ancestry, cut, more, place) for cut, more in cuts):
                    within |= 1 << place
    for place in places(within):
        needed |= ancestry.ancestors[place]
    return ancestry.everything & ~within & ~needed


def _is_within(ancestry: Ancestry, cut: int, extensions: list[int], place: int) -> bool:
    return not cutoff.is_beyond(ancestry, cut, place) or any(
        cutoff.is_spared(ancestry, cut, extension, place) for extension in extensions
    )
